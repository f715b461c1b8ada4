/* SPDX-License-Identifier: MIT */
/* What review sees (store_walk) and how a change is taken back (store_drop). */
#include "../support/store_test.h"

#include "../support/snapshot.h"

/* "path what" lines in the order of the walk. */
struct walk {
	char text[4096];
	int stop_after;
};

static int note(const struct store_entry *entry, void *arg)
{
	struct walk *w = arg;
	const struct store_object *o = entry->object;
	size_t len = strlen(w->text);
	const char *what = o->whiteout                 ? "deleted"
			   : o->merged && !o->attr_own ? "container"
			   : S_ISDIR(o->st.st_mode)    ? "directory"
			   : o->data_lower             ? "attributes"
						       : "file";
	(void)snprintf(w->text + len, sizeof w->text - len, "%s %s\n",
		*entry->path ? entry->path : "(root)", what);
	return w->stop_after && --w->stop_after == 0 ? 99 : 0;
}

static void assert_walk(struct store *s, const char *path, const char *want)
{
	struct walk w = {0};
	assert_ok(store_walk(s, path, note, &w));
	/* The root's own line says nothing here and may be there or not. */
	const char *text = w.text;
	if (strncmp(text, "(root) container\n", 17) == 0)
		text += 17;
	assert_string_equal(text, want);
}

static void make(struct fixture *f)
{
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_mkdir(f, "d/sub", 0755));
	assert_ok(fixture_file(f, "d/sub/x", 0644, "x"));
	assert_ok(fixture_file(f, "d/a", 0644, "a"));
	assert_ok(fixture_file(f, "d/b", 0644, "b"));
	assert_ok(fixture_file(f, "untouched", 0644, "u"));
	assert_ok(fixture_start(f));
}

static void test_an_untouched_tree_has_no_entries(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_walk(f->store, "", "");
	/* Looking changes nothing. */
	assert_shows(f->store, "d/sub/x", "x");
	assert_names(f->store, "d", "a\nb\nsub\n");
	assert_walk(f->store, "", "");
	struct walk w = {0};
	assert_error(store_walk(f->store, "d/a", note, &w), ENOENT);
}

static void test_every_change_in_byte_order_before_its_children(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_ok(do_write(f->store, "d/sub/x", 0, "y", 1));
	assert_ok(do_unlink(f->store, "d/a"));
	assert_ok(do_chmod(f->store, "d/b", 0600));
	assert_ok(do_mkdir(f->store, "d/new", 0755));
	assert_ok(do_create(f->store, "d/new/in", 0644, ""));
	assert_ok(do_create(f->store, "d.txt", 0644, ""));
	assert_ok(do_mkdir(f->store, "e", 0755));
	assert_ok(fixture_restart(f));
	assert_walk(f->store, "",
		"d container\nd/a deleted\nd/b attributes\nd/new directory\nd/new/in file\n"
		"d/sub container\nd/sub/x file\nd.txt file\ne directory\n");
	/* "As a part": by path. */
	assert_walk(f->store, "d/new", "d/new directory\nd/new/in file\n");
	assert_walk(f->store, "d/a", "d/a deleted\n");
	struct walk w = {0};
	assert_error(store_walk(f->store, "untouched", note, &w), ENOENT);
	assert_error(store_walk(f->store, "d/sub/none", note, &w), ENOENT);
}

static void test_walk_stops_when_told(void **state)
{
	struct fixture *f = *state;
	struct walk w = {.stop_after = 2};
	make(f);
	assert_ok(do_unlink(f->store, "d/a"));
	assert_ok(do_unlink(f->store, "d/b"));
	assert_int_equal(store_walk(f->store, "", note, &w), 99);
}

static void test_walk_of_a_deleted_and_remade_tree(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_ok(do_unlink(f->store, "d/sub/x"));
	assert_ok(do_rmdir(f->store, "d/sub"));
	assert_walk(f->store, "", "d container\nd/sub deleted\n");
	assert_ok(do_mkdir(f->store, "d/sub", 0755));
	assert_ok(do_create(f->store, "d/sub/new", 0644, ""));
	assert_walk(f->store, "", "d container\nd/sub directory\nd/sub/new file\n");
	assert_true(shown(f->store, "d/sub").opaque);
}

