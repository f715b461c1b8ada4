/* SPDX-License-Identifier: MIT */
/* Records as lines and back: every field, names of any bytes, limits, and files that are damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "../../fs/journal/journal_i.h"
#include "../support/tempdir.h"

static const struct journal_actor actor = {
	.pid = 42,
	.ppid = 7,
	.exe = "/usr/bin/bash",
	.argv = "bash -c x",
	.cwd = "/home/me",
	.program = "bash",
	.parent = "claude",
};

static struct journal_record record_of(const char *path)
{
	return (struct journal_record){
		.op = JOURNAL_WRITE,
		.verdict = JOURNAL_REDIRECTED,
		.path = path,
		.bytes = -1,
		.actor = &actor,
	};
}

struct seen {
	unsigned count;
	uint64_t first, last;
	bool gap;
	char paths[8][256];
	struct journal_line line;
	char *text; /* the last line's JSON */
};

static int see(const struct journal_line *line, void *arg)
{
	struct seen *seen = arg;
	seen->gap |= seen->count && line->seq != seen->last + 1;
	if (seen->count == 0)
		seen->first = line->seq;
	seen->last = line->seq;
	if (seen->count < 8)
		(void)snprintf(seen->paths[seen->count], 256, "%.255s", line->path);
	seen->count++;
	seen->line = *line;
	free(seen->text);
	seen->text = cJSON_PrintUnformatted(line->json);
	return 0;
}

static struct seen read_all(struct tempdir *dir, unsigned *bad)
{
	struct seen seen = {0};
	struct err e = {0};
	assert_int_equal(journal_read(dir->fd, see, &seen, bad, &e), 0);
	return seen;
}

static void append_to(struct tempdir *dir, const struct journal_record *record, unsigned times)
{
	struct journal *j = NULL;
	struct err e = {0};
	assert_int_equal(journal_open(dir->fd, &j, &e), 0);
	for (unsigned i = 0; i < times; i++)
		journal_append(j, record);
	assert_int_equal(journal_close(j), 0);
}

static void every_field_comes_back(void **state)
{
	struct tempdir *dir = *state;
	struct journal_record record = {
		.op = JOURNAL_RENAME,
		.verdict = JOURNAL_GRANTED,
		.path = "/home/me/a \"quoted\" \\ name\nwith lines\x01",
		.path2 = "/home/me/é",
		.rule = "~/.ssh/**",
		.rule_file = "policy.json",
		.rule_line = 7,
		.note = "not undoable: no base kept",
		.bytes = 5000000000,
		.result = 13,
		.actor = &actor,
	};
	int64_t before = sys_time_ns(CLOCK_REALTIME);
	append_to(dir, &record, 1);
	unsigned bad = 9;
	struct err e = {0};
	int fd = openat(dir->fd, "journal.jsonl", O_RDONLY | O_CLOEXEC);
	char text[2048];
	ssize_t n = sys_read_full(fd, text, sizeof text - 1);
	(void)close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	struct journal_line line;
	cJSON *json = NULL;
	assert_int_equal(journal_line_parse(text, (size_t)n - 1, &line, &json), 0);
	assert_int_equal(line.seq, 1);
	assert_int_equal(line.op, JOURNAL_RENAME);
	assert_int_equal(line.verdict, JOURNAL_GRANTED);
	assert_string_equal(line.path, record.path);
	assert_string_equal(line.path2, record.path2);
	assert_string_equal(line.rule, record.rule);
	assert_string_equal(line.rule_file, record.rule_file);
	assert_int_equal(line.rule_line, 7);
	assert_string_equal(line.note, record.note);
	assert_true(line.bytes == 5000000000);
	assert_int_equal(line.result, 13);
	assert_int_equal(line.pid, 42);
	assert_string_equal(line.exe, actor.exe);
	assert_string_equal(line.argv, actor.argv);
	assert_string_equal(line.cwd, actor.cwd);
	assert_string_equal(line.program, "bash");
	assert_string_equal(line.parent, "claude");
	int64_t time = (int64_t)line.time.tv_sec * 1000000000 + line.time.tv_nsec;
	assert_true(time >= before && time <= sys_time_ns(CLOCK_REALTIME));
	cJSON_Delete(json);
	struct seen seen = read_all(dir, &bad);
	assert_int_equal(seen.count, 1);
	assert_int_equal(bad, 0);
	free(seen.text);
	(void)e;
}

