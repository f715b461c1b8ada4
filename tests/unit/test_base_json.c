/* SPDX-License-Identifier: MIT */
/* JSON as people write it: what is accepted, where errors are said to be, and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <writfs/json.h>
#include <writfs/sys.h>

#include "../support/tempdir.h"

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct err e = {0};
	int r = json_parse("f.json", text, strlen(text), &doc, &e);
	if (r < 0)
		print_error("%s\n", e.text);
	assert_int_equal(r, 0);
	return doc;
}

static void check_error(const char *text, const char *message)
{
	struct json_doc *doc = NULL;
	struct err e = {0};
	assert_int_equal(json_parse("f.json", text, strlen(text), &doc, &e), -EINVAL);
	assert_null(doc);
	assert_string_equal(e.text, message);
	assert_int_equal(json_parse("f.json", text, strlen(text), &doc, NULL), -EINVAL);
}

static void takes_comments_and_trailing_commas(void **state)
{
	(void)state;
	struct json_doc *doc cleanup_json =
		parse("\xef\xbb\xbf// first\n"
		      "{ /* block\n over lines */ \"a\": [1, 2, /* x */ ],\n"
		      "  \"b//c\": \"/* not */ a comment\", // but this\n"
		      "}\n");
	const cJSON *a = cJSON_GetObjectItemCaseSensitive(doc->root, "a");
	assert_int_equal(cJSON_GetArraySize(a), 2);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(doc->root, "b//c")->valuestring,
		"/* not */ a comment");
	unsigned line;
	unsigned column;
	json_where(doc, a, true, &line, &column);
	assert_int_equal(line, 3);
	assert_int_equal(column, 16);
	json_where(doc, a, false, &line, &column);
	assert_int_equal(column, 21);
	json_where(doc, a->child->next, false, &line, &column);
	assert_int_equal(line, 3);
	assert_int_equal(column, 25);
	/* An item of an array has no key: its value is meant. */
	json_where(doc, a->child->next, true, &line, &column);
	assert_int_equal(column, 25);
}

static void columns_count_characters(void **state)
{
	(void)state;
	struct json_doc *doc cleanup_json = parse("{\"é€\": 1, \"k\": [[], {}]}");
	unsigned line;
	unsigned column;
	const cJSON *k = cJSON_GetObjectItemCaseSensitive(doc->root, "k");
	json_where(doc, k, true, &line, &column);
	assert_int_equal(column, 11);
	json_where(doc, k->child->next, false, &line, &column);
	assert_int_equal(column, 21);
	json_where(doc, doc->root, false, &line, &column);
	assert_int_equal(line, 1);
	assert_int_equal(column, 1);
}

static void takes_scalars_and_escapes(void **state)
{
	(void)state;
	static const char *const good[] = {"0", "-0", "1.5e-3", "10", "1E+2", "true", "null", "[]",
		"{}", "[{}]", "\"\\u00e9\\n\\/\\ud83d\\udc27\"", " 1 \n"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct json_doc *doc cleanup_json = parse(good[i]);
		assert_non_null(doc->root);
	}
}

