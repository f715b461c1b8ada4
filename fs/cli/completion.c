/* SPDX-License-Identifier: MIT */
/*
 * Shell completions out of the table of commands. What an option's value is called (JOB, FILE, DIR,
 * GLOB) says how it is completed. Jobs are the names in the state directory: no process is started
 * while a person waits for the Tab key.
 */
#include "help.h"

#include <string.h>

#define COMPLETION_HEAD "# Made by scripts/generate from the table of commands; edit fs/cli.\n"
#define COMPLETION_JOBS "${XDG_STATE_HOME:-$HOME/.local/state}/writfs/jobs"

/* A text inside '...' of any shell. */
static void completion_quote(struct str *out, const char *text)
{
	str_add_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			str_add(out, "'\\''");
		else if (*text != '`')
			str_add_char(out, *text);
	}
	str_add_char(out, '\'');
}

static void completion_names(struct str *out)
{
	for (size_t i = 0; cli_commands[i]; i++)
		str_addf(out, "%s%s", i ? " " : "", cli_commands[i]->name);
}

static void completion_topics(struct str *out)
{
	for (const struct topic *t = help_topics; t->name; t++)
		str_addf(out, " %s", t->name);
}

/* ---- bash ---- */

static void completion_bash_words(struct str *out, const struct command *c)
{
	str_addf(out, "\t%s)\n\t\topts='", c->name);
	for (const struct opt *o = c->options; o->name; o++) {
		if (help_option_hidden(o))
			continue;
		if (o->letter)
			str_addf(out, "-%c ", o->letter);
		str_addf(out, "--%s ", o->name);
	}
	str_add(out, "-h --help'\n\t\twords='");
	for (size_t i = 0; c->words && c->words[i]; i++)
		str_addf(out, "%s%s", i ? " " : "", c->words[i]);
	if (!strcmp(c->name, "help")) {
		completion_names(out);
		completion_topics(out);
	}
	str_add(out, "'\n\t\t;;\n");
}

/* "-j|--job)" for each option of this kind of value, once. */
static bool completion_bash_values(struct str *out, const char *value)
{
	cleanup_str struct str seen = STR_INIT;
	bool any = false;

	for (size_t i = 0; cli_commands[i]; i++) {
		for (const struct opt *o = cli_commands[i]->options; o->name; o++) {
			cleanup_str struct str name = STR_INIT;

			str_addf(&name, "|--%s|", o->name);
			if (!o->value || strcmp(o->value, value) != 0 || help_option_hidden(o) ||
				name.failed || (seen.p && strstr(seen.p, name.p)))
				continue;
			str_add(&seen, name.p);
			str_add(out, any ? "|" : "\t");
			if (o->letter)
				str_addf(out, "-%c|", o->letter);
			str_addf(out, "--%s", o->name);
			any = true;
		}
	}
	if (any)
		str_add(out, ")\n");
	return any;
}

/* Those options of run that take the next word. */
static void completion_bash_run_options(struct str *out)
{
	const struct command *run = cli_command_find("run");
	const char *gap = "";

	for (const struct opt *o = run ? run->options : NULL; o && o->name; o++) {
		if (o->kind == OPT_FLAG)
			continue;
		if (o->letter)
			str_addf(out, "%s-%c|--%s", gap, o->letter, o->name);
		else
			str_addf(out, "%s--%s", gap, o->name);
		gap = "|";
	}
}

