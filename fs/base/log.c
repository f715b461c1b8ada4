/* SPDX-License-Identifier: MIT */
/*
 * The daemon's diagnostics: formatted on the stack, escaped, written with one write(2), so that
 * lines of several threads and processes never mix. Allocates nothing and keeps errno.
 */
#include <writfs/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <writfs/str.h>

#define LOG_LINE_MAX 1024

static atomic_int log_fd = -1;
static atomic_int log_limit = LOG_WARNING;

void log_setup(int fd, enum log_level level)
{
	atomic_store(&log_limit, (int)level);
	atomic_store(&log_fd, fd);
}

enum log_level log_level(void)
{
	if (atomic_load_explicit(&log_fd, memory_order_relaxed) < 0)
		return LOG_ERROR;
	return (enum log_level)atomic_load_explicit(&log_limit, memory_order_relaxed);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = {
		[LOG_ERROR] = "writ: ",
		[LOG_WARNING] = "writ: warning: ",
		[LOG_INFO] = "writ: info: ",
		[LOG_DEBUG] = "writ: debug: ",
	};
	int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);
	if (fd < 0 || (int)level > atomic_load_explicit(&log_limit, memory_order_relaxed))
		return;
	int saved = errno;
	char raw[LOG_LINE_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	char line[LOG_LINE_MAX];
	size_t len = strlen(prefix[level]);
	memcpy(line, prefix[level], len);
	(void)escape_buf(line + len, sizeof line - len - 1, raw);
	len += strlen(line + len);
	line[len++] = '\n';
	ssize_t n;
	do
		n = write(fd, line, len);
	while (n < 0 && errno == EINTR);
	errno = saved;
}
