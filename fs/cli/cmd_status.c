/* SPDX-License-Identifier: MIT */
/*
 * writ status: what a job changed, most important first. Rows are made by review_rows: labelled
 * changes alone, the rest collapsed by directory. What is shown counts as shown for apply.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/run.h>
#include <writfs/str.h>

#include "help.h"
#include "inside.h"
#include "table.h"
#include "terminal.h"

/* Rows without patterns: what fits a screen. With patterns each change has its own. */
#define STATUS_ROWS_SCRATCH 24
#define STATUS_ROWS_REAL 8
#define STATUS_ROWS_REFUSED 8

struct status_args {
	const char *job;
	bool json;
	bool exit_code;
};

/* Which of a list a section shows. */
enum status_part { STATUS_ALL, STATUS_LABELLED, STATUS_PLAIN };

/* A list of those changes that are selected and of this part. The strings stay their owner's. */
static int status_selected(
	const struct change_list *all, enum status_part part, struct change_list *ret)
{
	struct change *items = calloc(all->count ? all->count : 1, sizeof *items);
	size_t count = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++) {
		const struct change *c = &all->items[i];

		if (c->selected && (part == STATUS_ALL || (part == STATUS_LABELLED) == !!c->label))
			items[count++] = *c;
	}
	*ret = (struct change_list){.items = items, .count = count};
	return 0;
}

static void status_list_free(struct change_list *list)
{
	free(list->items);
}

/* "bash ← claude": who did it, and who started that. */
static void status_add_actor(struct table *table, const struct change *c)
{
	if (!c->program)
		table_add(table, "", NULL);
	else if (c->parent && *c->parent)
		table_addf(table, NULL, "%s ← %s", cli_text(c->program), cli_text(c->parent));
	else
		table_add(table, cli_text(c->program), NULL);
}

/* What a person should know before deciding, in one phrase. */
static void status_add_remark(struct table *table, const struct change *c)
{
	const char *danger = terminal_style(STYLE_DANGER);

	if (c->conflict)
		table_addf(table, danger, "conflict: %s",
			c->why ? cli_text(c->why) : "changed outside");
	else if (c->verdict == JOURNAL_REFUSED && c->rule)
		table_addf(table, NULL, "refused by %s", cli_path(c->rule));
	else if (c->label)
		table_add(table, cli_text(c->label), NULL);
	else if (c->drifted)
		table_add(table, "changed since it was last shown", NULL);
	else if (c->busy)
		table_add(table, "open for writing", NULL);
	else if (c->same)
		table_add(table, "the same outside by now", NULL);
	else
		table_add(table, "", NULL);
}

static void status_add_words(struct table *table, const struct change_row *row)
{
	char count[32], deleted[32], words[256];

	if (row->first->verdict == JOURNAL_REFUSED) {
		table_add(table, "", NULL);
		return;
	}
	if (row->changes == 1) {
		const char *kind = change_kind_name(row->first->kind);

		(void)change_words(words, sizeof words, row->first);
		if (!*words)
			table_add(table, kind, NULL);
		else if ((row->first->kind == CHANGE_ADDED || row->first->kind == CHANGE_DELETED) &&
			 strcmp(words, kind) != 0)
			table_addf(table, NULL, "%s, %s", kind, words);
		else
			table_add(table, words, NULL);
		return;
	}
	(void)format_count(count, sizeof count, row->files);
	(void)format_count(deleted, sizeof deleted, row->deleted);
	if (row->deleted == row->files)
		table_addf(table, NULL, "%s deleted", deleted);
	else if (row->deleted)
		table_addf(table, NULL, "%s %s, %s deleted", count,
			row->files == 1 ? "file" : "files", deleted);
	else
		table_addf(table, NULL, "%s %s", count, row->files == 1 ? "file" : "files");
}

static void status_add_row(struct table *table, const struct change_row *row)
{
	bool danger = row->first->class == CLASS_DANGER;

	table_add(table, danger ? "!" : " ", terminal_style(STYLE_DANGER));
	if (row->first->from && row->changes == 1)
		table_addf(table, NULL, "%s (was %s)", cli_path(row->path),
			cli_path(row->first->from));
	else
		table_add(table, cli_path(row->path), NULL);
	table_add(table, row->first->verdict == JOURNAL_GRANTED ? "REAL" : "",
		terminal_style(STYLE_REAL));
	status_add_words(table, row);
	status_add_actor(table, row->first);
	status_add_remark(table, row->first);
}

static int status_print_rows(struct review *review, const struct change_list *list, size_t max)
{
	struct change_rows rows = {0};
	struct table table cleanup_with(table_free) = {.columns = 6, .indent = 2};
	int rc = review_rows(list, max, &rows);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < rows.count; i++) {
		const struct change_row *row = &rows.items[i];

		/* Only of what is shown by itself: counting reads the files. */
		if (row->changes == 1 && row->first->verdict == JOURNAL_REDIRECTED)
			(void)review_count_lines(review, &list->items[row->first - list->items]);
		status_add_row(&table, row);
	}
	table_print(&table);
	if (rows.more)
		(void)printf("     %zu more in %zu place%s: writ status PATH\n", rows.more,
			rows.more_places, rows.more_places == 1 ? "" : "s");
	change_rows_free(&rows);
	return 0;
}