static void lacking_fields_are_left_out(void **state)
{
	struct tempdir *dir = *state;
	struct journal_record record = record_of("/p");
	record.actor = NULL;
	append_to(dir, &record, 1);
	struct seen seen = read_all(dir, NULL);
	assert_null(seen.line.rule);
	assert_null(seen.line.program);
	assert_null(seen.line.path2);
	assert_int_equal(seen.line.pid, 0);
	assert_true(seen.line.bytes == -1);
	assert_non_null(strstr(seen.text, "\"result\":0"));
	assert_null(strstr(seen.text, "exe"));
	free(seen.text);
	assert_int_equal(faccessat(dir->fd, "journal.ring", F_OK, 0), -1); /* all in the file */
}

static void names_are_bytes(void **state)
{
	struct tempdir *dir = *state;
	static const char *const names[] = {"/a\xff\xfe", "/line\nfeed", "/\x1b[31m", "/\xc3\xa9",
		"/\xed\xa0\x80", "/q\"\\", "/\x7f\xc2\x80", "/end\xf0\x9f"};
	for (size_t i = 0; i < 8; i++) {
		struct journal_record record = record_of(names[i]);
		append_to(dir, &record, 1);
	}
	unsigned bad = 0;
	struct seen seen = read_all(dir, &bad);
	assert_int_equal(bad, 0);
	assert_int_equal(seen.count, 8);
	assert_false(seen.gap);
	for (size_t i = 0; i < 8; i++)
		assert_string_equal(seen.paths[i], names[i]);
	free(seen.text);
	/* What is in the file is UTF-8, one record a line. */
	char *text cleanup_free = NULL;
	size_t len = 0;
	assert_int_equal(sys_read_file(dir->fd, "journal.jsonl", 1 << 20, &text, &len), 0);
	assert_true(utf8_valid(text, len));
	assert_non_null(strstr(text, "\"path\":\"/a\\\\xff\\\\xfe\",\"path_b64\":\"L2H//g==\""));
	unsigned lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, 8);
}

static void long_records_are_cut_but_not_their_paths(void **state)
{
	struct tempdir *dir = *state;
	/* The worst: control bytes grow six times, and one wrong byte adds base64. */
	char path[PATH_MAX];
	memset(path, 1, sizeof path);
	path[0] = '/';
	path[PATH_MAX - 2] = (char)0xff;
	path[PATH_MAX - 1] = '\0';
	struct journal_actor big = {.pid = 1 << 30,
		.ppid = 1 << 30,
		.exe = path,
		.argv = path,
		.cwd = path,
		.program = path,
		.parent = path};
	struct journal_record record = {
		.op = JOURNAL_TRUNCATE,
		.verdict = JOURNAL_REDIRECTED,
		.path = path,
		.path2 = path,
		.rule = path,
		.rule_file = path,
		.rule_line = UINT32_MAX,
		.note = path,
		.bytes = INT64_MAX,
		.result = INT32_MAX,
		.actor = &big,
	};
	char *body cleanup_free = malloc(JOURNAL_BODY_MAX);
	assert_int_equal(journal_encode(&record, false, body, JOURNAL_BODY_MAX), -ENOBUFS);
	assert_true(journal_encode(&record, true, body, JOURNAL_BODY_MAX) > 0);
	append_to(dir, &record, 2);
	unsigned bad = 0;
	struct seen seen = read_all(dir, &bad);
	assert_int_equal(bad, 0);
	assert_int_equal(seen.count, 2);
	assert_memory_equal(seen.paths[0], path, 255);
	cJSON *json = cJSON_Parse(seen.text);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "cut")));
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "path2")), path);
	cJSON_Delete(json);
	free(seen.text);
}

