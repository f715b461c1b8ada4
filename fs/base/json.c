/* SPDX-License-Identifier: MIT */
/*
 * JSON that people write. cJSON builds the tree, but it knows no positions and forgives too much;
 * so a strict scanner of our own (json_scan.c) walks the text twice: first alone, to find errors
 * where they are, then in step with cJSON's tree, to remember where each item lies. The second
 * walk cannot fail on the grammar, since the first did not.
 */
#include <writfs/json.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/sys.h>

#include "json_scan.h"

/* Larger integers would be printed with an exponent, and beyond 2^53 lose digits. */
#define JSON_PLAIN_INTEGER_MAX 1000000000000000

void json_doc_free(struct json_doc *doc)
{
	if (!doc)
		return;
	cJSON_Delete(doc->root);
	free(doc->places);
	free(doc->text);
	free(doc->name);
	free(doc);
}

void json_doc_freep(struct json_doc **doc)
{
	int saved = errno;
	json_doc_free(*doc);
	errno = saved;
}

/* A document without a tree yet. Takes text over, also on failure. */
static struct json_doc *json_doc_new(const char *name, char *text, size_t len)
{
	struct json_doc *doc = calloc(1, sizeof *doc);
	char *copy = strdup(name);
	if (!doc || !copy) {
		free(doc);
		free(copy);
		free(text);
		return NULL;
	}
	*doc = (struct json_doc){.name = copy, .text = text, .len = len};
	return doc;
}

static int json_doc_fill(struct json_doc *doc, struct err *e)
{
	if (doc->len >= 3 && memcmp(doc->text, "\xef\xbb\xbf", 3) == 0)
		memset(doc->text, ' ', 3); /* the mark that some editors put first */
	int r = json_blank_comments(doc->name, doc->text, doc->len, e);
	if (r == 0)
		r = json_scan_check(doc, e);
	if (r < 0)
		return r;
	doc->root = cJSON_ParseWithLength(doc->text, doc->len);
	if (!doc->root)
		return err_set(e, EINVAL, "%s: not usable as JSON, or out of memory", doc->name);
	return json_scan_places(doc, e);
}

/* Takes text (len bytes and a NUL) over, also on failure. */
static int json_parse_owned(
	const char *name, char *text, size_t len, struct json_doc **ret, struct err *e)
{
	struct json_doc *doc = json_doc_new(name, text, len);
	if (!doc)
		return err_errno(e, ENOMEM, "%s", name);
	int r = json_doc_fill(doc, e);
	if (r < 0) {
		json_doc_free(doc);
		return r;
	}
	*ret = doc;
	return 0;
}

int json_parse(const char *name, const char *text, size_t len, struct json_doc **ret, struct err *e)
{
	char *copy = malloc(len + 1);
	if (!copy)
		return err_errno(e, ENOMEM, "%s", name);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return json_parse_owned(name, copy, len, ret, e);
}

int json_load(int dirfd, const char *path, const char *shown_name, size_t limit,
	struct json_doc **ret, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	int r = sys_read_file(dirfd, path, limit, &text, &len);
	if (r == -EFBIG) {
		char most[32];
		return err_set(e, EFBIG, "%s: larger than %s, so it was not read", shown_name,
			format_bytes(most, sizeof most, limit));
	}
	if (r == -EINVAL)
		return err_set(e, EINVAL, "%s: not a regular file", shown_name);
	if (r < 0)
		return err_errno(e, -r, "%s", shown_name);
	return json_parse_owned(shown_name, text, len, ret, e);
}

static int place_find(const void *key, const void *place)
{
	const cJSON *x = key;
	const cJSON *y = ((const struct json_place *)place)->item;
	return (x > y) - (x < y);
}

void json_where(
	const struct json_doc *doc, const cJSON *item, bool key, unsigned *line, unsigned *column)
{
	const struct json_place *place =
		bsearch(item, doc->places, doc->places_len, sizeof *doc->places, place_find);
	bool of_key = place && key && place->key_line;
	*line = !place ? 1 : of_key ? place->key_line : place->line;
	*column = !place ? 1 : of_key ? place->key_column : place->column;
}

int json_error(struct err *e, const struct json_doc *doc, const cJSON *item, bool key,
	const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	unsigned line;
	unsigned column;
	json_where(doc, item, key, &line, &column);
	return err_set(e, EINVAL, "%s:%u:%u: %s", doc->name, line, column, what);
}

int json_check_keys(
	const struct json_doc *doc, const cJSON *object, const char *const *keys, struct err *e)
{
	const cJSON *child;
	cJSON_ArrayForEach (child, object) {
		const char *const *known = keys;
		while (*known && strcmp(*known, child->string) != 0)
			known++;
		if (*known)
			continue;
		const char *meant = nearest_word(child->string, keys);
		if (meant)
			return json_error(e, doc, child, true,
				"unknown key \"%s\" (did you mean \"%s\"?)", child->string, meant);
		struct str all cleanup_str = STR_INIT;
		for (known = keys; *known; known++)
			str_addf(&all, "%s%s", known == keys ? "" : ", ", *known);
		return json_error(e, doc, child, true, "unknown key \"%s\" (known here: %s)",
			child->string, all.p ? all.p : "none");
	}
	return 0;
}

char *json_get_path(const cJSON *object, const char *key)
{
	struct str exact_key cleanup_str = STR_INIT;
	struct str exact cleanup_str = STR_INIT;
	str_addf(&exact_key, "%s_b64", key);
	if (exact_key.failed)
		return NULL;
	const char *text =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, exact_key.p));
	/* A NUL cannot be part of a path: such base64 is not ours. */
	if (text && str_add_unbase64(&exact, text) && exact.p && strlen(exact.p) == exact.len)
		return steal_ptr(&exact.p);
	text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
	return text ? strdup(text) : NULL;
}

void json_add_path(cJSON *object, const char *key, const char *path)
{
	size_t len = strlen(path);
	if (utf8_valid(path, len)) {
		(void)cJSON_AddStringToObject(object, key, path);
		return;
	}
	struct str shown cleanup_str = STR_INIT;
	struct str exact cleanup_str = STR_INIT;
	struct str exact_key cleanup_str = STR_INIT;
	str_add_escaped(&shown, path, len);
	str_add_base64(&exact, path, len);
	str_addf(&exact_key, "%s_b64", key);
	if (shown.failed || exact.failed || exact_key.failed)
		return;
	(void)cJSON_AddStringToObject(object, key, shown.p);
	(void)cJSON_AddStringToObject(object, exact_key.p, exact.p);
}

void json_add_i64(cJSON *object, const char *key, int64_t value)
{
	if (value > -JSON_PLAIN_INTEGER_MAX && value < JSON_PLAIN_INTEGER_MAX) {
		(void)cJSON_AddNumberToObject(object, key, (double)value);
		return;
	}
	char digits[32];
	(void)snprintf(digits, sizeof digits, "%lld", (long long)value);
	(void)cJSON_AddRawToObject(object, key, digits);
}
