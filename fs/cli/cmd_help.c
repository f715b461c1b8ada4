/* SPDX-License-Identifier: MIT */
/*
 * writ help: the first screen, a command, a topic; and, for those who build and package writ, the
 * manual pages and completions (options that no screen shows).
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <writfs/str.h>

#include "help.h"

struct help_args {
	bool json;
	const char *man;
	const char *completion;
};

static cJSON *help_strings_json(const char *const *strings)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; strings && strings[i]; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(strings[i]));
	return array;
}

static cJSON *help_option_json(const struct opt *o)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "name", o->name);
	if (o->letter) {
		const char letter[] = {o->letter, '\0'};

		cJSON_AddStringToObject(json, "letter", letter);
	}
	if (o->value)
		cJSON_AddStringToObject(json, "value", o->value);
	cJSON_AddBoolToObject(json, "repeatable", o->kind == OPT_LIST);
	cJSON_AddStringToObject(json, "help", o->help);
	return json;
}

static cJSON *help_command_json(const struct command *c)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "name", c->name);
	cJSON_AddStringToObject(json, "summary", c->summary);
	cJSON_AddItemToObject(json, "usage", help_strings_json(c->usage));
	cJSON_AddItemToObject(json, "words", help_strings_json(c->words));

	cJSON *options = cJSON_AddArrayToObject(json, "options");

	for (const struct opt *o = c->options; o->name; o++)
		if (!help_option_hidden(o))
			cJSON_AddItemToArray(options, help_option_json(o));
	return json;
}

static int help_json(void)
{
	cJSON *json = cli_json_new();

	cJSON_AddStringToObject(json, "version", WRIT_VERSION);

	cJSON *commands = cJSON_AddArrayToObject(json, "commands");

	for (size_t i = 0; cli_commands[i]; i++)
		cJSON_AddItemToArray(commands, help_command_json(cli_commands[i]));

	cJSON *topics = cJSON_AddArrayToObject(json, "topics");

	for (const struct topic *t = help_topics; t->name; t++) {
		cJSON *topic = cJSON_CreateObject();

		cJSON_AddStringToObject(topic, "name", t->name);
		cJSON_AddStringToObject(topic, "summary", t->summary);
		cJSON_AddItemToArray(topics, topic);
	}
	return cli_print_json(&command_help, json);
}

static int help_generated(
	bool (*make)(struct str *out, const char *name), const char *name, const char *what)
{
	cleanup_str struct str out = STR_INIT;

	if (!make(&out, name))
		return cli_error(&command_help, EINVAL, "help: there is no %s for \"%s\"", what,
			cli_text(name));
	if (out.failed)
		return cli_error(&command_help, ENOMEM, "help: out of memory");
	(void)fwrite(out.p, 1, out.len, stdout);
	return CLI_DONE;
}

static const struct topic *help_topic_find(const char *name)
{
	for (const struct topic *t = help_topics; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

static int help_unknown(const char *name)
{
	cleanup_opt_list struct opt_list names = {0};
	int rc = 0;

	for (size_t i = 0; cli_commands[i]; i++)
		rc |= opt_list_add(&names, cli_commands[i]->name);
	for (const struct topic *t = help_topics; t->name; t++)
		rc |= opt_list_add(&names, t->name);
	if (rc)
		return cli_error(&command_help, ENOMEM, "help: out of memory");

	const char *near = nearest_word(name, names.items);

	if (near)
		return cli_error(&command_help, EINVAL,
			"help: no command or topic \"%s\" (did you mean \"%s\"?)", cli_text(name),
			near);
	return cli_error(&command_help, EINVAL,
		"help: no command or topic \"%s\"; writ help lists them", cli_text(name));
}

/* `policy` is a command and a topic: both are shown. */
static int help_named(const char *name)
{
	const struct command *command = cli_command_find(name);
	const struct topic *topic = help_topic_find(name);
	int status = CLI_DONE;

	if (!command && !topic)
		return help_unknown(name);
	if (command)
		status = help_command(command);
	if (command && topic)
		(void)putchar('\n');
	return topic && status == CLI_DONE ? help_topic(topic) : status;
}

static int help_run(const struct command *self, char **argv)
{
	struct help_args args = {0};
	cleanup_opt_list struct opt_list words = {0};
	cleanup_str struct str name = STR_INIT;
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (args.man)
		return help_generated(man_page, args.man, "manual page");
	if (args.completion)
		return help_generated(completion_script, args.completion, "completion");
	if (args.json)
		return help_json();
	if (!words.count)
		return help_first();
	/* A name of several words may be typed as it is read: "exit codes" for exit-codes. */
	for (size_t i = 0; i < words.count; i++)
		str_addf(&name, "%s%s", i ? "-" : "", words.items[i]);
	if (name.failed)
		return cli_error(self, ENOMEM, "help: out of memory");
	return help_named(name.p);
}

static const struct opt help_options[] = {
	CLI_JSON_OPTION(help_args),
	{0, OPT_STRING, "man", "NAME", offsetof(struct help_args, man), NULL},
	{0, OPT_STRING, "completion", "SHELL", offsetof(struct help_args, completion), NULL},
	{0},
};

static const struct example help_examples[] = {
	{"help", "all commands and topics, one line each"},
	{"help run", "how a program is run, with examples"},
	{"help redirect", "what happens to a write that nothing grants"},
	{NULL, NULL},
};

const struct command command_help = {
	.name = "help",
	.summary = "teach a command or a topic",
	.usage = (const char *const[]){"[COMMAND|TOPIC]", NULL},
	.options = help_options,
	.help = "Without a word: all commands and topics, one line each. `writ COMMAND --help` "
		"shows the same as `writ help COMMAND`.\n",
	.examples = help_examples,
	.run = help_run,
};
