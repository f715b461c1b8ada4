/* SPDX-License-Identifier: MIT */
/* The edges: longest names, deepest paths, largest attributes, bad arguments. */
#include "../support/store_test.h"

#include <sys/xattr.h>

static void fill(char *name, size_t len, char c)
{
	memset(name, c, len);
	name[len] = '\0';
}

static void test_names_of_255_bytes(void **state)
{
	struct fixture *f = *state;
	char a[256];
	char b[256];
	char in[600];
	fill(a, 255, 'a');
	fill(b, 255, 'b');
	assert_ok(fixture_file(f, a, 0644, "lower"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, a, 0, "L", 1));
	assert_ok(do_rename(f->store, a, b, 0));
	assert_shows(f->store, b, "Lower");
	assert_ok(do_link(f->store, b, a));
	assert_ok(do_unlink(f->store, b));
	assert_ok(do_mkdir(f->store, b, 0755));
	(void)snprintf(in, sizeof in, "%s/%s", b, a);
	assert_ok(do_mknod(f->store, in, S_IFLNK | 0777, 0, "t"));
	assert_ok(do_unlink(f->store, in));
	assert_ok(do_rmdir(f->store, b));
	assert_ok(do_unlink(f->store, a));
	assert_names(f->store, "", "");
	assert_ok(fixture_restart(f));
	assert_names(f->store, "", "");
}

static void test_names_of_256_bytes(void **state)
{
	struct fixture *f = *state;
	char name[257];
	struct store_dir root = {-1, -1};
	struct store_object o = {0};
	struct store_cred cred = fixture_cred(022);
	int fd = -1;
	fill(name, 256, 'x');
	assert_ok(fixture_start(f));
	assert_ok(store_dir_root(f->store, &root));
	assert_error(store_lookup(f->store, &root, name, &o), ENAMETOOLONG);
	struct store_object top;
	assert_ok(store_lookup_root(f->store, &top));
	assert_error(
		store_create(f->store, &root, name, STORE_SCRATCH, &top.st, 0644, &cred, &o, &fd),
		ENAMETOOLONG);
	store_dir_close(&root);
}

/* Deeper than PATH_MAX allows one path to be: everything goes by directory descriptors. */
static void test_a_tree_deeper_than_path_max(void **state)
{
	struct fixture *f = *state;
	struct store_dir dir = {-1, -1};
	struct store_object o = {0};
	struct store_cred cred = fixture_cred(022);
	char name[201];
	fill(name, 200, 'd');
	assert_ok(fixture_start(f));
	assert_ok(store_dir_root(f->store, &dir));
	assert_ok(store_lookup_root(f->store, &o));
	struct stat st = o.st;
	for (int i = 0; i < 40; i++) {
		struct store_dir child = {-1, -1};
		assert_error(store_lookup(f->store, &dir, name, &o), ENOENT);
		assert_ok(store_mkdir(f->store, &dir, name, STORE_SCRATCH, &st, 0755, &cred, &o));
		assert_ok(store_dir_open(f->store, &dir, name, &o, &child));
		store_dir_close(&dir);
		dir = child;
	}
	cleanup_fd int fd = -1;
	assert_error(store_lookup(f->store, &dir, "x", &o), ENOENT);
	assert_ok(store_create(f->store, &dir, "x", STORE_SCRATCH, &st, 0644, &cred, &o, &fd));
	assert_ok(store_setxattr(f->store, &dir, "x", STORE_SCRATCH, "user.k", "v", 1, 0, &o));
	store_dir_close(&dir);
}

static int count(const struct store_entry *entry, void *arg)
{
	(void)entry;
	++*(int *)arg;
	return 0;
}

static void test_walk_of_a_deep_tree(void **state)
{
	struct fixture *f = *state;
	int entries = 0;
	test_a_tree_deeper_than_path_max(state);
	int r = store_walk(f->store, "", count, &entries);
	assert_true(r == 0 || r == -ENAMETOOLONG);
	if (r == 0)
		assert_true(entries >= 41);
}

static ssize_t get(struct store *s, const char *path, const char *attr, void *value, size_t size)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, false, &p);
	return r < 0 ? r : store_getxattr(s, &p.parent, p.name, &p.object, attr, value, size);
}

