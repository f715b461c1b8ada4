/* SPDX-License-Identifier: MIT */
/* What the person's terminal can do: colours, width, pager, progress. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

enum style { STYLE_OFF, STYLE_BOLD, STYLE_DIM, STYLE_DANGER, STYLE_REAL, STYLE_GOOD };

/* Looks at the descriptors and the environment once, before anything is redirected to a pager. */
void terminal_setup(void);

/* Colours on standard output: a terminal, no NO_COLOR, no TERM=dumb. */
bool terminal_colour(void);

/* The sequence that begins a style (STYLE_OFF ends it), "" where there are no colours. */
const char *terminal_style(enum style style);

/* Columns of standard output; 0 where lines need not be cut (not a terminal). */
unsigned terminal_width(void);

/* Columns that UTF-8 text without control bytes takes. */
unsigned terminal_columns(const char *text);

/*
 * Sends standard output through $PAGER (less) if it is a terminal, else does nothing. The pager is
 * waited for by terminal_finish(), which every command ends with: it also flushes standard output
 * and returns 0, or -errno of what could not be written (a pager that was left early is no error).
 */
void terminal_pager(void);
int terminal_finish(void);

/*
 * Between begin and end a line on standard error says what is going on, once it takes longer than
 * a second and only on a terminal. what is escaped text and is borrowed until the end.
 */
void terminal_progress_begin(const char *what);
void terminal_progress_end(void);

#endif
