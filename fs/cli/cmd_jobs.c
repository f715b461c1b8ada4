/* SPDX-License-Identifier: MIT */
/* writ jobs: the list of jobs, and the removal of those that nobody will miss. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#include "table.h"
#include "terminal.h"

struct jobs_args {
	bool json;
	bool now;
};

struct jobs_list {
	struct job **items;
	size_t count;
};

static void jobs_list_free(struct jobs_list *list)
{
	if (list->items)
		job_list_free(list->items);
}

/* What is left to do with a job, in one word or two. */
static const char *jobs_review_words(const struct job *job, bool changes)
{
	if (changes)
		return job->review == JOB_PARTLY ? "partly decided" : "to decide";
	return job->review == JOB_UNDECIDED ? "no changes" : cli_job_review_name(job->review);
}

static cJSON *jobs_json(struct job *job)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *roots;

	cJSON_AddStringToObject(json, "id", job->id);
	cJSON_AddStringToObject(json, "kind", job->kind ? job->kind : "run");
	cJSON_AddStringToObject(json, "state", cli_job_state_name(job->state));
	cJSON_AddStringToObject(json, "review", cli_job_review_name(job->review));
	cJSON_AddBoolToObject(json, "changes", review_has_changes(job));
	cli_add_time(json, "start", job->start_ns);
	if (job->end_ns)
		cli_add_time(json, "end", job->end_ns);
	if (job->status >= 0)
		json_add_i64(json, "status", job->status);
	if (job->program)
		json_add_path(json, "program", job->program);
	if (job->command)
		json_add_path(json, "command", job->command);
	if (job->cwd)
		json_add_path(json, "cwd", job->cwd);
	if (job->workspace)
		json_add_path(json, "workspace", job->workspace);
	if (job->mountpoint)
		json_add_path(json, "mountpoint", job->mountpoint);
	roots = cJSON_AddArrayToObject(json, "roots");
	for (size_t i = 0; job->roots && job->roots[i]; i++) {
		cJSON *root = cJSON_CreateObject();

		json_add_path(root, "path", job->roots[i]);
		cJSON_AddItemToArray(roots, root);
	}
	return json;
}

/* Where a job works, as a person thinks of it. */
static const char *jobs_place(const struct job *job)
{
	if (job->mountpoint)
		return job->mountpoint;
	if (job->workspace)
		return job->workspace;
	return job->cwd ? job->cwd : "";
}

static void jobs_print(const struct jobs_list *list)
{
	struct table table cleanup_with(table_free) = {.columns = 6};

	for (size_t i = 0; i < list->count; i++) {
		struct job *job = list->items[i];
		bool changes = review_has_changes(job);
		char when[CLI_TIME_SIZE], state[32];

		table_add(&table, cli_text(job->id), terminal_style(STYLE_BOLD));
		table_add(&table, cli_job_state(state, sizeof state, job), NULL);
		table_add(&table, cli_time(when, job->start_ns), NULL);
		table_add(&table, jobs_review_words(job, changes),
			changes ? terminal_style(STYLE_REAL) : NULL);
		table_add(&table, cli_path(jobs_place(job)), NULL);
		table_add(&table, cli_text(job->command ? job->command : ""), NULL);
	}
	table_print(&table);
	if (!list->count)
		(void)puts("no jobs");
}

static int jobs_show(const struct command *self, bool json)
{
	struct jobs_list list cleanup_with(jobs_list_free) = {0};
	struct err e = {0};

	if (job_list(&list.items, &list.count, &e) < 0)
		return cli_fail(self, &e);
	if (!json) {
		jobs_print(&list);
		return CLI_DONE;
	}

	cJSON *document = cli_json_new();
	cJSON *jobs = cJSON_AddArrayToObject(document, "jobs");

	for (size_t i = 0; i < list.count; i++)
		cJSON_AddItemToArray(jobs, jobs_json(list.items[i]));
	return cli_print_json(self, document);
}

