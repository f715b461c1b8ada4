/* SPDX-License-Identifier: MIT */
/* Help texts: wrapping on the screen, escaping in man(7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <writfs/str.h>

#include "../../fs/cli/markup.h"

static void splits_into_blocks(void **state)
{
	const char *text = "a paragraph\n\n\tliteral | x\n* TAG | its text\n# Heading\n* no bar\n";
	struct markup_block block;

	(void)state;
	assert_true(markup_next(&text, &block));
	assert_int_equal(block.kind, MARKUP_TEXT);
	assert_int_equal(block.len, strlen("a paragraph"));
	assert_true(markup_next(&text, &block));
	assert_int_equal(block.kind, MARKUP_LITERAL);
	assert_memory_equal(block.text, "literal | x", block.len);
	assert_true(markup_next(&text, &block));
	assert_int_equal(block.kind, MARKUP_ITEM);
	assert_int_equal(block.tag_len, 3);
	assert_memory_equal(block.text, "its text", block.len);
	assert_true(markup_next(&text, &block));
	assert_int_equal(block.kind, MARKUP_HEADING);
	assert_memory_equal(block.text, "Heading", block.len);
	assert_true(markup_next(&text, &block));
	assert_int_equal(block.kind, MARKUP_TEXT);
	assert_false(markup_next(&text, &block));
}

static void wraps_by_columns(void **state)
{
	cleanup_str struct str out = STR_INIT;

	(void)state;
	/* Quotes of typed words take no room, a character of two bytes takes one column. */
	markup_to_screen(&out, "`one` tw\xc3\xb6 three four\n", 13);
	assert_string_equal(out.p, "one tw\xc3\xb6 three\nfour\n");
	str_clear(&out);
	markup_to_screen(&out, "averyveryverylongword b\n", 10);
	assert_string_equal(out.p, "averyveryverylongword\nb\n");
}

static void separates_kinds(void **state)
{
	cleanup_str struct str out = STR_INIT;

	(void)state;
	markup_to_screen(&out, "a\n\tx\n\ty\nb\n# H\n\tz\n", 40);
	assert_string_equal(out.p, "a\n\n    x\n    y\n\nb\n\nH\n    z\n");
}

static void hangs_items(void **state)
{
	cleanup_str struct str out = STR_INIT;

	(void)state;
	markup_item_to_screen(&out, "-q", "one two three", 8, 16);
	assert_string_equal(out.p, "  -q    one two\n        three\n");
	str_clear(&out);
	markup_item_to_screen(&out, "--longer", "text", 8, 40);
	assert_string_equal(out.p, "  --longer\n        text\n");
}

static void escapes_for_man(void **state)
{
	cleanup_str struct str out = STR_INIT;

	(void)state;
	markup_to_man(&out, ".dot `-j` a\\b \xe2\x86\x90 ~/x\n");
	assert_string_equal(out.p, ".PP\n\\&.dot \\fB\\-j\\fR a\\eb \\[u2190] \\(ti/x\n");
	str_clear(&out);
	markup_to_man(&out, "\t`literal'\nend\n* T | t\n");
	assert_string_equal(
		out.p, ".PP\n.RS 4\n.EX\n\\(galiteral\\(aq\n.EE\n.RE\n.PP\nend\n.TP\nT\nt\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_into_blocks),
		cmocka_unit_test(wraps_by_columns),
		cmocka_unit_test(separates_kinds),
		cmocka_unit_test(hangs_items),
		cmocka_unit_test(escapes_for_man),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
