/* SPDX-License-Identifier: MIT */
/*
 * Everything that is made from the table of commands: help screens (help.c), manual pages (man.c)
 * and shell completions (completion.c).
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>

#include <writfs/str.h>

#include "cli.h"

/* Print the first screen, one command, one topic; return an exit status. */
int help_first(void);
int help_command(const struct command *command);
int help_topic(const struct topic *topic);

/* "-j, --job JOB"; with words, each typed part stands in backquotes. Appends to out. */
void help_option(struct str *out, const struct opt *o, bool words);

/* True for options that help, manual and completions do not show. */
bool help_option_hidden(const struct opt *o);

/* What is true of every command where it says nothing else. Markup. */
extern const char help_exit_status[];
/* Of the commands that know --exit-code, and of those that may leave something undone. Markup. */
extern const char help_exit_look[];
extern const char help_exit_decide[];
/* What writ is, for the first screen and for writ(1). Markup. */
extern const char help_short[];
extern const char help_overview[];

/* The manual page of "writ" or "writ-COMMAND"; false: there is none of that name. */
bool man_page(struct str *out, const char *name);

/* The completion for "bash", "zsh" or "fish"; false: no such shell. */
bool completion_script(struct str *out, const char *shell);

#endif
