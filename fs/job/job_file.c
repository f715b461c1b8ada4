/* SPDX-License-Identifier: MIT */
/*
 * job.json. The id is not in it: it is the directory's name. What is missing or of a wrong type is
 * an error with its place, for a file that nobody should edit but everybody can.
 */
#include "job_i.h"

#include <string.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/sys.h>

static const char *const review_names[] = {
	[JOB_UNDECIDED] = "undecided",
	[JOB_APPLIED] = "applied",
	[JOB_DISCARDED] = "discarded",
	[JOB_PARTLY] = "partly",
	[JOB_DECIDED] = "decided",
};

static void add_string(cJSON *json, const char *key, const char *value)
{
	if (value)
		json_add_path(json, key, value);
}

static void add_time(cJSON *json, const char *key, int64_t ns)
{
	char text[FORMAT_TIME_SIZE];
	if (ns)
		(void)cJSON_AddStringToObject(json, key, format_time(text, ns));
}

static cJSON *job_to_json(const struct job *job)
{
	cJSON *json = cJSON_CreateObject();
	json_add_i64(json, "v", JOB_FORMAT);
	add_string(json, "kind", job->kind ? job->kind : "run");
	add_string(json, "program", job->program);
	add_string(json, "command", job->command);
	add_string(json, "cwd", job->cwd);
	add_string(json, "workspace", job->workspace);
	add_string(json, "grants", job->grants);
	add_string(json, "mountpoint", job->mountpoint);
	cJSON *roots = cJSON_AddArrayToObject(json, "roots");
	for (size_t i = 0; job->roots && job->roots[i]; i++) {
		cJSON *root = cJSON_CreateObject();
		add_string(root, "path", job->roots[i]);
		(void)cJSON_AddItemToArray(roots, root);
	}
	add_time(json, "start", job->start_ns);
	add_time(json, "end", job->end_ns);
	add_time(json, "saved", job->saved_ns);
	json_add_i64(json, "status", job->status);
	json_add_i64(json, "supervisor", job->supervisor);
	add_string(json, "review", review_names[job->review]);
	return json;
}

int job_file_write(struct job *job, struct err *e)
{
	job->saved_ns = sys_time_ns(CLOCK_REALTIME);
	cJSON *json = job_to_json(job);
	char *text cleanup_free = cJSON_Print(json);
	cJSON_Delete(json);
	if (!text)
		return err_errno(e, ENOMEM, "job %s", job->id);
	int r = sys_write_file(job->dir, JOB_FILE, text, strlen(text), 0600);
	return r < 0 ? err_errno(e, -r, "cannot write %s of %s", JOB_FILE,
			       *job->id ? job->id : "a new job")
		     : 0;
}

static int get_time(const struct json_doc *doc, const char *key, int64_t *ret, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(doc->root, key);
	const char *text = cJSON_GetStringValue(item);
	*ret = 0;
	if (item && (!text || !parse_time(text, ret)))
		return json_error(e, doc, item, false, "\"%s\" is not a time", key);
	return 0;
}

static int get_number(
	const struct json_doc *doc, const char *key, int missing, int *ret, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(doc->root, key);
	if (item && !cJSON_IsNumber(item))
		return json_error(e, doc, item, false, "\"%s\" is not a number", key);
	*ret = item ? item->valueint : missing;
	return 0;
}

static int get_review(const struct json_doc *doc, enum job_review *ret, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(doc->root, "review");
	const char *text = cJSON_GetStringValue(item);
	for (size_t i = 0; text && i < sizeof review_names / sizeof *review_names; i++) {
		if (strcmp(text, review_names[i]) == 0) {
			*ret = (enum job_review)i;
			return 0;
		}
	}
	return json_error(e, doc, item ? item : doc->root, false, "\"review\" is not a known word");
}

static void roots_free(char **roots)
{
	for (size_t i = 0; roots && roots[i]; i++)
		free(roots[i]);
	free(roots);
}

static int get_roots(const struct json_doc *doc, struct job *job, struct err *e)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(doc->root, "roots");
	int count = cJSON_GetArraySize(list);
	if (!cJSON_IsArray(list) || count > JOB_ROOTS_MAX)
		return json_error(e, doc, list ? list : doc->root, false,
			"\"roots\" is not a list of at most %d", JOB_ROOTS_MAX);
	roots_free(job->roots);
	job->roots = calloc((size_t)count + 1, sizeof(char *));
	if (!job->roots)
		return err_errno(e, ENOMEM, "%s", doc->name);
	size_t i = 0;
	const cJSON *root;
	cJSON_ArrayForEach (root, list) {
		job->roots[i] = json_get_path(root, "path");
		if (!job->roots[i++])
			return json_error(e, doc, root, false, "a root without \"path\"");
	}
	return 0;
}

static void get_strings(const struct json_doc *doc, struct job *job)
{
	const struct {
		const char *key;
		char **value;
	} rows[] = {{"kind", &job->kind}, {"program", &job->program}, {"command", &job->command},
		{"cwd", &job->cwd}, {"workspace", &job->workspace}, {"grants", &job->grants},
		{"mountpoint", &job->mountpoint}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		free(*rows[i].value);
		*rows[i].value = json_get_path(doc->root, rows[i].key);
	}
}

int job_file_read(struct job *job, struct err *e)
{
	char name[JOB_ID_MAX + sizeof JOB_FILE + 1];
	(void)snprintf(name, sizeof name, "%s/%s", job->id, JOB_FILE);
	struct json_doc *doc cleanup_json = NULL;
	int r = json_load(job->dir, JOB_FILE, name, JOB_FILE_MAX, &doc, e);
	if (r < 0)
		return r;
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(doc->root, "v");
	if (!cJSON_IsNumber(version) || version->valueint != JOB_FORMAT)
		return json_error(e, doc, version ? version : doc->root, false,
			"made by another version of writ: use that one for this job");
	get_strings(doc, job);
	int supervisor = 0;
	r = get_roots(doc, job, e);
	if (r == 0)
		r = get_time(doc, "start", &job->start_ns, e);
	if (r == 0)
		r = get_time(doc, "end", &job->end_ns, e);
	if (r == 0)
		r = get_time(doc, "saved", &job->saved_ns, e);
	if (r == 0)
		r = get_number(doc, "status", -1, &job->status, e);
	if (r == 0)
		r = get_number(doc, "supervisor", 0, &supervisor, e);
	if (r == 0)
		r = get_review(doc, &job->review, e);
	job->supervisor = supervisor;
	return r;
}