static void write_file(struct tempdir *dir, const char *text, size_t len)
{
	assert_int_equal(sys_write_file(dir->fd, "journal.jsonl", text, len, 0600), 0);
}

#define LINE(seq)                                                                                  \
	"{\"seq\":" #seq ",\"time\":\"2026-11-23T10:50:06.123456789Z\",\"op\":\"write\","          \
	"\"verdict\":\"refused\",\"path\":\"/old" #seq "\"}"

static void a_torn_line_is_ended(void **state)
{
	struct tempdir *dir = *state;
	static const char torn[] = LINE(1) "\n" LINE(2) "\n{\"seq\":3,\"time\":\"2026-1";
	write_file(dir, torn, sizeof torn - 1);
	unsigned bad = 9;
	struct seen seen = read_all(dir, &bad);
	assert_int_equal(seen.count, 2);
	assert_int_equal(bad, 0); /* it may be in the writing */
	free(seen.text);
	struct journal_record record = record_of("/new");
	append_to(dir, &record, 1);
	seen = read_all(dir, &bad);
	assert_int_equal(seen.count, 3);
	assert_int_equal(bad, 1);
	assert_int_equal(seen.last, 3);
	assert_string_equal(seen.paths[2], "/new");
	free(seen.text);
}

static void a_last_line_without_newline_counts(void **state)
{
	struct tempdir *dir = *state;
	static const char text[] = LINE(1) "\n" LINE(2);
	write_file(dir, text, sizeof text - 1);
	struct journal_record record = record_of("/new");
	append_to(dir, &record, 1);
	unsigned bad = 9;
	struct seen seen = read_all(dir, &bad);
	assert_int_equal(seen.count, 3);
	assert_int_equal(bad, 0);
	assert_false(seen.gap);
	free(seen.text);
}

static void damage_costs_only_itself(void **state)
{
	struct tempdir *dir = *state;
	struct str s cleanup_str = STR_INIT;
	str_add(&s, LINE(1) "\n\n[]\nnot json\n" LINE(2) " x\n{\"seq\":1}\n");
	str_add_mem(&s, "\0\0\0\n", 4);
	str_add(&s, "{\"seq\":0,\"time\":\"2026-11-23T10:50:06.1Z\",\"op\":\"write\",\"verdict\":"
		    "\"refused\",\"path\":\"/\"}\n");
	str_add(&s, "{\"seq\":9,\"time\":\"yesterday\",\"op\":\"write\",\"verdict\":\"refused\","
		    "\"path\":\"/\"}\n");
	str_add(&s, "{\"seq\":9,\"time\":\"2026-11-23T10:50:06.1Z\",\"op\":\"fly\",\"verdict\":"
		    "\"refused\",\"path\":\"/\"}\n");
	for (int i = 0; i < 3 * JOURNAL_LINE_MAX; i++)
		str_add_char(&s, 'x');
	str_add(&s, "\n" LINE(5) "\n");
	write_file(dir, s.p, s.len);
	unsigned bad = 0;
	struct seen seen = read_all(dir, &bad);
	assert_int_equal(seen.count, 2);
	assert_int_equal(bad, 9);
	assert_int_equal(seen.last, 5);
	free(seen.text);
	/* Numbers go on after the last good one, however far back it is. */
	str_clear(&s);
	str_add(&s, LINE(77) "\n");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%1000d\n", i);
	write_file(dir, s.p, s.len);
	struct journal_record record = record_of("/new");
	append_to(dir, &record, 1);
	seen = read_all(dir, &bad);
	assert_int_equal(seen.last, 78);
	assert_int_equal(bad, 1000);
	free(seen.text);
}

