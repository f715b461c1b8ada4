/* SPDX-License-Identifier: MIT */
/*
 * One scanner for two walks: with no tree it checks the grammar of RFC 8259 (and blanks trailing
 * commas), with the tree that cJSON made from the checked text it notes each item's place. Depth
 * is limited before recursion; positions are counted by a cursor that only moves forward, so that
 * the whole costs time in proportion to the text, also when it is one line.
 */
#include "json_scan.h"

#include <ctype.h>
#include <string.h>

#define PLACES_FIRST 64

struct scan {
	struct json_doc *doc;
	struct err *e;
	size_t at; /* next byte */
	unsigned depth;
	/* the cursor: line and column of byte seen */
	size_t seen;
	unsigned line, column;
	/* the second walk */
	bool placing;
	size_t places_cap;
};

static void scan_move(struct scan *s, size_t offset)
{
	const char *text = s->doc->text;
	for (; s->seen < offset; s->seen++) {
		if (text[s->seen] == '\n') {
			s->line++;
			s->column = 1;
		} else if (((unsigned char)text[s->seen] & 0xc0) != 0x80) {
			s->column++;
		}
	}
}

__attribute__((format(printf, 3, 4))) static int scan_error(
	struct scan *s, size_t offset, const char *fmt, ...)
{
	char what[256];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	scan_move(s, offset);
	return err_set(s->e, EINVAL, "%s:%u:%u: %s", s->doc->name, s->line, s->column, what);
}

static int scan_peek(struct scan *s)
{
	const char *text = s->doc->text;
	while (s->at < s->doc->len && strchr(" \t\r\n", text[s->at]) && text[s->at])
		s->at++;
	return s->at < s->doc->len ? (unsigned char)text[s->at] : -1;
}

static int scan_unexpected(struct scan *s, const char *wanted)
{
	if (s->at >= s->doc->len)
		return scan_error(s, s->at, "the text ends here, expected %s", wanted);
	unsigned char c = (unsigned char)s->doc->text[s->at];
	if (c > 0x20 && c < 0x7f)
		return scan_error(s, s->at, "expected %s, not '%c'", wanted, c);
	return scan_error(s, s->at, "expected %s, not byte 0x%02x", wanted, c);
}

/* Four hexadecimal digits at s->at; -1 if they are not. */
static int scan_hex4(struct scan *s)
{
	int value = 0;
	if (s->doc->len - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s->doc->text[s->at + (size_t)i];
		if (!isxdigit((unsigned char)c))
			return -1;
		int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
		value = value << 4 | digit;
	}
	s->at += 4;
	return value;
}

static int scan_escape(struct scan *s, size_t start)
{
	char c = s->at < s->doc->len ? s->doc->text[s->at++] : '\0';
	if (c && strchr("\"\\/bfnrt", c))
		return 0;
	if (c != 'u')
		return scan_error(
			s, start, "unknown escape in a string (use \\\\ for a backslash)");
	int unit = scan_hex4(s);
	if (unit == 0)
		return scan_error(s, start, "\\u0000 cannot be part of a string here");
	if (unit >= 0xd800 && unit < 0xdc00 && s->doc->len - s->at >= 2 &&
		s->doc->text[s->at] == '\\' && s->doc->text[s->at + 1] == 'u') {
		s->at += 2;
		unit = scan_hex4(s);
		if (unit >= 0xdc00 && unit < 0xe000)
			return 0;
		unit = -1;
	}
	if (unit < 0 || (unit >= 0xd800 && unit < 0xe000))
		return scan_error(s, start,
			"\\u needs four hexadecimal digits, or a pair for one "
			"character beyond U+FFFF");
	return 0;
}

static int scan_string(struct scan *s)
{
	size_t open = s->at++;
	while (s->at < s->doc->len) {
		size_t start = s->at;
		unsigned char c = (unsigned char)s->doc->text[s->at++];
		if (c == '"')
			return 0;
		if (c == '\n')
			break;
		if (c < 0x20)
			return scan_error(s, start, "control byte 0x%02x in a string", c);
		if (c == '\\') {
			int r = scan_escape(s, start);
			if (r < 0)
				return r;
		}
	}
	return scan_error(s, open, "this string is not closed on its line");
}

static size_t scan_digits(struct scan *s)
{
	size_t start = s->at;
	while (s->at < s->doc->len && isdigit((unsigned char)s->doc->text[s->at]))
		s->at++;
	return s->at - start;
}

