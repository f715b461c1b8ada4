/* SPDX-License-Identifier: MIT */
/* writ diff: what would change if everything were applied, as text. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>

#include <writfs/str.h>

#include "help.h"
#include "terminal.h"

struct diff_args {
	const char *job;
	bool json;
	bool exit_code;
};

static size_t diff_count_selected(const struct change_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].selected;
	return count;
}

static int diff_print(const struct command *self, const struct cli_review *r)
{
	cleanup_str struct str text = STR_INIT;
	struct changes *c = r->changes;
	size_t real = diff_count_selected(&c->real);
	struct err e = {0};

	cli_job_line(&text, r->job);
	str_add_char(&text, '\n');
	if (!diff_count_selected(&c->scratch))
		str_add(&text, "nothing is redirected\n");
	for (size_t i = 0; i < c->scratch.count; i++) {
		if (!c->scratch.items[i].selected)
			continue;
		str_add_char(&text, '\n');
		if (review_diff_text(r->review, &c->scratch.items[i], cli_home(self),
			    terminal_colour(), &text, &e) < 0)
			return cli_fail(self, &e);
		if (text.failed)
			return cli_error(self, ENOMEM, "diff: out of memory");
		/* One change at a time: the whole may be larger than memory. */
		(void)fwrite(text.p, 1, text.len, stdout);
		if (ferror(stdout))
			return CLI_DONE;
		str_clear(&text);
	}
	if (text.len)
		(void)fwrite(text.p, 1, text.len, stdout);
	if (real)
		(void)printf(
			"\n%zu real change%s: no base is kept to compare with; writ log says who "
			"wrote\n",
			real, real == 1 ? "" : "s");
	return CLI_DONE;
}

static int diff_run(const struct command *self, char **argv)
{
	struct diff_args args = {0};
	cleanup_opt_list struct opt_list words = {0};
	cleanup_cli_review struct cli_review r = {0};
	struct err e = {0};
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	status = cli_review_open(self, args.job, &words, false, &r);
	if (status != CLI_GO_ON)
		return status;
	if (args.json) {
		cJSON *json = review_diff_json(r.review, r.changes, &e);

		status = json ? cli_print_json(self, json) : cli_fail(self, &e);
	} else {
		terminal_pager();
		status = diff_print(self, &r);
	}
	if (status == CLI_DONE)
		cli_review_shown(&r);
	return status == CLI_DONE && args.exit_code ? cli_exit_code(r.changes) : status;
}

static const struct opt diff_options[] = {
	CLI_JOB_OPTION(diff_args),
	CLI_EXIT_CODE_OPTION(diff_args),
	CLI_JSON_OPTION(diff_args),
	{0},
};

static const struct example diff_examples[] = {
	{"diff", "everything that was redirected"},
	{"diff ~/.bashrc", "one file"},
	{"diff -j npm-3 '~/.config/**/*.json'", "some files of one job"},
	{NULL, NULL},
};

const struct command command_diff = {
	.name = "diff",
	.summary = "the redirected changes line by line",
	.usage = (const char *const[]){"[-j JOB] [--exit-code] [--json] [PATH|GLOB]...", NULL},
	.options = diff_options,
	.help = "Compares what the job left in its scratch with the real files as they are now. "
		"Text is shown line by line, everything else in words: mode, owner, attributes, "
		"links, sizes. Control characters are shown, never sent to the terminal.\n"
		"Real changes are counted only: what a grant let through has no base yet to "
		"compare with.\n"
		"On a terminal the output goes through $PAGER. What was shown is remembered, as "
		"by `writ status`.\n",
	.examples = diff_examples,
	.exit = help_exit_look,
	.see = "writ-status(1), writ-apply(1)",
	.first = true,
	.run = diff_run,
};
