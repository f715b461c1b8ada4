/* SPDX-License-Identifier: MIT */
/*
 * Reviewing a live job. Its daemon is the only one that changes its scratch, and where the mount
 * lies over the root it is also the only one that sees the real tree. The reviewer says which
 * changes it means by their paths and ids; the daemon looks itself, does what still is as it was
 * seen, and answers with the results.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

static int ask(struct review *r, cJSON *request, cJSON **ret, struct err *e)
{
	cJSON *reply = NULL;
	if (!request)
		return err_set(e, ENOMEM, "out of memory");
	int status = control_ask(r->job, request, &reply, e);
	cJSON_Delete(request);
	if (status)
		return status;
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "error"));
	if (text) {
		const cJSON *number = cJSON_GetObjectItemCaseSensitive(reply, "errno");
		status = err_set(e, cJSON_IsNumber(number) ? number->valueint : EIO, "%s", text);
		cJSON_Delete(reply);
		return status;
	}
	*ret = reply;
	return 0;
}

static cJSON *new_request(const char *cmd)
{
	cJSON *request = cJSON_CreateObject();
	if (request && cJSON_AddNumberToObject(request, "v", 1) &&
		cJSON_AddStringToObject(request, "cmd", cmd))
		return request;
	cJSON_Delete(request);
	return NULL;
}

/* ---- the reviewer's side ---- */

static int take_list(struct review *r, const cJSON *reply, const char *key,
	enum journal_verdict verdict, struct memory *m, struct change_list *list, size_t *cap)
{
	const cJSON *item;
	const char *rel;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(reply, key)) {
		struct change c;
		int status = change_from_json(item, m, &c);
		if (status)
			return status;
		c.verdict = verdict;
		int root = review_find_root(r, c.path, &rel);
		if (root >= 0) {
			c.root = (size_t)root;
			c.root_len = strlen(r->roots[root].path);
		}
		status = change_add(list, cap, &c);
		if (status)
			return status;
	}
	return 0;
}

static int take_changes(struct review *r, const cJSON *reply, struct changes *c)
{
	struct changes_memory *m = c->memory;
	const cJSON *bad = cJSON_GetObjectItemCaseSensitive(reply, "bad_lines");
	int status = take_list(
		r, reply, "changes", JOURNAL_REDIRECTED, &m->memory, &c->scratch, &m->cap);
	if (!status)
		status = take_list(
			r, reply, "real", JOURNAL_GRANTED, &m->memory, &c->real, &m->real_cap);
	if (!status)
		status = take_list(r, reply, "refused", JOURNAL_REFUSED, &m->memory, &c->refused,
			&m->refused_cap);
	if (cJSON_IsNumber(bad))
		c->bad_lines = (unsigned)bad->valueint;
	return status ? status : changes_finish(c);
}

int remote_collect(struct review *r, struct changes **ret, struct err *e)
{
	cJSON *reply = NULL;
	struct changes *c cleanup_with(changes_freep) = changes_new();
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	int status = ask(r, new_request("review.changes"), &reply, e);
	if (status)
		return status;
	status = take_changes(r, reply, c);
	cJSON_Delete(reply);
	if (status)
		return err_errno(e, -status, "%s: its daemon's answer", r->job->id);
	*ret = steal_ptr(&c);
	return 0;
}

static int take_lines(const cJSON *reply, review_diff_fn fn, void *arg)
{
	const cJSON *item;
	int status = 0;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(reply, "lines")) {
		const char *kind =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "kind"));
		char *text cleanup_free = json_get_path(item, "text");
		if (!kind || !text)
			return -EBADMSG;
		status = fn(*kind, text, strlen(text), arg);
		if (status)
			break;
	}
	return status;
}

int remote_diff(
	struct review *r, const struct change *c, review_diff_fn fn, void *arg, struct err *e)
{
	cJSON *reply = NULL;
	cJSON *request = new_request("review.diff");
	if (request)
		json_add_path(request, "path", c->path);
	int status = ask(r, request, &reply, e);
	if (status)
		return status;
	status = take_lines(reply, fn, arg);
	cJSON_Delete(reply);
	return status < 0 ? err_errno(e, -status, "%s: cannot be compared", c->path) : status;
}

static cJSON *act_request(const char *verb, const struct changes *c, const struct review_act *act)
{
	cJSON *request = new_request("review.act");
	cJSON *array = request ? cJSON_AddArrayToObject(request, "changes") : NULL;
	if (!array) {
		cJSON_Delete(request);
		return NULL;
	}
	(void)cJSON_AddStringToObject(request, "verb", verb);
	(void)cJSON_AddBoolToObject(request, "bulk", act->bulk);
	(void)cJSON_AddBoolToObject(request, "all", act->all);
	for (size_t i = 0; i < c->scratch.count; i++) {
		const struct change *change = &c->scratch.items[i];
		cJSON *item = change->selected ? cJSON_CreateObject() : NULL;
		if (!item)
			continue;
		(void)cJSON_AddStringToObject(item, "id", change->id);
		json_add_path(item, "path", change->path);
		if (change->named)
			(void)cJSON_AddTrueToObject(item, "named");
		(void)cJSON_AddItemToArray(array, item);
	}
	return request;
}

