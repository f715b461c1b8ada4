/* SPDX-License-Identifier: MIT */
/* Hard links: new ones, and groups of the real tree that stay one file over copy-up. */
#include "../support/store_test.h"

static void assert_same_file(struct store *s, const char *a, const char *b)
{
	struct store_object x = shown(s, a);
	struct store_object y = shown(s, b);
	assert_int_equal(x.st.st_ino, y.st.st_ino);
	assert_true(memcmp(&x.key, &y.key, sizeof x.key) == 0);
}

static void test_new_link_is_the_same_file(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "a", 0644, "one"));
	assert_ok(do_link(f->store, "a", "d/b"));
	assert_same_file(f->store, "a", "d/b");
	assert_int_equal(shown(f->store, "a").st.st_nlink, 2);
	assert_ok(do_write(f->store, "d/b", 0, "two", 3));
	assert_shows(f->store, "a", "two");
	assert_ok(do_chmod(f->store, "a", 0600));
	assert_int_equal(shown(f->store, "d/b").st.st_mode & 07777, 0600);
	assert_ok(fixture_restart(f));
	assert_same_file(f->store, "a", "d/b");
	assert_ok(do_unlink(f->store, "a"));
	assert_int_equal(shown(f->store, "d/b").st.st_nlink, 1);
	assert_shows(f->store, "d/b", "two");
}

static void test_link_of_a_lower_file(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "a", 0640, "lower"));
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "a");
	assert_ok(do_link(f->store, "a", "b"));
	assert_same_file(f->store, "a", "b");
	assert_int_equal(shown(f->store, "b").st.st_ino, before.st.st_ino);
	assert_int_equal(shown(f->store, "a").st.st_nlink, 2);
	assert_ok(do_write(f->store, "a", 0, "L", 1));
	assert_shows(f->store, "b", "Lower");
	/* The old name goes, the file stays. */
	assert_ok(do_unlink(f->store, "a"));
	assert_ok(fixture_restart(f));
	assert_names(f->store, "", "b\n");
	assert_shows(f->store, "b", "Lower");
	struct stat st;
	assert_int_equal(fstatat(f->real, "a", &st, 0), 0);
	assert_int_equal(st.st_nlink, 1);
}

static void test_link_over_a_whiteout(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "a", 0644, "a"));
	assert_ok(fixture_file(f, "b", 0644, "b"));
	assert_ok(fixture_start(f));
	assert_ok(do_unlink(f->store, "b"));
	assert_ok(do_link(f->store, "a", "b"));
	assert_ok(fixture_restart(f));
	assert_shows(f->store, "b", "a");
	assert_same_file(f->store, "a", "b");
	assert_error(do_link(f->store, "a", "b"), EEXIST);
	assert_ok(do_unlink(f->store, "b"));
	assert_names(f->store, "", "a\n");
}

static void test_link_of_symlinks_and_fifos(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_symlink(f, "l", "target"));
	assert_ok(fixture_start(f));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0600, 0, NULL));
	assert_ok(do_link(f->store, "l", "l2"));
	assert_ok(do_link(f->store, "fifo", "fifo2"));
	assert_true(S_ISLNK(shown(f->store, "l2").st.st_mode));
	assert_true(S_ISFIFO(shown(f->store, "fifo2").st.st_mode));
	assert_same_file(f->store, "l", "l2");
	assert_same_file(f->store, "fifo", "fifo2");
	assert_int_equal(shown(f->store, "fifo").st.st_nlink, 2);
}

static void make_group(struct fixture *f)
{
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "a", 0644, "shared"));
	assert_ok(fixture_link(f, "a", "d/b"));
	assert_ok(fixture_link(f, "a", "c"));
	assert_ok(fixture_start(f));
}

static void test_lower_group_is_copied_up_as_one(void **state)
{
	struct fixture *f = *state;
	make_group(f);
	uint64_t ino = shown(f->store, "a").st.st_ino;
	assert_ok(do_write(f->store, "a", 0, "SHARED", 6));
	for (int i = 0; i < 2; i++) {
		assert_shows(f->store, "d/b", "SHARED");
		assert_shows(f->store, "c", "SHARED");
		assert_same_file(f->store, "a", "d/b");
		assert_same_file(f->store, "a", "c");
		assert_int_equal(shown(f->store, "c").st.st_ino, ino);
		assert_int_equal(shown(f->store, "c").st.st_nlink, 3);
		assert_ok(fixture_restart(f));
	}
	/* Through another name of it: the same file again. */
	assert_ok(do_write(f->store, "d/b", 0, "s", 1));
	assert_shows(f->store, "a", "sHARED");
	assert_shows(f->store, "c", "sHARED");
	assert_ok(do_chmod(f->store, "c", 0600));
	assert_int_equal(shown(f->store, "a").st.st_mode & 07777, 0600);
}

