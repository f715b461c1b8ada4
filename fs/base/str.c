/* SPDX-License-Identifier: MIT */
/*
 * The growing byte string and the appends that only copy. Memory grows by doubling up to STR_MAX;
 * what cannot be had sets failed once and leaves the text as it was.
 */
#include <writfs/str.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define STR_FIRST 64
#define STR_MAX ((size_t)1 << 31)

void str_free(struct str *s)
{
	int saved = errno;
	free(s->p);
	errno = saved;
	*s = (struct str)STR_INIT;
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->failed = false;
	if (s->p)
		s->p[0] = '\0';
}

/* Room for more bytes and the NUL. */
static bool str_reserve(struct str *s, size_t more)
{
	if (s->failed)
		return false;
	if (more >= STR_MAX - s->len) {
		s->failed = true;
		return false;
	}
	size_t need = s->len + more + 1;
	if (need <= s->cap)
		return true;
	size_t cap = s->cap ? s->cap : STR_FIRST;
	while (cap < need)
		cap *= 2;
	char *p = realloc(s->p, cap);
	if (!p) {
		s->failed = true;
		return false;
	}
	s->p = p;
	s->cap = cap;
	return true;
}

void str_add_mem(struct str *s, const void *p, size_t len)
{
	if (!str_reserve(s, len))
		return;
	if (len)
		memcpy(s->p + s->len, p, len);
	s->len += len;
	s->p[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_mem(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_mem(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	char small[256];
	int n = vsnprintf(small, sizeof small, fmt, ap);
	if (n < 0) {
		s->failed = true;
	} else if ((size_t)n < sizeof small) {
		str_add_mem(s, small, (size_t)n);
	} else if (str_reserve(s, (size_t)n)) {
		(void)vsnprintf(s->p + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	}
	va_end(again);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_add_base64(struct str *s, const void *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = p;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t word = (uint32_t)in[i] << 16;
		if (left > 1)
			word |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			word |= in[i + 2];
		char out[4] = {
			digits[word >> 18 & 63],
			digits[word >> 12 & 63],
			left > 1 ? digits[word >> 6 & 63] : '=',
			left > 2 ? digits[word & 63] : '=',
		};
		str_add_mem(s, out, sizeof out);
	}
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool str_add_unbase64(struct str *s, const char *text)
{
	size_t len = strlen(text);
	uint32_t word = 0;
	unsigned bits = 0;
	while (len && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		int digit = base64_digit(text[i]);
		if (digit < 0)
			return false;
		word = word << 6 | (uint32_t)digit;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		str_add_char(s, (char)(word >> bits & 0xff));
	}
	return bits < 6 && !s->failed;
}
