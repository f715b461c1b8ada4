/* SPDX-License-Identifier: MIT */
/* The documents of status, diff, apply and discard: config/schema has their schemas. */
#include <errno.h>
#include <string.h>

#include "review_i.h"

static int add_list(cJSON *json, const char *key, const struct change_list *list, bool selected)
{
	cJSON *array = cJSON_AddArrayToObject(json, key);
	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		if (selected && !list->items[i].selected)
			continue;
		cJSON *item = change_to_json(&list->items[i]);
		if (!item)
			return -ENOMEM;
		(void)cJSON_AddItemToArray(array, item);
	}
	return 0;
}

static const char *const job_states[] = {
	[JOB_LIVE] = "live", [JOB_ENDED] = "ended", [JOB_KILLED] = "killed"};

static void add_job(cJSON *json, const struct job *job)
{
	(void)cJSON_AddStringToObject(json, "job", job->id);
	(void)cJSON_AddStringToObject(json, "state", job_states[job->state]);
}

static void add_counts(cJSON *json, const struct changes *c)
{
	cJSON *counts = cJSON_AddObjectToObject(json, "counts");
	if (!counts)
		return;
	json_add_i64(counts, "redirected", (int64_t)c->scratch.count);
	json_add_i64(counts, "dangerous", (int64_t)c->dangerous);
	json_add_i64(counts, "login", (int64_t)c->login);
	json_add_i64(counts, "conflicts", (int64_t)c->conflicts);
	json_add_i64(counts, "real", (int64_t)c->real.count);
	json_add_i64(counts, "real_deleted", (int64_t)c->real_deleted);
	json_add_i64(counts, "real_labelled", (int64_t)c->real_labelled);
	json_add_i64(counts, "refused", (int64_t)c->refused.count);
}

cJSON *changes_to_json(const struct changes *c, bool selected)
{
	cJSON *json = cJSON_CreateObject();
	if (!json)
		return NULL;
	(void)cJSON_AddNumberToObject(json, "v", 1);
	add_counts(json, c);
	if (add_list(json, "changes", &c->scratch, selected) ||
		add_list(json, "real", &c->real, selected) ||
		add_list(json, "refused", &c->refused, selected)) {
		cJSON_Delete(json);
		return NULL;
	}
	json_add_i64(json, "bad_lines", c->bad_lines);
	return json;
}

cJSON *review_status_json(const struct job *job, const struct changes *c)
{
	cJSON *json = changes_to_json(c, true);
	if (json)
		add_job(json, job);
	return json;
}

struct diff_json {
	cJSON *lines, *words; /* words NULL: they are lines, too */
};

/* A line with a NUL in it would end early: such a file is binary and has no lines. */
static int add_line(char kind, const char *text, size_t len, void *arg)
{
	struct diff_json *d = arg;
	struct str line cleanup_str = STR_INIT;
	str_add_mem(&line, text, len);
	if (line.failed)
		return -ENOMEM;
	const char *copy = line.p ? line.p : "";
	if (d->words && kind == 'h')
		return 0; /* the object itself says it */
	if (d->words && kind == 'w')
		return cJSON_AddItemToArray(d->words, cJSON_CreateString(copy)) ? 0 : -ENOMEM;
	cJSON *item = cJSON_CreateObject();
	if (!item)
		return -ENOMEM;
	(void)cJSON_AddStringToObject(item, "kind", (char[]){kind, '\0'});
	json_add_path(item, "text", copy);
	return cJSON_AddItemToArray(d->lines, item) ? 0 : -ENOMEM;
}

static cJSON *diff_json(struct review *r, struct change *c, bool words, struct err *e)
{
	cJSON *json = change_to_json(c);
	struct diff_json d = {json ? cJSON_AddArrayToObject(json, "lines") : NULL,
		json && words ? cJSON_AddArrayToObject(json, "words") : NULL};
	int status = d.lines && (d.words || !words) ? review_diff(r, c, add_line, &d, e)
						    : err_set(e, ENOMEM, "out of memory");
	if (!status)
		return json;
	cJSON_Delete(json);
	return NULL;
}

cJSON *change_wire_diff(struct review *r, struct change *c, struct err *e)
{
	return diff_json(r, c, false, e);
}

cJSON *review_diff_json(struct review *r, struct changes *c, struct err *e)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *array = json ? cJSON_AddArrayToObject(json, "changes") : NULL;
	if (!array) {
		cJSON_Delete(json);
		(void)err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	(void)cJSON_AddNumberToObject(json, "v", 1);
	add_job(json, r->job);
	for (size_t i = 0; i < c->scratch.count; i++) {
		if (!c->scratch.items[i].selected)
			continue;
		cJSON *item = diff_json(r, &c->scratch.items[i], true, e);
		if (!item) {
			cJSON_Delete(json);
			return NULL;
		}
		(void)cJSON_AddItemToArray(array, item);
	}
	return json;
}

static cJSON *result_to_json(const struct review_result *result)
{
	cJSON *json = cJSON_CreateObject();
	if (!json)
		return NULL;
	(void)cJSON_AddStringToObject(json, "result", result_kind_name(result->kind));
	(void)cJSON_AddStringToObject(json, "kind", change_kind_name(result->change));
	json_add_path(json, "path", result->path);
	if (result->from)
		json_add_path(json, "from", result->from);
	if (result->why)
		json_add_path(json, "why", result->why);
	if (result->unshown)
		(void)cJSON_AddTrueToObject(json, "unshown");
	return json;
}

cJSON *review_results_json(
	const struct job *job, const char *verb, const struct review_results *results)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *array = json ? cJSON_AddArrayToObject(json, "results") : NULL;
	if (!array) {
		cJSON_Delete(json);
		return NULL;
	}
	(void)cJSON_AddNumberToObject(json, "v", 1);
	add_job(json, job);
	(void)cJSON_AddStringToObject(json, "verb", verb);
	json_add_i64(json, "done", (int64_t)results->done);
	json_add_i64(json, "left", (int64_t)results->left);
	json_add_i64(json, "unshown", (int64_t)results->unshown);
	for (size_t i = 0; i < results->count; i++)
		(void)cJSON_AddItemToArray(array, result_to_json(&results->items[i]));
	return json;
}
