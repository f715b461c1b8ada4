/* SPDX-License-Identifier: MIT */
/*
 * From argv to a command and its exit status. What every command does alike is here: parsing,
 * telling an error, JSON documents, and the check that standard output could be written (a full
 * disk behind `writ log > file` must not end with 0).
 */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#include "commands.h"
#include "help.h"
#include "terminal.h"

#define NS_PER_S INT64_C(1000000000)

/* In the order of help; the first screen shows those with `first`. */
const struct command *const cli_commands[] = {
	&command_run,
	&command_status,
	&command_diff,
	&command_log,
	&command_apply,
	&command_discard,
	&command_jobs,
	&command_explain,
	&command_policy,
	&command_mount,
	&command_umount,
	&command_doctor,
	&command_help,
	NULL,
};

const struct command *cli_command_find(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (!strcmp(cli_commands[i]->name, name))
			return cli_commands[i];
	return NULL;
}

/* Which exit status says what kind of failure an errno is. */
static int cli_exit_of(const struct command *self, int errnum)
{
	if (self && self->bad_use)
		return self->bad_use;
	switch (errnum) {
	case EINVAL:
	case ENOENT:
	case EEXIST:
	case ENOTDIR:
	case EISDIR:
	case EFBIG:
	case E2BIG:
	case ERANGE:
	case ENAMETOOLONG:
	case ELOOP:
	case ENODATA:
		return CLI_BAD_USE;
	case EBUSY:
		return CLI_NOT_ALL;
	default:
		return CLI_MACHINE;
	}
}

int cli_fail(const struct command *self, const struct err *e)
{
	/* What was printed so far comes before the error, also where both are one file. */
	(void)fflush(stdout);
	(void)fprintf(stderr, "writ: %s\n", e->text);
	return cli_exit_of(self, e->errnum);
}

int cli_error(const struct command *self, int errnum, const char *fmt, ...)
{
	struct err e = {.errnum = errnum};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e.text, sizeof e.text, fmt, ap);
	va_end(ap);
	return cli_fail(self, &e);
}

int cli_parse(const struct command *self, char **argv, void *args, struct opt_list *ret_words)
{
	struct err e = {0};
	int rc =
		opt_parse(self->name, self->options, self->stop_at_word, argv, args, ret_words, &e);

	if (rc == OPT_HELP_WANTED)
		return help_command(self);
	return rc < 0 ? cli_fail(self, &e) : CLI_GO_ON;
}

const char *cli_home(const struct command *self)
{
	static char *home;
	struct err e = {0};

	if (!home && path_home(&home, &e) < 0) {
		(void)cli_fail(self, &e);
		return NULL;
	}
	return home;
}

const char *cli_cwd(const struct command *self)
{
	static char *cwd;

	if (!cwd)
		cwd = getcwd(NULL, 0);
	if (!cwd)
		(void)cli_error(self, errno, "current directory: %s; cd to one that exists",
			strerror(errno));
	return cwd;
}

const char *cli_path(const char *path)
{
	/* As many as one printf call may show at once. */
	static char ring[8][4 * 4096];
	static unsigned next;
	char *buf = ring[next++ % 8];
	static char *home;
	struct err e;

	if (!home && path_home(&home, &e) < 0)
		return escape_buf(buf, sizeof ring[0], path);
	return path_display(buf, sizeof ring[0], path, home);
}

const char *cli_text(const char *text)
{
	static char ring[8][4 * 4096];
	static unsigned next;

	return escape_buf(ring[next++ % 8], sizeof ring[0], text);
}

cJSON *cli_json_new(void)
{
	cJSON *json = cJSON_CreateObject();

	(void)cJSON_AddNumberToObject(json, "v", CLI_JSON_VERSION);
	return json;
}

void cli_add_time(cJSON *json, const char *key, int64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / NS_PER_S);
	char day[32], text[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	(void)snprintf(text, sizeof text, "%s.%09lldZ", day, (long long)(realtime_ns % NS_PER_S));
	cJSON_AddStringToObject(json, key, text);
}

int cli_print_json(const struct command *self, cJSON *json)
{
	cleanup_free char *text = NULL;

	text = json ? cJSON_PrintUnformatted(json) : NULL;
	cJSON_Delete(json);
	if (!text)
		return cli_error(self, ENOMEM, "%s: out of memory", self->name);
	(void)puts(text);
	return CLI_DONE;
}

int cli_exit_code(const struct changes *changes)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < changes->scratch.count; i++) {
		const struct change *c = &changes->scratch.items[i];

		if (c->selected && c->class == CLASS_DANGER)
			return CLI_DANGEROUS;
		if (c->selected)
			code = CLI_NOT_ALL;
	}
	for (size_t i = 0; i < changes->real.count; i++)
		if (changes->real.items[i].selected && changes->real.items[i].label)
			return CLI_DANGEROUS;
	return code;
}

/* True if a program of that name can be started: then `writ NAME` has lost its "run". */
static bool cli_is_program(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	while (path && *path) {
		const char *end = strchrnul(path, ':');
		char file[4096];

		if (snprintf(file, sizeof file, "%.*s/%s", (int)(end - path), path, name) <
				(int)sizeof file &&
			access(file, X_OK) == 0)
			return true;
		path = *end ? end + 1 : end;
	}
	return false;
}

static int cli_unknown(const char *name)
{
	cleanup_opt_list struct opt_list names = {0};

	for (size_t i = 0; cli_commands[i]; i++)
		if (opt_list_add(&names, cli_commands[i]->name) < 0)
			return cli_error(NULL, ENOMEM, "out of memory");

	const char *near = nearest_word(name, names.items);
	const char *shown = cli_text(name);

	if (near)
		return cli_error(NULL, EINVAL, "\"%s\": unknown command (did you mean \"%s\"?)",
			shown, near);
	if (cli_is_program(name))
		return cli_error(NULL, EINVAL,
			"\"%s\": unknown command; to run a program: writ run -- %s", shown, shown);
	return cli_error(NULL, EINVAL, "\"%s\": unknown command; writ help lists them", shown);
}

static int cli_dispatch(char **argv)
{
	static char *no_arguments[] = {NULL};
	const char *name = argv[0] ? argv[1] : NULL;

	if (!name)
		return command_status.run(&command_status, no_arguments);
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		(void)puts("writ " WRIT_VERSION);
		return CLI_DONE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return command_help.run(&command_help, argv + 2);
	/* Options without a command are those of `writ status`. */
	if (name[0] == '-')
		return command_status.run(&command_status, argv + 1);

	const struct command *command = cli_command_find(name);

	return command ? command->run(command, argv + 2) : cli_unknown(name);
}

int cli_main(int argc, char **argv)
{
	(void)argc;
	(void)setlocale(LC_CTYPE, "");
	terminal_setup();

	int status = cli_dispatch(argv);
	int rc = terminal_finish();

	if (rc < 0)
		return cli_error(NULL, EIO, "standard output: %s; what was printed is not complete",
			strerror(-rc));
	return status;
}
