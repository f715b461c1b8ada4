/* SPDX-License-Identifier: MIT */
/* Discard: what leaves scratch, that it lies in trash/ afterwards, and what is left out. */
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

static void assert_result(struct desk *d, const char *rel, enum result_kind kind)
{
	enum result_kind found = desk_result(d, rel);
	if (found != kind)
		print_error("%s: %s, wanted %s\n", rel, result_kind_name(found),
			result_kind_name(kind));
	assert_int_equal(found, kind);
}

static void everything_goes(void **state)
{
	struct desk *d = *state;
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "dir/f", 0644, "base"));
	ok(fixture_file(&d->f, "gone", 0644, "gone"));
	ok(fixture_file(&d->f, "mode", 0644, "m"));
	ok(do_write(d->f.store, "dir/f", 0, "mine", 4));
	ok(do_unlink(d->f.store, "gone"));
	ok(do_chmod(d->f.store, "mode", 0600));
	ok(do_chmod(d->f.store, "dir", 0700));
	ok(do_mkdir(d->f.store, "new", 0755));
	ok(do_create(d->f.store, "new/a", 0644, "a"));
	ok(do_create(d->f.store, "new/b", 0644, "b"));
	ok(desk_discard(d, NULL));
	assert_int_equal(d->results->left, 0);
	assert_result(d, "new/a", RESULT_DISCARDED);
	assert_int_equal(desk_count(d, "tree"), 0);
	/* The new directory moved as one, with what it holds. */
	assert_int_equal(desk_count(d, "trash"), 7);
	assert_true(view_shows(d->f.store, "dir/f", "base"));
	assert_true(view_shows(d->f.store, "gone", "gone"));
	assert_true(real_shows(d, "dir/f", "base"));
	assert_false(real_exists(d, "new"));
	assert_int_equal(d->job.review, JOB_DISCARDED);
	assert_false(review_has_changes(&d->job));
}

static void a_part_goes(void **state)
{
	struct desk *d = *state;
	const char *const glob[] = {"new/*.tmp", NULL};
	const char *const dir[] = {"dir", NULL};
	struct store_object o;
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "dir/f", 0644, "base"));
	ok(do_mkdir(d->f.store, "new", 0755));
	ok(do_create(d->f.store, "new/a.tmp", 0644, "a"));
	ok(do_create(d->f.store, "new/b", 0644, "b"));
	ok(do_write(d->f.store, "dir/f", 0, "mine", 4));
	ok(do_setxattr(d->f.store, "dir", "user.k", "v", 1, 0));
	ok(do_chmod(d->f.store, "dir", 0700));
	ok(desk_discard(d, glob));
	assert_int_equal(d->results->left, 0);
	assert_int_equal(d->results->count, 1);
	assert_true(view_shows(d->f.store, "new/b", "b"));
	assert_int_equal(view_stat(d->f.store, "new/a.tmp", &o), -ENOENT);
	assert_int_equal(d->job.review, JOB_PARTLY);
	ok(desk_discard(d, dir));
	assert_true(view_shows(d->f.store, "dir/f", "base"));
	ok(view_stat(d->f.store, "dir", &o));
	assert_int_equal(o.st.st_mode, S_IFDIR | 0755);
	assert_true(view_shows(d->f.store, "new/b", "b"));
}

static void attributes_alone(void **state)
{
	struct desk *d = *state;
	struct store_object o;
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(do_chmod(d->f.store, "dir", 0700));
	ok(do_setxattr(d->f.store, "dir", "user.k", "v", 1, 0));
	ok(do_create(d->f.store, "dir/kept", 0644, "k"));
	ok(desk_look(d));
	struct change *c = desk_change(d, "dir");
	assert_non_null(c);
	const struct review_act act = {0};
	struct err e = {0};
	desk_change(d, "dir/kept")->selected = false;
	ok(review_discard(d->review, d->changes, &act, &d->results, &e));
	assert_result(d, "dir", RESULT_DISCARDED);
	ok(view_stat(d->f.store, "dir", &o));
	assert_int_equal(o.st.st_mode, S_IFDIR | 0755);
	assert_true(view_shows(d->f.store, "dir/kept", "k"));
	ok(desk_look(d));
	assert_null(desk_change(d, "dir"));
}