static void completion_bash(struct str *out)
{
	str_add(out, COMPLETION_HEAD
		"# shellcheck shell=bash\n"
		"# bash completion of writ\n\n"
		"_writ_run_command() {\n"
		"\t# What follows `writ run OPTIONS` is completed as a command line of its own.\n"
		"\tif declare -F _command_offset >/dev/null; then\n"
		"\t\t_command_offset \"$1\"\n"
		"\telif [ \"$1\" -eq \"$COMP_CWORD\" ]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$2\")\n"
		"\telse\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$2\")\n"
		"\tfi\n}\n\n"
		"_writ() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal opts words i\n"
		"\tCOMPREPLY=()\n"
		"\t# \"=\" is a word of its own: --job=NAME is three of them.\n"
		"\t[ \"$cur\" = = ] && cur=''\n"
		"\t[ \"$prev\" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
		"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W '");
	completion_names(out);
	str_add(out, " --help --version' -- \"$cur\")\n\t\treturn\n\tfi\n"
		     "\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; cli_commands[i]; i++)
		completion_bash_words(out, cli_commands[i]);
	str_add(out, "\t*)\n\t\treturn\n\t\t;;\n\tesac\n");
	str_add(out, "\tif [ \"${COMP_WORDS[1]}\" = run ]; then\n"
		     "\t\ti=2\n"
		     "\t\twhile [ \"$i\" -lt \"$COMP_CWORD\" ]; do\n"
		     "\t\t\tcase ${COMP_WORDS[i]} in\n"
		     "\t\t\t--)\n\t\t\t\t_writ_run_command $((i + 1)) "
		     "\"$cur\"\n\t\t\t\treturn\n\t\t\t\t;;\n"
		     "\t\t\t");
	completion_bash_run_options(out);
	str_add(out,
		")\n\t\t\t\ti=$((i + 1))\n"
		"\t\t\t\t[ \"${COMP_WORDS[i]}\" = = ] && i=$((i + 1))\n"
		"\t\t\t\t;;\n"
		"\t\t\t-*) ;;\n"
		"\t\t\t*)\n\t\t\t\t_writ_run_command \"$i\" \"$cur\"\n\t\t\t\treturn\n\t\t\t\t;;\n"
		"\t\t\tesac\n\t\t\ti=$((i + 1))\n\t\tdone\n"
		"\t\tif [ \"$i\" -eq \"$COMP_CWORD\" ] && [[ $cur != -* ]]; then\n"
		"\t\t\t_writ_run_command \"$i\" \"$cur\"\n\t\t\treturn\n\t\tfi\n\tfi\n"
		"\tcase $prev in\n");
	if (completion_bash_values(out, "JOB"))
		str_add(out, "\t\tlocal jobs=" COMPLETION_JOBS "\n"
			     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(ls \"$jobs\" "
			     "2>/dev/null)\" -- \"$cur\")\n"
			     "\t\treturn\n\t\t;;\n");
	if (completion_bash_values(out, "DIR"))
		str_add(out, "\t\tcompopt -o filenames\n"
			     "\t\tmapfile -t COMPREPLY < <(compgen -d -- "
			     "\"$cur\")\n\t\treturn\n\t\t;;\n");
	if (completion_bash_values(out, "OPTS"))
		str_add(out, "\t\treturn\n\t\t;;\n");
	str_add(out, "\tesac\n"
		     "\tcase $cur in\n"
		     "\t-*) mapfile -t COMPREPLY < <(compgen -W \"$opts\" -- \"$cur\") ;;\n"
		     "\t*)\n"
		     "\t\tif [ -n \"$words\" ] && [ \"$COMP_CWORD\" -eq 2 ]; then\n"
		     "\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
		     "\t\telse\n"
		     "\t\t\tcompopt -o filenames\n"
		     "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		     "\t\tfi\n\t\t;;\n\tesac\n}\n\n"
		     "complete -F _writ writ\n");
}

/* ---- zsh ---- */

static const char *completion_zsh_action(const char *value)
{
	if (!strcmp(value, "JOB"))
		return "_writ_jobs";
	if (!strcmp(value, "DIR"))
		return "_files -/";
	if (!strcmp(value, "OPTS"))
		return " ";
	return "_files";
}

/* Brackets and colons separate the parts of a specification. */
static void completion_zsh_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:", *text))
			str_add_char(out, '\\');
		if (*text == '\'')
			str_add(out, "'\\''");
		else if (*text != '`')
			str_add_char(out, *text);
	}
}

static void completion_zsh_option(struct str *out, const struct opt *o)
{
	str_add(out, " \\\n\t\t\t");
	if (o->letter && o->kind == OPT_LIST)
		str_addf(out, "'*'{-%c+,--%s=}'[", o->letter, o->name);
	else if (o->letter)
		str_addf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter,
			o->value ? "+" : "", o->name, o->value ? "=" : "");
	else
		str_addf(out, "'%s--%s%s[", o->kind == OPT_LIST ? "*" : "", o->name,
			o->value ? "=" : "");
	completion_zsh_text(out, o->help);
	str_add_char(out, ']');
	if (o->value)
		str_addf(out, ":%s:%s", o->value, completion_zsh_action(o->value));
	str_add_char(out, '\'');
}

