/* SPDX-License-Identifier: MIT */
/* Tables: two spaces between columns, no trailing blanks, columns without content take no room. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

/* A path longer than this does not push the other columns of all rows aside. */
#define TABLE_CELL_WIDE 56
#define TABLE_GAP 2
/* With less room than this a cell says nothing: it goes over the edge whole. */
#define TABLE_CUT_MIN 8

static struct table_cell *table_next(struct table *t)
{
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct table_cell *grown = realloc(t->cells, room * sizeof *grown);

		if (!grown) {
			t->failed = 1;
			return NULL;
		}
		t->cells = grown;
		t->room = room;
	}
	return &t->cells[t->count++];
}

void table_add(struct table *t, const char *text, const char *style)
{
	struct table_cell *cell = table_next(t);

	if (!cell)
		return;
	cell->text = strdup(text ? text : "");
	cell->style = style ? style : "";
	if (!cell->text)
		t->failed = 1;
}

void table_addf(struct table *t, const char *style, const char *fmt, ...)
{
	struct table_cell *cell = table_next(t);
	va_list ap;

	if (!cell)
		return;
	va_start(ap, fmt);
	if (vasprintf(&cell->text, fmt, ap) < 0) {
		cell->text = NULL;
		t->failed = 1;
	}
	va_end(ap);
	cell->style = style ? style : "";
}

/* Prints at most room columns of text (0: all), "…" in the place of what is cut. */
static void table_put(const struct table_cell *cell, unsigned columns, unsigned room)
{
	const char *text = cell->text ? cell->text : "";
	const char *off = *cell->style ? terminal_style(STYLE_OFF) : "";

	if (!room || columns <= room) {
		(void)printf("%s%s%s", cell->style, text, off);
		return;
	}

	size_t len = 0;
	char head[1024];

	/* The longest beginning of whole characters that leaves one column. */
	for (size_t next = 0; text[next] && next + 4 < sizeof head;) {
		do
			next++;
		while (((unsigned char)text[next] & 0xc0) == 0x80);
		memcpy(head, text, next);
		head[next] = '\0';
		if (terminal_columns(head) > room - 1)
			break;
		len = next;
	}
	(void)printf("%s%.*s…%s", cell->style, (int)len, text, off);
}

static void table_row(const struct table *t, size_t first, const unsigned *widths)
{
	unsigned at = (unsigned)t->indent;
	unsigned pad = at;

	for (size_t i = 0; i < t->columns && first + i < t->count; i++) {
		const struct table_cell *cell = &t->cells[first + i];
		unsigned columns = cell->text ? terminal_columns(cell->text) : 0;
		unsigned room = 0;

		if (!widths[i])
			continue;
		if (columns) {
			(void)printf("%*s", (int)pad, "");
			pad = 0;
			if (i + 1 == t->columns && terminal_width() >= at + TABLE_CUT_MIN)
				room = terminal_width() - at;
			table_put(cell, columns, room);
		}
		unsigned width = columns > widths[i] ? columns : widths[i];

		pad += width - columns + TABLE_GAP;
		at += width + TABLE_GAP;
	}
	(void)putchar('\n');
}

void table_print(struct table *t)
{
	unsigned widths[TABLE_COLUMNS_MAX] = {0};

	for (size_t i = 0; i < t->count; i++) {
		unsigned columns = t->cells[i].text ? terminal_columns(t->cells[i].text) : 0;
		unsigned *width = &widths[i % t->columns];

		if (columns > TABLE_CELL_WIDE)
			columns = TABLE_CELL_WIDE;
		if (columns > *width)
			*width = columns;
	}
	for (size_t i = 0; i < t->count; i += t->columns)
		table_row(t, i, widths);
	if (t->failed)
		(void)fputs("writ: out of memory; the table is not complete\n", stderr);
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i].text);
	free(t->cells);
	*t = (struct table){0};
}