static int scan_number(struct scan *s)
{
	size_t start = s->at;
	const char *text = s->doc->text;
	if (text[s->at] == '-')
		s->at++;
	size_t first = s->at;
	size_t whole = scan_digits(s);
	bool good = whole == 1 || (whole > 1 && text[first] != '0');
	if (good && s->at < s->doc->len && text[s->at] == '.') {
		s->at++;
		good = scan_digits(s) > 0;
	}
	if (good && s->at < s->doc->len && (text[s->at] | 0x20) == 'e') {
		s->at++;
		if (s->at < s->doc->len && (text[s->at] == '+' || text[s->at] == '-'))
			s->at++;
		good = scan_digits(s) > 0;
	}
	return good ? 0 : scan_error(s, start, "this is not a number as JSON writes them");
}

static int scan_word(struct scan *s)
{
	static const char *const words[] = {"true", "false", "null"};
	const char *text = s->doc->text + s->at;
	size_t len = 0;
	while (s->at + len < s->doc->len && (isalnum((unsigned char)text[len]) || text[len] == '_'))
		len++;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) {
			s->at += len;
			return 0;
		}
	}
	if (len && len < 64)
		return scan_error(
			s, s->at, "unknown word %.*s (text needs \"quotes\")", (int)len, text);
	return scan_unexpected(s, "a value");
}

/* Room for one more place; returns its number or -ENOMEM. */
static ssize_t scan_add_place(struct scan *s, const cJSON *item)
{
	struct json_doc *doc = s->doc;
	if (doc->places_len == s->places_cap) {
		size_t cap = s->places_cap ? s->places_cap * 2 : PLACES_FIRST;
		struct json_place *more = realloc(doc->places, cap * sizeof *more);
		if (!more)
			return err_errno(s->e, ENOMEM, "%s", doc->name);
		doc->places = more;
		s->places_cap = cap;
	}
	doc->places[doc->places_len] = (struct json_place){.item = item};
	return (ssize_t)doc->places_len++;
}

static int scan_value(struct scan *s, const cJSON *item, size_t place);

/* The key of a member and its colon. */
static int scan_key(struct scan *s, size_t place)
{
	if (s->placing) {
		scan_move(s, s->at);
		s->doc->places[place].key_line = s->line;
		s->doc->places[place].key_column = s->column;
	}
	int r = scan_string(s);
	if (r < 0)
		return r;
	if (scan_peek(s) != ':')
		return scan_unexpected(s, "':' after the key");
	s->at++;
	return 0;
}

/* After a value: 1 if another one follows, 0 at the closing bracket (taken). */
static int scan_next(struct scan *s, int close)
{
	int c = scan_peek(s);
	if (c == close) {
		s->at++;
		return 0;
	}
	if (c != ',')
		return scan_unexpected(s, close == '}' ? "',' or '}'" : "',' or ']'");
	size_t comma = s->at++;
	if (scan_peek(s) != close)
		return 1;
	s->doc->text[comma] = ' '; /* cJSON takes no trailing comma */
	s->at++;
	return 0;
}

static int scan_members(struct scan *s, const cJSON *item, int close)
{
	const cJSON *child = item ? item->child : NULL;
	int more = scan_peek(s) != close;
	if (!more)
		s->at++;
	while (more) {
		ssize_t place = 0;
		if (s->placing) {
			place = scan_add_place(s, child);
			if (place < 0)
				return (int)place;
		}
		int r = 0;
		if (close == '}') {
			if (scan_peek(s) != '"')
				return scan_unexpected(s, "a key in quotes");
			r = scan_key(s, (size_t)place);
		}
		if (r == 0)
			r = scan_value(s, child, (size_t)place);
		if (r < 0)
			return r;
		child = child ? child->next : NULL;
		more = scan_next(s, close);
		if (more < 0)
			return more;
	}
	return 0;
}

