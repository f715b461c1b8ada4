/* SPDX-License-Identifier: MIT */
/*
 * The table of danger labels. The parsed document stays in memory and rows point into it. A row
 * with a mistake is an error, never skipped: a place that lost its label would be applied in bulk.
 */
#include <writfs/labels.h>

#include <string.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/data.h>
#include <writfs/json.h>
#include <writfs/path.h>

#include "glob_set.h"

#define LABELS_FORMAT 1
#define KIND_NEVER_WRITE 1U

enum row_when { WHEN_PATTERNS, WHEN_SETID, WHEN_SEARCH_PATH };

struct row {
	struct label label;
	enum row_when when;
	const char **patterns; /* as in label, ours to free */
	const char **except;
};

struct labels {
	struct json_doc *doc;
	struct row *rows;
	size_t count;
	/* Matched with what follows the home directory, and with whole paths. */
	struct glob_set *in_home;
	struct glob_set *anywhere;
	char *search_path;
};

static const char *const class_names[LABEL_CLASS_MAX + 1] = {
	[LABEL_LOGIN] = "login",
	[LABEL_PATH] = "path",
	[LABEL_GIT] = "git",
	[LABEL_SHELL] = "shell",
	[LABEL_AGENT] = "agent",
	[LABEL_INTERPRETER] = "interpreter",
	[LABEL_EDITOR] = "editor",
	[LABEL_SECRET] = "secret",
	[LABEL_AUTOSTART] = "autostart",
	[LABEL_ENV] = "env",
};

const char *label_class_name(enum label_class class)
{
	return class_names[class];
}

void labels_free(struct labels *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		free(l->rows[i].patterns);
		free(l->rows[i].except);
	}
	free(l->rows);
	glob_set_free(l->in_home);
	glob_set_free(l->anywhere);
	free(l->search_path);
	json_doc_free(l->doc);
	free(l);
}

void labels_freep(struct labels **l)
{
	labels_free(*l);
}

static int row_string(const struct json_doc *doc, const cJSON *row, const char *key,
	const char **ret, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
	if (!cJSON_IsString(item) || item->valuestring[0] == '\0')
		return json_error(
			e, doc, item ? item : row, false, "a row needs \"%s\", a text", key);
	*ret = item->valuestring;
	return 0;
}

static int row_bool(
	const struct json_doc *doc, const cJSON *row, const char *key, bool *ret, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
	if (item && !cJSON_IsBool(item))
		return json_error(e, doc, item, false, "\"%s\" is true or false", key);
	*ret = cJSON_IsTrue(item);
	return 0;
}

static int row_class(
	const struct json_doc *doc, const cJSON *row, enum label_class *ret, struct err *e)
{
	const char *name;
	int r = row_string(doc, row, "class", &name, e);
	if (r < 0)
		return r;
	for (int i = 0; i < LABEL_CLASS_MAX; i++) {
		if (strcmp(class_names[i], name) == 0) {
			*ret = (enum label_class)i;
			return 0;
		}
	}
	return json_error(e, doc, cJSON_GetObjectItemCaseSensitive(row, "class"), false,
		"unknown class \"%s\"", name);
}

/* The patterns below key, compiled with tag. No such key: an empty list. */
static int row_patterns(struct labels *l, const cJSON *row, const char *key, uint32_t tag,
	bool never_write, const char ***ret, struct err *e)
{
	static const struct glob_bases bases = {.home = "/", .dot = "/", .bare = "/"};
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(row, key);
	int count = list ? cJSON_GetArraySize(list) : 0;
	if ((list && !cJSON_IsArray(list)) || count > LABELS_PATTERNS_MAX)
		return json_error(e, l->doc, list, false, "\"%s\" is a list of at most %d patterns",
			key, LABELS_PATTERNS_MAX);
	*ret = calloc((size_t)count + 1, sizeof **ret);
	if (!*ret)
		return err_errno(e, ENOMEM, "%s", l->doc->name);
	size_t i = 0;
	const cJSON *item;
	cJSON_ArrayForEach (item, list) {
		const char *text = cJSON_IsString(item) ? item->valuestring : "";
		bool in_home = strncmp(text, "~/", 2) == 0;
		if (!in_home && strncmp(text, "**/", 3) != 0)
			return json_error(e, l->doc, item, false,
				"a pattern here is a text that begins with ~/ or **/");
		struct err why = {0};
		int r = glob_set_add_kinds(in_home ? l->in_home : l->anywhere, text, &bases, tag,
			never_write ? KIND_NEVER_WRITE : 0, &why);
		if (r < 0)
			return json_error(e, l->doc, item, false, "%s", why.text);
		(*ret)[i++] = text;
	}
	return 0;
}