static void says_where_it_is_wrong(void **state)
{
	(void)state;
	check_error("", "f.json:1:1: the file is empty, expected at least {}");
	check_error(" // only\n", "f.json:1:1: the file is empty, expected at least {}");
	check_error("{\n  \"a\": [1,\n  2\n",
		"f.json:2:8: '[' is not closed: the text ends before its end");
	check_error("{\"a\": 1", "f.json:1:1: '{' is not closed: the text ends before its end");
	check_error("{\"a\" 1}", "f.json:1:6: expected ':' after the key, not '1'");
	check_error("{\"a\": 1 \"b\": 2}", "f.json:1:9: expected ',' or '}', not '\"'");
	check_error("[1 2]", "f.json:1:4: expected ',' or ']', not '2'");
	check_error("{a: 1}", "f.json:1:2: expected a key in quotes, not 'a'");
	check_error("[,]", "f.json:1:2: expected a value, not ','");
	check_error("[1,,]", "f.json:1:4: expected a value, not ','");
	check_error("{} x", "f.json:1:4: expected the end of the text, not 'x'");
	check_error("{}}", "f.json:1:3: expected the end of the text, not '}'");
	check_error("[yes]", "f.json:1:2: unknown word yes (text needs \"quotes\")");
	check_error("[01]", "f.json:1:2: this is not a number as JSON writes them");
	check_error("[1.]", "f.json:1:2: this is not a number as JSON writes them");
	check_error("[-]", "f.json:1:2: this is not a number as JSON writes them");
	check_error("[\"a\n\"]", "f.json:1:2: this string is not closed on its line");
	check_error("[\"a\x01\"]", "f.json:1:4: control byte 0x01 in a string");
	check_error(
		"[\"\\q\"]", "f.json:1:3: unknown escape in a string (use \\\\ for a backslash)");
	check_error("[\"\\u0000\"]", "f.json:1:3: \\u0000 cannot be part of a string here");
	check_error("[\"\\ud800x\"]",
		"f.json:1:3: \\u needs four hexadecimal digits, or a pair for "
		"one character beyond U+FFFF");
	check_error("/* x", "f.json:1:1: this comment is not closed");
	check_error("{} /*/", "f.json:1:4: this comment is not closed");
	check_error("[1]/", "f.json:1:4: expected the end of the text, not '/'");
	check_error("[\xff]", "f.json:1:2: expected a value, not byte 0xff");
}

static void an_embedded_nul_is_an_error(void **state)
{
	(void)state;
	struct json_doc *doc = NULL;
	struct err e = {0};
	assert_int_equal(json_parse("f", "{}\0x", 4, &doc, &e), -EINVAL);
	assert_int_equal(json_parse("f", "[\"\0\"]", 5, &doc, &e), -EINVAL);
	assert_string_equal(e.text, "f:1:3: control byte 0x00 in a string");
}

static void duplicate_keys_are_errors(void **state)
{
	(void)state;
	check_error("{\"a\": 1,\n \"b\": {\"x\": 1, \"y\": 2, \"x\": 3}}",
		"f.json:2:24: the key \"x\" is here twice: keep one");
	check_error(
		"{\"a\": 1, \"\\u0061\": 2}", "f.json:1:10: the key \"a\" is here twice: keep one");
	struct json_doc *doc cleanup_json = parse("{\"a\": {\"a\": 1}, \"A\": 2}");
	assert_non_null(doc);
}

static void depth_is_limited(void **state)
{
	(void)state;
	char text[2 * JSON_DEPTH_MAX + 4];
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	text[2 * JSON_DEPTH_MAX] = '\0';
	struct json_doc *doc cleanup_json = parse(text);
	assert_non_null(doc);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	text[2 * JSON_DEPTH_MAX + 2] = '\0';
	check_error(text, "f.json:1:65: nested deeper than 64");
}

static void many_places_are_quick(void **state)
{
	(void)state;
	/* One line of 20,000 members: a walk for each would take minutes. */
	struct str s cleanup_str = STR_INIT;
	str_add(&s, "[{");
	for (int i = 0; i < 20000; i++)
		str_addf(&s, "%s\"key%d\":\"some pattern/**\"", i ? "," : "", i);
	str_add(&s, "}]");
	struct json_doc *doc cleanup_json = parse(s.p);
	unsigned last = 0;
	const cJSON *child;
	cJSON_ArrayForEach (child, doc->root->child) {
		unsigned line;
		unsigned column;
		json_where(doc, child, true, &line, &column);
		assert_true(column > last);
		last = column;
	}
	assert_true(last < s.len);
}