static void completion_zsh_command(struct str *out, const struct command *c)
{
	str_addf(out, "\t%s)\n\t\t_arguments -s%s", c->name, c->stop_at_word ? " -S" : "");
	for (const struct opt *o = c->options; o->name; o++)
		if (!help_option_hidden(o))
			completion_zsh_option(out, o);
	str_add(out, " \\\n\t\t\t'(-h --help)'{-h,--help}'[print help]'");
	if (c->stop_at_word) {
		str_add(out, " \\\n\t\t\t'(-):command:_command_names -e' '*::arguments:_normal'");
	} else if (c->words) {
		str_add(out, " \\\n\t\t\t'1:word:(");
		for (size_t i = 0; c->words[i]; i++)
			str_addf(out, "%s%s", i ? " " : "", c->words[i]);
		str_add(out, ")' '*:file:_files'");
	} else if (!strcmp(c->name, "help")) {
		str_add(out, " \\\n\t\t\t'1:command or topic:(");
		completion_names(out);
		completion_topics(out);
		str_add(out, ")'");
	} else {
		str_add(out, " \\\n\t\t\t'*:file:_files'");
	}
	str_add(out, "\n\t\t;;\n");
}

static void completion_zsh(struct str *out)
{
	str_add(out, "#compdef writ\n" COMPLETION_HEAD "\n_writ_jobs() {\n"
		     "\tlocal -a jobs\n\tjobs=(\"" COMPLETION_JOBS "\"/*(N:t))\n"
		     "\t_describe job jobs\n}\n\n"
		     "_writ() {\n\tlocal curcontext=$curcontext state line\n"
		     "\tif (( CURRENT == 2 )); then\n\t\tlocal -a commands\n\t\tcommands=(\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		cleanup_str struct str row = STR_INIT;

		str_addf(&row, "%s:%s", cli_commands[i]->name, cli_commands[i]->summary);
		str_add(out, "\t\t\t");
		completion_quote(out, row.p ? row.p : "");
		str_add_char(out, '\n');
	}
	str_add(out, "\t\t)\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
		     "\tlocal command=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n"
		     "\tcase $command in\n");
	for (size_t i = 0; cli_commands[i]; i++)
		completion_zsh_command(out, cli_commands[i]);
	str_add(out, "\tesac\n}\n\n_writ \"$@\"\n");
}

/* ---- fish ---- */

static void completion_fish_option(struct str *out, const struct command *c, const struct opt *o)
{
	str_addf(out, "complete -c writ -n '__fish_seen_subcommand_from %s'", c->name);
	if (o->letter)
		str_addf(out, " -s %c", o->letter);
	str_addf(out, " -l %s", o->name);
	if (o->value && !strcmp(o->value, "JOB"))
		str_add(out, " -x -a '(__writ_jobs)'");
	else if (o->value && !strcmp(o->value, "DIR"))
		str_add(out, " -x -a '(__fish_complete_directories)'");
	else if (o->value)
		str_add(out, " -r");
	str_add(out, " -d ");
	completion_quote(out, o->help);
	str_add_char(out, '\n');
}

static void completion_fish(struct str *out)
{
	str_add(out, COMPLETION_HEAD "# fish completion of writ\n\n"
				     "function __writ_jobs\n"
				     "\tset -l state $HOME/.local/state\n"
				     "\tset -q XDG_STATE_HOME; and set state $XDG_STATE_HOME\n"
				     "\tcommand ls $state/writfs/jobs 2>/dev/null\nend\n\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		const struct command *c = cli_commands[i];

		str_addf(out, "complete -c writ -n __fish_use_subcommand -f -a %s -d ", c->name);
		completion_quote(out, c->summary);
		str_add_char(out, '\n');
		for (const struct opt *o = c->options; o->name; o++)
			if (!help_option_hidden(o))
				completion_fish_option(out, c, o);
		for (size_t w = 0; c->words && c->words[w]; w++)
			str_addf(out,
				"complete -c writ -n '__fish_seen_subcommand_from %s' -a %s\n",
				c->name, c->words[w]);
	}
	str_add(out, "complete -c writ -n '__fish_seen_subcommand_from help' -f -a '");
	completion_names(out);
	completion_topics(out);
	str_add(out, "'\ncomplete -c writ -n '__fish_seen_subcommand_from run' -x "
		     "-a '(__fish_complete_subcommand)'\n");
}

bool completion_script(struct str *out, const char *shell)
{
	static const struct {
		const char *name;
		void (*make)(struct str *out);
	} shells[] = {
		{"bash", completion_bash},
		{"zsh", completion_zsh},
		{"fish", completion_fish},
	};

	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
		if (strcmp(shells[i].name, shell) != 0)
			continue;
		shells[i].make(out);
		return true;
	}
	return false;
}
