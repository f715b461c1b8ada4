/* SPDX-License-Identifier: MIT */
/* Deletion: whiteouts, opaque directories, manifests, and what may be made in their place. */
#include "../support/store_test.h"

static struct store_object lookup(struct store *s, const char *path)
{
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(s, path, false, &p));
	return p.object;
}

static void test_unlink_hides_and_remembers(void **state)
{
	struct fixture *f = *state;
	struct store_print print;
	assert_ok(fixture_file(f, "x", 0644, "real"));
	assert_ok(store_print_of(f->real, "x", &print));
	assert_ok(fixture_start(f));
	assert_ok(do_unlink(f->store, "x"));
	for (int i = 0; i < 2; i++) {
		struct store_object o = lookup(f->store, "x");
		assert_int_equal(o.layer, STORE_NONE);
		assert_true(o.whiteout);
		assert_true(o.lower_exists);
		assert_true(o.base.known);
		assert_true(store_print_equal(&o.base, &print));
		assert_names(f->store, "", "");
		assert_ok(fixture_restart(f));
	}
	assert_int_equal(faccessat(f->real, "x", F_OK, 0), 0);
}

static void test_unlink_of_a_new_file_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "x", 0644, "new"));
	assert_ok(do_unlink(f->store, "x"));
	struct store_object o = lookup(f->store, "x");
	assert_int_equal(o.layer, STORE_NONE);
	assert_false(o.whiteout);
	assert_int_equal(faccessat(f->scratch, "tree/x", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void test_recreate_is_a_new_file(void **state)
{
	struct fixture *f = *state;
	struct store_print print;
	assert_ok(fixture_file(f, "x", 0600, "real"));
	assert_ok(fixture_xattr(f, "x", "user.k", "v", 1));
	assert_ok(store_print_of(f->real, "x", &print));
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "x");
	assert_ok(do_unlink(f->store, "x"));
	assert_ok(do_create(f->store, "x", 0644, "new"));
	struct store_object o = shown(f->store, "x");
	assert_shows(f->store, "x", "new");
	assert_int_equal(o.st.st_mode & 07777, 0644);
	assert_int_not_equal(o.st.st_ino, before.st.st_ino);
	assert_true(o.base.known);
	assert_true(store_print_equal(&o.base, &print));
	cleanup_place struct place p = PLACE_INIT;
	char value[4];
	assert_ok(place_open(f->store, "x", false, &p));
	assert_error(store_getxattr(f->store, &p.parent, "x", &o, "user.k", value, 4), ENODATA);
	/* Deleted again, the whiteout is back, with the same base. */
	assert_ok(do_unlink(f->store, "x"));
	o = lookup(f->store, "x");
	assert_true(o.whiteout);
	assert_true(store_print_equal(&o.base, &print));
}

static void test_every_kind_over_a_whiteout(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/f", 0644, "real"));
	assert_ok(fixture_start(f));
	static const mode_t kinds[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR};
	for (size_t i = 0; i < 6; i++) {
		assert_ok(do_unlink(f->store, "d/f"));
		if (kinds[i] == S_IFDIR)
			assert_ok(do_mkdir(f->store, "d/f", 0755));
		else if (kinds[i] == S_IFREG)
			assert_ok(do_create(f->store, "d/f", 0644, ""));
		else
			assert_ok(do_mknod(f->store, "d/f", kinds[i] | 0644, 0,
				S_ISLNK(kinds[i]) ? "t" : NULL));
		assert_int_equal(shown(f->store, "d/f").st.st_mode & S_IFMT, kinds[i]);
		assert_names(f->store, "d", "f\n");
		if (kinds[i] == S_IFDIR) {
			assert_names(f->store, "d/f", "");
			assert_ok(do_rmdir(f->store, "d/f"));
			assert_ok(do_create(f->store, "d/f", 0644, ""));
		}
	}
}

static void delete_tree(struct store *s)
{
	assert_ok(do_unlink(s, "d/a"));
	assert_ok(do_unlink(s, "d/sub/b"));
	assert_ok(do_unlink(s, "d/sub/link"));
	assert_ok(do_rmdir(s, "d/sub"));
	assert_ok(do_rmdir(s, "d"));
}

static void make_tree(struct fixture *f)
{
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_mkdir(f, "d/sub", 0755));
	assert_ok(fixture_file(f, "d/a", 0644, "aa"));
	assert_ok(fixture_file(f, "d/sub/b", 0644, "bbb"));
	assert_ok(fixture_symlink(f, "d/sub/link", "b"));
	assert_ok(fixture_start(f));
}