static void test_xattr_sizes_and_flags(void **state)
{
	struct fixture *f = *state;
	char value[2000];
	char back[2000];
	fill(value, sizeof value - 1, 'v');
	assert_ok(fixture_file(f, "lower", 0644, ""));
	assert_ok(fixture_xattr(f, "lower", "user.k", "abc", 3));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "x", 0644, ""));
	assert_ok(do_setxattr(f->store, "x", "user.big", value, 2000, 0));
	assert_int_equal(get(f->store, "x", "user.big", back, sizeof back), 2000);
	assert_memory_equal(value, back, 2000);
	/* xattr(7): size 0 asks for the length, too small is ERANGE. */
	assert_int_equal(get(f->store, "x", "user.big", NULL, 0), 2000);
	assert_int_equal(get(f->store, "x", "user.big", back, 1999), -ERANGE);
	assert_int_equal(get(f->store, "lower", "user.k", NULL, 0), 3);
	assert_int_equal(get(f->store, "lower", "user.k", back, 2), -ERANGE);
	assert_int_equal(get(f->store, "lower", "user.none", back, 2), -ENODATA);
	assert_error(do_setxattr(f->store, "x", "user.big", "", 0, XATTR_CREATE), EEXIST);
	assert_error(do_setxattr(f->store, "x", "user.no", "", 0, XATTR_REPLACE), ENODATA);
	assert_error(do_setxattr(f->store, "lower", "user.k", "", 0, XATTR_CREATE), EEXIST);
	assert_ok(do_setxattr(f->store, "lower", "user.k", "xyz1", 4, XATTR_REPLACE));
	assert_int_equal(get(f->store, "lower", "user.k", back, 8), 4);
	assert_ok(do_setxattr(f->store, "x", "user.none", "", 0, 0));
	assert_int_equal(get(f->store, "x", "user.none", back, 8), 0);
}

static void test_xattr_list_sizes(void **state)
{
	struct fixture *f = *state;
	char list[256];
	assert_ok(fixture_file(f, "lower", 0644, ""));
	assert_ok(fixture_xattr(f, "lower", "user.one", "1", 1));
	assert_ok(fixture_xattr(f, "lower", "user.two", "2", 1));
	assert_ok(fixture_start(f));
	for (int up = 0; up < 2; up++) {
		cleanup_place struct place p = PLACE_INIT;
		assert_ok(place_open(f->store, "lower", true, &p));
		ssize_t want = store_listxattr(f->store, &p.parent, "lower", &p.object, NULL, 0);
		ssize_t got =
			store_listxattr(f->store, &p.parent, "lower", &p.object, list, sizeof list);
		assert_int_equal(want, got);
		assert_true(got >= 18);
		assert_int_equal(store_listxattr(f->store, &p.parent, "lower", &p.object, list, 10),
			-ERANGE);
		assert_ok(do_write(f->store, "lower", 0, "x", 1));
	}
}

/* Attributes that just fit below may not fit beside our own: then nothing happens at all. */
static void test_copy_up_with_attributes_at_the_limit(void **state)
{
	struct fixture *f = *state;
	static char value[65536];
	size_t size = sizeof value;
	fill(value, sizeof value - 1, 'v');
	assert_ok(fixture_file(f, "x", 0644, "data"));
	while (size > 16 && fixture_xattr(f, "x", "user.big", value, size) < 0)
		size -= 16;
	assert_true(size > 16);
	assert_ok(fixture_start(f));
	int r = do_write(f->store, "x", 0, "D", 1);
	if (r == 0) {
		assert_shows(f->store, "x", "Data");
		assert_int_equal(get(f->store, "x", "user.big", NULL, 0), size);
	} else {
		assert_true(r == -ENOSPC || r == -E2BIG || r == -ERANGE);
		assert_shows(f->store, "x", "data");
		assert_int_equal(shown(f->store, "x").layer, STORE_LOWER);
	}
}

/* xattr(7) allows 255 bytes for a name; ours for it is longer. The file can be written all the
 * same; an attribute that cannot be kept is not there, and one that cannot be set is an error. */