static int scan_value(struct scan *s, const cJSON *item, size_t place)
{
	int c = scan_peek(s);
	size_t start = s->at;
	if (s->placing) {
		scan_move(s, start);
		s->doc->places[place].line = s->line;
		s->doc->places[place].column = s->column;
	}
	if (c == '"')
		return scan_string(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	if (c != '{' && c != '[')
		return scan_word(s);
	if (s->depth == JSON_DEPTH_MAX)
		return scan_error(s, start, "nested deeper than %d", JSON_DEPTH_MAX);
	s->depth++;
	s->at++;
	int r = scan_members(s, item, c == '{' ? '}' : ']');
	s->depth--;
	/* Where the text ends says little; the bracket that is open says it. */
	if (r < 0 && s->at >= s->doc->len && s->e && !strstr(s->e->text, "is not closed")) {
		struct scan again = {.doc = s->doc, .e = s->e, .line = 1, .column = 1};
		return scan_error(
			&again, start, "'%c' is not closed: the text ends before its end", c);
	}
	return r;
}

int json_scan_check(struct json_doc *doc, struct err *e)
{
	struct err local = {0};
	struct scan s = {.doc = doc, .e = e ? e : &local, .line = 1, .column = 1};
	if (scan_peek(&s) < 0)
		return scan_error(&s, 0, "the file is empty, expected at least {}");
	int r = scan_value(&s, NULL, 0);
	if (r < 0)
		return r;
	if (scan_peek(&s) >= 0)
		return scan_unexpected(&s, "the end of the text");
	return 0;
}

static int place_by_item(const void *a, const void *b)
{
	const cJSON *x = ((const struct json_place *)a)->item;
	const cJSON *y = ((const struct json_place *)b)->item;
	return (x > y) - (x < y);
}

static int item_by_key(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* The later one of two members with one name, or NULL. */
static int object_find_duplicate(const cJSON *object, const cJSON **ret)
{
	size_t count = 0;
	const cJSON *child;
	cJSON_ArrayForEach (child, object)
		count++;
	*ret = NULL;
	if (count < 2)
		return 0;
	const cJSON **sorted cleanup_free = calloc(count, sizeof(const cJSON *));
	if (!sorted)
		return -ENOMEM;
	count = 0;
	cJSON_ArrayForEach (child, object)
		sorted[count++] = child;
	qsort(sorted, count, sizeof(const cJSON *), item_by_key);
	for (size_t i = 1; i < count && !*ret; i++) {
		if (strcmp(sorted[i - 1]->string, sorted[i]->string) != 0)
			continue;
		/* The order of equal ones is lost in the sort: the first in the list is kept. */
		for (child = object->child; strcmp(child->string, sorted[i]->string) != 0;)
			child = child->next;
		*ret = child == sorted[i] ? sorted[i - 1] : sorted[i];
	}
	return 0;
}

int json_scan_places(struct json_doc *doc, struct err *e)
{
	struct scan s = {.doc = doc, .e = e, .line = 1, .column = 1, .placing = true};
	ssize_t root = scan_add_place(&s, doc->root);
	int r = root < 0 ? (int)root : scan_value(&s, doc->root, (size_t)root);
	if (r < 0)
		return r;
	qsort(doc->places, doc->places_len, sizeof *doc->places, place_by_item);
	for (size_t i = 0; i < doc->places_len; i++) {
		const cJSON *item = doc->places[i].item;
		const cJSON *twice = NULL;
		if (!cJSON_IsObject(item))
			continue;
		if (object_find_duplicate(item, &twice) < 0)
			return err_errno(e, ENOMEM, "%s", doc->name);
		if (twice)
			return json_error(e, doc, twice, true,
				"the key \"%s\" is here twice: keep one", twice->string);
	}
	return 0;
}

int json_blank_comments(const char *name, char *text, size_t len, struct err *e)
{
	struct json_doc shown = {.name = (char *)(uintptr_t)name, .text = text, .len = len};
	size_t i = 0;
	while (i < len) {
		if (text[i] == '"') {
			for (i++; i < len && text[i] != '"' && text[i] != '\n'; i++)
				i += text[i] == '\\';
			i++;
			continue;
		}
		bool line = text[i] == '/' && i + 1 < len && text[i + 1] == '/';
		bool block = text[i] == '/' && i + 1 < len && text[i + 1] == '*';
		if (!line && !block) {
			i++;
			continue;
		}
		size_t start = i;
		size_t end = i + 2;
		while (end < len &&
			(line ? text[end] != '\n'
			      : end == start + 2 || text[end - 1] != '*' || text[end] != '/'))
			end++;
		if (block && end >= len) {
			struct scan s = {.doc = &shown, .e = e, .line = 1, .column = 1};
			return scan_error(&s, start, "this comment is not closed");
		}
		for (i = start; i < end + block && i < len; i++)
			text[i] = text[i] == '\n' ? '\n' : ' ';
	}
	return 0;
}
