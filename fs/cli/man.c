/* SPDX-License-Identifier: MIT */
/*
 * Manual pages out of the table of commands, so that what `writ help` says and what man(1) shows
 * cannot part. Pages carry no date: the same table gives the same bytes. writ-policy(5) is not
 * made here, it is written by hand.
 */
#include "help.h"

#include <ctype.h>
#include <string.h>

#include "markup.h"

static void man_title(struct str *out, const char *page, const char *summary)
{
	str_add(out,
		".\\\" Made by scripts/generate from the table of commands; edit fs/cli.\n.TH ");
	for (const char *p = page; *p; p++)
		str_add_char(out, (char)toupper((unsigned char)*p));
	str_add(out, " 1 \"\" writfs \"writ manual\"\n.SH NAME\n");
	markup_words_to_man(out, page, strlen(page));
	str_add(out, " \\- ");
	markup_words_to_man(out, summary, strlen(summary));
	str_add_char(out, '\n');
}

static void man_synopsis(struct str *out, const struct command *c)
{
	for (size_t i = 0; c->usage[i]; i++) {
		str_addf(out, "%s\\fBwrit %s\\fR ", i ? ".br\n" : "", c->name);
		markup_words_to_man(out, c->usage[i], strlen(c->usage[i]));
		str_add_char(out, '\n');
	}
}

static void man_options(struct str *out, const struct command *c)
{
	str_add(out, ".SH OPTIONS\n");
	for (const struct opt *o = c->options; o->name; o++) {
		cleanup_str struct str tag = STR_INIT;

		if (help_option_hidden(o))
			continue;
		help_option(&tag, o, true);
		str_add(out, ".TP\n");
		markup_words_to_man(out, tag.p, tag.len);
		str_add_char(out, '\n');
		markup_words_to_man(out, o->help, strlen(o->help));
		str_add(out, ".\n");
	}
	str_add(out, ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nprint this text.\n");
}

static void man_examples(struct str *out, const struct command *c)
{
	str_add(out, ".SH EXAMPLES\n");
	for (const struct example *x = c->examples; x->command; x++) {
		str_add(out, ".TP\n\\fBwrit ");
		markup_words_to_man(out, x->command, strlen(x->command));
		str_add(out, "\\fR\n");
		markup_words_to_man(out, x->says, strlen(x->says));
		str_add(out, ".\n");
	}
}

/* "writ-diff(1), writ-policy(5)" in bold and roman. */
static void man_see(struct str *out, const char *see)
{
	str_add(out, ".SH SEE ALSO\n");
	while (*see) {
		size_t name = strcspn(see, "(");
		size_t all = strcspn(see, ",");

		str_add(out, ".BR ");
		markup_words_to_man(out, see, name);
		str_add_char(out, ' ');
		str_add_mem(out, see + name, all - name);
		see += all;
		see += strspn(see, ", ");
		str_add(out, *see ? ",\n" : "\n");
	}
}

static void man_command(struct str *out, const struct command *c)
{
	cleanup_str struct str page = STR_INIT;
	cleanup_str struct str see = STR_INIT;

	str_addf(&page, "writ-%s", c->name);
	str_addf(&see, "writ(1)%s%s", c->see ? ", " : "", c->see ? c->see : "");
	if (page.failed || see.failed) {
		out->failed = true;
		return;
	}
	man_title(out, page.p, c->summary);
	str_add(out, ".SH SYNOPSIS\n");
	man_synopsis(out, c);
	str_add(out, ".SH DESCRIPTION\n");
	markup_to_man(out, c->help);
	man_options(out, c);
	man_examples(out, c);
	str_add(out, ".SH EXIT STATUS\n");
	markup_to_man(out, c->exit ? c->exit : help_exit_status);
	man_see(out, see.p);
}

static void man_all_topics(struct str *out)
{
	for (const struct topic *t = help_topics; t->name; t++) {
		str_add(out, ".SH ");
		for (const char *p = t->name; *p; p++)
			str_add_char(out, *p == '-' ? ' ' : (char)toupper((unsigned char)*p));
		str_add_char(out, '\n');
		markup_to_man(out, t->text);
	}
}

static void man_overview(struct str *out)
{
	cleanup_str struct str see = STR_INIT;

	man_title(out, "writ", "run a program whose writes you decide about afterwards");
	str_add(out, ".SH SYNOPSIS\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		if (i)
			str_add(out, ".br\n");
		man_synopsis(out, cli_commands[i]);
		str_addf(&see, "%swrit-%s(1)", i ? ", " : "", cli_commands[i]->name);
	}
	str_add(&see, ", writ-policy(5)");
	str_add(out, ".br\n\\fBwrit \\-\\-version\\fR\n.SH DESCRIPTION\n");
	markup_to_man(out, help_overview);
	str_add(out, ".SH COMMANDS\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		const struct command *c = cli_commands[i];

		str_addf(out, ".TP\n.BR writ\\-%s (1)\n", c->name);
		markup_words_to_man(out, c->summary, strlen(c->summary));
		str_add(out, ".\n");
	}
	man_all_topics(out);
	if (!see.failed)
		man_see(out, see.p);
}

bool man_page(struct str *out, const char *name)
{
	if (!strcmp(name, "writ")) {
		man_overview(out);
		return true;
	}

	const struct command *c = cli_command_find(!strncmp(name, "writ-", 5) ? name + 5 : name);

	if (c)
		man_command(out, c);
	return c != NULL;
}
