/* SPDX-License-Identifier: MIT */
/*
 * Paths in our own files. A name may hold any byte, JSON holds UTF-8: unusual bytes are %XX, so
 * that every name survives the way there and back and a person can still read the file.
 */
#include <string.h>

#include "review_i.h"

void path_escape(struct str *s, const char *path)
{
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (*p <= 0x20 || *p >= 0x7f || *p == '%' || *p == '"' || *p == '\\')
			str_addf(s, "%%%02X", *p);
		else
			str_add_char(s, (char)*p);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

const char *path_unescape(struct memory *m, const char *text)
{
	char *out = memory_get(m, strlen(text) + 1), *to = out;
	if (!out)
		return NULL;
	for (; *text; text++) {
		int high = *text == '%' ? hex_digit(text[1]) : -1;
		int low = high >= 0 ? hex_digit(text[2]) : -1;
		if (low >= 0) {
			*to++ = (char)(high << 4 | low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return out;
}
