/* SPDX-License-Identifier: MIT */
/* What a person is shown: phrases, rows, diffs, who did it, and the same as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/desk.h"

static int setup(void **state)
{
	struct desk *d = malloc(sizeof *d);
	if (!d || desk_open(d))
		return -1;
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	desk_close(*state);
	free(*state);
	return 0;
}

#define ok(expr) assert_int_equal((expr), 0)

static void assert_words(struct desk *d, const char *rel, const char *wanted)
{
	char buf[256];
	struct change *c = desk_change(d, rel);
	assert_non_null(c);
	ok(review_count_lines(d->review, c));
	assert_string_equal(change_words(buf, sizeof buf, c), wanted);
}

static void phrases(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "f", 0644, "one\ntwo\nthree\n"));
	ok(fixture_file(&d->f, "gone", 0644, "x\ny\n"));
	ok(fixture_file(&d->f, "mode", 0644, "x\n"));
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "dir/1", 0644, "1"));
	ok(do_truncate(d->f.store, "f", 0));
	ok(do_write(d->f.store, "f", 0, "one\nTWO\nthree\nfour\n", 19));
	ok(do_unlink(d->f.store, "gone"));
	ok(do_chmod(d->f.store, "mode", 0755));
	ok(do_unlink(d->f.store, "dir/1"));
	ok(do_rmdir(d->f.store, "dir"));
	ok(do_create(d->f.store, "new", 0644, "line\n"));
	ok(do_create(d->f.store, "binary", 0644, "a"));
	ok(do_write(d->f.store, "binary", 0, "\0\1\2", 3));
	ok(do_mknod(d->f.store, "link", S_IFLNK | 0777, 0, "to\033[31m"));
	ok(do_mknod(d->f.store, "pipe", S_IFIFO | 0644, 0, NULL));
	ok(do_mkdir(d->f.store, "made", 0755));
	ok(desk_look(d));
	assert_words(d, "f", "+2 -1 lines");
	assert_words(d, "gone", "-2 lines");
	assert_words(d, "mode", "mode 0644 -> 0755");
	assert_words(d, "dir", "1 file");
	assert_words(d, "new", "+1 line");
	assert_words(d, "binary", "3 B");
	assert_words(d, "link", "-> to\\x1b[31m");
	assert_words(d, "pipe", "FIFO");
	assert_words(d, "made", "directory");
}

static void assert_diff(struct desk *d, const char *rel, const char *wanted)
{
	struct str out cleanup_str = STR_INIT;
	struct err e = {0};
	struct change *c = desk_change(d, rel);
	assert_non_null(c);
	ok(review_diff_text(d->review, c, d->root, false, &out, &e));
	assert_string_equal(out.p, wanted);
}

static void diffs(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "f", 0644, "one\ntwo\nthree"));
	ok(fixture_file(&d->f, "meta", 0644, "m\n"));
	ok(fixture_symlink(&d->f, "link", "old"));
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "dir/1", 0644, "1"));
	ok(fixture_file(&d->f, "kind", 0644, "k\n"));
	ok(do_truncate(d->f.store, "f", 0));
	ok(do_write(d->f.store, "f", 0, "one\n\x1b[2J\ttwo\nthree\n", 19));
	ok(do_chmod(d->f.store, "meta", 0600));
	ok(do_setxattr(d->f.store, "meta", "user.a\nb", "v", 1, 0));
	ok(do_unlink(d->f.store, "link"));
	ok(do_mknod(d->f.store, "link", S_IFLNK | 0777, 0, "new"));
	ok(do_unlink(d->f.store, "dir/1"));
	ok(do_rmdir(d->f.store, "dir"));
	ok(do_unlink(d->f.store, "kind"));
	ok(do_mkdir(d->f.store, "kind", 0755));
	ok(do_create(d->f.store, "binary", 0644, "a"));
	ok(do_write(d->f.store, "binary", 0, "\0\1\2", 3));
	ok(do_mknod(d->f.store, "pipe", S_IFIFO | 0644, 0, NULL));
	ok(do_create(d->f.store, "big", 0644, ""));
	ok(do_truncate(d->f.store, "big", 9000000));
	ok(do_create(d->f.store, ".bashrc", 0644, "evil\n"));
	ok(do_mkdir(d->f.store, ".claude", 0755));
	ok(do_create(d->f.store, ".claude/.credentials.json", 0600, "secret"));
	ok(desk_look(d));
	assert_diff(d, "f",
		"modified ~/f\n@@ -1,3 +1,3 @@\n one\n-two\n-three\n\\ No newline at end of file\n"
		"+\\x1b[2J\ttwo\n+three\n");
	assert_diff(d, "meta", "mode ~/meta\n  mode 0644 -> 0600\n  attribute added user.a\\nb\n");
	assert_diff(d, "link", "modified ~/link\n-old\n+new\n");
	assert_diff(d, "dir", "deleted ~/dir\n  directory, 1 file\n");
	assert_diff(d, "kind", "type ~/kind\n  file -> directory\n");
	assert_diff(d, "binary", "added ~/binary\n  binary, 3 B\n");
	assert_diff(d, "pipe", "added ~/pipe\n  FIFO\n");
	assert_diff(d, "big",
		"added ~/big\n  not compared line by line: too large or not readable, 9.0 MB\n");
	assert_diff(
		d, ".bashrc", "added ~/.bashrc\n  ! runs at every login\n@@ -0,0 +1 @@\n+evil\n");
	assert_diff(d, ".claude/.credentials.json",
		"added ~/.claude/.credentials.json\n  ! discarding logs you out\n"
		"  content not shown: a login\n");
}

static void many_rows_become_few(void **state)
{
	struct desk *d = *state;
	struct change_rows rows;
	char name[64];
	ok(fixture_mkdir(&d->f, "cache", 0755));
	ok(fixture_mkdir(&d->f, "src", 0755));
	ok(do_mkdir(d->f.store, "cache/browsers", 0755));
	ok(do_mkdir(d->f.store, "cache/browsers/x", 0755));
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof name, "cache/browsers/x/%d", i);
		ok(do_create(d->f.store, name, 0644, "x"));
	}
	for (int i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof name, "src/%d", i);
		ok(do_create(d->f.store, name, 0644, "x"));
	}
	ok(do_create(d->f.store, ".bashrc", 0644, "x"));
	ok(do_create(d->f.store, "alone", 0644, "x"));
	ok(desk_look(d));
	ok(review_rows(&d->changes->scratch, 12, &rows));
	assert_int_equal(rows.count, 4);
	assert_int_equal(rows.more, 0);
	assert_string_equal(rows.items[0].path + strlen(d->root), "/.bashrc");
	assert_string_equal(rows.items[1].path + strlen(d->root), "/alone");
	assert_string_equal(rows.items[2].path + strlen(d->root), "/cache/browsers/");
	assert_int_equal(rows.items[2].files, 100);
	assert_int_equal(rows.items[2].changes, 102);
	assert_string_equal(rows.items[3].path + strlen(d->root), "/src/");
	assert_int_equal(rows.items[3].files, 30);
	change_rows_free(&rows);
	ok(review_rows(&d->changes->scratch, 2, &rows));
	assert_int_equal(rows.count, 2);
	assert_true(rows.more > 0);
	change_rows_free(&rows);
	ok(review_rows(&d->changes->scratch, 0, &rows));
	assert_int_equal(rows.count, d->changes->scratch.count);
	change_rows_free(&rows);
}

static void the_journal_says_who(void **state)
{
	struct desk *d = *state;
	ok(do_mkdir(d->f.store, "tmpdir", 0755));
	ok(do_create(d->f.store, "tmpdir/f", 0644, "x"));
	ok(do_rename(d->f.store, "tmpdir", "dir", 0));
	ok(desk_record(d, JOURNAL_MKDIR, JOURNAL_REDIRECTED, "tmpdir", NULL, "npm"));
	ok(desk_record(d, JOURNAL_CREATE, JOURNAL_REDIRECTED, "tmpdir/f", NULL, "tar"));
	ok(desk_record(d, JOURNAL_RENAME, JOURNAL_REDIRECTED, "tmpdir", "dir", "npm"));
	ok(desk_record(d, JOURNAL_WRITE, JOURNAL_REFUSED, "secret", NULL, "bash"));
	ok(desk_look(d));
	const struct change *c = desk_change(d, "dir/f");
	assert_string_equal(c->program, "tar");
	assert_string_equal(c->parent, "agent");
	assert_string_equal(c->rule, "**/x");
	assert_int_equal(c->rule_line, 3);
	assert_string_equal(desk_change(d, "dir")->program, "npm");
	assert_int_equal(d->changes->refused.count, 1);
	assert_non_null(desk_find(d, &d->changes->refused, "secret"));
	assert_int_equal(d->changes->bad_lines, 0);
}