/* As the end summary counts: what a deleted directory held is gone too. */
static size_t status_count_names(const struct change_list *list)
{
	size_t count = list->count;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].files;
	return count;
}

static const char *status_add_count(
	struct str *out, const char *gap, size_t count, const char *what)
{
	char number[32];

	if (!count)
		return gap;
	str_addf(out, "%s%s %s", gap, format_count(number, sizeof number, count), what);
	return " · ";
}

/* "1,243 redirected, 2 dangerous · 61 real · 3 refused". */
static void status_counts(const struct changes *c)
{
	cleanup_str struct str out = STR_INIT;
	const char *gap = status_add_count(&out, "", status_count_names(&c->scratch), "redirected");

	(void)status_add_count(&out, ", ", c->dangerous, "dangerous");
	(void)status_add_count(&out, ", ", c->conflicts, "in conflict");
	gap = status_add_count(&out, gap, c->real.count, "real");
	(void)status_add_count(&out, gap, c->refused.count, "refused");
	(void)puts(out.len ? out.p : "nothing was redirected, nothing was changed for real");
	if (c->bad_lines)
		(void)printf("%u lines of the journal could not be read\n", c->bad_lines);
}

static void status_hints(const struct cli_review *r)
{
	const struct changes *c = r->changes;
	char job[JOB_ID_MAX + 8] = "";

	if (!c->scratch.count)
		return;
	if (r->named)
		(void)snprintf(job, sizeof job, " -j %s", r->job->id);
	(void)printf("\nlook: writ diff%s    keep%s: writ apply%s    drop: writ discard%s\n", job,
		c->dangerous ? " all but \"!\"" : "", job, job);
}

struct status_section {
	const char *title;
	const struct change_list *list;
	enum status_part part;
	size_t max; /* rows when nothing was named */
};

static int status_print_section(
	struct review *review, const struct status_section *section, bool whole)
{
	struct change_list list cleanup_with(status_list_free) = {0};
	int rc = status_selected(section->list, section->part, &list);

	if (rc < 0 || !list.count)
		return rc;
	(void)printf("\n%s\n", section->title);
	return status_print_rows(review, &list, whole ? 0 : section->max);
}

static int status_print(const struct command *self, const struct cli_review *r, bool whole)
{
	cleanup_str struct str line = STR_INIT;
	const struct changes *c = r->changes;
	/* Real changes that a label names come first: they are done already. */
	const struct status_section sections[] = {
		{"real and dangerous, not undoable:", &c->real, STATUS_LABELLED, 0},
		{"redirected:", &c->scratch, STATUS_ALL, STATUS_ROWS_SCRATCH},
		{"real, not undoable:", &c->real, STATUS_PLAIN, STATUS_ROWS_REAL},
		{"refused:", &c->refused, STATUS_ALL, STATUS_ROWS_REFUSED},
	};

	cli_job_line(&line, r->job);
	(void)puts(line.p ? line.p : "");
	status_counts(c);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		if (status_print_section(r->review, &sections[i], whole) < 0)
			return cli_error(self, ENOMEM, "status: out of memory");
	status_hints(r);
	return CLI_DONE;
}

static int status_run(const struct command *self, char **argv)
{
	struct status_args args = {0};
	cleanup_opt_list struct opt_list words = {0};
	cleanup_cli_review struct cli_review r = {0};
	const char *inside;
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (run_inside_job(&inside))
		return inside_show(self, inside, &words, args.json);
	status = cli_review_open(self, args.job, &words, false, &r);
	if (status != CLI_GO_ON)
		return status;
	if (args.json)
		status = cli_print_json(self, review_status_json(r.job, r.changes));
	else
		status = status_print(self, &r, words.count > 0);
	cli_review_shown(&r);
	return status == CLI_DONE && args.exit_code ? cli_exit_code(r.changes) : status;
}

static const struct opt status_options[] = {
	CLI_JOB_OPTION(status_args),
	CLI_EXIT_CODE_OPTION(status_args),
	CLI_JSON_OPTION(status_args),
	{0},
};

static const struct example status_examples[] = {
	{"status", "the whole job on one screen; bare `writ` is the same"},
	{"status ~/.cache", "every change below ~/.cache, one a line"},
	{"status -j claude-12 '**/*.json'", "JSON files that job claude-12 changed"},
	{"status --exit-code --json",
		"for scripts: one document, and 4 if something dangerous is in it"},
	{NULL, NULL},
};

const struct command command_status = {
	.name = "status",
	.summary = "what a job changed: redirected, real, refused",
	.usage = (const char *const[]){"[-j JOB] [--exit-code] [--json] [PATH|GLOB]...", NULL},
	.options = status_options,
	.help = "Begins with the job's line and the counts. Then come the changes: what is "
		"dangerous first, marked \"!\" with the reason (it runs at login, at git "
		"commands, in an editor or agent later); changes of one directory that need no "
		"word of their own are one line. REAL marks what was written for real because "
		"something granted it.\n"
		"With PATH or GLOB only those changes are shown, each on its own line. X selects "
		"X and all beneath; see writ-policy(5) for globs.\n"
		"What was shown is remembered: `writ apply` refuses what has changed since.\n"
		"Inside a job it says what the policy does with the current directory or PATH.\n",
	.examples = status_examples,
	.exit = help_exit_look,
	.see = "writ-diff(1), writ-log(1), writ-apply(1), writ-discard(1)",
	.first = true,
	.run = status_run,
};
