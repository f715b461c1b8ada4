/* SPDX-License-Identifier: MIT */
/* Apply: what becomes real, what is left and why, and that nothing real is ever lost. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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

static void assert_result(struct desk *d, const char *rel, enum result_kind kind)
{
	enum result_kind found = desk_result(d, rel);
	if (found != kind)
		print_error("%s: %s, wanted %s\n", rel, result_kind_name(found),
			result_kind_name(kind));
	assert_int_equal(found, kind);
}

static void assert_decided(struct desk *d)
{
	ok(desk_look(d));
	for (size_t i = 0; i < d->changes->scratch.count; i++)
		print_error("left: %s %s\n", change_kind_name(d->changes->scratch.items[i].kind),
			d->changes->scratch.items[i].path);
	assert_int_equal(d->changes->scratch.count, 0);
	assert_false(review_has_changes(&d->job));
}

static void everything_at_once(void **state)
{
	struct desk *d = *state;
	struct stat st;
	char target[32] = "";
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "dir/old", 0640, "one\n"));
	ok(fixture_file(&d->f, "gone", 0644, "bye\n"));
	ok(fixture_file(&d->f, "mode", 0644, "m"));
	ok(fixture_mkdir(&d->f, "tree", 0755));
	ok(fixture_file(&d->f, "tree/x", 0644, "x"));
	ok(do_mkdir(d->f.store, "new", 0750));
	ok(do_mkdir(d->f.store, "new/deep", 0555));
	ok(do_chmod(d->f.store, "new/deep", 0755));
	ok(do_create(d->f.store, "new/deep/file", 0600, "deep\n"));
	ok(do_chmod(d->f.store, "new/deep", 0555));
	ok(do_mknod(d->f.store, "new/link", S_IFLNK | 0777, 0, "deep/file"));
	ok(do_mknod(d->f.store, "new/fifo", S_IFIFO | 0640, 0, NULL));
	ok(do_write(d->f.store, "dir/old", 0, "ONE\n", 4));
	ok(do_unlink(d->f.store, "gone"));
	ok(do_chmod(d->f.store, "mode", 0711));
	ok(do_setxattr(d->f.store, "mode", "user.note", "v", 1, 0));
	ok(do_unlink(d->f.store, "tree/x"));
	ok(do_rmdir(d->f.store, "tree"));
	ok(desk_apply(d, NULL));
	assert_int_equal(d->results->left, 0);
	assert_int_equal(d->results->unshown, d->results->done);
	assert_true(real_shows(d, "dir/old", "ONE\n"));
	assert_true(real_shows(d, "new/deep/file", "deep\n"));
	assert_false(real_exists(d, "gone"));
	assert_false(real_exists(d, "tree"));
	ok(real_stat(d, "dir/old", &st));
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	ok(real_stat(d, "mode", &st));
	assert_int_equal(st.st_mode, S_IFREG | 0711);
	ok(real_stat(d, "new", &st));
	assert_int_equal(st.st_mode, S_IFDIR | 0750);
	ok(real_stat(d, "new/deep", &st));
	assert_int_equal(st.st_mode, S_IFDIR | 0555);
	ok(real_stat(d, "new/fifo", &st));
	assert_int_equal(st.st_mode, S_IFIFO | 0640);
	assert_int_equal(readlinkat(d->f.real, "new/link", target, sizeof target), 9);
	assert_string_equal(target, "deep/file");
	/* Replaced and removed: all of it is in base/. */
	assert_int_equal(desk_count(d, "base"), 4);
	assert_int_equal(desk_count(d, "tree"), 0);
	assert_int_equal(d->job.review, JOB_APPLIED);
	assert_decided(d);
	assert_int_equal(fchmodat(d->f.real, "new/deep", 0755, 0), 0);
}

