/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own diagnostics (not the journal). Goes to one descriptor, one line a message, cut
 * at 1 KiB, written with one write(2). Never a file's content, never arguments or environment.
 */
#ifndef WRITFS_LOG_H
#define WRITFS_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* fd is borrowed; -1 turns logging off (the default). */
void log_setup(int fd, enum log_level level);
enum log_level log_level(void);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_level() >= LOG_DEBUG)                                                      \
			log_write(LOG_DEBUG, __VA_ARGS__);                                         \
	} while (0)

#endif
