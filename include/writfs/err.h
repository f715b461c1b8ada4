/* SPDX-License-Identifier: MIT */
/*
 * struct err carries one failure upwards to the person: an errno for the caller's logic and one
 * line that names the thing, the cause and the cure. It lives on the caller's stack, allocates
 * nothing and needs no release. The daemon's request path does not use it (0 or -errno there).
 */
#ifndef WRITFS_ERR_H
#define WRITFS_ERR_H

#define ERR_TEXT_MAX 1024

struct err {
	int errnum;              /* positive errno, 0: no error */
	char text[ERR_TEXT_MAX]; /* one line, no newline, no "writ: " */
};

/* Fills *e (which may be NULL) and returns -errnum. Control bytes from %s arguments are escaped. */
int err_set(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": strerror(errnum)" appended. */
int err_errno(struct err *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before what *e says already; returns -e->errnum. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