static void test_xattr_names_of_255_bytes(void **state)
{
	struct fixture *f = *state;
	char name[256] = "user.";
	char back[4];
	fill(name + 5, 250, 'n');
	assert_ok(fixture_file(f, "x", 0644, "data"));
	assert_ok(fixture_xattr(f, "x", name, "v", 1));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "x", 0, "D", 1));
	assert_shows(f->store, "x", "Data");
	ssize_t n = get(f->store, "x", name, back, 4);
	assert_true(n == 1 || n == -ENODATA);
	int r = do_setxattr(f->store, "x", name, "ww", 2, 0);
	assert_true(r == 0 || r == -ERANGE);
	assert_int_equal(get(f->store, "x", name, back, 4), r == 0 ? 2 : n);
}

static void test_bad_ends_of_store_open(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	struct err e = {0};
	struct store_options options = {.real = -1, .scratch = f->scratch};
	assert_true(store_open(&options, &s, &e) < 0);
	assert_true(e.text[0] != '\0');
	assert_null(s);
	cleanup_fd int file = openat(f->dir, "file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	options = (struct store_options){.real = f->real, .scratch = file};
	assert_true(store_open(&options, &s, &e) < 0);
	/* Nothing to look at yet: a read-only store makes nothing. */
	options = (struct store_options){.real = f->real, .scratch = f->scratch, .read_only = true};
	int r = store_open(&options, &s, &e);
	if (r == 0)
		assert_names(s, "", "");
	store_free(s);
	assert_int_equal(faccessat(f->scratch, "tree", F_OK, 0), -1);
}

static void test_missing_upper_is_said(void **state)
{
	struct fixture *f = *state;
	struct store_cred cred = fixture_cred(022);
	int fd = -1;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/x", 0644, ""));
	assert_ok(fixture_start(f));
	cleanup_place struct place p = PLACE_INIT;
	cleanup_place struct place q = PLACE_INIT;
	assert_ok(place_open(f->store, "d/new", false, &p));
	assert_ok(place_open(f->store, "d/x", false, &q));
	assert_int_equal(p.parent.upper, -1);
	assert_error(store_create(f->store, &p.parent, "new", STORE_SCRATCH, &p.parent_object.st,
			     0644, &cred, &p.object, &fd),
		ENOENT);
	assert_error(store_copy_up(f->store, &q.parent, "x", &q.object, true, -1), ENOENT);
	assert_error(store_unlink(f->store, &q.parent, "x", STORE_SCRATCH, &q.object), ENOENT);
}

static void test_resolve_refuses_what_is_no_directory(void **state)
{
	struct fixture *f = *state;
	struct store_dir dir = {-1, -1};
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "file", 0644, ""));
	assert_ok(fixture_symlink(f, "link", "d"));
	assert_ok(fixture_symlink(f, "out", "/"));
	assert_ok(fixture_start(f));
	assert_error(store_resolve(f->store, "file", false, &dir), ENOTDIR);
	assert_error(store_resolve(f->store, "file/x", true, &dir), ENOTDIR);
	assert_error(store_resolve(f->store, "none", false, &dir), ENOENT);
	assert_error(store_resolve(f->store, "d/none/x", true, &dir), ENOENT);
	int r = store_resolve(f->store, "link", true, &dir);
	assert_true(r == -ENOTDIR || r == -ELOOP);
	r = store_resolve(f->store, "out/etc", false, &dir);
	assert_true(r == -ENOTDIR || r == -ELOOP);
	assert_int_equal(dir.lower, -1);
	assert_int_equal(dir.upper, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_names_of_255_bytes),
		store_test(test_names_of_256_bytes),
		store_test(test_a_tree_deeper_than_path_max),
		store_test(test_walk_of_a_deep_tree),
		store_test(test_xattr_sizes_and_flags),
		store_test(test_xattr_list_sizes),
		store_test(test_copy_up_with_attributes_at_the_limit),
		store_test(test_xattr_names_of_255_bytes),
		store_test(test_bad_ends_of_store_open),
		store_test(test_missing_upper_is_said),
		store_test(test_resolve_refuses_what_is_no_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