static int row_when(struct row *row, const struct json_doc *doc, const cJSON *json, struct err *e)
{
	const cJSON *when = cJSON_GetObjectItemCaseSensitive(json, "when");
	bool patterns = cJSON_GetObjectItemCaseSensitive(json, "patterns");
	if (!when == !patterns)
		return json_error(e, doc, json, false, "a row has \"patterns\" or \"when\"");
	const char *word = when && cJSON_IsString(when) ? when->valuestring : "";
	if (strcmp(word, "setid") == 0)
		row->when = WHEN_SETID;
	else if (strcmp(word, "searchPath") == 0)
		row->when = WHEN_SEARCH_PATH;
	else if (when)
		return json_error(e, doc, when, false, "\"when\" is \"setid\" or \"searchPath\"");
	return 0;
}

static int row_parse(struct labels *l, const cJSON *json, struct err *e)
{
	static const char *const keys[] = {"id", "when", "patterns", "except", "existingOnly",
		"class", "neverWrite", "label", "reason", "source", NULL};
	uint32_t number = (uint32_t)l->count;
	struct row *row = &l->rows[l->count++];
	struct label *label = &row->label;
	if (!cJSON_IsObject(json))
		return json_error(e, l->doc, json, false, "a row is an object");
	int r = json_check_keys(l->doc, json, keys, e);
	if (r == 0)
		r = row_string(l->doc, json, "id", &label->id, e);
	if (r == 0)
		r = row_string(l->doc, json, "label", &label->label, e);
	if (r == 0)
		r = row_string(l->doc, json, "reason", &label->reason, e);
	if (r == 0)
		r = row_string(l->doc, json, "source", &label->source, e);
	if (r == 0)
		r = row_class(l->doc, json, &label->class, e);
	if (r == 0)
		r = row_bool(l->doc, json, "neverWrite", &label->never_write, e);
	if (r == 0)
		r = row_bool(l->doc, json, "existingOnly", &label->existing_only, e);
	if (r == 0)
		r = row_when(row, l->doc, json, e);
	if (r == 0)
		r = row_patterns(
			l, json, "patterns", 2 * number, label->never_write, &row->patterns, e);
	if (r == 0)
		r = row_patterns(l, json, "except", 2 * number + 1, false, &row->except, e);
	label->patterns = row->patterns;
	label->except = row->except;
	return r;
}

