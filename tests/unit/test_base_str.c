/* SPDX-License-Identifier: MIT */
/* Strings, escaping, numbers and nearest words; errors and log lines, which are built on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>

#include <writfs/err.h>
#include <writfs/log.h>
#include <writfs/str.h>

static void grows_and_stays_terminated(void **state)
{
	(void)state;
	struct str s cleanup_str = STR_INIT;
	assert_null(s.p);
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	str_add_char(&s, '!');
	assert_false(s.failed);
	assert_int_equal(s.len, strlen(s.p));
	assert_string_equal(s.p + s.len - 5, "999,!");
	str_clear(&s);
	assert_string_equal(s.p, "");
	char big[1000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	str_addf(&s, "<%s>", big);
	assert_int_equal(s.len, sizeof big + 1);
}

static void remembers_failure(void **state)
{
	(void)state;
	struct str s cleanup_str = STR_INIT;
	str_add(&s, "kept");
	str_add_mem(&s, "x", (size_t)1 << 40);
	assert_true(s.failed);
	str_add(&s, "not");
	assert_string_equal(s.p, "kept");
}

static void check_escape(const char *in, const char *out)
{
	struct str s cleanup_str = STR_INIT;
	char buf[256];
	str_add_escaped(&s, in, strlen(in));
	assert_string_equal(s.p ? s.p : "", out);
	assert_string_equal(escape_buf(buf, sizeof buf, in), out);
	/* Escaped text has nothing left to escape. */
	char again[256];
	assert_string_equal(escape_buf(again, sizeof again, buf), out);
}

