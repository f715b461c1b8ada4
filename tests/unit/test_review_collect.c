/* SPDX-License-Identifier: MIT */
/* From what lies in scratch to the list of changes: every kind, conflicts, and what is no change.
 */
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

static void assert_kind(struct desk *d, const char *rel, enum change_kind kind, unsigned aspects)
{
	const struct change *c = desk_change(d, rel);
	if (!c)
		print_error("no change at %s\n", rel);
	assert_non_null(c);
	assert_string_equal(change_kind_name(c->kind), change_kind_name(kind));
	assert_int_equal(c->aspects, aspects);
	assert_false(c->conflict);
}

static void nothing_is_no_change(void **state)
{
	struct desk *d = *state;
	struct place p = PLACE_INIT;
	ok(fixture_mkdir(&d->f, "a", 0755));
	ok(fixture_mkdir(&d->f, "a/b", 0700));
	/* Containers on the way to nothing. */
	ok(place_open(d->f.store, "a/b/c", true, &p));
	place_close(&p);
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 0);
	assert_int_equal(d->changes->same.count, 0);
	assert_false(review_has_changes(&d->job));
}

static void files_added_modified_deleted(void **state)
{
	struct desk *d = *state;
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(fixture_file(&d->f, "dir/old", 0644, "one\ntwo\n"));
	ok(fixture_file(&d->f, "gone", 0644, "bye\n"));
	ok(do_create(d->f.store, "dir/new", 0644, "fresh\n"));
	ok(do_write(d->f.store, "dir/old", 0, "ONE", 3));
	ok(do_unlink(d->f.store, "gone"));
	assert_true(review_has_changes(&d->job));
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 3);
	assert_kind(d, "dir/new", CHANGE_ADDED, ASPECT_DATA);
	assert_kind(d, "dir/old", CHANGE_MODIFIED, ASPECT_DATA);
	assert_kind(d, "gone", CHANGE_DELETED, 0);
	assert_int_equal(desk_change(d, "gone")->bytes, 4);
	assert_int_equal(desk_change(d, "dir/new")->bytes, 6);
	assert_int_equal(strlen(desk_change(d, "gone")->id), CHANGE_ID_SIZE - 1);
}

static void identical_bytes_are_no_change(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "f", 0644, "same\n"));
	ok(do_write(d->f.store, "f", 0, "SAME", 4));
	ok(do_write(d->f.store, "f", 0, "same", 4));
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 0);
	assert_int_equal(d->changes->same.count, 1);
	assert_false(review_has_changes(&d->job));
}

static void same_bytes_with_another_time(void **state)
{
	struct desk *d = *state;
	struct place p = PLACE_INIT;
	ok(fixture_file(&d->f, "f", 0644, "same\n"));
	ok(do_unlink(d->f.store, "f"));
	ok(do_create(d->f.store, "f", 0644, "same\n"));
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 0);
	ok(place_open(d->f.store, "f", true, &p));
	const struct store_attr attr = {.set_mtime = true, .mtime = {1000000000, 5}};
	ok(store_setattr(d->f.store, &p.parent, p.name, STORE_SCRATCH, &attr, &p.object));
	place_close(&p);
	ok(desk_look(d));
	assert_kind(d, "f", CHANGE_TIMES, ASPECT_TIMES);
}

static void made_and_removed_again(void **state)
{
	struct desk *d = *state;
	ok(do_mkdir(d->f.store, "tmp", 0755));
	ok(do_create(d->f.store, "tmp/x", 0644, "x"));
	ok(do_unlink(d->f.store, "tmp/x"));
	ok(do_rmdir(d->f.store, "tmp"));
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 0);
}