static void test_read_only_store_looks_and_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct snapshot before;
	struct snapshot after;
	struct store *looking = NULL;
	char text[1024];
	make(f);
	assert_ok(do_write(f->store, "d/a", 0, "A", 1));
	assert_ok(do_unlink(f->store, "d/b"));
	fixture_stop(f);
	assert_ok(snapshot_take(f->dir, NULL, SNAPSHOT_SAME, &before));
	struct store_options options = {.real = f->real, .scratch = f->scratch, .read_only = true};
	assert_ok(store_open(&options, &looking, NULL));
	assert_shows(looking, "d/a", "A");
	assert_names(looking, "d", "a\nsub\n");
	assert_walk(looking, "", "d container\nd/a file\nd/b deleted\n");
	store_free(looking);
	assert_ok(snapshot_take(f->dir, NULL, SNAPSHOT_SAME, &after));
	if (!snapshot_equal(&before, &after, text, sizeof text))
		fail_msg("%s", text);
	snapshot_free(&before);
	snapshot_free(&after);
}

static int drop(struct store *s, const char *path, int to, const char *to_name)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, false, &p);
	return r < 0 ? r : store_drop(s, &p.parent, p.name, to, to_name);
}

static void test_drop_shows_the_real_one_again(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_ok(do_write(f->store, "d/a", 0, "changed", 7));
	assert_ok(do_unlink(f->store, "d/b"));
	assert_ok(do_create(f->store, "new", 0644, "n"));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0600, 0, NULL));
	assert_ok(do_chmod(f->store, "d/sub", 0700));
	assert_ok(drop(f->store, "d/a", -1, NULL));
	assert_shows(f->store, "d/a", "a");
	assert_int_equal(shown(f->store, "d/a").layer, STORE_LOWER);
	assert_ok(drop(f->store, "d/b", -1, NULL));
	assert_shows(f->store, "d/b", "b");
	assert_ok(drop(f->store, "new", -1, NULL));
	assert_ok(drop(f->store, "fifo", -1, NULL));
	assert_names(f->store, "", "d\nuntouched\n");
	assert_ok(drop(f->store, "d/sub", -1, NULL));
	assert_int_equal(shown(f->store, "d/sub").st.st_mode & 07777, 0755);
	assert_ok(drop(f->store, "d", -1, NULL));
	assert_walk(f->store, "", "");
}

static void test_drop_of_a_directory_with_entries(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_ok(do_mkdir(f->store, "new", 0755));
	assert_ok(do_create(f->store, "new/x", 0644, "x"));
	assert_ok(do_create(f->store, "d/y", 0644, "y"));
	assert_error(drop(f->store, "new", -1, NULL), ENOTEMPTY);
	assert_error(drop(f->store, "d", -1, NULL), ENOTEMPTY);
	assert_shows(f->store, "new/x", "x");
	assert_shows(f->store, "d/y", "y");
	assert_error(drop(f->store, "untouched", -1, NULL), ENOENT);
}

static void test_drop_of_an_opaque_directory(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_ok(do_unlink(f->store, "d/sub/x"));
	assert_ok(do_rmdir(f->store, "d/sub"));
	assert_ok(do_mkdir(f->store, "d/sub", 0700));
	assert_ok(drop(f->store, "d/sub", -1, NULL));
	assert_shows(f->store, "d/sub/x", "x");
	assert_ok(fixture_restart(f));
	assert_shows(f->store, "d/sub/x", "x");
}

static void test_drop_of_a_deleted_tree(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_ok(do_unlink(f->store, "d/sub/x"));
	assert_ok(do_rmdir(f->store, "d/sub"));
	assert_ok(do_unlink(f->store, "d/a"));
	assert_ok(do_unlink(f->store, "d/b"));
	assert_ok(do_rmdir(f->store, "d"));
	assert_names(f->store, "", "untouched\n");
	assert_ok(drop(f->store, "d", -1, NULL));
	assert_names(f->store, "d", "a\nb\nsub\n");
	assert_shows(f->store, "d/sub/x", "x");
	assert_walk(f->store, "", "");
}

