/* SPDX-License-Identifier: MIT */
/* What became of each change that apply or discard was asked to decide. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

static const char *const kind_names[CHANGE_KIND_MAX] = {
	[CHANGE_ADDED] = "added",
	[CHANGE_MODIFIED] = "modified",
	[CHANGE_DELETED] = "deleted",
	[CHANGE_RENAMED] = "renamed",
	[CHANGE_TYPE] = "type",
	[CHANGE_MODE] = "mode",
	[CHANGE_OWNER] = "owner",
	[CHANGE_XATTR] = "xattr",
	[CHANGE_TIMES] = "times",
};

static const char *const result_names[RESULT_KIND_MAX] = {
	[RESULT_APPLIED] = "applied",
	[RESULT_DISCARDED] = "discarded",
	[RESULT_SAME] = "same",
	[RESULT_DANGEROUS] = "dangerous",
	[RESULT_LOGIN] = "login",
	[RESULT_CONFLICT] = "conflict",
	[RESULT_DRIFTED] = "drifted",
	[RESULT_BUSY] = "busy",
	[RESULT_FAILED] = "failed",
};

const char *change_kind_name(enum change_kind kind)
{
	return (unsigned)kind < CHANGE_KIND_MAX ? kind_names[kind] : "unknown";
}

const char *result_kind_name(enum result_kind kind)
{
	return (unsigned)kind < RESULT_KIND_MAX ? result_names[kind] : "unknown";
}

int results_add_path(struct review_results *results, enum result_kind kind, enum change_kind change,
	const char *path, const char *from, const char *why)
{
	struct review_result *grown =
		reallocarray(results->items, results->count + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	results->items = grown;
	struct review_result *result = &grown[results->count];
	*result = (struct review_result){.kind = kind,
		.change = change,
		.path = strdup(path),
		.from = from ? strdup(from) : NULL,
		.why = why && *why ? strdup(why) : NULL};
	if (!result->path || (from && !result->from) || (why && *why && !result->why)) {
		free(result->path);
		free(result->from);
		free(result->why);
		return -ENOMEM;
	}
	results->count++;
	if (kind == RESULT_APPLIED || kind == RESULT_DISCARDED || kind == RESULT_SAME)
		results->done++;
	else
		results->left++;
	return 0;
}

int results_add(struct review_results *results, enum result_kind kind, const struct change *c,
	const char *why)
{
	int r = results_add_path(results, kind, c->kind, c->path, c->from, why);
	if (r || kind != RESULT_APPLIED || c->shown)
		return r;
	results->items[results->count - 1].unshown = true;
	results->unshown++;
	return 0;
}

void review_results_free(struct review_results *results)
{
	if (!results)
		return;
	for (size_t i = 0; i < results->count; i++) {
		free(results->items[i].path);
		free(results->items[i].from);
		free(results->items[i].why);
	}
	free(results->items);
	free(results);
}

void review_results_freep(struct review_results **results)
{
	review_results_free(*results);
	*results = NULL;
}