static void metadata_alone(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "mode", 0644, "m"));
	ok(fixture_file(&d->f, "xattr", 0644, "x"));
	ok(fixture_file(&d->f, "times", 0644, "t"));
	ok(fixture_mkdir(&d->f, "dir", 0755));
	ok(do_chmod(d->f.store, "mode", 0755));
	ok(do_chmod(d->f.store, "dir", 0700));
	ok(do_setxattr(d->f.store, "xattr", "user.note", "v", 1, 0));
	struct place p = PLACE_INIT;
	ok(place_open(d->f.store, "times", true, &p));
	const struct store_attr attr = {.set_mtime = true, .mtime = {1000000000, 5}};
	ok(store_setattr(d->f.store, &p.parent, p.name, STORE_SCRATCH, &attr, &p.object));
	place_close(&p);
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 4);
	assert_kind(d, "mode", CHANGE_MODE, ASPECT_MODE);
	assert_kind(d, "dir", CHANGE_MODE, ASPECT_MODE);
	assert_kind(d, "xattr", CHANGE_XATTR, ASPECT_XATTR);
	assert_kind(d, "times", CHANGE_TIMES, ASPECT_TIMES);
	assert_true(desk_change(d, "mode")->metadata_only);
}

static void owner_alone(void **state)
{
	struct desk *d = *state;
	struct place p = PLACE_INIT;
	ok(fixture_file(&d->f, "f", 0644, "x"));
	ok(place_open(d->f.store, "f", true, &p));
	const struct store_attr attr = {.set_uid = true, .uid = 12345};
	ok(store_setattr(d->f.store, &p.parent, p.name, STORE_SCRATCH, &attr, &p.object));
	place_close(&p);
	ok(desk_look(d));
	assert_kind(d, "f", CHANGE_OWNER, ASPECT_OWNER);
}

static void types_change(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "file", 0644, "x"));
	ok(fixture_symlink(&d->f, "link", "file"));
	ok(do_unlink(d->f.store, "file"));
	ok(do_mknod(d->f.store, "file", S_IFLNK | 0777, 0, "link"));
	ok(do_unlink(d->f.store, "link"));
	ok(do_mkdir(d->f.store, "link", 0755));
	ok(do_create(d->f.store, "link/in", 0644, "i"));
	ok(do_mknod(d->f.store, "fifo", S_IFIFO | 0644, 0, NULL));
	ok(desk_look(d));
	assert_kind(d, "file", CHANGE_TYPE, 0);
	assert_string_equal(desk_change(d, "file")->target, "link");
	assert_kind(d, "link", CHANGE_TYPE, 0);
	assert_kind(d, "link/in", CHANGE_ADDED, ASPECT_DATA);
	assert_kind(d, "fifo", CHANGE_ADDED, ASPECT_DATA);
	assert_true(S_ISFIFO(desk_change(d, "fifo")->now.st_mode));
}

static void renames_are_one_change(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "a", 0644, "content"));
	ok(fixture_file(&d->f, "c", 0644, "content"));
	ok(do_write(d->f.store, "a", 0, "C", 1)); /* a full copy: renames need one */
	ok(do_write(d->f.store, "a", 0, "c", 1));
	ok(do_rename(d->f.store, "a", "b", 0));
	ok(desk_look(d));
	const struct change *c = desk_change(d, "b");
	assert_non_null(c);
	assert_int_equal(c->kind, CHANGE_RENAMED);
	assert_string_equal(strrchr(c->from, '/'), "/a");
	assert_null(desk_change(d, "a"));
	assert_int_equal(d->changes->scratch.count, 1);
}

static void deleted_directory_is_one_change(void **state)
{
	struct desk *d = *state;
	ok(fixture_mkdir(&d->f, "d", 0755));
	ok(fixture_mkdir(&d->f, "d/e", 0755));
	ok(fixture_file(&d->f, "d/e/f", 0644, "f"));
	ok(fixture_file(&d->f, "d/g", 0644, "g"));
	ok(do_unlink(d->f.store, "d/e/f"));
	ok(do_rmdir(d->f.store, "d/e"));
	ok(do_unlink(d->f.store, "d/g"));
	ok(do_rmdir(d->f.store, "d"));
	ok(desk_look(d));
	assert_int_equal(d->changes->scratch.count, 1);
	assert_kind(d, "d", CHANGE_DELETED, 0);
	assert_int_equal(desk_change(d, "d")->files, 3);
	/* Something new in it is not the job's to delete. */
	ok(fixture_file(&d->f, "d/e/new", 0644, "n"));
	ok(desk_look(d));
	assert_true(desk_change(d, "d")->conflict);
}

