/* SPDX-License-Identifier: MIT */
/*
 * writ log: the journal of a job, line by line, as it is read: nothing is held in memory, however
 * long a job ran.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/glob.h>
#include <writfs/journal.h>
#include <writfs/json.h>
#include <writfs/str.h>

#include "help.h"
#include "terminal.h"

#define NS_PER_S INT64_C(1000000000)

struct log_args {
	const char *job;
	bool json;
	bool exit_code;
};

struct log_state {
	struct glob_set *patterns; /* NULL: every record */
	bool json;
	size_t shown;
};

/* ---- which records ---- */

static int log_patterns(
	const struct command *self, const struct cli_words *words, struct glob_set **ret)
{
	struct glob_bases bases = {
		.home = cli_home(self), .dot = cli_cwd(self), .bare = cli_cwd(self)};
	struct err e = {0};

	if (!bases.home || !bases.dot)
		return CLI_MACHINE;
	if (glob_set_create(ret) < 0)
		return cli_error(self, ENOMEM, "log: out of memory");
	for (size_t i = 0; i < words->count; i++) {
		if (glob_set_add(*ret, words->items[i], &bases, (uint32_t)i, &e) == 0)
			continue;
		(void)err_wrap(&e, "log: \"%s\"", words->items[i]);
		return cli_fail(self, &e);
	}
	return CLI_GO_ON;
}

static int log_found(uint32_t tag, size_t depth, void *arg)
{
	(void)tag;
	(void)depth;
	(void)arg;
	return 1;
}

static bool log_matches(const struct log_state *state, const char *path)
{
	return path && *path == '/' &&
	       glob_set_match(state->patterns, path, "/", log_found, NULL) == 1;
}

static bool log_wanted(const struct log_state *state, const struct journal_line *line)
{
	if (!state->patterns)
		return true;
	/* path2 of a symlink is its target, which is not what was changed. */
	return log_matches(state, line->path) ||
	       (line->op != JOURNAL_SYMLINK && log_matches(state, line->path2));
}

/* ---- text ---- */

static const char *log_style(enum journal_verdict verdict)
{
	switch (verdict) {
	case JOURNAL_GRANTED:
		return terminal_style(STYLE_REAL);
	case JOURNAL_REFUSED:
		return terminal_style(STYLE_DANGER);
	case JOURNAL_REDIRECTED:
		break;
	}
	return "";
}

/* A cell of at least width columns, and what separates it from the next. */
static void log_cell(const char *text, unsigned width)
{
	unsigned columns = terminal_columns(text);

	(void)printf("%s%*s  ", text, columns < width ? (int)(width - columns) : 0, "");
}

/* The rule, what went wrong, and the note, as far as there are any. */
static void log_print_reasons(const struct journal_line *line)
{
	cleanup_str struct str out = STR_INIT;

	if (line->rule)
		str_addf(&out, "%s (%s", cli_path(line->rule), cli_path(line->rule_file));
	else if (line->verdict != JOURNAL_GRANTED)
		str_add(&out, "no rule");
	if (line->rule && line->rule_line)
		str_addf(&out, ":%u", line->rule_line);
	if (line->rule)
		str_add_char(&out, ')');
	if (line->result)
		str_addf(&out, " failed: %s", strerror(line->result));
	if (line->note)
		str_addf(&out, "%s%s", out.len ? " · " : "", cli_text(line->note));
	(void)puts(out.p && !out.failed ? out.p : "");
}

static void log_print(const struct journal_line *line)
{
	cleanup_str struct str path = STR_INIT;
	cleanup_str struct str actor = STR_INIT;
	char when[CLI_TIME_SIZE];

	str_add(&path, line->path ? cli_path(line->path) : "-");
	if (line->path2)
		str_addf(&path, " → %s", cli_path(line->path2));
	str_add(&actor, line->program ? cli_text(line->program) : "-");
	if (line->parent && *line->parent)
		str_addf(&actor, " ← %s", cli_text(line->parent));
	if (path.failed || actor.failed)
		return;
	(void)printf("%s  %-8s  %s%-10s%s  ",
		cli_time(when, line->time.tv_sec * NS_PER_S + line->time.tv_nsec),
		journal_op_name(line->op), log_style(line->verdict),
		journal_verdict_name(line->verdict), terminal_style(STYLE_OFF));
	log_cell(path.p, 40);
	log_cell(actor.p, 16);
	log_print_reasons(line);
}

/* ---- JSON ---- */

static void log_add_text(cJSON *json, const char *key, const char *text)
{
	if (text)
		json_add_path(json, key, text);
}

static cJSON *log_json(const struct journal_line *line)
{
	cJSON *json = cJSON_CreateObject();

	json_add_i64(json, "seq", (int64_t)line->seq);
	cli_add_time(json, "time", line->time.tv_sec * NS_PER_S + line->time.tv_nsec);
	cJSON_AddStringToObject(json, "op", journal_op_name(line->op));
	cJSON_AddStringToObject(json, "verdict", journal_verdict_name(line->verdict));
	log_add_text(json, "path", line->path);
	log_add_text(json, "path2", line->path2);
	log_add_text(json, "rule", line->rule);
	log_add_text(json, "rule_file", line->rule ? line->rule_file : NULL);
	if (line->rule && line->rule_line)
		json_add_i64(json, "rule_line", line->rule_line);
	log_add_text(json, "program", line->program);
	log_add_text(json, "parent", line->parent);
	log_add_text(json, "exe", line->exe);
	log_add_text(json, "argv", line->argv);
	log_add_text(json, "cwd", line->cwd);
	if (line->pid)
		json_add_i64(json, "pid", line->pid);
	if (line->bytes >= 0)
		json_add_i64(json, "bytes", line->bytes);
	json_add_i64(json, "result", line->result);
	log_add_text(json, "note", line->note);
	return json;
}

