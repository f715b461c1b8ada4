/* SPDX-License-Identifier: MIT */
/* The command table: whole, consistent, and rendered in every form that is made from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <writfs/str.h>

#include "../../fs/cli/cli.h"
#include "../../fs/cli/help.h"
#include "../../fs/cli/markup.h"

#define SECOND INT64_C(1000000000)

/* Backquotes come in pairs, and nothing is there that a screen or a page could not show. */
static void check_text(const char *text)
{
	size_t quotes = 0;

	assert_non_null(text);
	assert_true(utf8_valid(text, strlen(text)));
	for (const char *p = text; *p; p++)
		quotes += *p == '`';
	assert_int_equal(quotes % 2, 0);
	for (unsigned width = 20; width < 120; width += 33) {
		cleanup_str struct str out = STR_INIT;

		markup_to_screen(&out, text, width);
		assert_false(out.failed);
		assert_true(out.len > 0 && out.p[out.len - 1] == '\n');
		assert_null(strchr(out.p, '`'));
	}
}

static void every_command_is_whole(void **state)
{
	size_t first = 0;

	(void)state;
	for (size_t i = 0; cli_commands[i]; i++) {
		const struct command *c = cli_commands[i];

		assert_ptr_equal(cli_command_find(c->name), c);
		assert_non_null(c->usage[0]);
		assert_non_null(c->run);
		assert_non_null(c->examples[0].command);
		assert_true(strlen(c->summary) < 70);
		assert_int_not_equal(c->summary[strlen(c->summary) - 1], '.');
		check_text(c->help);
		for (const struct example *x = c->examples; x->command; x++)
			assert_true(strlen(x->says) > 0);
		first += c->first;
	}
	assert_int_equal(first, 9);
	assert_null(cli_command_find("undo"));
}

static void options_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; cli_commands[i]; i++) {
		for (const struct opt *a = cli_commands[i]->options; a->name; a++) {
			assert_int_not_equal(a->letter, 'h');
			assert_true((a->kind == OPT_FLAG) == (a->value == NULL));
			for (const struct opt *b = cli_commands[i]->options; b != a; b++) {
				assert_string_not_equal(a->name, b->name);
				assert_true(!a->letter || a->letter != b->letter);
				assert_int_not_equal(a->offset, b->offset);
			}
		}
	}
}

static void topics_render(void **state)
{
	(void)state;
	for (const struct topic *t = help_topics; t->name; t++)
		check_text(t->text);
	check_text(help_short);
	check_text(help_overview);
	check_text(help_exit_status);
}

static void pages_are_made(void **state)
{
	cleanup_str struct str out = STR_INIT;

	(void)state;
	assert_true(man_page(&out, "writ"));
	for (size_t i = 0; cli_commands[i]; i++)
		assert_true(man_page(&out, cli_commands[i]->name));
	assert_true(man_page(&out, "writ-run"));
	assert_true(completion_script(&out, "bash"));
	assert_true(completion_script(&out, "zsh"));
	assert_true(completion_script(&out, "fish"));
	assert_false(out.failed);
	assert_false(man_page(&out, "writ-undo"));
	assert_false(completion_script(&out, "tcsh"));
}

static void times_in_words(void **state)
{
	static const struct {
		int64_t seconds;
		const char *duration, *ago;
	} rows[] = {
		{-5, "under a second", "just now"},
		{0, "under a second", "just now"},
		{1, "1 s", "1 second ago"},
		{59, "59 s", "59 seconds ago"},
		{60, "1 min", "1 minute ago"},
		{3599, "59 min", "59 minutes ago"},
		{3600, "1 h 0 min", "1 hour ago"},
		{90000, "25 h 0 min", "1 day ago"},
		{86400 * 400, "400 days", "400 days ago"},
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(
			cli_duration(buf, sizeof buf, rows[i].seconds * SECOND), rows[i].duration);
		assert_string_equal(
			cli_ago(buf, sizeof buf, rows[i].seconds * SECOND), rows[i].ago);
	}
}

static struct changes with(
	struct change *scratch, size_t scratch_count, struct change *real, size_t real_count)
{
	return (struct changes){.scratch = {scratch, scratch_count}, .real = {real, real_count}};
}

static void exit_code_says_what_is_there(void **state)
{
	struct change plain = {.selected = true, .class = CLASS_NONE};
	struct change danger = {.selected = true, .class = CLASS_DANGER, .label = "runs"};
	struct change other = {.selected = false, .class = CLASS_DANGER, .label = "runs"};
	struct change both[] = {plain, danger};
	struct change none[] = {other};
	struct changes c = {0};

	(void)state;
	assert_int_equal(cli_exit_code(&c), CLI_DONE);
	c = with(&plain, 1, NULL, 0);
	assert_int_equal(cli_exit_code(&c), CLI_NOT_ALL);
	c = with(both, 2, NULL, 0);
	assert_int_equal(cli_exit_code(&c), CLI_DANGEROUS);
	c = with(none, 1, none, 1);
	assert_int_equal(cli_exit_code(&c), CLI_DONE);
	/* What a grant let through is no change to be decided, unless a label names it. */
	c = with(NULL, 0, &plain, 1);
	assert_int_equal(cli_exit_code(&c), CLI_DONE);
	c = with(NULL, 0, &danger, 1);
	assert_int_equal(cli_exit_code(&c), CLI_DANGEROUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_whole),
		cmocka_unit_test(options_are_told_apart),
		cmocka_unit_test(topics_render),
		cmocka_unit_test(pages_are_made),
		cmocka_unit_test(times_in_words),
		cmocka_unit_test(exit_code_says_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
