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
	(void)vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	char buffer[128];
	const char *cause = strerror_r(errnum, buffer, sizeof buffer);
	e->errnum = errnum;
	/* The cause is worth more than the end of an overlong name. */
	(void)escape_buf(e->text, sizeof e->text - strlen(cause) - 2, raw);
	size_t len = strlen(e->text);
	(void)snprintf(e->text + len, sizeof e->text - len, ": %s", cause);
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
	if (len > ERR_TEXT_MAX / 2)
		len = ERR_TEXT_MAX / 2;
	(void)snprintf(raw + len, sizeof raw - len, ": %s", e->text);
	(void)escape_buf(e->text, sizeof e->text, raw);
	return -e->errnum;
}