static int stop_at_once(const struct journal_line *line, void *arg)
{
	(void)line;
	++*(int *)arg;
	return 5;
}

static void reading_stops_when_told(void **state)
{
	struct tempdir *dir = *state;
	int calls = 0;
	struct err e = {0};
	assert_int_equal(journal_read(dir->fd, stop_at_once, &calls, NULL, &e), 0); /* none */
	struct journal_record record = record_of("/x");
	append_to(dir, &record, 3);
	assert_int_equal(journal_read(dir->fd, stop_at_once, &calls, NULL, &e), 5);
	assert_int_equal(calls, 1);
}

static cJSON *load_schema(void)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof path, "%s", __FILE__);
	char *slash = strrchr(path, '/');
	(void)snprintf(slash, sizeof path - (size_t)(slash - path),
		"/../../config/schema/journal.schema.json");
	char *text cleanup_free = NULL;
	assert_int_equal(sys_read_file(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	cJSON *schema = cJSON_Parse(text);
	assert_non_null(schema);
	return schema;
}

static bool enum_has(const cJSON *properties, const char *key, const char *word)
{
	const cJSON *item;
	cJSON_ArrayForEach (
		item, cJSON_GetObjectItem(cJSON_GetObjectItem(properties, key), "enum")) {
		if (strcmp(item->valuestring, word) == 0)
			return true;
	}
	return false;
}

static void the_schema_names_every_field(void **state)
{
	(void)state;
	struct journal_actor odd = actor;
	odd.exe = odd.cwd = "/\xff";
	struct journal_record record = {
		.path = "/\xff",
		.path2 = "/\xff",
		.rule = "r",
		.rule_file = "f",
		.note = "n",
		.actor = &odd,
	};
	char body[4096] = "{\"seq\":1,\"time\":\"\",";
	size_t head = strlen(body);
	ssize_t n = journal_encode(&record, true, body + head, sizeof body - head);
	assert_true(n > 0);
	cJSON *json = cJSON_ParseWithLength(body, head + (size_t)n);
	cJSON *schema = load_schema();
	const cJSON *properties = cJSON_GetObjectItem(schema, "properties");
	const cJSON *item;
	cJSON_ArrayForEach (item, json) {
		if (!cJSON_HasObjectItem(properties, item->string))
			fail_msg("the schema lacks \"%s\"", item->string);
	}
	cJSON_ArrayForEach (item, properties) {
		if (!cJSON_HasObjectItem(json, item->string))
			fail_msg("no record has \"%s\"", item->string);
	}
	for (int i = 0; i <= JOURNAL_NOTE; i++)
		assert_true(enum_has(properties, "op", journal_op_name((enum journal_op)i)));
	for (int i = 0; i <= JOURNAL_REFUSED; i++)
		assert_true(enum_has(
			properties, "verdict", journal_verdict_name((enum journal_verdict)i)));
	cJSON_Delete(json);
	cJSON_Delete(schema);
}

static void names_of_operations(void **state)
{
	(void)state;
	assert_string_equal(journal_op_name(JOURNAL_CREATE), "create");
	assert_string_equal(journal_op_name(JOURNAL_NOTE), "note");
	assert_string_equal(journal_op_name((enum journal_op)99), "note");
	assert_string_equal(journal_verdict_name(JOURNAL_REDIRECTED), "redirected");
	for (int i = 0; i <= JOURNAL_NOTE; i++)
		assert_non_null(journal_op_name((enum journal_op)i));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tempdir_setup, tempdir_teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_field_comes_back),
		TEST(lacking_fields_are_left_out),
		TEST(names_are_bytes),
		TEST(long_records_are_cut_but_not_their_paths),
		TEST(a_torn_line_is_ended),
		TEST(a_last_line_without_newline_counts),
		TEST(damage_costs_only_itself),
		TEST(reading_stops_when_told),
		cmocka_unit_test(the_schema_names_every_field),
		cmocka_unit_test(names_of_operations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
