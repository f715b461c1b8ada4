/* SPDX-License-Identifier: MIT */
/*
 * Errors for people. The text is formatted first and escaped as a whole afterwards, so that no
 * argument can move the cursor, whatever the caller passed; escaping is idempotent, and therefore
 * err_wrap may run over text that was escaped before.
 */
#include <writfs/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <writfs/str.h>

/* Room for the text before it is cut: the cut must see whole characters. */
#define ERR_RAW_MAX (2 * ERR_TEXT_MAX)

int err_set(struct err *e, int errnum, const char *fmt, ...)
{
	if (!e)
		return -errnum;
	char raw[ERR_RAW_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	e->errnum = errnum;
	(void)escape_buf(e->text, sizeof e->text, raw);
	return -errnum;
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
	if (!e)
		return -errnum;
	char raw[ERR_RAW_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	char cause[128];
	const char *why = strerror_r(errnum, cause, sizeof cause);
	/* The cause is worth more than the end of an overlong name. */
	size_t room = sizeof raw - strlen(why) - 3;
	if (len > room)
		len = room;
	(void)snprintf(raw + len, sizeof raw - len, ": %s", why);
	e->errnum = errnum;
	(void)escape_buf(e->text, sizeof e->text, raw);
	return -errnum;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return 0;
	char raw[ERR_RAW_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	size_t len = n < 0 ? 0 : (size_t)n;
	if (len > sizeof raw - 1)
		len = sizeof raw - 1;
	(void)snprintf(raw + len, sizeof raw - len, ": %s", e->text);
	(void)escape_buf(e->text, sizeof e->text, raw);
	return -e->errnum;
}