static void times_and_xattrs_of_new_things(void **state)
{
	struct desk *d = *state;
	struct place p = PLACE_INIT;
	struct stat st;
	char value[16];
	ok(do_mkdir(d->f.store, "dir", 0755));
	ok(do_create(d->f.store, "dir/f", 0644, "f"));
	ok(do_setxattr(d->f.store, "dir/f", "user.a", "1", 1, 0));
	ok(do_setxattr(d->f.store, "dir", "user.b", "2", 1, 0));
	const struct store_attr attr = {.set_mtime = true, .mtime = {1234567890, 123456789}};
	ok(place_open(d->f.store, "dir/f", true, &p));
	ok(store_setattr(d->f.store, &p.parent, p.name, STORE_SCRATCH, &attr, &p.object));
	place_close(&p);
	p = (struct place)PLACE_INIT;
	ok(place_open(d->f.store, "dir", true, &p));
	ok(store_setattr(d->f.store, &p.parent, p.name, STORE_SCRATCH, &attr, &p.object));
	place_close(&p);
	ok(desk_apply(d, NULL));
	ok(real_stat(d, "dir/f", &st));
	assert_int_equal(st.st_mtim.tv_sec, 1234567890);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	ok(real_stat(d, "dir", &st));
	assert_int_equal(st.st_mtim.tv_sec, 1234567890);
	char path[2 * PATH_MAX];
	(void)snprintf(path, sizeof path, "%s/dir/f", d->root);
	assert_int_equal(getxattr(path, "user.a", value, sizeof value), 1);
	assert_int_equal(listxattr(path, NULL, 0), (ssize_t)sizeof "user.a");
	(void)snprintf(path, sizeof path, "%s/dir", d->root);
	assert_int_equal(getxattr(path, "user.b", value, sizeof value), 1);
	assert_int_equal(listxattr(path, NULL, 0), (ssize_t)sizeof "user.b");
	assert_decided(d);
}

static void conflicts_are_left(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "both", 0644, "base"));
	ok(fixture_file(&d->f, "del", 0644, "base"));
	ok(fixture_mkdir(&d->f, "tree", 0755));
	ok(fixture_file(&d->f, "tree/x", 0644, "x"));
	ok(do_write(d->f.store, "both", 0, "mine", 4));
	ok(do_unlink(d->f.store, "del"));
	ok(do_unlink(d->f.store, "tree/x"));
	ok(do_rmdir(d->f.store, "tree"));
	ok(do_create(d->f.store, "fine", 0644, "fine"));
	ok(outside_write(d, "both", "their"));
	ok(outside_write(d, "del", "their"));
	ok(outside_write(d, "tree/y", "their"));
	ok(desk_apply(d, NULL));
	assert_result(d, "both", RESULT_CONFLICT);
	assert_result(d, "del", RESULT_CONFLICT);
	assert_result(d, "tree", RESULT_CONFLICT);
	assert_result(d, "fine", RESULT_APPLIED);
	assert_int_equal(d->results->left, 3);
	assert_true(real_shows(d, "both", "their"));
	assert_true(real_shows(d, "del", "their"));
	assert_true(real_shows(d, "tree/x", "x"));
	assert_true(real_shows(d, "tree/y", "their"));
	assert_true(view_shows(d->f.store, "both", "mine"));
	assert_int_equal(desk_count(d, "base"), 0);
	assert_int_equal(d->job.review, JOB_PARTLY);
}

static void symlink_planted_in_the_way(void **state)
{
	struct desk *d = *state;
	ok(fixture_mkdir(&d->f, "a", 0755));
	ok(fixture_mkdir(&d->f, "a/b", 0755));
	ok(fixture_mkdir(&d->f, "elsewhere", 0755));
	ok(fixture_file(&d->f, "a/b/f", 0644, "base"));
	ok(fixture_file(&d->f, "elsewhere/f", 0644, "base"));
	ok(do_write(d->f.store, "a/b/f", 0, "mine", 4));
	ok(do_create(d->f.store, "a/b/new", 0644, "new"));
	assert_int_equal(renameat(d->f.real, "a/b", d->f.real, "a/was"), 0);
	assert_int_equal(symlinkat("../elsewhere", d->f.real, "a/b"), 0);
	ok(desk_apply(d, NULL));
	assert_result(d, "a/b/f", RESULT_CONFLICT);
	assert_result(d, "a/b/new", RESULT_CONFLICT);
	assert_true(real_shows(d, "elsewhere/f", "base"));
	assert_false(real_exists(d, "elsewhere/new"));
	assert_true(real_shows(d, "a/was/f", "base"));
}

static void replaced_by_a_directory_outside(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "f", 0644, "base"));
	ok(do_write(d->f.store, "f", 0, "mine", 4));
	assert_int_equal(unlinkat(d->f.real, "f", 0), 0);
	ok(fixture_mkdir(&d->f, "f", 0755));
	ok(fixture_file(&d->f, "f/theirs", 0644, "x"));
	ok(desk_apply(d, NULL));
	assert_result(d, "f", RESULT_CONFLICT);
	assert_true(real_shows(d, "f/theirs", "x"));
}