static void real_changes_are_folded(void **state)
{
	struct desk *d = *state;
	/* A save by temporary file and rename, one made and removed, one removed, one directory
	 * that got its name last, one that was only touched. */
	ok(fixture_file(&d->f, "saved", 0644, "new"));
	ok(fixture_file(&d->f, "script", 0755, "x"));
	ok(fixture_mkdir(&d->f, "final", 0755));
	ok(fixture_file(&d->f, "final/in", 0644, "x"));
	ok(fixture_file(&d->f, ".bashrc", 0644, "x"));
	ok(desk_record(d, JOURNAL_CREATE, JOURNAL_GRANTED, "saved.tmp", NULL, "vim"));
	ok(desk_record(d, JOURNAL_WRITE, JOURNAL_GRANTED, "saved.tmp", NULL, "vim"));
	ok(desk_record(d, JOURNAL_RENAME, JOURNAL_GRANTED, "saved.tmp", "saved", "vim"));
	ok(desk_record(d, JOURNAL_CREATE, JOURNAL_GRANTED, "lock", NULL, "git"));
	ok(desk_record(d, JOURNAL_UNLINK, JOURNAL_GRANTED, "lock", NULL, "git"));
	ok(desk_record(d, JOURNAL_UNLINK, JOURNAL_GRANTED, "removed", NULL, "rm"));
	ok(desk_record(d, JOURNAL_MKDIR, JOURNAL_GRANTED, "tmpdir", NULL, "npm"));
	ok(desk_record(d, JOURNAL_CREATE, JOURNAL_GRANTED, "tmpdir/in", NULL, "npm"));
	ok(desk_record(d, JOURNAL_RENAME, JOURNAL_GRANTED, "tmpdir", "final", "npm"));
	ok(desk_record(d, JOURNAL_CHMOD, JOURNAL_GRANTED, "script", NULL, "chmod"));
	ok(desk_record(d, JOURNAL_WRITE, JOURNAL_GRANTED, ".bashrc", NULL, "sh"));
	ok(desk_look(d));
	const struct change_list *real = &d->changes->real;
	assert_int_equal(desk_find(d, real, "saved")->kind, CHANGE_MODIFIED);
	assert_null(desk_find(d, real, "saved.tmp"));
	assert_null(desk_find(d, real, "lock"));
	assert_int_equal(desk_find(d, real, "removed")->kind, CHANGE_DELETED);
	assert_int_equal(desk_find(d, real, "final")->kind, CHANGE_ADDED);
	assert_int_equal(desk_find(d, real, "final/in")->kind, CHANGE_ADDED);
	assert_int_equal(desk_find(d, real, "script")->kind, CHANGE_MODE);
	assert_string_equal(desk_find(d, real, "saved")->program, "vim");
	assert_int_equal(real->count, 6);
	assert_int_equal(d->changes->real_deleted, 1);
	assert_int_equal(d->changes->real_files, 5);
	assert_int_equal(d->changes->real_labelled, 1);
	assert_int_equal(real->items[0].class, CLASS_DANGER);
}

