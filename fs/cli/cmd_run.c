/* SPDX-License-Identifier: MIT */
/* writ run: the command line of a job. Everything else is in fs/run. */
#include "commands.h"

#include <errno.h>

#include <writfs/cleanup.h>
#include <writfs/run.h>

struct run_args {
	struct cli_policy_args policy;
	const char *job;
	bool quiet;
};

static void run_args_free(struct run_args *args)
{
	cli_policy_args_free(&args->policy);
}

static int run_run(const struct command *self, char **argv)
{
	struct run_args args cleanup_with(run_args_free) = {0};
	cleanup_opt_list struct opt_list words = {0};
	struct err e = {0};
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (!words.count)
		return cli_error(
			self, EINVAL, "run: no command is given; writ run [OPTION]... -- CMD");

	/* The words are argv's own strings; execve wants them without const. */
	char *const *command = argv;

	while (*command != words.items[0])
		command++;

	struct run_options options = {
		.allow = args.policy.allow.items,
		.redirect = args.policy.redirect.items,
		.refuse = args.policy.refuse.items,
		.hide = args.policy.hide.items,
		.files = args.policy.files.items,
		.roots = args.policy.roots.items,
		.job = args.job,
		.no_grants = args.policy.no_grants,
		.quiet = args.quiet,
		.argv = command,
	};

	status = run_command(&options, &e);
	if (e.errnum)
		(void)cli_fail(self, &e);
	return status;
}

static const struct opt run_options_table[] = {
	CLI_POLICY_OPTIONS(run_args),
	{'j', OPT_STRING, "job", "JOB", offsetof(struct run_args, job),
		"go on with this job: its scratch is what the program sees"},
	{'q', OPT_FLAG, "quiet", NULL, offsetof(struct run_args, quiet),
		"say nothing; the journal says it all"},
	{0},
};

static const struct example run_examples[] = {
	{"run -- claude", "an agent in the current repository: the repository is real, all else in "
			  "your home is redirected"},
	{"run -n -- sh ./install.sh", "a stranger's script: nothing at all is granted, look at "
				      "what it wanted with `writ diff`"},
	{"run --allow ~/.cache/pip -- make test", "one grant more than the workspace"},
	{"run --hide '~/.ssh/**' --refuse '**/.env*' -- npm install",
		"keys cannot be read, and .env files cannot be written: npm gets an error"},
	{"run -j claude-12 -- claude", "once more, on what job claude-12 left behind"},
	{NULL, NULL},
};

const struct command command_run = {
	.name = "run",
	.summary = "run a program; writes that no grant names are redirected",
	.usage = (const char *const[]){"[-nq] [--allow|--redirect|--refuse|--hide GLOB]... [-p "
				       "FILE]... [--root DIR]... "
				       "[-j JOB] [--] CMD [ARG]...",
		NULL},
	.options = run_options_table,
	.help = "The program runs unchanged and sees your real home, live. What the policy grants "
		"is written for real. Every other write in your home succeeds too, but lands in "
		"the job's scratch at the same path, and is recorded: who, what, when, by which "
		"rule. Afterwards you look (`writ status`, `writ diff`), keep (`writ apply`) or "
		"drop (`writ discard`).\n"
		"The workspace is granted without being named: the git repository that holds the "
		"current directory, else the current directory itself; never $HOME itself. Places "
		"where a file does something by itself later (login files, $PATH, git hooks, "
		"settings of agents) stay redirected within it.\n"
		"All this holds in $HOME, in each `--root`, and in the workspace. Elsewhere "
		"(/tmp, and /etc as root) writes are as without writ: real and not recorded.\n"
		"On a terminal one line at the start says what is real, and at most twelve lines "
		"at the end say what was redirected. Within a job `writ run` runs CMD in that "
		"same job and says so.\n",
	.examples = run_examples,
	.exit = "* N | CMD's own exit status; 128+N if signal N ended it\n"
		"* 125 | writ could not: bad use, a policy that cannot be read, or this machine "
		"(see `writ doctor`); CMD was not started\n"
		"* 126 | CMD cannot be executed\n"
		"* 127 | CMD was not found\n",
	.see = "writ-status(1), writ-diff(1), writ-explain(1), writ-policy(5)",
	.stop_at_word = true,
	.first = true,
	.bad_use = CLI_RUN_FAILED,
	.run = run_run,
};