static void test_tree_deleted_and_made_again_is_empty(void **state)
{
	struct fixture *f = *state;
	make_tree(f);
	delete_tree(f->store);
	struct store_object o = lookup(f->store, "d");
	assert_true(o.whiteout);
	assert_ok(do_mkdir(f->store, "d", 0711));
	for (int i = 0; i < 2; i++) {
		o = shown(f->store, "d");
		assert_true(o.opaque);
		assert_false(o.merged);
		assert_true(o.lower_exists);
		assert_int_equal(o.st.st_mode & 07777, 0711);
		assert_names(f->store, "d", "");
		assert_int_equal(lookup(f->store, "d/a").layer, STORE_NONE);
		assert_false(lookup(f->store, "d/a").lower_exists);
		assert_ok(fixture_restart(f));
	}
	assert_ok(do_mkdir(f->store, "d/sub", 0755));
	assert_names(f->store, "d/sub", "");
	assert_ok(do_create(f->store, "d/sub/b", 0644, "new"));
	assert_names(f->store, "d/sub", "b\n");
	assert_shows(f->store, "d/sub/b", "new");
	/* What appears outside beneath an opaque directory stays outside. */
	assert_ok(fixture_file(f, "d/late", 0644, "late"));
	assert_names(f->store, "d", "sub\n");
}

struct manifest {
	char text[256];
	bool all_known;
	size_t b_size;
};

static int add_to_manifest(const char *path, const struct store_print *print, void *arg)
{
	struct manifest *m = arg;
	size_t len = strlen(m->text);
	(void)snprintf(m->text + len, sizeof m->text - len, "%s\n", path);
	m->all_known = m->all_known && print->known && print->exists;
	if (strcmp(path, "sub/b") == 0)
		m->b_size = print->size;
	return 0;
}

static void test_manifest_names_what_was_visible(void **state)
{
	struct fixture *f = *state;
	struct manifest m = {.all_known = true};
	make_tree(f);
	delete_tree(f->store);
	assert_ok(fixture_restart(f));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "d", false, &p));
	assert_ok(store_whiteout_manifest(f->store, &p.parent, "d", add_to_manifest, &m));
	assert_true(m.all_known);
	assert_int_equal(m.b_size, 3);
	/* Every name once, deepest last. */
	assert_non_null(strstr(m.text, "a\n"));
	const char *sub = strstr(m.text, "sub\n");
	const char *b = strstr(m.text, "sub/b\n");
	assert_non_null(sub);
	assert_non_null(b);
	assert_non_null(strstr(m.text, "sub/link\n"));
	assert_true(sub < b);
	assert_int_equal(strlen(m.text), strlen("a\nsub\nsub/b\nsub/link\n"));
}

static int stop_at_first(const char *path, const struct store_print *print, void *arg)
{
	(void)path;
	(void)print;
	++*(int *)arg;
	return 42;
}

static void test_manifest_stops_when_told(void **state)
{
	struct fixture *f = *state;
	int calls = 0;
	make_tree(f);
	delete_tree(f->store);
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "d", false, &p));
	assert_int_equal(
		store_whiteout_manifest(f->store, &p.parent, "d", stop_at_first, &calls), 42);
	assert_int_equal(calls, 1);
}

/* The file in the manifest was changed by the job before it was deleted: its print is the real
 * one's of the first change, which the apply compares with. */