static int result_of_name(const char *name, enum result_kind *ret)
{
	for (size_t i = 0; name && i < RESULT_KIND_MAX; i++) {
		if (strcmp(result_kind_name((enum result_kind)i), name) == 0) {
			*ret = (enum result_kind)i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int take_result(const cJSON *item, struct review_results *results)
{
	struct memory m cleanup_with(memory_free) = {0};
	char *why cleanup_free = json_get_path(item, "why");
	struct change c;
	enum result_kind kind;
	int status = result_of_name(
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "result")), &kind);
	if (!status)
		status = change_from_json(item, &m, &c);
	if (status)
		return status;
	c.shown = !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "unshown"));
	return results_add(results, kind, &c, why);
}

int remote_act(struct review *r, const char *verb, struct changes *c, const struct review_act *act,
	struct review_results **ret, struct err *e)
{
	cJSON *reply = NULL;
	const cJSON *item;
	struct review_results *results cleanup_with(review_results_freep) =
		calloc(1, sizeof *results);
	if (!results)
		return err_set(e, ENOMEM, "out of memory");
	int status = ask(r, act_request(verb, c, act), &reply, e);
	if (status)
		return status;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(reply, "results")) {
		status = take_result(item, results);
		if (status)
			break;
	}
	cJSON_Delete(reply);
	if (status)
		return err_errno(e, -status, "%s: its daemon's answer", r->job->id);
	*ret = steal_ptr(&results);
	return 0;
}

/* ---- the daemon's side ---- */

static cJSON *error_reply(const struct err *e)
{
	cJSON *reply = cJSON_CreateObject();
	if (!reply)
		return NULL;
	(void)cJSON_AddStringToObject(reply, "error", e->text);
	(void)cJSON_AddNumberToObject(reply, "errno", e->errnum);
	return reply;
}

static cJSON *answer_changes(struct review *r, struct err *e)
{
	struct changes *c cleanup_with(changes_freep) = NULL;
	return review_collect(r, &c, e) ? NULL : changes_to_json(c, false);
}

static cJSON *answer_diff(struct review *r, const cJSON *request, struct err *e)
{
	struct changes *c cleanup_with(changes_freep) = NULL;
	char *path cleanup_free = json_get_path(request, "path");
	if (review_collect(r, &c, e))
		return NULL;
	struct change *change = path ? changes_find(c, path) : NULL;
	if (!change) {
		(void)err_set(e, ENOENT, "%s: no change there any more", path ? path : "?");
		return NULL;
	}
	return change_wire_diff(r, change, e);
}

/* What the reviewer saw and is not any more is refused by name, like what was shown otherwise. */
static int take_selection(const cJSON *request, struct changes *c)
{
	const cJSON *item;
	for (size_t i = 0; i < c->scratch.count; i++)
		c->scratch.items[i].selected = false;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(request, "changes")) {
		char *path cleanup_free = json_get_path(item, "path");
		const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "id"));
		struct change *change = path ? changes_find(c, path) : NULL;
		if (!path || !id)
			return -EBADMSG;
		if (!change)
			continue;
		change->selected = true;
		change->named = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "named"));
		if (strcmp(change->id, id) != 0)
			change->drifted = true;
	}
	return 0;
}

static cJSON *answer_act(struct review *r, const cJSON *request, struct err *e)
{
	struct changes *c cleanup_with(changes_freep) = NULL;
	struct review_results *results cleanup_with(review_results_freep) = NULL;
	const char *verb = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "verb"));
	const struct review_act act = {
		.bulk = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "bulk")),
		.all = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "all"))};
	bool discard = verb && strcmp(verb, "discard") == 0;
	if (!verb || (!discard && strcmp(verb, "apply") != 0)) {
		(void)err_set(e, EINVAL, "neither apply nor discard");
		return NULL;
	}
	if (review_collect(r, &c, e))
		return NULL;
	int status = take_selection(request, c);
	if (status) {
		(void)err_errno(e, -status, "the list of changes");
		return NULL;
	}
	status = discard ? review_discard(r, c, &act, &results, e)
			 : review_apply(r, c, &act, &results, e);
	return status ? NULL : review_results_json(r->job, verb, results);
}

cJSON *review_control(struct review *r, const cJSON *request)
{
	const char *cmd = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "cmd"));
	struct err e = {0};
	cJSON *reply = NULL;
	if (!cmd || strncmp(cmd, "review.", 7) != 0)
		return NULL;
	if (strcmp(cmd, "review.flush") == 0) {
		if (r->live && r->live->flush)
			r->live->flush(r->live->arg);
		return cJSON_CreateObject();
	}
	if (strcmp(cmd, "review.changes") == 0)
		reply = answer_changes(r, &e);
	else if (strcmp(cmd, "review.diff") == 0)
		reply = answer_diff(r, request, &e);
	else if (strcmp(cmd, "review.act") == 0)
		reply = answer_act(r, request, &e);
	else
		(void)err_set(&e, EINVAL, "%s: unknown request", cmd);
	if (reply)
		return reply;
	if (!e.errnum)
		(void)err_set(&e, ENOMEM, "out of memory");
	return error_reply(&e);
}