static const cJSON *only_change(const cJSON *json, const char *list)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, list);
	assert_int_equal(cJSON_GetArraySize(array), 1);
	return cJSON_GetArrayItem(array, 0);
}

static const char *text_of(const cJSON *json, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static void the_same_as_json(void **state)
{
	struct desk *d = *state;
	struct err e = {0};
	ok(do_create(d->f.store, "n\xff", 0644, "line\n"));
	ok(desk_look(d));
	cJSON *status = review_status_json(&d->job, d->changes);
	const cJSON *c = only_change(status, "changes");
	assert_string_equal(text_of(c, "kind"), "added");
	assert_non_null(text_of(c, "path_b64"));
	assert_string_equal(text_of(status, "job"), "test-1");
	cJSON_Delete(status);
	cJSON *diff = review_diff_json(d->review, d->changes, &e);
	c = only_change(diff, "changes");
	const cJSON *lines = cJSON_GetObjectItemCaseSensitive(c, "lines");
	assert_int_equal(cJSON_GetArraySize(lines), 2);
	assert_string_equal(text_of(cJSON_GetArrayItem(lines, 1), "text"), "line\n");
	cJSON_Delete(diff);
	ok(desk_apply(d, NULL));
	cJSON *results = review_results_json(&d->job, "apply", d->results);
	c = only_change(results, "results");
	assert_string_equal(text_of(c, "result"), "applied");
	assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c, "unshown")));
	cJSON_Delete(results);
}