static void test_manifest_of_changed_files(void **state)
{
	struct fixture *f = *state;
	struct manifest m = {.all_known = true};
	make_tree(f);
	assert_ok(do_write(f->store, "d/sub/b", 0, "much longer than before", 23));
	assert_ok(do_create(f->store, "d/sub/new", 0644, "never real"));
	assert_ok(do_unlink(f->store, "d/sub/new"));
	delete_tree(f->store);
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "d", false, &p));
	assert_ok(store_whiteout_manifest(f->store, &p.parent, "d", add_to_manifest, &m));
	assert_int_equal(m.b_size, 3);
	assert_null(strstr(m.text, "new"));
}

static void test_rmdir_of_a_directory_with_entries(void **state)
{
	struct fixture *f = *state;
	make_tree(f);
	assert_error(do_rmdir(f->store, "d"), ENOTEMPTY);
	assert_ok(do_mkdir(f->store, "d/new", 0755));
	assert_ok(do_unlink(f->store, "d/a"));
	assert_ok(do_unlink(f->store, "d/sub/b"));
	assert_ok(do_unlink(f->store, "d/sub/link"));
	assert_ok(do_rmdir(f->store, "d/sub"));
	/* Only the job's own directory is left, and it counts. */
	assert_error(do_rmdir(f->store, "d"), ENOTEMPTY);
	assert_ok(do_rmdir(f->store, "d/new"));
	assert_ok(do_rmdir(f->store, "d"));
	assert_names(f->store, "", "");
}

static void test_name_that_appears_outside_shows(void **state)
{
	struct fixture *f = *state;
	make_tree(f);
	assert_ok(do_create(f->store, "d/new", 0644, "job"));
	assert_ok(fixture_file(f, "d/outside", 0644, "live"));
	assert_names(f->store, "d", "a\nnew\noutside\nsub\n");
	assert_shows(f->store, "d/outside", "live");
	/* The same name in both: the job's version stays, the other is known. */
	assert_ok(fixture_file(f, "d/new", 0644, "real too"));
	assert_shows(f->store, "d/new", "job");
	assert_true(lookup(f->store, "d/new").lower_exists);
	/* A whiteout stays a whiteout when the real name is gone. */
	assert_ok(do_unlink(f->store, "d/a"));
	assert_int_equal(unlinkat(f->real, "d/a", 0), 0);
	assert_true(lookup(f->store, "d/a").whiteout);
	assert_false(lookup(f->store, "d/a").lower_exists);
}

static void test_real_side_leaves_no_whiteout(void **state)
{
	struct fixture *f = *state;
	make_tree(f);
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "d/a", false, &p));
	assert_ok(store_unlink(f->store, &p.parent, "a", STORE_REAL, &p.object));
	assert_int_equal(faccessat(f->real, "d/a", F_OK, 0), -1);
	struct store_object o = lookup(f->store, "d/a");
	assert_int_equal(o.layer, STORE_NONE);
	assert_false(o.whiteout);
	/* rmdir on the real side: ENOTEMPTY is the real directory's. */
	cleanup_place struct place q = PLACE_INIT;
	struct store_dir child = {-1, -1};
	assert_ok(place_open(f->store, "d/sub", false, &q));
	assert_ok(store_dir_open(f->store, &q.parent, "sub", &q.object, &child));
	assert_error(
		store_rmdir(f->store, &q.parent, "sub", STORE_REAL, &child, &q.object), ENOTEMPTY);
	store_dir_close(&child);
	assert_names(f->store, "d/sub", "b\nlink\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_unlink_hides_and_remembers),
		store_test(test_unlink_of_a_new_file_leaves_nothing),
		store_test(test_recreate_is_a_new_file),
		store_test(test_every_kind_over_a_whiteout),
		store_test(test_tree_deleted_and_made_again_is_empty),
		store_test(test_manifest_names_what_was_visible),
		store_test(test_manifest_stops_when_told),
		store_test(test_manifest_of_changed_files),
		store_test(test_rmdir_of_a_directory_with_entries),
		store_test(test_name_that_appears_outside_shows),
		store_test(test_real_side_leaves_no_whiteout),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
