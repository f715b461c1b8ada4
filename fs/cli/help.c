/* SPDX-License-Identifier: MIT */
/* Help screens, made from the table of commands and the topics. */
#include "help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "markup.h"
#include "terminal.h"

#define HELP_WIDTH_MAX 88
#define HELP_HANG 26 /* where the texts of options begin */
#define HELP_HANG_NAMES 14
#define HELP_HANG_EXAMPLE 8

static unsigned help_width(void)
{
	unsigned width = terminal_width();

	return width && width < HELP_WIDTH_MAX ? width : HELP_WIDTH_MAX;
}

bool help_option_hidden(const struct opt *o)
{
	return !o->help;
}

void help_option(struct str *out, const struct opt *o, bool words)
{
	const char *quote = words ? "`" : "";

	if (o->letter)
		str_addf(out, "%s-%c%s, ", quote, o->letter, quote);
	str_addf(out, "%s--%s%s", quote, o->name, quote);
	if (o->value)
		str_addf(out, " %s", o->value);
}

static int help_print(struct str *out)
{
	if (out->failed)
		return cli_error(NULL, ENOMEM, "help: out of memory");
	(void)fwrite(out->p, 1, out->len, stdout);
	return CLI_DONE;
}

static void help_heading(struct str *out, const char *text)
{
	str_addf(out, "\n%s%s%s\n", terminal_style(STYLE_BOLD), text, terminal_style(STYLE_OFF));
}

static void help_options(struct str *out, const struct command *c)
{
	help_heading(out, "Options");
	for (const struct opt *o = c->options; o->name; o++) {
		cleanup_str struct str tag = STR_INIT;

		if (help_option_hidden(o))
			continue;
		if (!o->letter)
			str_add(&tag, "    ");
		help_option(&tag, o, false);
		if (!tag.failed)
			markup_item_to_screen(out, tag.p, o->help, HELP_HANG, help_width());
	}
	markup_item_to_screen(out, "-h, --help", "print this text", HELP_HANG, help_width());
}

static void help_of_command(struct str *out, const struct command *c)
{
	cleanup_str struct str body = STR_INIT;
	char prefix[64];

	str_addf(out, "%swrit %s%s: %s\n\n", terminal_style(STYLE_BOLD), c->name,
		terminal_style(STYLE_OFF), c->summary);
	(void)snprintf(prefix, sizeof prefix, "    writ %s ", c->name);
	for (size_t i = 0; c->usage[i]; i++)
		markup_hanging_to_screen(out, prefix, c->usage[i], help_width());
	str_add_char(out, '\n');
	markup_to_screen(&body, c->help, help_width());
	str_add_mem(out, body.p, body.len);
	help_options(out, c);
	help_heading(out, "Examples");
	for (const struct example *x = c->examples; x->command; x++) {
		str_addf(out, "    %swrit %s%s\n", terminal_style(STYLE_BOLD), x->command,
			terminal_style(STYLE_OFF));
		markup_item_to_screen(out, "", x->says, HELP_HANG_EXAMPLE, help_width());
	}
	help_heading(out, "Exit status");
	str_clear(&body);
	markup_to_screen(&body, c->exit ? c->exit : help_exit_status, help_width());
	str_add_mem(out, body.p, body.len);
	if (c->see)
		str_addf(out, "\nSee also: %s\n", c->see);
}

int help_command(const struct command *command)
{
	cleanup_str struct str out = STR_INIT;

	help_of_command(&out, command);
	return help_print(&out);
}

static void help_names(struct str *out, bool first)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (cli_commands[i]->first == first)
			markup_item_to_screen(out, cli_commands[i]->name, cli_commands[i]->summary,
				HELP_HANG_NAMES, help_width());
}

int help_first(void)
{
	cleanup_str struct str out = STR_INIT;

	markup_to_screen(&out, help_short, help_width());
	help_heading(&out, "Commands");
	help_names(&out, true);
	help_heading(&out, "More");
	help_names(&out, false);
	help_heading(&out, "Topics");
	for (const struct topic *t = help_topics; t->name; t++)
		markup_item_to_screen(&out, t->name, t->summary, HELP_HANG_NAMES, help_width());
	str_add(&out, "\nwrit help COMMAND|TOPIC teaches each with examples.\n");
	return help_print(&out);
}

int help_topic(const struct topic *topic)
{
	cleanup_str struct str out = STR_INIT;
	cleanup_str struct str body = STR_INIT;

	str_addf(&out, "%s%s%s: %s\n\n", terminal_style(STYLE_BOLD), topic->name,
		terminal_style(STYLE_OFF), topic->summary);
	markup_to_screen(&body, topic->text, help_width());
	str_add_mem(&out, body.p, body.len);
	return help_print(&out);
}