static int labels_parse_rows(struct labels *l, struct err *e)
{
	static const char *const keys[] = {"$schema", "v", "rows", NULL};
	const cJSON *top = l->doc->root;
	if (!cJSON_IsObject(top))
		return json_error(e, l->doc, top, false, "labels are an object with \"rows\"");
	int r = json_check_keys(l->doc, top, keys, e);
	if (r < 0)
		return r;
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(top, "v");
	if (!cJSON_IsNumber(v) || v->valueint != LABELS_FORMAT)
		return json_error(e, l->doc, v ? v : top, false, "\"v\" must be %d", LABELS_FORMAT);
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(top, "rows");
	int count = cJSON_GetArraySize(rows);
	if (!cJSON_IsArray(rows) || count > LABELS_ROWS_MAX)
		return json_error(e, l->doc, rows ? rows : top, false,
			"\"rows\" is a list of at most %d rows", LABELS_ROWS_MAX);
	l->rows = calloc((size_t)count + 1, sizeof *l->rows);
	if (!l->rows)
		return err_errno(e, ENOMEM, "%s", l->doc->name);
	const cJSON *row;
	cJSON_ArrayForEach (row, rows) {
		r = row_parse(l, row, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int labels_parse(const char *name, const char *text, size_t len, const char *search_path,
	struct labels **ret, struct err *e)
{
	struct labels *l cleanup_with(labels_freep) = calloc(1, sizeof *l);
	if (!l || glob_set_create(&l->in_home) < 0 || glob_set_create(&l->anywhere) < 0)
		return err_errno(e, ENOMEM, "%s", name);
	l->search_path = strdup(search_path ? search_path : "");
	if (!l->search_path)
		return err_errno(e, ENOMEM, "%s", name);
	int r = json_parse(name, text, len, &l->doc, e);
	if (r == 0)
		r = labels_parse_rows(l, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(&l);
	return 0;
}

int labels_load(const char *search_path, struct labels **ret, struct err *e)
{
	for (const struct data_file *file = data_files; file->name; file++) {
		if (strcmp(file->name, "labels.json") == 0)
			return labels_parse(file->name, file->text, file->len, search_path, ret, e);
	}
	return err_set(e, ENOENT, "labels.json was not built into this program");
}

size_t labels_count(const struct labels *l)
{
	return l->count;
}

const struct label *labels_get(const struct labels *l, size_t row)
{
	return &l->rows[row].label;
}

/* Is path one of the absolute directories of $PATH, or directly in one? */
static bool on_search_path(const struct labels *l, const char *path)
{
	for (const char *dir = l->search_path; *dir;) {
		size_t len = strcspn(dir, ":");
		size_t dir_len = len;
		while (dir_len > 1 && dir[dir_len - 1] == '/')
			dir_len--;
		if (dir_len > 1 && dir[0] == '/' && strncmp(path, dir, dir_len) == 0 &&
			(path[dir_len] == '\0' ||
				(path[dir_len] == '/' && !strchr(path + dir_len + 1, '/'))))
			return true;
		dir += len;
		dir += *dir == ':';
	}
	return false;
}

struct hits {
	bool is[2 * LABELS_ROWS_MAX]; /* a row's patterns, its exceptions */
};

static int hit(uint32_t tag, size_t depth, void *arg)
{
	(void)depth;
	((struct hits *)arg)->is[tag] = true;
	return 0;
}

static bool is_setid_program(mode_t mode)
{
	return S_ISREG(mode) && (mode & (S_ISUID | S_ISGID)) &&
	       (mode & (S_IXUSR | S_IXGRP | S_IXOTH));
}

/* Which rows' patterns name path or something above it. */
static int rows_hit(const struct labels *l, const char *path, const char *home, struct hits *ret)
{
	int r = glob_set_match(l->anywhere, path, "/", hit, ret);
	const char *in_home = path_relative(path, home);
	if (r == 0 && in_home && *in_home) {
		/* One byte before it is the slash that makes it absolute. */
		r = glob_set_match(l->in_home, in_home - 1, "/", hit, ret);
	}
	return r;
}

const struct label *labels_match(
	const struct labels *l, const char *path, const char *home, mode_t mode, bool existed)
{
	struct hits hits = {0};
	int r = rows_hit(l, path, home, &hits);
	for (size_t i = 0; i < l->count; i++) {
		const struct row *row = &l->rows[i];
		bool is = false;
		switch (row->when) {
		case WHEN_PATTERNS:
			/* Out of memory: better a label too many than one too few. */
			is = r < 0 || (hits.is[2 * i] && !hits.is[2 * i + 1]);
			break;
		case WHEN_SETID:
			is = is_setid_program(mode);
			break;
		case WHEN_SEARCH_PATH:
			is = on_search_path(l, path);
			break;
		}
		if (is && (existed || !row->label.existing_only))
			return &row->label;
	}
	return NULL;
}

const struct label *labels_never_write(const struct labels *l, const char *path, const char *home)
{
	struct hits hits = {0};
	int r = rows_hit(l, path, home, &hits);
	for (size_t i = 0; i < l->count; i++) {
		const struct label *label = &l->rows[i].label;
		if (label->never_write && (r < 0 || (hits.is[2 * i] && !hits.is[2 * i + 1])))
			return label;
	}
	return NULL;
}

bool labels_holds_never_write(const struct labels *l, const char *path, const char *home)
{
	const char *in_home = path_relative(path, home);
	if (!in_home)
		return path_is_beneath(home, path);
	if (*in_home == '\0')
		return true;
	return glob_set_reach(l->in_home, in_home - 1) & KIND_NEVER_WRITE;
}
