/* SPDX-License-Identifier: MIT */
/*
 * The commands of writ. One struct command is everything about a command: what runs, what help,
 * manual page and completions say. Private to fs/cli and main.c.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <writfs/err.h>
#include <writfs/job.h>
#include <writfs/policy.h>
#include <writfs/review.h>

#include "opt.h"

/* Exit statuses (design part 2). `run` has the program's own, and these. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_NOT_ALL = 1,   /* conflict, skipped, left out as dangerous; --exit-code: changes */
	CLI_BAD_USE = 2,   /* bad use or input */
	CLI_MACHINE = 3,   /* this machine cannot */
	CLI_DANGEROUS = 4, /* --exit-code: dangerous changes */
	CLI_RUN_FAILED = 125
};

struct example {
	const char *command; /* without "writ " */
	const char *says;
};

struct command {
	const char *name;
	const char *summary;      /* one line, no full stop */
	const char *const *usage; /* what follows the name, one row a form; NULL ends it */
	const char *const *words; /* fixed first words ("prune"); NULL ends it, may be NULL */
	const struct opt *options;
	const char *help;               /* markup */
	const struct example *examples; /* a row with command NULL ends it */
	const char *exit;               /* markup; NULL: the statuses of every command */
	const char *see;   /* manual pages beside writ(1): "writ-diff(1), writ-apply(1)" */
	bool stop_at_word; /* what follows the first word is not ours */
	bool first;        /* on the first screen of help */
	int bad_use;       /* exit status of bad use, 0: CLI_BAD_USE */
	int (*run)(const struct command *self, char **argv);
};

extern const struct command *const cli_commands[]; /* in the order of help; NULL ends it */

const struct command *cli_command_find(const char *name);

/* A chapter of help that belongs to no command. */
struct topic {
	const char *name;
	const char *summary;
	const char *text; /* markup */
};

extern const struct topic help_topics[]; /* a row with name NULL ends it */

/* The whole program: parses, runs, returns the exit status. */
int cli_main(int argc, char **argv);

/* ---- for the commands ---- */

#define CLI_GO_ON (-1)

/*
 * Options and words of argv into args and *ret_words. CLI_GO_ON, or the exit status with which the
 * command ends (help was shown, or bad use was told).
 */
int cli_parse(const struct command *self, char **argv, void *args, struct opt_list *ret_words);

/* Tells the person ("writ: ...", one line on standard error); returns the exit status for it. */
int cli_fail(const struct command *self, const struct err *e);