static void unknown_keys_are_named(void **state)
{
	(void)state;
	static const char *const keys[] = {"v", "allowWrite", "denyRead", NULL};
	struct err e = {0};
	struct json_doc *doc cleanup_json = parse("{\n \"v\": 1,\n \"allowWrites\": []}");
	assert_int_equal(json_check_keys(doc, doc->root, keys, &e), -EINVAL);
	assert_string_equal(
		e.text, "f.json:3:2: unknown key \"allowWrites\" (did you mean \"allowWrite\"?)");
	struct json_doc *other cleanup_json = parse("{\"zebra\\u001b\": 1}");
	assert_int_equal(json_check_keys(other, other->root, keys, &e), -EINVAL);
	assert_string_equal(e.text,
		"f.json:1:2: unknown key \"zebra\\x1b\" (known here: v, allowWrite, denyRead)");
	struct json_doc *good cleanup_json = parse("{\"denyRead\": 1}");
	assert_int_equal(json_check_keys(good, good->root, keys, &e), 0);
	(void)json_error(&e, doc, doc->root->child->next, false, "not %s", "this");
	assert_string_equal(e.text, "f.json:3:17: not this");
}

static void loads_with_a_limit(void **state)
{
	struct tempdir *dir = *state;
	struct json_doc *doc = NULL;
	struct err e = {0};
	assert_int_equal(json_load(dir->fd, "no", "~/no.json", 100, &doc, &e), -ENOENT);
	assert_string_equal(e.text, "~/no.json: No such file or directory");
	assert_int_equal(sys_write_file(dir->fd, "p", "{\"a\":1}", 7, 0600), 0);
	assert_int_equal(json_load(dir->fd, "p", "p.json", 7, &doc, &e), 0);
	assert_string_equal(doc->name, "p.json");
	json_doc_free(doc);
	doc = NULL;
	assert_int_equal(json_load(dir->fd, "p", "p.json", 6, &doc, &e), -EFBIG);
	/* 100 MB are refused by their size, unread. */
	int fd = openat(dir->fd, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 100000000), 0);
	(void)close(fd);
	assert_int_equal(json_load(dir->fd, "big", "big.json", 1 << 20, &doc, &e), -EFBIG);
	assert_string_equal(e.text, "big.json: larger than 1.0 MB, so it was not read");
	assert_int_equal(mkfifoat(dir->fd, "fifo", 0600), 0);
	assert_int_equal(json_load(dir->fd, "fifo", "fifo", 100, &doc, &e), -EINVAL);
	assert_int_equal(mkdirat(dir->fd, "dir", 0700), 0);
	assert_int_equal(json_load(dir->fd, "dir", "dir", 100, &doc, &e), -EISDIR);
	assert_null(doc);
}

static void output_is_utf8_and_exact(void **state)
{
	(void)state;
	cJSON *object = cJSON_CreateObject();
	json_add_path(object, "path", "/home/é");
	json_add_path(object, "path2", "/home/\xff");
	json_add_i64(object, "small", -5);
	json_add_i64(object, "large", 1764000000123456789);
	json_add_i64(object, "least", INT64_MIN);
	char *exact cleanup_free = json_get_path(object, "path2");
	assert_string_equal(exact, "/home/\xff");
	char *plain cleanup_free = json_get_path(object, "path");
	assert_string_equal(plain, "/home/é");
	assert_null(json_get_path(object, "small"));
	char *text cleanup_free = cJSON_PrintUnformatted(object);
	assert_string_equal(text,
		"{\"path\":\"/home/é\",\"path2\":\"/home/\\\\xff\",\"path2_b64\":\"L2hvbWUv/w==\","
		"\"small\":-5,\"large\":1764000000123456789,\"least\":-9223372036854775808}");
	cJSON_Delete(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_comments_and_trailing_commas),
		cmocka_unit_test(columns_count_characters),
		cmocka_unit_test(takes_scalars_and_escapes),
		cmocka_unit_test(says_where_it_is_wrong),
		cmocka_unit_test(an_embedded_nul_is_an_error),
		cmocka_unit_test(duplicate_keys_are_errors),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(many_places_are_quick),
		cmocka_unit_test(unknown_keys_are_named),
		cmocka_unit_test_setup_teardown(
			loads_with_a_limit, tempdir_setup, tempdir_teardown),
		cmocka_unit_test(output_is_utf8_and_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
