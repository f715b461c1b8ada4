/* SPDX-License-Identifier: MIT */
/*
 * writ apply and writ discard: one shape, two verbs. What was left out is told with its reason and
 * the way to have it after all; exit status 1 says that there was such a thing.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/str.h>

#include "help.h"
#include "table.h"
#include "terminal.h"

/* Changes listed one by one; more are counted (--json has all). */
#define APPLY_LIST_MAX 50

struct apply_args {
	const char *job;
	bool json;
};

/* Why a change was left, and the cure, in one phrase. */
static const char *apply_cure(enum result_kind kind)
{
	switch (kind) {
	case RESULT_DANGEROUS:
		return "name the path to apply it";
	case RESULT_LOGIN:
		return "name the path to discard it";
	case RESULT_CONFLICT:
		return "conflict";
	case RESULT_DRIFTED:
		return "changed since it was last shown; look at it with writ diff";
	case RESULT_BUSY:
		return "the job has it open for writing";
	case RESULT_FAILED:
		return "failed";
	case RESULT_APPLIED:
	case RESULT_DISCARDED:
	case RESULT_SAME:
	case RESULT_KIND_MAX:
		break;
	}
	return "";
}

static bool apply_is_left(const struct review_result *result)
{
	return *apply_cure(result->kind) != '\0';
}

static void apply_add_row(struct table *table, const struct review_result *result)
{
	const char *cure = apply_cure(result->kind);

	table_add(table, apply_is_left(result) ? "left" : result_kind_name(result->kind),
		apply_is_left(result) ? terminal_style(STYLE_DANGER) : "");
	table_add(table, change_kind_name(result->change), NULL);
	table_add(table, cli_path(result->path), NULL);
	if (result->why && (result->kind == RESULT_DANGEROUS || result->kind == RESULT_LOGIN))
		table_addf(table, NULL, "%s; %s", cli_text(result->why), cure);
	else if (result->why)
		table_addf(table, NULL, "%s%s%s", cure, *cure ? ": " : "", cli_text(result->why));
	else if (result->unshown)
		table_add(table, "was never shown", NULL);
	else
		table_add(table, cure, NULL);
}

/* What a person must read first (left, never shown), then the rest. */
static void apply_print_list(const struct review_results *results)
{
	struct table table cleanup_with(table_free) = {.columns = 4, .indent = 2};
	size_t rows = 0;

	for (int quiet = 0; quiet < 2; quiet++) {
		for (size_t i = 0; i < results->count; i++) {
			const struct review_result *result = &results->items[i];
			bool loud = apply_is_left(result) || result->unshown;

			if (loud == !!quiet || (quiet && rows >= APPLY_LIST_MAX))
				continue;
			apply_add_row(&table, result);
			rows++;
		}
	}
	table_print(&table);
	if (rows < results->count)
		(void)printf("  and %zu more\n", results->count - rows);
}

static void apply_print(
	const struct job *job, const char *done, const struct review_results *results)
{
	cleanup_str struct str line = STR_INIT;
	char number[32];

	cli_job_line(&line, job);
	(void)puts(line.p ? line.p : "");
	if (!results->count) {
		(void)puts("nothing is redirected");
		return;
	}
	(void)printf("%s %s", format_count(number, sizeof number, results->done), done);
	if (results->left)
		(void)printf(", %s left", format_count(number, sizeof number, results->left));
	(void)putchar('\n');
	apply_print_list(results);
}

static int apply_act(const struct command *self, char **argv, bool apply)
{
	struct apply_args args = {0};
	cleanup_opt_list struct opt_list words = {0};
	cleanup_cli_review struct cli_review r = {0};
	struct review_results *results cleanup_with(review_results_freep) = NULL;
	struct err e = {0};
	int status = cli_parse(self, argv, &args, &words);

	if (status == CLI_GO_ON)
		status = cli_review_open(self, args.job, &words, true, &r);
	if (status != CLI_GO_ON)
		return status;

	struct review_act act = {.bulk = !words.count};

	terminal_progress_begin(apply ? "applying" : "discarding");
	int rc = (apply ? review_apply : review_discard)(r.review, r.changes, &act, &results, &e);
	terminal_progress_end();
	/* What was done before an error is told too. */
	status = CLI_DONE;
	if (results && args.json)
		status = cli_print_json(self, review_results_json(r.job, self->name, results));
	else if (results)
		apply_print(r.job, apply ? "applied" : "discarded", results);
	if (rc < 0)
		return cli_fail(self, &e);
	return status == CLI_DONE && results && results->left ? CLI_NOT_ALL : status;
}

static int apply_run(const struct command *self, char **argv)
{
	return apply_act(self, argv, true);
}

static int discard_run(const struct command *self, char **argv)
{
	return apply_act(self, argv, false);
}

static const struct opt apply_options[] = {
	{'j', OPT_STRING, "job", "JOB", offsetof(struct apply_args, job),
		"the job (needed where there are several to choose from)"},
	CLI_JSON_OPTION(apply_args),
	{0},
};

static const struct example apply_examples[] = {
	{"apply", "make everything real but what is marked \"!\""},
	{"apply ~/.config/app", "one directory and all beneath"},
	{"apply ~/.bashrc", "a dangerous change: only its own path, spelled out, applies it"},
	{NULL, NULL},
};

const struct command command_apply = {
	.name = "apply",
	.summary = "make redirected changes real",
	.usage = (const char *const[]){"[-j JOB] [--json] [PATH|GLOB]...", NULL},
	.options = apply_options,
	.help = "Puts what lies in the job's scratch into the real tree and takes it out of "
		"scratch. Without a word: everything but what `writ status` marks \"!\"; a "
		"dangerous change is applied only when its own path is named, without a "
		"wildcard.\n"
		"Left as it is, with the reason, and exit status 1: a file that was changed "
		"outside since the job first changed it (conflict), a change that is not what was "
		"last shown, a file that a running job has open for writing.\n"
		"Nothing is ever unlinked: the real file that is replaced or deleted moves into "
		"the job's base directory. A crash in the middle is finished or taken back at the "
		"next command.\n",
	.examples = apply_examples,
	.exit = help_exit_decide,
	.see = "writ-status(1), writ-diff(1), writ-discard(1)",
	.first = true,
	.run = apply_run,
};

static const struct example discard_examples[] = {
	{"discard", "drop everything that was redirected"},
	{"discard ~/.cache", "drop one directory and all beneath"},
	{"discard -j npm-3 '**/node_modules'", "by pattern, in one job"},
	{NULL, NULL},
};

const struct command command_discard = {
	.name = "discard",
	.summary = "drop redirected changes",
	.usage = (const char *const[]){"[-j JOB] [--json] [PATH|GLOB]...", NULL},
	.options = apply_options,
	.help = "Takes changes out of the job's scratch; the names show the real files again. "
		"Real changes are not touched.\n"
		"Without a word: everything but logins that the program renewed (\"discarding "
		"logs you out\"), which must be named.\n",
	.examples = discard_examples,
	.exit = help_exit_decide,
	.see = "writ-status(1), writ-apply(1)",
	.first = true,
	.run = discard_run,
};
