/* SPDX-License-Identifier: MIT */
/*
 * Help texts on the screen and in man(7). Texts are the program's own constants, so nothing here
 * defends against hostile input; the unit test renders every one of them.
 */
#include "markup.h"

#include <string.h>

#include "terminal.h"

#define MARKUP_INDENT 4
#define MARKUP_HANG 18

bool markup_next(const char **text, struct markup_block *ret)
{
	const char *line = *text;

	while (*line == '\n')
		line++;
	if (!*line)
		return false;

	const char *end = strchrnul(line, '\n');
	const char *bar;

	*text = end;
	*ret = (struct markup_block){.text = line, .len = (size_t)(end - line)};
	if (*line == '\t') {
		ret->kind = MARKUP_LITERAL;
	} else if (!strncmp(line, "# ", 2)) {
		ret->kind = MARKUP_HEADING;
	} else if (!strncmp(line, "* ", 2) && (bar = strstr(line, " | ")) && bar < end) {
		ret->kind = MARKUP_ITEM;
		ret->tag = line + 2;
		ret->tag_len = (size_t)(bar - ret->tag);
		ret->text = bar + 3;
		ret->len = (size_t)(end - ret->text);
		return true;
	} else {
		return true;
	}
	ret->text += ret->kind == MARKUP_LITERAL ? 1 : 2;
	ret->len -= ret->kind == MARKUP_LITERAL ? 1 : 2;
	return true;
}

struct markup_line {
	struct str *out;
	unsigned hang;   /* where the following lines begin */
	unsigned column; /* where the line is now */
	unsigned width;
	bool bold;
};

static void markup_spaces(struct str *out, unsigned count)
{
	while (count--)
		str_add_char(out, ' ');
}

static unsigned markup_word_columns(const char *word, size_t len)
{
	unsigned columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += word[i] != '`' && ((unsigned char)word[i] & 0xc0) != 0x80;
	return columns;
}

static void markup_add_word(struct markup_line *l, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (word[i] != '`') {
			str_add_char(l->out, word[i]);
			continue;
		}
		l->bold = !l->bold;
		str_add(l->out, terminal_style(l->bold ? STYLE_BOLD : STYLE_OFF));
	}
}

/* Words one after the other; the line that is begun already is l->column long. */
static void markup_wrap(struct markup_line *l, const char *text, size_t len)
{
	bool first = true;

	for (size_t i = 0; i < len;) {
		size_t end = i;

		while (end < len && text[end] != ' ')
			end++;
		unsigned columns = markup_word_columns(text + i, end - i);

		if (!first && l->column + 1 + columns > l->width) {
			str_add_char(l->out, '\n');
			markup_spaces(l->out, l->hang);
			l->column = l->hang;
		} else if (!first) {
			str_add_char(l->out, ' ');
			l->column++;
		}
		markup_add_word(l, text + i, end - i);
		l->column += columns;
		first = false;
		i = end + 1;
	}
	str_add_char(l->out, '\n');
}

static void markup_item(struct str *out, const char *tag, size_t tag_len, const char *text,
	size_t len, unsigned hang, unsigned width)
{
	struct markup_line l = {.out = out, .hang = hang, .width = width};

	markup_spaces(out, 2);
	markup_add_word(&l, tag, tag_len);
	l.column = 2 + markup_word_columns(tag, tag_len);
	if (l.column + 2 > hang) {
		str_add_char(out, '\n');
		l.column = 0;
	}
	markup_spaces(out, hang - l.column);
	l.column = hang;
	markup_wrap(&l, text, len);
}

void markup_item_to_screen(
	struct str *out, const char *tag, const char *text, unsigned hang, unsigned width)
{
	markup_item(out, tag, strlen(tag), text, strlen(text), hang, width);
}

void markup_hanging_to_screen(struct str *out, const char *prefix, const char *text, unsigned width)
{
	unsigned hang = terminal_columns(prefix);
	struct markup_line l = {.out = out, .hang = hang, .column = hang, .width = width};

	str_add(out, prefix);
	markup_wrap(&l, text, strlen(text));
}