static void logins_are_left_out(void **state)
{
	struct desk *d = *state;
	const char *const named[] = {".claude/.credentials.json", NULL};
	ok(fixture_mkdir(&d->f, ".claude", 0755));
	ok(fixture_file(&d->f, ".claude/.credentials.json", 0600, "old"));
	ok(do_write(d->f.store, ".claude/.credentials.json", 0, "new", 3));
	ok(do_create(d->f.store, "plain", 0644, "p"));
	ok(desk_discard(d, NULL));
	assert_result(d, ".claude/.credentials.json", RESULT_LOGIN);
	assert_result(d, "plain", RESULT_DISCARDED);
	assert_int_equal(d->results->left, 1);
	assert_true(view_shows(d->f.store, ".claude/.credentials.json", "new"));
	ok(desk_discard(d, named));
	assert_result(d, ".claude/.credentials.json", RESULT_DISCARDED);
	assert_true(view_shows(d->f.store, ".claude/.credentials.json", "old"));
}

static void a_directory_made_again(void **state)
{
	struct desk *d = *state;
	const char *const part[] = {"d/a", NULL};
	const char *const whole[] = {"d", NULL};
	ok(fixture_mkdir(&d->f, "d", 0755));
	ok(fixture_file(&d->f, "d/a", 0644, "a"));
	ok(fixture_file(&d->f, "d/b", 0644, "b"));
	ok(do_unlink(d->f.store, "d/a"));
	ok(do_unlink(d->f.store, "d/b"));
	ok(do_rmdir(d->f.store, "d"));
	ok(do_mkdir(d->f.store, "d", 0755));
	ok(do_create(d->f.store, "d/a", 0644, "A"));
	/* One name of it cannot show the real one again while the directory hides it. */
	ok(desk_discard(d, part));
	assert_result(d, "d/a", RESULT_FAILED);
	assert_true(view_shows(d->f.store, "d/a", "A"));
	ok(desk_discard(d, whole));
	assert_int_equal(d->results->left, 0);
	assert_true(view_shows(d->f.store, "d/a", "a"));
	assert_true(view_shows(d->f.store, "d/b", "b"));
	assert_int_equal(desk_count(d, "tree"), 0);
}

static void a_rename_goes_as_one(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "a", 0644, "content"));
	ok(do_write(d->f.store, "a", 0, "C", 1));
	ok(do_rename(d->f.store, "a", "b", 0));
	ok(desk_discard(d, NULL));
	assert_int_equal(d->results->left, 0);
	assert_true(view_shows(d->f.store, "a", "content"));
	assert_int_equal(desk_count(d, "tree"), 0);
}

/* A granted file that was moved to a redirected name. */
static int demote(struct desk *d, const char *from, const char *to)
{
	cleanup_place struct place a = PLACE_INIT;
	cleanup_place struct place b = PLACE_INIT;
	int r = place_open(d->f.store, from, true, &a);
	if (!r)
		r = place_open(d->f.store, to, true, &b);
	return r ? r
		 : store_demote(d->f.store, &a.parent, a.name, &a.object, &b.parent, b.name,
			   &b.object, from);
}

static void what_left_a_grant_goes_back(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "granted", 0644, "mine"));
	ok(fixture_file(&d->f, "taken", 0644, "mine"));
	d->job.start_ns += 3600LL * 1000000000; /* both were there before the job */
	ok(demote(d, "granted", "moved"));
	ok(demote(d, "taken", "moved2"));
	assert_false(real_exists(d, "granted"));
	ok(outside_write(d, "taken", "somebody else's"));
	ok(desk_discard(d, NULL));
	assert_true(real_shows(d, "granted", "mine"));
	assert_true(real_shows(d, "taken", "somebody else's"));
	assert_result(d, "moved", RESULT_DISCARDED);
	assert_result(d, "moved2", RESULT_FAILED);
	assert_int_equal(d->results->left, 1);
	assert_int_equal(desk_count(d, "kept"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_part_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(logins_are_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rename_goes_as_one, setup, teardown),
		cmocka_unit_test_setup_teardown(what_left_a_grant_goes_back, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
