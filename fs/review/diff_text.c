/* SPDX-License-Identifier: MIT */
/* Diffs for terminals: every byte of the program's is escaped, then coloured. */
#include <errno.h>
#include <string.h>

#include "review_i.h"

#define SHOWN_LINE_MAX 4096 /* bytes of one line; minified files have lines of megabytes */

struct printer {
	struct str *out;
	bool colour;
};

static const char *colour_of(char kind)
{
	switch (kind) {
	case 'h':
		return "\033[1m";
	case '@':
		return "\033[36m";
	case '+':
		return "\033[32m";
	case '-':
		return "\033[31m";
	default:
		return "";
	}
}

/* Tabs are text; every other control byte could move the cursor or recolour the screen. */
static void add_text(struct str *out, const char *text, size_t len)
{
	while (len) {
		const char *tab = memchr(text, '\t', len);
		size_t part = tab ? (size_t)(tab - text) : len;
		str_add_escaped(out, text, part);
		if (!tab)
			break;
		str_add_char(out, '\t');
		text += part + 1;
		len -= part + 1;
	}
}

static int print_line(char kind, const char *text, size_t len, void *arg)
{
	struct printer *p = arg;
	const char *colour = p->colour ? colour_of(kind) : "";
	size_t shown;
	if (len && text[len - 1] == '\n')
		len--;
	shown = len < SHOWN_LINE_MAX ? len : SHOWN_LINE_MAX;
	str_add(p->out, colour);
	if (kind == 'w')
		str_add(p->out, "  ");
	else if (kind != 'h' && kind != '@')
		str_add_char(p->out, kind);
	if (kind == '\\')
		str_add_char(p->out, ' ');
	if (kind == 'h' || kind == 'w')
		str_add_mem(p->out, text, len); /* ours, escaped where it was made */
	else
		add_text(p->out, text, shown);
	if (shown < len && kind != 'h' && kind != 'w')
		str_addf(p->out, " ... %zu more bytes", len - shown);
	if (*colour)
		str_add(p->out, "\033[0m");
	str_add_char(p->out, '\n');
	return p->out->failed ? -ENOMEM : 0;
}

int review_diff_text(struct review *r, struct change *c, const char *home, bool colour,
	struct str *out, struct err *e)
{
	struct printer p = {out, colour};
	return diff_lines(r, c, home, print_line, &p, e);
}