static void selecting(void **state)
{
	struct desk *d = *state;
	const char *const cases[][3] = {{"a/*.js", "a/x.js", "a/b/x.js"},
		{"**/x.js", "a/b/x.js", "a/y"}, {"./a/", "a/y", "top"}, {"~/t[n-p]p", "top", "a/y"},
		{"a/{x,z}.js", "a/x.js", "a/y"}, {"a/../top", "top", "a/y"},
		{"a/b/../y", "a/y", "top"}};
	ok(do_mkdir(d->f.store, "a", 0755));
	ok(do_mkdir(d->f.store, "a/b", 0755));
	ok(do_create(d->f.store, "a/x.js", 0644, "x"));
	ok(do_create(d->f.store, "a/b/x.js", 0644, "x"));
	ok(do_create(d->f.store, "a/y", 0644, "x"));
	ok(do_create(d->f.store, "top", 0644, "x"));
	ok(desk_look(d));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const one[] = {cases[i][0], NULL};
		ok(desk_select(d, one));
		if (!desk_change(d, cases[i][1])->selected)
			print_error("%s does not select %s\n", cases[i][0], cases[i][1]);
		assert_true(desk_change(d, cases[i][1])->selected);
		assert_false(desk_change(d, cases[i][2])->selected);
	}
	const char *const named[] = {"a/x.js", "a", NULL};
	ok(desk_select(d, named));
	assert_true(desk_change(d, "a/x.js")->named);
	assert_false(desk_change(d, "a/y")->named);
	const char *const bad[] = {"a/[", NULL};
	assert_true(desk_select(d, bad) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(phrases, setup, teardown),
		cmocka_unit_test_setup_teardown(diffs, setup, teardown),
		cmocka_unit_test_setup_teardown(many_rows_become_few, setup, teardown),
		cmocka_unit_test_setup_teardown(the_journal_says_who, setup, teardown),
		cmocka_unit_test_setup_teardown(real_changes_are_folded, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_as_json, setup, teardown),
		cmocka_unit_test_setup_teardown(selecting, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