/* cli_fail with a line of its own; errnum as in err_set. */
int cli_error(const struct command *self, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* $HOME and the current directory, looked up once; NULL after telling the person. */
const char *cli_home(const struct command *self);
const char *cli_cwd(const struct command *self);

/* "~/x" for screens, escaped; borrowed until the eighth call after this one. */
const char *cli_path(const char *path);

/* The same for any text of a program's. */
const char *cli_text(const char *text);

/* A --json document with its version, the caller's to fill; within a version fields are only added.
 * NULL when out of memory, which cJSON's functions and cli_print_json take. */
#define CLI_JSON_VERSION 1
cJSON *cli_json_new(void);

/* A time as "2026-11-23T10:41:07.123456789Z". */
void cli_add_time(cJSON *json, const char *key, int64_t realtime_ns);

/* Prints and frees a --json document. CLI_DONE or an exit status. */
int cli_print_json(const struct command *self, cJSON *json);

/* Exit statuses of --exit-code from what is selected in changes. */
int cli_exit_code(const struct changes *changes);

/* ---- options that several commands have ---- */

#define CLI_JOB_OPTION(args)                                                                       \
	{                                                                                          \
		'j', OPT_STRING, "job", "JOB", offsetof(struct args, job),                         \
			"the job to look at (default: see `writ help jobs`)"                       \
	}
#define CLI_JSON_OPTION(args)                                                                      \
	{                                                                                          \
		0, OPT_FLAG, "json", NULL, offsetof(struct args, json),                            \
			"print one JSON document instead of text"                                  \
	}
#define CLI_EXIT_CODE_OPTION(args)                                                                 \
	{                                                                                          \
		0, OPT_FLAG, "exit-code", NULL, offsetof(struct args, exit_code),                  \
			"exit 1 if there are redirected changes, 4 if dangerous ones are among "   \
			"the changes"                                                              \
	}

/* ---- policy options, the same for run, explain and policy (policy_args.c) ---- */

struct cli_policy_args {
	bool no_grants;
	struct opt_list allow, redirect, refuse, hide, files, roots;
};

#define CLI_POLICY_OPTIONS(args)                                                                   \
	{'n', OPT_FLAG, "no-grants", NULL, offsetof(struct args, policy.no_grants),                \
		"grant nothing but what --allow names here: no workspace, no grants from files"},  \
		{0, OPT_LIST, "allow", "GLOB", offsetof(struct args, policy.allow),                \
			"grant: written for real"},                                                \
		{0, OPT_LIST, "redirect", "GLOB", offsetof(struct args, policy.redirect),          \
			"redirect, also within a grant"},                                          \
		{0, OPT_LIST, "refuse", "GLOB", offsetof(struct args, policy.refuse),              \
			"refuse: the program gets \"Permission denied\""},                         \
		{0, OPT_LIST, "hide", "GLOB", offsetof(struct args, policy.hide),                  \
			"hide: it cannot be read either"},                                         \
		{'p', OPT_LIST, "policy", "FILE", offsetof(struct args, policy.files),             \
			"read this policy file too (see writ-policy(5))"},                         \
	{                                                                                          \
		0, OPT_LIST, "root", "DIR", offsetof(struct args, policy.roots),                   \
			"cover this directory too, beside $HOME"                                   \
	}

void cli_policy_args_free(struct cli_policy_args *args);

/* The policy that `writ run` with these options has here. CLI_GO_ON or an exit status. */
int cli_policy_load(
	const struct command *self, const struct cli_policy_args *args, struct policy **ret);

/* "~/.config/writfs/policy.json:4", "built-in": where a rule stands. Appends. */
void cli_rule_place(struct str *out, const struct policy_rule *rule);
const char *cli_rule_kind_name(enum rule_kind kind);
cJSON *cli_rule_json(const struct policy_rule *rule);

/* ---- jobs (job_view.c) ---- */

/* Words that name changes, owned, in a list that NULL ends. */
struct cli_words {
	char **items;
	size_t count;
};

void cli_words_free(struct cli_words *words);

#define cleanup_cli_words cleanup_with(cli_words_free)

/* The words as typed, but for the way to a root of the job. CLI_GO_ON or an exit status. */
int cli_words_take(const struct command *self, const struct job *job, const struct opt_list *typed,
	struct cli_words *ret);

/* A job, its reviewer and its changes, with everything selected that the words name. */
struct cli_review {
	struct job *job;
	struct review *review;
	struct changes *changes;
	bool named; /* the job must be named in commands that are proposed */
};

void cli_review_close(struct cli_review *r);

#define cleanup_cli_review cleanup_with(cli_review_close)

/* Selects the job, for a change locks it, opens, collects, selects. CLI_GO_ON or an exit status. */
int cli_review_open(const struct command *self, const char *job, const struct opt_list *patterns,
	bool change, struct cli_review *ret);

/* Remembers that the selected changes were shown; a failure is told and changes no status. */
void cli_review_shown(const struct cli_review *r);

/* The job alone, for the commands that read only its records. ret_named may be NULL. */
int cli_job_open(
	const struct command *self, const char *id, bool change, struct job **ret, bool *ret_named);

/* The line that every screen of a job begins with, without its end of line. */
void cli_job_line(struct str *out, const struct job *job);

/* "under a second", "41 min", "2 h 5 min", "5 days"; "just now", "3 minutes ago". Return buf. */
char *cli_duration(char *buf, size_t size, int64_t ns);
char *cli_ago(char *buf, size_t size, int64_t ns);

/* "2026-11-23 10:41:07" in local time. Returns buf. */
#define CLI_TIME_SIZE 32
char *cli_time(char buf[static CLI_TIME_SIZE], int64_t realtime_ns);

/* "running", "ended (0)", "killed". Returns buf. */
char *cli_job_state(char *buf, size_t size, const struct job *job);

const char *cli_job_state_name(enum job_state state);
const char *cli_job_review_name(enum job_review review);

#endif