static void test_lower_group_metadata_first(void **state)
{
	struct fixture *f = *state;
	make_group(f);
	assert_ok(do_chmod(f->store, "d/b", 0600));
	assert_int_equal(shown(f->store, "a").st.st_mode & 07777, 0600);
	assert_shows(f->store, "a", "shared");
	assert_ok(do_write(f->store, "c", 0, "S", 1));
	assert_shows(f->store, "a", "Shared");
	assert_shows(f->store, "d/b", "Shared");
	assert_int_equal(shown(f->store, "c").st.st_mode & 07777, 0600);
}

static void test_lower_group_loses_a_name(void **state)
{
	struct fixture *f = *state;
	make_group(f);
	assert_ok(do_unlink(f->store, "a"));
	assert_shows(f->store, "c", "shared");
	assert_ok(do_write(f->store, "c", 0, "S", 1));
	assert_shows(f->store, "d/b", "Shared");
	/* A new file under the old name is no part of the group. */
	assert_ok(do_create(f->store, "a", 0644, "new"));
	assert_ok(do_write(f->store, "d/b", 0, "XX", 2));
	assert_shows(f->store, "a", "new");
	assert_shows(f->store, "c", "XXared");
	assert_ok(fixture_restart(f));
	assert_shows(f->store, "a", "new");
	assert_shows(f->store, "c", "XXared");
}

static void test_lower_group_moves_a_name(void **state)
{
	struct fixture *f = *state;
	make_group(f);
	assert_ok(do_rename(f->store, "a", "z", 0));
	assert_ok(do_write(f->store, "d/b", 0, "S", 1));
	assert_shows(f->store, "z", "Shared");
	assert_shows(f->store, "c", "Shared");
	assert_same_file(f->store, "z", "c");
	assert_names(f->store, "", "c\nd\nz\n");
}

static void test_lower_group_gets_another_name(void **state)
{
	struct fixture *f = *state;
	make_group(f);
	assert_ok(do_link(f->store, "c", "new"));
	assert_same_file(f->store, "new", "a");
	assert_ok(do_write(f->store, "a", 0, "S", 1));
	assert_shows(f->store, "new", "Shared");
	assert_shows(f->store, "d/b", "Shared");
}

/* rename(2): two names of one file, nothing happens. The kernel answers; the store must not harm.
 */
static void test_rename_between_names_of_one_file(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "a", 0644, "x"));
	assert_ok(do_link(f->store, "a", "b"));
	int r = do_rename(f->store, "a", "b", 0);
	assert_int_equal(r, 0);
	assert_shows(f->store, "b", "x");
	assert_names(f->store, "", "a\nb\n");
}

static void test_on_the_real_side(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_ok(fixture_file(f, "a", 0644, "x"));
	assert_ok(fixture_start(f));
	cleanup_place struct place a = PLACE_INIT;
	cleanup_place struct place b = PLACE_INIT;
	assert_ok(place_open(f->store, "a", false, &a));
	assert_ok(place_open(f->store, "b", false, &b));
	assert_ok(store_link(
		f->store, STORE_REAL, &a.parent, "a", &a.object, &b.parent, "b", &b.object));
	assert_int_equal(fstatat(f->real, "b", &st, 0), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_same_file(f->store, "a", "b");
	assert_int_equal(shown(f->store, "b").layer, STORE_LOWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_new_link_is_the_same_file),
		store_test(test_link_of_a_lower_file),
		store_test(test_link_over_a_whiteout),
		store_test(test_link_of_symlinks_and_fifos),
		store_test(test_lower_group_is_copied_up_as_one),
		store_test(test_lower_group_metadata_first),
		store_test(test_lower_group_loses_a_name),
		store_test(test_lower_group_moves_a_name),
		store_test(test_lower_group_gets_another_name),
		store_test(test_rename_between_names_of_one_file),
		store_test(test_on_the_real_side),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