static void test_drop_moves_to_the_trash(void **state)
{
	struct fixture *f = *state;
	char text[16] = "";
	make(f);
	assert_ok(do_write(f->store, "d/a", 0, "changed", 7));
	assert_int_equal(mkdirat(f->dir, "trash", 0700), 0);
	cleanup_fd int trash = openat(f->dir, "trash", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(drop(f->store, "d/a", trash, "kept"));
	assert_shows(f->store, "d/a", "a");
	cleanup_fd int fd = openat(trash, "kept", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof text), 7);
	assert_string_equal(text, "changed");
}

static void test_drop_of_one_name_of_a_group(void **state)
{
	struct fixture *f = *state;
	make(f);
	assert_ok(fixture_link(f, "d/a", "d/a2"));
	assert_ok(do_write(f->store, "d/a", 0, "A", 1));
	assert_shows(f->store, "d/a2", "A");
	assert_ok(drop(f->store, "d/a", -1, NULL));
	assert_shows(f->store, "d/a", "a");
	assert_shows(f->store, "d/a2", "a");
	assert_ok(fixture_restart(f));
	assert_shows(f->store, "d/a2", "a");
}

/* Nothing is left on disk either, not in index/ nor in work/. */
static void test_drop_of_everything_leaves_no_objects(void **state)
{
	struct fixture *f = *state;
	struct snapshot empty;
	struct snapshot after;
	char text[1024];
	make(f);
	assert_ok(fixture_link(f, "d/a", "a2"));
	cleanup_fd int tree = openat(f->scratch, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int index = openat(f->scratch, "index", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(snapshot_take(index, NULL, 0, &empty));
	assert_ok(do_write(f->store, "d/a", 0, "A", 1));
	assert_ok(do_unlink(f->store, "d/b"));
	assert_ok(do_unlink(f->store, "d/sub/x"));
	assert_ok(do_rmdir(f->store, "d/sub"));
	assert_ok(do_mkdir(f->store, "d/sub", 0755));
	assert_ok(do_drop_all(f->store));
	assert_ok(fixture_restart(f));
	assert_ok(snapshot_take(index, NULL, 0, &after));
	if (!snapshot_equal(&empty, &after, text, sizeof text))
		fail_msg("%s", text);
	snapshot_free(&after);
	assert_ok(snapshot_take(tree, NULL, 0, &after));
	assert_int_equal(after.count, 0);
	snapshot_free(&after);
	snapshot_free(&empty);
}

static void test_prints_compare_what_matters(void **state)
{
	struct fixture *f = *state;
	struct store_print a;
	struct store_print b;
	assert_ok(fixture_file(f, "x", 0644, "x"));
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(store_print_of(f->real, "x", &a));
	assert_true(a.known && a.exists);
	assert_int_equal(a.size, 1);
	assert_ok(store_print_of(f->real, "none", &b));
	assert_true(b.known);
	assert_false(b.exists);
	assert_false(store_print_equal(&a, &b));
	assert_ok(store_print_of(f->real, "another-none", &a));
	assert_true(store_print_equal(&a, &b));
	/* A directory's times move with every entry; that is no change of the directory. */
	assert_ok(store_print_of(f->real, "d", &a));
	assert_ok(fixture_file(f, "d/new", 0644, ""));
	assert_ok(store_print_of(f->real, "d", &b));
	assert_true(store_print_equal(&a, &b));
	assert_int_equal(fchmodat(f->real, "d", 0700, 0), 0);
	assert_ok(store_print_of(f->real, "d", &b));
	assert_false(store_print_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_an_untouched_tree_has_no_entries),
		store_test(test_every_change_in_byte_order_before_its_children),
		store_test(test_walk_stops_when_told),
		store_test(test_walk_of_a_deleted_and_remade_tree),
		store_test(test_read_only_store_looks_and_leaves_no_trace),
		store_test(test_drop_shows_the_real_one_again),
		store_test(test_drop_of_a_directory_with_entries),
		store_test(test_drop_of_an_opaque_directory),
		store_test(test_drop_of_a_deleted_tree),
		store_test(test_drop_moves_to_the_trash),
		store_test(test_drop_of_one_name_of_a_group),
		store_test(test_drop_of_everything_leaves_no_objects),
		store_test(test_prints_compare_what_matters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