static int log_print_json(const struct log_state *state, const struct journal_line *line)
{
	cJSON *json = log_json(line);
	cleanup_free char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	if (!text)
		return -ENOMEM;
	(void)printf("%s%s", state->shown ? ",\n" : "\n", text);
	return 0;
}

/* ---- the command ---- */

static int log_line(const struct journal_line *line, void *arg)
{
	struct log_state *state = arg;
	int rc = 0;

	if (!log_wanted(state, line))
		return 0;
	if (state->json)
		rc = log_print_json(state, line);
	else
		log_print(line);
	state->shown++;
	/* Nobody reads on: the rest need not be made. */
	return rc ? rc : ferror(stdout) ? -EPIPE : 0;
}

/* What a running job's daemon has not written yet. Without a daemon there is nothing to wait for.
 */
static void log_flush(const struct job *job)
{
	cJSON *request = job->state == JOB_LIVE ? cli_json_new() : NULL;
	cJSON *reply = NULL;

	if (request && cJSON_AddStringToObject(request, "cmd", "flush"))
		(void)control_ask(job, request, &reply, NULL);
	cJSON_Delete(request);
	cJSON_Delete(reply);
}

static int log_show(const struct command *self, const struct job *job, struct log_state *state)
{
	cleanup_str struct str line = STR_INIT;
	struct err e = {0};
	unsigned bad = 0;

	cli_job_line(&line, job);
	if (state->json)
		(void)printf("{\"v\":%d,\"job\":\"%s\",\"records\":[", CLI_JSON_VERSION, job->id);
	else
		(void)puts(line.p ? line.p : "");

	log_flush(job);

	int rc = journal_read(job->dir, log_line, state, &bad, &e);

	if (state->json)
		(void)printf("\n],\"bad_lines\":%u}\n", bad);
	else if (!state->shown)
		(void)puts("no records");
	if (bad && !state->json)
		(void)printf("%u lines of the journal could not be read\n", bad);
	if (rc == -EPIPE)
		return CLI_DONE;
	return rc < 0 ? cli_fail(self, &e) : CLI_DONE;
}

/* As the changes that the words select; no such change is no mistake here: there may be records. */
static int log_exit_code(
	const struct command *self, const struct cli_review *r, const struct cli_words *words)
{
	struct err e = {0};
	int rc = words->count ? review_select(r->changes, (const char *const *)words->items,
					words->count, cli_cwd(self), cli_home(self), &e)
			      : 0;

	if (rc == -ENOENT)
		return CLI_DONE;
	return rc < 0 ? cli_fail(self, &e) : cli_exit_code(r->changes);
}

static int log_run(const struct command *self, char **argv)
{
	struct log_args args = {0};
	cleanup_opt_list struct opt_list typed = {0};
	struct cli_words words cleanup_cli_words = {0};
	cleanup_cli_review struct cli_review r = {0};
	struct glob_set *patterns cleanup_with(glob_set_freep) = NULL;
	int status = cli_parse(self, argv, &args, &typed);

	if (status != CLI_GO_ON)
		return status;

	/* The changes are wanted for --exit-code only. */
	struct opt_list everything = {0};

	status = args.exit_code ? cli_review_open(self, args.job, &everything, false, &r)
				: cli_job_open(self, args.job, false, &r.job, NULL);
	if (status == CLI_GO_ON)
		status = cli_words_take(self, r.job, &typed, &words);
	if (status == CLI_GO_ON && words.count)
		status = log_patterns(self, &words, &patterns);
	if (status != CLI_GO_ON)
		return status;

	struct log_state state = {.patterns = patterns, .json = args.json};

	if (!args.json)
		terminal_pager();
	status = log_show(self, r.job, &state);
	return status == CLI_DONE && args.exit_code ? log_exit_code(self, &r, &words) : status;
}

static const struct opt log_options[] = {
	CLI_JOB_OPTION(log_args),
	CLI_EXIT_CODE_OPTION(log_args),
	CLI_JSON_OPTION(log_args),
	{0},
};

static const struct example log_examples[] = {
	{"log", "everything that the job changed or tried to, in order"},
	{"log ~/.bashrc", "who wrote there, and by which rule it went where it went"},
	{"log -j npm-3 '**/node_modules/.bin'", "records below one name, wherever it is"},
	{"log --json", "all fields: process, executable, arguments, directory, bytes, result"},
	{NULL, NULL},
};

const struct command command_log = {
	.name = "log",
	.summary = "who changed what, when, and by which rule",
	.usage = (const char *const[]){"[-j JOB] [--exit-code] [--json] [PATH|GLOB]...", NULL},
	.options = log_options,
	.help = "One line a record, oldest first: time, operation, verdict (granted, redirected, "
		"refused), path, program and the one that started it, the rule that decided with "
		"its file and line. \"no rule\" means that nothing named the path: then a write "
		"is redirected.\n"
		"Writes of one program to one file are one record. Arguments are kept up to a "
		"length, with secrets masked.\n"
		"On a terminal the output goes through $PAGER.\n",
	.examples = log_examples,
	.exit = help_exit_look,
	.see = "writ-status(1), writ-explain(1)",
	.first = true,
	.run = log_run,
};
