/* SPDX-License-Identifier: MIT */
/*
 * Checked access over cJSON for files that people write: comments (// and block) and trailing
 * commas allowed, every error says file:line:column. Limits: JSON_DEPTH_MAX, the size given.
 */
#ifndef WRITFS_JSON_H
#define WRITFS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <writfs/cleanup.h>
#include <writfs/err.h>
#include <writfs/str.h>

#define JSON_DEPTH_MAX 64

struct json_doc {
	char *name; /* as errors show it */
	char *text; /* what was read, comments blanked out */
	size_t len;
	cJSON *root;
	struct json_place *places; /* where each item lies, for json_where */
	size_t places_len;
};

#define cleanup_json cleanup_with(json_doc_freep)

/* Parses text (copied). Duplicate keys in one object are an error. On failure *ret is untouched. */
int json_parse(
	const char *name, const char *text, size_t len, struct json_doc **ret, struct err *e);
/* Reads dirfd/path; -ENOENT is passed on with an err; larger than limit bytes: -EFBIG. */
int json_load(int dirfd, const char *path, const char *shown_name, size_t limit,
	struct json_doc **ret, struct err *e);
void json_doc_free(struct json_doc *doc);
void json_doc_freep(struct json_doc **doc);

/* Line and column (from 1) of an item's value, or of its key if key is set. */
void json_where(
	const struct json_doc *doc, const cJSON *item, bool key, unsigned *line, unsigned *column);

/* err_set with "name:line:column: " in front. */
int json_error(struct err *e, const struct json_doc *doc, const cJSON *item, bool key,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Every key of object must be in keys (NULL-terminated); else an error with "did you mean". */
int json_check_keys(
	const struct json_doc *doc, const cJSON *object, const char *const *keys, struct err *e);

/* Output helpers for --json: names that are not UTF-8 get NAME with escapes and NAME_b64. */
void json_add_path(cJSON *object, const char *key, const char *path);
/* The exact bytes that json_add_path was given; NULL: no such key, or no memory. Caller frees. */
char *json_get_path(const cJSON *object, const char *key);
void json_add_i64(cJSON *object, const char *key, int64_t value);

#endif