static void directory_made_again(void **state)
{
	struct desk *d = *state;
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
	ok(do_create(d->f.store, "d/add", 0644, "add"));
	/* Came after the deletion: nobody's to delete. */
	ok(fixture_file(&d->f, "d/outside", 0644, "o"));
	ok(desk_look(d));
	assert_null(desk_change(d, "d"));
	assert_null(desk_change(d, "d/keep"));
	assert_null(desk_change(d, "d/outside"));
	assert_kind(d, "d/change", CHANGE_MODIFIED, ASPECT_DATA);
	assert_kind(d, "d/add", CHANGE_ADDED, ASPECT_DATA);
	assert_kind(d, "d/sub", CHANGE_DELETED, 0);
	assert_true(desk_change(d, "d/sub")->implied);
	assert_int_equal(desk_change(d, "d/sub")->files, 1);
	assert_int_equal(d->changes->scratch.count, 3);
}

static void conflicts_of_every_kind(void **state)
{
	struct desk *d = *state;
	ok(fixture_file(&d->f, "both", 0644, "base"));
	ok(fixture_file(&d->f, "deleted-here", 0644, "base"));
	ok(fixture_file(&d->f, "deleted-there", 0644, "base"));
	ok(fixture_file(&d->f, "mode", 0644, "base"));
	ok(fixture_file(&d->f, "same", 0644, "base"));
	ok(fixture_mkdir(&d->f, "way", 0755));
	ok(do_write(d->f.store, "both", 0, "mine", 4));
	ok(do_unlink(d->f.store, "deleted-here"));
	ok(do_write(d->f.store, "deleted-there", 0, "mine", 4));
	ok(do_create(d->f.store, "appeared", 0644, "mine"));
	ok(do_write(d->f.store, "same", 0, "mine", 4));
	ok(do_chmod(d->f.store, "mode", 0600));
	ok(do_create(d->f.store, "way/new", 0644, "mine"));
	/* Outside, meanwhile. */
	ok(outside_write(d, "both", "their"));
	ok(outside_write(d, "deleted-here", "their"));
	assert_int_equal(unlinkat(d->f.real, "deleted-there", 0), 0);
	ok(outside_write(d, "appeared", "their"));
	ok(outside_write(d, "same", "mine"));
	assert_int_equal(fchmodat(d->f.real, "mode", 0755, 0), 0);
	assert_int_equal(unlinkat(d->f.real, "way", AT_REMOVEDIR), 0);
	ok(outside_write(d, "way", "a file now"));
	ok(desk_look(d));
	const char *const names[] = {
		"both", "deleted-here", "deleted-there", "appeared", "mode", "way/new"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct change *c = desk_change(d, names[i]);
		if (!c || !c->conflict)
			print_error("%s\n", names[i]);
		assert_non_null(c);
		assert_true(c->conflict);
		assert_non_null(c->why);
	}
	assert_null(desk_change(d, "same")); /* identical result: nothing to do */
	assert_non_null(desk_find(d, &d->changes->same, "same"));
}

static void ids_follow_content(void **state)
{
	struct desk *d = *state;
	char first[CHANGE_ID_SIZE];
	ok(fixture_file(&d->f, "f", 0644, "base"));
	ok(do_write(d->f.store, "f", 0, "1", 1));
	ok(desk_look(d));
	memcpy(first, desk_change(d, "f")->id, sizeof first);
	ok(desk_look(d));
	assert_string_equal(desk_change(d, "f")->id, first);
	assert_false(desk_change(d, "f")->shown);
	ok(desk_shown(d));
	ok(desk_look(d));
	assert_true(desk_change(d, "f")->shown);
	ok(do_write(d->f.store, "f", 0, "2", 1));
	ok(desk_look(d));
	assert_string_not_equal(desk_change(d, "f")->id, first);
	assert_true(desk_change(d, "f")->drifted);
}

