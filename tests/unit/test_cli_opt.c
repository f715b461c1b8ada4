/* SPDX-License-Identifier: MIT */
/* The option parser: forms, order, and the line that each mistake gets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../fs/cli/opt.h"

struct args {
	bool quiet, none;
	const char *job;
	struct opt_list allow;
};

static const struct opt table[] = {
	{'q', OPT_FLAG, "quiet", NULL, offsetof(struct args, quiet), "say nothing"},
	{'n', OPT_FLAG, "no-grants", NULL, offsetof(struct args, none), "grant nothing"},
	{'j', OPT_STRING, "job", "JOB", offsetof(struct args, job), "the job"},
	{0, OPT_LIST, "allow", "GLOB", offsetof(struct args, allow), "grant"},
	{0},
};

struct fixture {
	struct args args;
	struct opt_list words;
	struct err e;
};

/* The parser keeps no argument for writing: literals may stand for argv. */
#define PARSE(f, stop, ...)                                                                        \
	opt_parse("cmd", table, (stop), (char **)(const char *[]){__VA_ARGS__, NULL}, &(f)->args,  \
		&(f)->words, &(f)->e)

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	opt_list_free(&f->args.allow);
	opt_list_free(&f->words);
	return 0;
}

static void clusters_letters(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(f, false, "-nqjclaude-1"), 0);
	assert_true(f->args.quiet && f->args.none);
	assert_string_equal(f->args.job, "claude-1");
	assert_int_equal(f->words.count, 0);
}

static void takes_values_in_every_form(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		PARSE(f, false, "--allow=a", "--allow", "b=c", "--allow=-d", "-j", "-x"), 0);
	assert_int_equal(f->args.allow.count, 3);
	assert_string_equal(f->args.allow.items[0], "a");
	assert_string_equal(f->args.allow.items[1], "b=c");
	assert_string_equal(f->args.allow.items[2], "-d");
	assert_null(f->args.allow.items[3]);
	assert_string_equal(f->args.job, "-x");
}

static void mixes_words_and_options(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(f, false, "one", "-q", "-", "--", "-n", "--"), 0);
	assert_true(f->args.quiet);
	assert_false(f->args.none);
	assert_int_equal(f->words.count, 4);
	assert_string_equal(f->words.items[0], "one");
	assert_string_equal(f->words.items[1], "-");
	assert_string_equal(f->words.items[2], "-n");
	assert_string_equal(f->words.items[3], "--");
	assert_null(f->words.items[4]);
}

static void stops_at_the_first_word(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(f, true, "-n", "sh", "-q", "--", "--help"), 0);
	assert_true(f->args.none);
	assert_false(f->args.quiet);
	assert_int_equal(f->words.count, 4);
	assert_string_equal(f->words.items[2], "--");
}

static void stops_at_two_dashes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(f, true, "--", "-q", "x"), 0);
	assert_false(f->args.quiet);
	assert_int_equal(f->words.count, 2);
	assert_string_equal(f->words.items[0], "-q");
}

static void asks_for_help(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(PARSE(f, false, "--help", "--nonsense"), OPT_HELP_WANTED);
	assert_int_equal(PARSE(f, false, "-qh"), OPT_HELP_WANTED);
}

static void mistake(struct fixture *f, int rc, const char *line)
{
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(f->e.errnum, EINVAL);
	assert_string_equal(f->e.text, line);
}

static void tells_unknown_options(void **state)
{
	struct fixture *f = *state;

	mistake(f, PARSE(f, false, "--alow=x"),
		"cmd: unknown option \"--alow\" (did you mean \"--allow\"?)");
	mistake(f, PARSE(f, false, "--zzzzzzzz"),
		"cmd: unknown option \"--zzzzzzzz\"; its options: writ help cmd");
	mistake(f, PARSE(f, false, "-qx"),
		"cmd: unknown option \"-x\"; its options: writ help cmd");
	/* Whole characters, and no control bytes. */
	mistake(f, PARSE(f, false, "-\xc3\xa4"),
		"cmd: unknown option \"-\xc3\xa4\"; its options: writ help cmd");
	mistake(f, PARSE(f, false, "--\033[31m"),
		"cmd: unknown option \"--\\x1b[31m\"; its options: writ help cmd");
}

static void tells_wrong_values(void **state)
{
	struct fixture *f = *state;

	mistake(f, PARSE(f, false, "--job"), "cmd: --job needs a value: --job JOB");
	mistake(f, PARSE(f, false, "-j"), "cmd: --job needs a value: --job JOB");
	mistake(f, PARSE(f, false, "--job="), "cmd: --job: the value is empty; give --job JOB");
	mistake(f, PARSE(f, false, "--quiet=1"), "cmd: --quiet takes no value; leave out \"=1\"");
	mistake(f, PARSE(f, false, "-ja", "-jb"), "cmd: --job is given twice; give it once");
	/* A beginning of an option is not the option. */
	mistake(f, PARSE(f, false, "--quie"),
		"cmd: unknown option \"--quie\" (did you mean \"--quiet\"?)");
}

static void takes_many_values(void **state)
{
	struct fixture *f = *state;
	static char value[] = "--allow=x";
	static char *argv[20001];

	for (int i = 0; i < 20000; i++)
		argv[i] = value;
	assert_int_equal(opt_parse("cmd", table, false, argv, &f->args, &f->words, &f->e), 0);
	assert_int_equal(f->args.allow.count, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clusters_letters, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_values_in_every_form, setup, teardown),
		cmocka_unit_test_setup_teardown(mixes_words_and_options, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_at_the_first_word, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_at_two_dashes, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_for_help, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_unknown_options, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_wrong_values, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_many_values, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
