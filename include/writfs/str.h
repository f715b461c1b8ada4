/* SPDX-License-Identifier: MIT */
/*
 * A growing byte string. Out of memory is remembered (str_failed) and later appends do nothing, so
 * that a caller checks once at the end. p is always NUL-terminated or NULL (empty).
 */
#ifndef WRITFS_STR_H
#define WRITFS_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <writfs/cleanup.h>

struct str {
	char *p;
	size_t len;
	size_t cap;
	bool failed;
};

#define STR_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}
#define cleanup_str cleanup_with(str_free)

void str_free(struct str *s);
void str_clear(struct str *s); /* len = 0, memory kept */
void str_add(struct str *s, const char *text);
void str_add_mem(struct str *s, const void *p, size_t len);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/*
 * For terminals: bytes < 0x20, 0x7f and bytes that are not part of valid UTF-8 (C1 controls and
 * bidirectional overrides U+202A-202E, U+2066-2069 too) become \xNN; \n and \t are written \n, \t;
 * a backslash stays as it is. Names, arguments and diffs are the program's, not ours.
 */
void str_add_escaped(struct str *s, const char *text, size_t len);

/* The same into a fixed buffer, always terminated, cut at the end. Returns buf. */
char *escape_buf(char *buf, size_t size, const char *text);

bool utf8_valid(const char *text, size_t len);

/* Base64 (RFC 4648) for path_b64. */
void str_add_base64(struct str *s, const void *p, size_t len);
/* The reverse. False, with *s partly filled: not base64. */
bool str_add_unbase64(struct str *s, const char *text);

/* Nanoseconds since 1970 as RFC 3339 in UTC, "2026-11-23T10:50:06.123456789Z"; returns buf. */
#define FORMAT_TIME_SIZE 40
char *format_time(char buf[static FORMAT_TIME_SIZE], int64_t ns);
/* The reverse, for exactly that form. */
bool parse_time(const char *text, int64_t *ret_ns);

/* "1,243"; "4.2 MB" (powers of 1000, as ls --si); both return buf. */
char *format_count(char *buf, size_t size, unsigned long long n);
char *format_bytes(char *buf, size_t size, unsigned long long n);

/* The string of candidates (NULL-terminated array) nearest to word, or NULL: "did you mean". */
const char *nearest_word(const char *word, const char *const *candidates);

#endif
