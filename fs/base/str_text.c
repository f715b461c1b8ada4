/* SPDX-License-Identifier: MIT */
/*
 * Text for people: escaping of what a program chose (names, arguments, diffs), numbers, and the
 * nearest known word. Escaping works on whole characters: what a terminal could take as a control
 * or as a change of direction comes out as \xNN bytes, everything else unchanged.
 */
#include <writfs/str.h>

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Longer words are not compared: no key or command is. */
#define NEAREST_WORD_MAX 64

/*
 * Decodes one character; returns its length, or 0 if the bytes at p are not valid UTF-8
 * (overlong forms, surrogates and values above U+10FFFF included).
 */
static size_t utf8_decode(const unsigned char *p, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = p[0];
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
	if (n == 0 || c > 0xf4 || n > len)
		return 0;
	uint32_t point = c & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (p[i] & 0x3fU);
	}
	if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret = point;
	return n;
}

bool utf8_valid(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t point;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_decode(p + i, len - i, &point);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

static bool text_is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
	       (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

/* One character's escaped form is at most this long: four bytes of \xNN. */
#define ESCAPED_MAX 16

/* Writes the form of the first character to out, its length to *ret_out; returns bytes taken. */
static size_t escape_one(const unsigned char *p, size_t len, char out[ESCAPED_MAX], size_t *ret_out)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t point = 0;
	size_t taken = utf8_decode(p, len, &point);
	bool bad = taken == 0;
	if (bad)
		taken = 1;
	if (!bad && !text_is_control(point)) {
		memcpy(out, p, taken);
		*ret_out = taken;
		return taken;
	}
	if (p[0] == '\n' || p[0] == '\t') {
		out[0] = '\\';
		out[1] = p[0] == '\n' ? 'n' : 't';
		*ret_out = 2;
		return 1;
	}
	size_t n = 0;
	for (size_t i = 0; i < taken; i++) {
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[p[i] >> 4];
		out[n++] = hex[p[i] & 15];
	}
	*ret_out = n;
	return taken;
}

void str_add_escaped(struct str *s, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t plain = 0;
	size_t i = 0;
	while (i < len) {
		if (p[i] >= 0x20 && p[i] < 0x7f) {
			i++;
			continue;
		}
		str_add_mem(s, text + plain, i - plain);
		char out[ESCAPED_MAX];
		size_t n;
		i += escape_one(p + i, len - i, out, &n);
		str_add_mem(s, out, n);
		plain = i;
	}
	str_add_mem(s, text + plain, len - plain);
}

char *escape_buf(char *buf, size_t size, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = strlen(text);
	size_t used = 0;
	for (size_t i = 0; i < len;) {
		char out[ESCAPED_MAX];
		size_t n;
		size_t taken = escape_one(p + i, len - i, out, &n);
		if (used + n >= size)
			break;
		memcpy(buf + used, out, n);
		used += n;
		i += taken;
	}
	if (size)
		buf[used] = '\0';
	return buf;
}

char *format_count(char *buf, size_t size, unsigned long long n)
{
	char digits[32];
	int len = snprintf(digits, sizeof digits, "%llu", n);
	char out[48];
	size_t used = 0;
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	(void)snprintf(buf, size, "%s", out);
	return buf;
}

char *format_bytes(char *buf, size_t size, unsigned long long n)
{
	static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	if (n < 1000) {
		(void)snprintf(buf, size, "%llu B", n);
		return buf;
	}
	unsigned long long tenth = 100;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++, tenth *= 1000) {
		unsigned long long tenths = n / tenth + (n % tenth >= tenth / 2);
		bool last = i + 1 == sizeof names / sizeof *names;
		if (tenths < 100) {
			(void)snprintf(
				buf, size, "%llu.%llu %s", tenths / 10, tenths % 10, names[i]);
			return buf;
		}
		unsigned long long whole = n / (tenth * 10) + (n % (tenth * 10) >= tenth * 5);
		if (whole < 1000 || last) {
			(void)snprintf(buf, size, "%llu %s", whole, names[i]);
			return buf;
		}
	}
	return buf;
}

char *format_time(char buf[static FORMAT_TIME_SIZE], int64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	long part = (long)(ns % 1000000000);
	if (part < 0) {
		part += 1000000000;
		seconds--;
	}
	struct tm tm = {0};
	(void)gmtime_r(&seconds, &tm);
	size_t n = strftime(buf, FORMAT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf + n, FORMAT_TIME_SIZE - n, ".%09ldZ", part);
	return buf;
}

bool parse_time(const char *text, int64_t *ret_ns)
{
	struct tm tm = {0};
	int end = 0;
	long part = 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%9ldZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &part, &end) != 7 ||
		end == 0 || text[end] != '\0' || part < 0)
		return false;
	if (tm.tm_year < 1970 || tm.tm_year > 2200)
		return false; /* beyond what nanoseconds in 64 bits hold */
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_ns = (int64_t)timegm(&tm) * 1000000000 + part;
	return true;
}

/* Edit distance (insert, delete, replace, swap of neighbours); a mere change of case costs none. */
static unsigned word_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	unsigned row[3][NEAREST_WORD_MAX + 1];
	for (size_t j = 0; j <= b_len; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *now = row[i % 3];
		const unsigned *up = row[(i + 2) % 3];
		const unsigned *upper = row[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);
			unsigned best = up[j - 1] + (ca != cb);
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
				cb == tolower((unsigned char)a[i - 2]) && upper[j - 2] + 1 < best)
				best = upper[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[a_len % 3][b_len];
}

const char *nearest_word(const char *word, const char *const *candidates)
{
	size_t len = strlen(word);
	if (len == 0 || len > NEAREST_WORD_MAX)
		return NULL;
	/* A third of the letters may be wrong; more is another word. */
	unsigned best = (unsigned)(len / 3 + 1);
	const char *nearest = NULL;
	for (; *candidates; candidates++) {
		size_t other = strlen(*candidates);
		if (other > NEAREST_WORD_MAX)
			continue;
		unsigned distance = word_distance(word, *candidates);
		/* Everything replaced is never near: "ab" is not "cd". */
		if (distance < best + (nearest == NULL) && distance < len && distance < other) {
			best = distance;
			nearest = *candidates;
		}
	}
	return nearest;
}
