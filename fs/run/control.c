/* SPDX-License-Identifier: MIT */
/*
 * What a live job answers to other commands of writ: its state, and what review asks for. One
 * thread, one request at a time (control_serve). Apply and discard work path by path while the
 * program runs: the session of the path's root is frozen around each change and told of it.
 */
#include <errno.h>
#include <string.h>

#include <writfs/json.h>
#include <writfs/path.h>
#include <writfs/review.h>
#include <writfs/session.h>

#include "run_i.h"

#define OPCODES 64

static void live_freeze(void *arg, size_t root)
{
	const struct served *served = arg;
	session_freeze(served->sessions[root]);
}

static void live_thaw(void *arg, size_t root)
{
	const struct served *served = arg;
	session_thaw(served->sessions[root]);
}

static void live_refresh(void *arg, size_t root, const char *path)
{
	const struct served *served = arg;
	session_refresh(served->sessions[root], path);
}

static void live_flush(void *arg)
{
	const struct served *served = arg;
	journal_flush(served->journal);
}

static cJSON *reply_new(const struct served *served)
{
	cJSON *reply = cJSON_CreateObject();
	cJSON_AddNumberToObject(reply, "v", 1);
	cJSON_AddStringToObject(reply, "job", served->stage->job->id);
	return reply;
}

static cJSON *reply_error(const struct served *served, int errnum, const char *text)
{
	cJSON *reply = reply_new(served);
	cJSON_AddNumberToObject(reply, "errno", errnum);
	cJSON_AddStringToObject(reply, "error", text);
	return reply;
}

static cJSON *answer_status(const struct served *served)
{
	cJSON *reply = reply_new(served);
	cJSON *requests = cJSON_AddObjectToObject(reply, "requests");
	uint64_t sum[OPCODES] = {0};
	cJSON_AddStringToObject(reply, "state", "live");
	json_add_i64(reply, "supervisor", served->stage->job->supervisor);
	for (size_t i = 0; i < served->count; i++) {
		uint64_t counts[OPCODES];
		session_counts(served->sessions[i], counts);
		for (size_t k = 0; k < OPCODES; k++)
			sum[k] += counts[k];
	}
	for (unsigned k = 0; k < OPCODES; k++) {
		const char *name = session_opcode_name(k);
		if (sum[k] > 0 && name)
			json_add_i64(requests, name, (int64_t)sum[k]);
	}
	return reply;
}

static int need_review(struct served *served, struct err *e)
{
	if (served->review)
		return 0;
	const struct review_live live = {.arg = served,
		.freeze = live_freeze,
		.thaw = live_thaw,
		.refresh = live_refresh,
		.flush = live_flush};
	const struct review_options options = {.stores = served->stores,
		.live = &live,
		.journal = served->journal,
		.home = served->stage->home};
	return review_open(served->stage->job, &options, &served->review, e);
}

cJSON *control_answer(const cJSON *request, void *arg)
{
	struct served *served = arg;
	struct err e = {0};
	const cJSON *cmd = cJSON_GetObjectItemCaseSensitive(request, "cmd");
	if (!cJSON_IsString(cmd))
		return reply_error(served, EINVAL, "a request has a \"cmd\"");
	if (strcmp(cmd->valuestring, "status") == 0)
		return answer_status(served);
	if (strcmp(cmd->valuestring, "flush") == 0) {
		journal_flush(served->journal);
		return reply_new(served);
	}
	int r = need_review(served, &e);
	if (r < 0)
		return reply_error(served, -r, e.text);
	cJSON *reply = review_control(served->review, request);
	return reply ? reply : reply_error(served, EINVAL, "no such command of a live job");
}
