/* SPDX-License-Identifier: MIT */
/* The chapters of help that belong to no single command. Markup, see markup.h. */
#include "help.h"

const char help_short[] =
	"writ runs a program in your real home. What you granted is written for real; every other "
	"write succeeds too, but lands aside, and you decide about it afterwards.\n"
	"\twrit run -- CMD\n"
	"\twrit status, writ diff, writ apply, writ discard\n";

const char help_overview[] =
	"writ starts a program (an agent, an installer, a build) that runs unchanged and sees the "
	"real home, live. What the policy grants is written for real. Every other write succeeds "
	"too, but lands in that job's scratch at the same path, and is recorded: who, what, when, "
	"by which rule. Afterwards you look at the changes, apply some and discard the rest.\n"
	"`writ` without a command is `writ status`. Positional words are always paths or globs; a "
	"job is `-j JOB` or $WRIT_JOB, and is found by itself where there is no doubt (see "
	"`writ-jobs`(1)).\n"
	"\twrit run -n -- sh ./install.sh\n"
	"\twrit diff\n"
	"\twrit apply ~/.local/share/tool\n"
	"\twrit discard\n";

#define HELP_EXIT_BAD                                                                              \
	"* 2 | bad use or bad input\n"                                                             \
	"* 3 | this machine cannot; `writ doctor` says the cure\n"

const char help_exit_status[] = "* 0 | done\n" HELP_EXIT_BAD;

const char help_exit_look[] = "* 0 | done, whatever was shown\n"
			      "* 1 | with --exit-code: there are redirected changes\n" HELP_EXIT_BAD
			      "* 4 | with --exit-code: dangerous changes are among them\n";

const char help_exit_decide[] =
	"* 0 | done\n"
	"* 1 | not all done: something is left, with the reason\n" HELP_EXIT_BAD;

static const char topic_policy[] =
	"A policy file is JSON with comments. It says what is granted, redirected, refused and "
	"hidden; what it does not name is redirected.\n"
	"\t{ \"v\": 1,\n"
	"\t  \"filesystem\": {\n"
	"\t    \"allowWrite\":    [\"./\", \"~/.cache/pip\"],  // written for real\n"
	"\t    \"redirectWrite\": [\"**/.env*\"],             // never for real\n"
	"\t    \"refuseWrite\":   [\"~/.ssh/**\"],            // \"Permission denied\"\n"
	"\t    \"denyRead\":      [\"~/.gnupg\"],             // hidden\n"
	"\t    \"allowRead\":     [\"~/.gnupg/pubring.kbx\"]  // opened again within it\n"
	"\t  } }\n"
	"Refuse wins over redirect, redirect wins over allow. \"denyWrite\" is read as "
	"redirectWrite.\n"
	"Sources, in this order, lists put together: built-in rules, /etc/writfs/policy.json, "
	"~/.config/writfs/policy.json, WORKSPACE/.writ.json (narrows only), `-p` files, the "
	"command line.\n"
	"Patterns: `*` and `?` within a name, `[a-z]`, `**` across directories, `{a,b}`, `\\` "
	"before a character that is meant as it is. X, X/ and X/** are the same: X and all "
	"beneath. ~/x is in $HOME, /x absolute, **/x in every root; a bare x is in the workspace, "
	"in your own file in $HOME.\n"
	"`writ policy check FILE` finds errors, `writ explain PATH` says which line decides. All "
	"of it: writ-policy(5).\n";