static void same_bytes_are_dropped(void **state)
{
	struct desk *d = *state;
	const char *const one[] = {"f", NULL};
	ok(fixture_file(&d->f, "f", 0644, "base"));
	ok(do_write(d->f.store, "f", 0, "mine", 4));
	ok(outside_write(d, "f", "mine"));
	ok(desk_apply(d, one));
	assert_result(d, "f", RESULT_SAME);
	assert_int_equal(desk_count(d, "tree"), 0);
	assert_decided(d);
}

static void danger_only_by_name(void **state)
{
	struct desk *d = *state;
	const char *const all[] = {".", NULL};
	const char *const named[] = {".bashrc", NULL};
	ok(fixture_file(&d->f, ".bashrc", 0644, "base\n"));
	ok(do_write(d->f.store, ".bashrc", 0, "evil\n", 5));
	ok(do_create(d->f.store, "plain", 0644, "p"));
	ok(desk_apply(d, NULL));
	assert_result(d, ".bashrc", RESULT_DANGEROUS);
	assert_result(d, "plain", RESULT_APPLIED);
	assert_int_equal(d->results->left, 1);
	ok(desk_apply(d, all));
	assert_result(d, ".bashrc", RESULT_DANGEROUS);
	assert_true(real_shows(d, ".bashrc", "base\n"));
	ok(desk_apply(d, named));
	assert_result(d, ".bashrc", RESULT_APPLIED);
	assert_true(real_shows(d, ".bashrc", "evil\n"));
	assert_decided(d);
}

static void drift_is_refused(void **state)
{
	struct desk *d = *state;
	ok(do_create(d->f.store, "a", 0644, "1"));
	ok(do_create(d->f.store, "b", 0644, "1"));
	ok(desk_look(d));
	ok(desk_shown(d));
	ok(do_write(d->f.store, "a", 0, "2", 1));
	ok(do_create(d->f.store, "c", 0644, "never shown"));
	ok(desk_apply(d, NULL));
	assert_result(d, "a", RESULT_DRIFTED);
	assert_result(d, "b", RESULT_APPLIED);
	assert_result(d, "c", RESULT_APPLIED);
	assert_int_equal(d->results->unshown, 1);
	assert_false(real_exists(d, "a"));
	ok(desk_look(d));
	ok(desk_shown(d));
	ok(desk_apply(d, NULL));
	assert_result(d, "a", RESULT_APPLIED);
	assert_decided(d);
	/* What comes after an apply is another change. */
	ok(do_unlink(d->f.store, "a"));
	ok(desk_apply(d, NULL));
	assert_result(d, "a", RESULT_APPLIED);
	assert_int_equal(d->results->unshown, 1);
}

static void a_part_with_its_parents(void **state)
{
	struct desk *d = *state;
	const char *const one[] = {"n/m/f", NULL};
	const char *const glob[] = {"**/*.{js,ts}", NULL};
	struct stat st;
	ok(do_mkdir(d->f.store, "n", 0711));
	ok(do_mkdir(d->f.store, "n/m", 0755));
	ok(do_create(d->f.store, "n/m/f", 0644, "f"));
	ok(do_create(d->f.store, "n/m/g", 0644, "g"));
	ok(do_create(d->f.store, "n/a.js", 0644, "js"));
	ok(do_create(d->f.store, "n/m/b.ts", 0644, "ts"));
	ok(do_create(d->f.store, "other", 0644, "o"));
	ok(desk_apply(d, one));
	assert_result(d, "n", RESULT_APPLIED);
	assert_result(d, "n/m", RESULT_APPLIED);
	assert_result(d, "n/m/f", RESULT_APPLIED);
	assert_true(real_shows(d, "n/m/f", "f"));
	assert_false(real_exists(d, "n/m/g"));
	assert_false(real_exists(d, "other"));
	ok(real_stat(d, "n", &st));
	assert_int_equal(st.st_mode, S_IFDIR | 0711);
	assert_true(view_shows(d->f.store, "n/m/g", "g"));
	ok(desk_apply(d, glob));
	assert_true(real_shows(d, "n/a.js", "js"));
	assert_true(real_shows(d, "n/m/b.ts", "ts"));
	assert_false(real_exists(d, "n/m/g"));
	ok(desk_apply(d, NULL));
	assert_true(real_shows(d, "n/m/g", "g"));
	assert_int_equal(desk_count(d, "tree"), 0);
	assert_decided(d);
}