/* ---- prune ---- */

static int jobs_prune(const struct command *self, const struct jobs_args *args)
{
	struct jobs_list list cleanup_with(jobs_list_free) = {0};
	cJSON *document = cli_json_new();
	cJSON *removed = cJSON_AddArrayToObject(document, "removed");
	/* At the end of time everything is old enough. */
	int64_t now_ns = args->now ? INT64_MAX : sys_time_ns(CLOCK_REALTIME);
	struct err e = {0};
	int status = CLI_DONE;

	if (job_list(&list.items, &list.count, &e) < 0) {
		cJSON_Delete(document);
		return cli_fail(self, &e);
	}
	for (size_t i = 0; i < list.count; i++) {
		struct job *job = list.items[i];

		/* Looked at again under the lock: it may have been continued meanwhile. */
		if (!job_prunable(job, review_has_changes, now_ns) ||
			job_lock_review(job, 0, NULL) < 0 ||
			!job_prunable(job, review_has_changes, now_ns))
			continue;
		if (job_remove(job, &e) < 0) {
			status = cli_fail(self, &e);
			continue;
		}
		cJSON_AddItemToArray(removed, cJSON_CreateString(job->id));
		if (!args->json)
			(void)printf("removed %s\n", cli_text(job->id));
	}
	if (!args->json) {
		if (!cJSON_GetArraySize(removed))
			(void)puts("nothing to remove");
		cJSON_Delete(document);
		return status;
	}

	int printed = cli_print_json(self, document);

	return status ? status : printed;
}

static int jobs_run(const struct command *self, char **argv)
{
	struct jobs_args args = {0};
	cleanup_opt_list struct opt_list words = {0};
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (words.count == 1 && !strcmp(words.items[0], "prune"))
		return jobs_prune(self, &args);
	if (words.count)
		return cli_error(self, EINVAL,
			"jobs: unknown word \"%s\"; writ jobs, or writ jobs prune",
			cli_text(words.items[words.count > 1 && !strcmp(words.items[0], "prune")]));
	if (args.now)
		return cli_error(self, EINVAL, "jobs: --now is for writ jobs prune; leave it out");
	return jobs_show(self, args.json);
}

static const struct opt jobs_options[] = {
	{0, OPT_FLAG, "now", NULL, offsetof(struct jobs_args, now),
		"prune: whatever its age, remove each job that has nothing left to decide"},
	CLI_JSON_OPTION(jobs_args),
	{0},
};

static const struct example jobs_examples[] = {
	{"jobs", "all jobs, newest first"},
	{"status -j npm-3", "one of them"},
	{"jobs prune --now", "remove those that are decided or have changed nothing"},
	{NULL, NULL},
};

const struct command command_jobs = {
	.name = "jobs",
	.summary = "list jobs; remove old ones",
	.usage = (const char *const[]){"[--json]", "prune [--now] [--json]", NULL},
	.words = (const char *const[]){"prune", NULL},
	.options = jobs_options,
	.help = "A job is one run of `writ run`, or one mount. Its name is the program's and a "
		"number. Columns: name, state, start, what is left to do, place, command.\n"
		"Commands that take `-j JOB` find the job by themselves where it is left out: "
		"$WRIT_JOB, else the one job with undecided changes whose workspace holds the "
		"current directory, else the only one there is. With several, commands that "
		"change something list them and end with status 2; those that only look take the "
		"newest and say so.\n"
		"`prune` does what each end of `writ run` does: it removes jobs without changes "
		"after one day and decided ones after 14 days. A job with undecided changes is "
		"never removed. Jobs lie in $XDG_STATE_HOME/writfs/jobs "
		"(~/.local/state/writfs/jobs).\n",
	.examples = jobs_examples,
	.see = "writ-status(1), writ-apply(1), writ-discard(1)",
	.first = true,
	.run = jobs_run,
};