static void escapes_what_moves_the_cursor(void **state)
{
	(void)state;
	check_escape("plain text", "plain text");
	check_escape("grün 日本 🐧", "grün 日本 🐧");
	check_escape("a\nb\tc", "a\\nb\\tc");
	check_escape("\x1b[2J\x7f", "\\x1b[2J\\x7f");
	check_escape("back\\slash", "back\\slash");
	check_escape("latin\xe9", "latin\\xe9");
	check_escape("\xc3", "\\xc3");
	check_escape("\xc2\x9b"
		     "31m",
		"\\xc2\\x9b"
		"31m"); /* C1 */
	check_escape("a\xe2\x80\xae"
		     "b",
		"a\\xe2\\x80\\xae"
		"b");                                    /* U+202E */
	check_escape("\xe2\x81\xa6", "\\xe2\\x81\\xa6"); /* U+2066 */
	check_escape("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
	check_escape("\xc0\xaf", "\\xc0\\xaf");          /* overlong */
	check_escape("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

static void cuts_at_whole_forms(void **state)
{
	(void)state;
	char buf[6];
	assert_string_equal(escape_buf(buf, sizeof buf,
				    "ab\x1b"
				    "cd"),
		"ab");
	assert_string_equal(escape_buf(buf, sizeof buf, "aééé"), "aéé");
	assert_string_equal(escape_buf(buf, 1, "abc"), "");
}

static void knows_utf8(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
	assert_true(utf8_valid("é€🐧", strlen("é€🐧")));
	assert_false(utf8_valid("\xff", 1));
	assert_false(utf8_valid("€", 2));
	assert_false(utf8_valid("\xe0\x80\x80", 3));
}

static void writes_base64(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str s cleanup_str = STR_INIT;
		str_add_base64(&s, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(s.p ? s.p : "", rows[i][1]);
		struct str back cleanup_str = STR_INIT;
		assert_true(str_add_unbase64(&back, rows[i][1]));
		assert_string_equal(back.p ? back.p : "", rows[i][0]);
	}
}

static void bad_base64_is_told(void **state)
{
	(void)state;
	struct str s cleanup_str = STR_INIT;
	assert_false(str_add_unbase64(&s, "Zg*="));
	assert_false(str_add_unbase64(&s, "Z"));
}

static void times_come_back(void **state)
{
	(void)state;
	char buf[FORMAT_TIME_SIZE];
	int64_t ns = 0;
	assert_string_equal(
		format_time(buf, 1764000000123456789), "2025-11-24T16:00:00.123456789Z");
	assert_true(parse_time(buf, &ns));
	assert_true(ns == 1764000000123456789);
	assert_string_equal(format_time(buf, 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(format_time(buf, -1), "1969-12-31T23:59:59.999999999Z");
	assert_false(parse_time("2025-11-24T16:00:00Z", &ns));
	assert_false(parse_time("2025-11-24T16:00:00.000000000Zx", &ns));
	assert_false(parse_time("9999-11-24T16:00:00.000000000Z", &ns));
	assert_false(parse_time("", &ns));
	(void)format_time(buf, INT64_MAX);
	(void)format_time(buf, INT64_MIN);
}

static void formats_numbers(void **state)
{
	(void)state;
	char buf[64];
	assert_string_equal(format_count(buf, sizeof buf, 0), "0");
	assert_string_equal(format_count(buf, sizeof buf, 999), "999");
	assert_string_equal(format_count(buf, sizeof buf, 1243), "1,243");
	assert_string_equal(
		format_count(buf, sizeof buf, UINT64_MAX), "18,446,744,073,709,551,615");
	assert_string_equal(format_bytes(buf, sizeof buf, 999), "999 B");
	assert_string_equal(format_bytes(buf, sizeof buf, 1000), "1.0 kB");
	assert_string_equal(format_bytes(buf, sizeof buf, 4200000), "4.2 MB");
	assert_string_equal(format_bytes(buf, sizeof buf, 9949), "9.9 kB");
	assert_string_equal(format_bytes(buf, sizeof buf, 9951), "10 kB");
	assert_string_equal(format_bytes(buf, sizeof buf, 999499), "999 kB");
	assert_string_equal(format_bytes(buf, sizeof buf, 999500), "1.0 MB");
	assert_string_equal(format_bytes(buf, sizeof buf, UINT64_MAX), "18 EB");
}

static void finds_the_nearest_word(void **state)
{
	(void)state;
	static const char *const keys[] = {
		"allowWrite", "redirectWrite", "refuseWrite", "denyRead", "allowRead", NULL};
	assert_string_equal(nearest_word("allowWrites", keys), "allowWrite");
	assert_string_equal(nearest_word("alloWwrite", keys), "allowWrite");
	assert_string_equal(nearest_word("denyread", keys), "denyRead");
	assert_string_equal(nearest_word("lalowRead", keys), "allowRead");
	assert_null(nearest_word("zebra", keys));
	assert_null(nearest_word("", keys));
	static const char *const ids[] = {"sh-1", "claude-12", NULL};
	assert_string_equal(nearest_word("claude-13", ids), "claude-12");
}

static void errors_name_and_escape(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, ENOENT, "no \x1b%s", "a\nb"), -ENOENT);
	assert_int_equal(e.errnum, ENOENT);
	assert_string_equal(e.text, "no \\x1ba\\nb");
	assert_int_equal(err_wrap(&e, "%s", "job x"), -ENOENT);
	assert_string_equal(e.text, "job x: no \\x1ba\\nb");
	assert_int_equal(err_errno(&e, EACCES, "open %s", "f"), -EACCES);
	assert_string_equal(e.text, "open f: Permission denied");
	assert_int_equal(err_set(NULL, EPERM, "x"), -EPERM);
	/* Its own text may be an argument. */
	(void)err_set(&e, EIO, "again: %s", e.text);
	assert_string_equal(e.text, "again: open f: Permission denied");
}

static void an_overlong_error_keeps_its_cause(void **state)
{
	(void)state;
	char path[5000];
	memset(path, 'p', sizeof path);
	path[sizeof path - 1] = '\0';
	struct err e;
	(void)err_set(&e, EIO, "%s", path);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	(void)err_errno(&e, EIO, "%.500s", path);
	assert_non_null(strstr(e.text, ": Input/output error"));
	(void)err_errno(&e, EIO, "%s", path);
	assert_non_null(strstr(e.text, ": Input/output error"));
}

static void log_writes_one_line(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	char line[2048];
	log_setup(fds[1], LOG_INFO);
	assert_int_equal(log_level(), LOG_INFO);
	errno = EXDEV;
	log_warning("file %s", "a\nb");
	assert_int_equal(errno, EXDEV);
	log_debug("not written");
	ssize_t n = read(fds[0], line, sizeof line);
	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(line, "writ: warning: file a\\nb\n");
	char big[3000];
	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = '\0';
	log_error("%s", big);
	n = read(fds[0], line, sizeof line);
	assert_true(n > 1000 && n <= 1024);
	assert_int_equal(line[n - 1], '\n');
	log_setup(-1, LOG_DEBUG);
	log_error("nobody listens");
	assert_int_equal(read(fds[0], line, sizeof line), -1);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(remembers_failure),
		cmocka_unit_test(escapes_what_moves_the_cursor),
		cmocka_unit_test(cuts_at_whole_forms),
		cmocka_unit_test(knows_utf8),
		cmocka_unit_test(writes_base64),
		cmocka_unit_test(bad_base64_is_told),
		cmocka_unit_test(times_come_back),
		cmocka_unit_test(formats_numbers),
		cmocka_unit_test(finds_the_nearest_word),
		cmocka_unit_test(errors_name_and_escape),
		cmocka_unit_test(an_overlong_error_keeps_its_cause),
		cmocka_unit_test(log_writes_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