static const char topic_redirect[] =
	"A write that nothing grants is redirected: the program is told that it worked, and it "
	"did, for every program of that job. The real file stays as it is.\n"
	"* read | the real file, live, until this job changes it; then what the job wrote\n"
	"* write | the file is copied to scratch at its first change (a reflink where the file "
	"system can), the copy is changed\n"
	"* delete | the name is gone for the job; the real file stays\n"
	"* rename | within scratch; a save that writes a temporary file and renames it over a "
	"granted file becomes real, if the real file is as the job last saw it\n"
	"* refused | \"Permission denied\" (EACCES), and a record\n"
	"* hidden | listed with mode 0000; reading, and everything beneath a hidden directory, is "
	"\"Permission denied\"\n"
	"A name that lies in scratch stays redirected until you decide, whatever the policy says "
	"later. Scratch is a tree that you can look at: ~/.local/state/writfs/jobs/JOB/0/tree; "
	"use `writ apply` to take things out of it.\n"
	"Inside a job, `getfattr -n user.writ.state FILE` says what happens to FILE and why.\n";

static const char topic_limits[] =
	"What writ does not do:\n"
	"* elsewhere | writes outside $HOME, the --root directories and the workspace are as "
	"without writ\n"
	"* network | what a program sends cannot be taken back; hide what must not be read "
	"(`--hide '~/.ssh/**'`)\n"
	"* real | what a grant let through is real at once, is recorded, and is not undoable\n"
	"* mount | `writ mount` guards against accidents, not against a program that wants out\n"
	"What a program can notice:\n"
	"* EXDEV | renaming a real directory that is not granted throughout, renaming a directory "
	"or exchanging two files across the border of a grant, and linking across it; mv(1) and "
	"others copy then\n"
	"* EOPNOTSUPP | O_TMPFILE in a root; programs fall back to a named file\n"
	"* EACCES | refused and hidden names, and whatever the kernel refuses without writ\n"
	"* set-uid | sudo, su and other set-uid programs do not gain rights, except as root\n"
	"* descriptors | of open files only 0, 1 and 2 are handed to the program of `writ run`\n"
	"* hard links | names of one file part when the job changes it through one of them\n"
	"* SQLite | a database that is used inside and outside at once is two databases\n"
	"Numbers: a policy file of 1 MB, 20,000 patterns in all, 4,096 bytes a pattern, 1,024 "
	"expansions of one {a,b}, 16 roots. A file of more than 8 MB is not compared line by "
	"line, and at most 20,000 lines of one file are shown.\n";

static const char topic_exit_codes[] =
	"* 0 | done. `status`, `diff` and `log` end with 0 whatever they show\n"
	"* 1 | not all done: a conflict, skipped, left out as dangerous, busy. With --exit-code: "
	"there are redirected changes\n"
	"* 2 | bad use or bad input: unknown option, no such job, a policy with an error\n"
	"* 3 | this machine cannot; `writ doctor` says the cure\n"
	"* 4 | with --exit-code: dangerous changes are among them\n"
	"`writ run` ends with the program's own status instead, 128+N for signal N:\n"
	"* 125 | writ could not, and the program was not started\n"
	"* 126 | the program cannot be executed\n"
	"* 127 | the program was not found\n";

static const char topic_json[] =
	"With --json a command prints one JSON document on standard output. Errors stay one line "
	"on standard error, and exit statuses are the same.\n"
	"\"v\" is 1. Within a version fields are only added, so skip those that you do not know. "
	"The documents are described by the schemas status, diff, apply, discard, log, jobs, "
	"jobs-prune, explain, inside, policy-show, policy-check, mount, doctor and help.\n"
	"Times are UTC, \"2026-11-23T10:41:07.123456789Z\". A name that is not valid UTF-8 is "
	"shown with its bytes written \\xNN, and has the same key with _b64 beside it: its "
	"bytes in base64.\n"
	"\twrit status --json | jq -r '.changes[] | select(.class == \"danger\") | .path'\n"
	"\twrit log --json '~/.bashrc' | jq '.records[-1].program'\n";

const struct topic help_topics[] = {
	{"policy", "policy files: grants, redirects, patterns", topic_policy},
	{"redirect", "what happens to a write that nothing grants", topic_redirect},
	{"limits", "what writ does not do, and what a program can notice", topic_limits},
	{"exit-codes", "what each exit status says", topic_exit_codes},
	{"json", "--json: versions, times, names", topic_json},
	{NULL, NULL, NULL},
};
