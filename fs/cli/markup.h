/* SPDX-License-Identifier: MIT */
/*
 * The few forms that help texts have, one block a line:
 *
 *   text            a paragraph, wrapped
 *   \tliteral       an example line, printed as it is
 *   * TAG | text    an item with a hanging text
 *   # heading
 *
 * `words` are what is typed (bold). Empty lines say nothing. The same text becomes a screen of
 * `writ help` and a manual page.
 */
#ifndef CLI_MARKUP_H
#define CLI_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

#include <writfs/str.h>

enum markup_kind { MARKUP_TEXT, MARKUP_LITERAL, MARKUP_ITEM, MARKUP_HEADING };

struct markup_block {
	enum markup_kind kind;
	const char *tag; /* MARKUP_ITEM */
	size_t tag_len;
	const char *text;
	size_t len;
};

/* Takes the next block off *text; false at the end. */
bool markup_next(const char **text, struct markup_block *ret);

/* For the screen, wrapped at width columns; styles as terminal_style() says. */
void markup_to_screen(struct str *out, const char *text, unsigned width);

/* One item alone: tag in the margin, text hanging at column hang. */
void markup_item_to_screen(
	struct str *out, const char *tag, const char *text, unsigned hang, unsigned width);

/* Text after a prefix on the first line, hanging below where the prefix ends. */
void markup_hanging_to_screen(
	struct str *out, const char *prefix, const char *text, unsigned width);

/* For man(7). Headings become subsections. */
void markup_to_man(struct str *out, const char *text);

/* Text within a line of man(7): escapes, and `words` in bold. */
void markup_words_to_man(struct str *out, const char *text, size_t len);

#endif