void markup_to_screen(struct str *out, const char *text, unsigned width)
{
	struct markup_block block;
	enum markup_kind last = MARKUP_HEADING;

	while (markup_next(&text, &block)) {
		struct markup_line l = {.out = out, .width = width};

		if (out->len && (block.kind != last || block.kind == MARKUP_TEXT) &&
			last != MARKUP_HEADING)
			str_add_char(out, '\n');
		last = block.kind;
		switch (block.kind) {
		case MARKUP_TEXT:
			markup_wrap(&l, block.text, block.len);
			break;
		case MARKUP_LITERAL:
			markup_spaces(out, MARKUP_INDENT);
			str_add_mem(out, block.text, block.len);
			str_add_char(out, '\n');
			break;
		case MARKUP_ITEM:
			markup_item(out, block.tag, block.tag_len, block.text, block.len,
				MARKUP_HANG, width);
			break;
		case MARKUP_HEADING:
			str_add(out, terminal_style(STYLE_BOLD));
			str_add_mem(out, block.text, block.len);
			str_add(out, terminal_style(STYLE_OFF));
			str_add_char(out, '\n');
			break;
		}
	}
}

/* One character that is not ASCII, as groff and mandoc write it. Returns its length. */
static size_t markup_unicode_to_man(struct str *out, const unsigned char *p)
{
	unsigned code;
	size_t len;

	if ((*p & 0xe0) == 0xc0) {
		code = *p & 0x1fu;
		len = 2;
	} else if ((*p & 0xf0) == 0xe0) {
		code = *p & 0x0fu;
		len = 3;
	} else {
		code = *p & 0x07u;
		len = 4;
	}
	for (size_t i = 1; i < len; i++)
		code = code << 6 | (p[i] & 0x3fu);
	str_addf(out, "\\[u%04X]", code);
	return len;
}

static void markup_escape_to_man(struct str *out, const char *text, size_t len, bool words)
{
	bool bold = false;

	/* A line that begins with a control character would be a request. */
	if (len && (*text == '.' || *text == '\''))
		str_add(out, "\\&");
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80) {
			i += markup_unicode_to_man(out, (const unsigned char *)text + i);
			continue;
		}
		i++;
		if (c == '`' && words) {
			bold = !bold;
			str_add(out, bold ? "\\fB" : "\\fR");
		} else if (c == '\\') {
			str_add(out, "\\e");
		} else if (c == '-') {
			str_add(out, "\\-");
		} else if (c == '~') {
			str_add(out, "\\(ti");
		} else if (c == '^') {
			str_add(out, "\\(ha");
		} else if (c == '`') {
			str_add(out, "\\(ga");
		} else if (c == '\'') {
			str_add(out, "\\(aq");
		} else {
			str_add_char(out, (char)c);
		}
	}
}

void markup_words_to_man(struct str *out, const char *text, size_t len)
{
	markup_escape_to_man(out, text, len, true);
}

void markup_to_man(struct str *out, const char *text)
{
	struct markup_block block;
	bool literal = false;

	while (markup_next(&text, &block)) {
		if (literal && block.kind != MARKUP_LITERAL)
			str_add(out, ".EE\n.RE\n");
		else if (!literal && block.kind == MARKUP_LITERAL)
			str_add(out, ".PP\n.RS 4\n.EX\n");
		literal = block.kind == MARKUP_LITERAL;
		switch (block.kind) {
		case MARKUP_TEXT:
			str_add(out, ".PP\n");
			break;
		case MARKUP_LITERAL:
			break;
		case MARKUP_ITEM:
			str_add(out, ".TP\n");
			markup_words_to_man(out, block.tag, block.tag_len);
			str_add_char(out, '\n');
			break;
		case MARKUP_HEADING:
			str_add(out, ".SS ");
			break;
		}
		markup_escape_to_man(out, block.text, block.len, !literal);
		str_add_char(out, '\n');
	}
	if (literal)
		str_add(out, ".EE\n.RE\n");
}