static void shown_keeps_what_was_not_selected(void **state)
{
	struct desk *d = *state;
	const char *const one[] = {"a", NULL};
	ok(do_create(d->f.store, "a", 0644, "1"));
	ok(do_create(d->f.store, "b \x01\xff%", 0644, "1"));
	ok(desk_look(d));
	ok(desk_shown(d));
	ok(do_write(d->f.store, "a", 0, "2", 1));
	ok(do_write(d->f.store, "b \x01\xff%", 0, "2", 1));
	ok(desk_look(d));
	ok(desk_select(d, one));
	ok(desk_shown(d));
	ok(desk_look(d));
	assert_true(desk_change(d, "a")->shown);
	assert_true(desk_change(d, "b \x01\xff%")->drifted);
}

static void labels_come_first(void **state)
{
	struct desk *d = *state;
	ok(do_create(d->f.store, "aaa", 0644, "x"));
	ok(do_create(d->f.store, ".bashrc", 0644, "x"));
	ok(do_mkdir(d->f.store, ".claude", 0755));
	ok(do_create(d->f.store, ".claude/.credentials.json", 0600, "{}"));
	ok(do_mknod(d->f.store, "out", S_IFLNK | 0777, 0, "/etc/passwd"));
	ok(do_mknod(d->f.store, "up", S_IFLNK | 0777, 0, "../../x"));
	ok(do_mknod(d->f.store, "in", S_IFLNK | 0777, 0, "aaa"));
	ok(do_mknod(d->f.store, "python", S_IFLNK | 0777, 0, "/usr/bin/python3"));
	ok(do_create(d->f.store, "suid", 0755, "x"));
	ok(do_chmod(d->f.store, "suid", 04755));
	ok(desk_look(d));
	assert_int_equal(desk_change(d, ".bashrc")->class, CLASS_DANGER);
	assert_non_null(desk_change(d, ".bashrc")->label);
	assert_int_equal(desk_change(d, ".claude/.credentials.json")->class, CLASS_LOGIN);
	assert_int_equal(desk_change(d, "out")->class, CLASS_DANGER);
	assert_int_equal(desk_change(d, "up")->class, CLASS_DANGER);
	assert_int_equal(desk_change(d, "suid")->class, CLASS_DANGER);
	assert_int_equal(desk_change(d, "in")->class, CLASS_NONE);
	assert_int_equal(desk_change(d, "python")->class, CLASS_NONE);
	assert_int_equal(desk_change(d, "aaa")->class, CLASS_NONE);
	assert_int_equal(d->changes->dangerous, 4);
	assert_int_equal(d->changes->login, 1);
	for (size_t i = 1; i < d->changes->scratch.count; i++)
		assert_true(d->changes->scratch.items[i - 1].class <=
			    d->changes->scratch.items[i].class);
}

static void the_root_itself(void **state)
{
	struct desk *d = *state;
	struct store_dir dir;
	struct store_object o;
	ok(store_dir_root(d->f.store, &dir));
	ok(store_lookup_root(d->f.store, &o));
	const struct store_attr attr = {.set_mode = true, .mode = 0700};
	ok(store_setattr(d->f.store, &dir, ".", STORE_SCRATCH, &attr, &o));
	store_dir_close(&dir);
	ok(desk_look(d));
	assert_kind(d, "", CHANGE_MODE, ASPECT_MODE);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_no_change, setup, teardown),
		cmocka_unit_test_setup_teardown(files_added_modified_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(identical_bytes_are_no_change, setup, teardown),
		cmocka_unit_test_setup_teardown(same_bytes_with_another_time, setup, teardown),
		cmocka_unit_test_setup_teardown(made_and_removed_again, setup, teardown),
		cmocka_unit_test_setup_teardown(metadata_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(types_change, setup, teardown),
		cmocka_unit_test_setup_teardown(renames_are_one_change, setup, teardown),
		cmocka_unit_test_setup_teardown(deleted_directory_is_one_change, setup, teardown),
		cmocka_unit_test_setup_teardown(directory_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(conflicts_of_every_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_follow_content, setup, teardown),
		cmocka_unit_test_setup_teardown(shown_keeps_what_was_not_selected, setup, teardown),
		cmocka_unit_test_setup_teardown(labels_come_first, setup, teardown),
		cmocka_unit_test_setup_teardown(the_root_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(owner_alone, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