static void nothing_there_is_an_error(void **state)
{
	struct desk *d = *state;
	const char *const missing[] = {"nope", NULL};
	const char *const beneath[] = {"gone/x", NULL};
	ok(fixture_mkdir(&d->f, "gone", 0755));
	ok(do_rmdir(d->f.store, "gone"));
	ok(desk_look(d));
	assert_int_equal(desk_select(d, missing), -ENOENT);
	assert_int_equal(desk_select(d, beneath), -ENOENT);
}

static void types_change_for_real(void **state)
{
	struct desk *d = *state;
	struct stat st;
	ok(fixture_file(&d->f, "to-link", 0644, "x"));
	ok(fixture_file(&d->f, "to-dir", 0644, "x"));
	ok(fixture_mkdir(&d->f, "to-file", 0755));
	ok(fixture_file(&d->f, "to-file/in", 0644, "in"));
	ok(do_unlink(d->f.store, "to-link"));
	ok(do_mknod(d->f.store, "to-link", S_IFLNK | 0777, 0, "to-dir"));
	ok(do_unlink(d->f.store, "to-dir"));
	ok(do_mkdir(d->f.store, "to-dir", 0755));
	ok(do_create(d->f.store, "to-dir/new", 0644, "new"));
	ok(do_unlink(d->f.store, "to-file/in"));
	ok(do_rmdir(d->f.store, "to-file"));
	ok(do_create(d->f.store, "to-file", 0644, "file"));
	/* What the directory held is only agreed to when it has been shown. */
	ok(desk_look(d));
	ok(desk_shown(d));
	ok(desk_apply(d, NULL));
	assert_int_equal(d->results->left, 0);
	ok(real_stat(d, "to-link", &st));
	assert_true(S_ISLNK(st.st_mode));
	assert_true(real_shows(d, "to-dir/new", "new"));
	assert_true(real_shows(d, "to-file", "file"));
	assert_decided(d);
}

static void directory_made_again(void **state)
{
	struct desk *d = *state;
	const char *const one[] = {"d/change", NULL};
	ok(fixture_mkdir(&d->f, "d", 0755));
	ok(fixture_mkdir(&d->f, "d/sub", 0755));
	ok(fixture_file(&d->f, "d/sub/x", 0644, "x"));
	ok(fixture_file(&d->f, "d/keep", 0644, "keep"));
	ok(fixture_file(&d->f, "d/change", 0644, "old"));
	ok(do_unlink(d->f.store, "d/sub/x"));
	ok(do_rmdir(d->f.store, "d/sub"));
	ok(do_unlink(d->f.store, "d/keep"));
	ok(do_unlink(d->f.store, "d/change"));
	ok(do_rmdir(d->f.store, "d"));
	ok(do_mkdir(d->f.store, "d", 0755));
	ok(do_create(d->f.store, "d/keep", 0644, "keep"));
	ok(do_create(d->f.store, "d/change", 0644, "new"));
	ok(do_mkdir(d->f.store, "d/more", 0755));
	ok(do_create(d->f.store, "d/more/add", 0644, "add"));
	ok(outside_write(d, "d/outside", "theirs"));
	ok(desk_apply(d, one));
	assert_true(real_shows(d, "d/change", "new"));
	/* It must not vanish from the job's view, whose directory hides the real one. */
	assert_true(view_shows(d->f.store, "d/change", "new"));
	assert_true(real_exists(d, "d/sub/x"));
	ok(desk_apply(d, NULL));
	assert_int_equal(d->results->left, 0);
	assert_false(real_exists(d, "d/sub"));
	assert_true(real_shows(d, "d/more/add", "add"));
	assert_true(real_shows(d, "d/keep", "keep"));
	assert_true(real_shows(d, "d/outside", "theirs"));
	assert_int_equal(desk_count(d, "tree"), 0);
	assert_decided(d);
}

