/* SPDX-License-Identifier: MIT */
/*
 * Aligned columns on standard output. Cells are escaped text (cli_path, cli_text); the last column
 * is cut at the terminal's width, never in a pipe.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>

#define TABLE_COLUMNS_MAX 8

struct table_cell {
	char *text;
	const char *style; /* "" or a sequence of terminal_style() */
};

struct table {
	size_t columns;
	size_t indent;
	struct table_cell *cells;
	size_t count;
	size_t room;
	int failed; /* out of memory: said once, by table_print */
};

/* The next cell, row by row. style NULL: none. */
void table_add(struct table *t, const char *text, const char *style);
void table_addf(struct table *t, const char *style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void table_print(struct table *t);
void table_free(struct table *t);

#endif