static void hard_links_stay_links(void **state)
{
	struct desk *d = *state;
	struct stat a, b, c;
	ok(fixture_file(&d->f, "was", 0644, "was"));
	ok(do_create(d->f.store, "one", 0644, "linked"));
	ok(do_mkdir(d->f.store, "dir", 0755));
	ok(do_link(d->f.store, "one", "dir/two"));
	ok(do_unlink(d->f.store, "was"));
	ok(do_link(d->f.store, "one", "was"));
	/* Nobody noted what the third name took the place of: only as it was shown. */
	ok(desk_look(d));
	assert_true(desk_change(d, "was")->base_unknown);
	ok(desk_shown(d));
	ok(desk_apply(d, NULL));
	assert_int_equal(d->results->left, 0);
	ok(real_stat(d, "one", &a));
	ok(real_stat(d, "dir/two", &b));
	ok(real_stat(d, "was", &c));
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_ino, c.st_ino);
	assert_int_equal(a.st_nlink, 3);
	assert_true(real_shows(d, "was", "linked"));
	assert_int_equal(desk_count(d, "tree"), 0);
	assert_decided(d);
}

static void lower_links_do_not_fight(void **state)
{
	struct desk *d = *state;
	const char *const one[] = {"a", NULL};
	/* Names of one file: what apply does to one changes the ctime of the others. */
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "a", 0644, "x"));
	ok(fixture_link(&d->f, "a", "b"));
	ok(fixture_link(&d->f, "a", "c"));
	ok(fixture_link(&d->f, "a", "dir/d"));
	ok(do_unlink(d->f.store, "a"));
	ok(do_create(d->f.store, "a", 0644, "new"));
	ok(do_unlink(d->f.store, "b"));
	ok(do_unlink(d->f.store, "c"));
	ok(do_mknod(d->f.store, "c", S_IFLNK | 0777, 0, "a"));
	ok(do_unlink(d->f.store, "dir/d"));
	ok(do_rmdir(d->f.store, "dir"));
	ok(desk_apply(d, one));
	assert_int_equal(d->results->left, 0);
	ok(desk_apply(d, NULL));
	for (size_t i = 0; i < d->results->count; i++)
		if (d->results->items[i].why)
			print_error(
				"%s: %s\n", d->results->items[i].path, d->results->items[i].why);
	assert_int_equal(d->results->left, 0);
	assert_false(real_exists(d, "b"));
	assert_false(real_exists(d, "dir"));
	assert_decided(d);
}

static void a_rename_for_real(void **state)
{
	struct desk *d = *state;
	const char *const old[] = {"a", NULL};
	ok(fixture_file(&d->f, "a", 0644, "content"));
	ok(do_write(d->f.store, "a", 0, "C", 1));
	ok(do_rename(d->f.store, "a", "b", 0));
	ok(desk_apply(d, old));
	assert_result(d, "b", RESULT_APPLIED);
	assert_true(real_shows(d, "b", "Content"));
	assert_false(real_exists(d, "a"));
	assert_int_equal(desk_count(d, "base"), 1);
	assert_decided(d);
}

static void names_with_any_byte(void **state)
{
	struct desk *d = *state;
	static const char name[] = "a\n\033[31m\xff\x01 \"\\%25[x]*{b,c}";
	const char *const one[] = {name, NULL};
	ok(do_create(d->f.store, name, 0644, "x"));
	ok(do_create(d->f.store, "plain", 0644, "x"));
	ok(desk_look(d));
	ok(desk_shown(d));
	ok(desk_apply(d, one));
	assert_true(real_shows(d, name, "x"));
	assert_false(real_exists(d, "plain"));
}

static size_t applied_lines;
static int count_line(const struct journal_line *line, void *arg)
{
	(void)arg;
	applied_lines += line->op == JOURNAL_APPLY;
	return 0;
}

static void decisions_are_recorded(void **state)
{
	struct desk *d = *state;
	ok(do_create(d->f.store, "a", 0644, "x"));
	ok(desk_apply(d, NULL));
	applied_lines = 0;
	ok(journal_read(d->f.dir, count_line, NULL, NULL, NULL));
	assert_int_equal(applied_lines, 1);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(times_and_xattrs_of_new_things, setup, teardown),
		cmocka_unit_test_setup_teardown(conflicts_are_left, setup, teardown),
		cmocka_unit_test_setup_teardown(symlink_planted_in_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(replaced_by_a_directory_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(same_bytes_are_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(danger_only_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(drift_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_part_with_its_parents, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_there_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(types_change_for_real, setup, teardown),
		cmocka_unit_test_setup_teardown(directory_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(hard_links_stay_links, setup, teardown),
		cmocka_unit_test_setup_teardown(lower_links_do_not_fight, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rename_for_real, setup, teardown),
		cmocka_unit_test_setup_teardown(names_with_any_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(decisions_are_recorded, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
