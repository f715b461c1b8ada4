/* SPDX-License-Identifier: MIT */
/* Merged listings: what they hold, and offsets that mean the same in every later call. */
#include "../support/store_test.h"

#include <dirent.h>

#define MANY 3000

static void list(struct store *s, const char *path, struct store_list *ret)
{
	struct store_dir dir = {-1, -1};
	assert_ok(store_resolve(s, path, false, &dir));
	assert_ok(store_list_dir(s, &dir, ret));
	store_dir_close(&dir);
}

static const char *name_of(const struct store_list *l, size_t i)
{
	return l->names + l->entries[i].name;
}

static uint64_t offset_of(const struct store_list *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(name_of(l, i), name) == 0)
			return l->entries[i].offset;
	return 0;
}

static void test_merges_both_layers(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/lower", 0644, ""));
	assert_ok(fixture_file(f, "d/both", 0644, ""));
	assert_ok(fixture_file(f, "d/gone", 0644, ""));
	assert_ok(fixture_mkdir(f, "d/sub", 0755));
	assert_ok(fixture_symlink(f, "d/link", "x"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "d/both", 0, "x", 1));
	assert_ok(do_create(f->store, "d/upper", 0644, ""));
	assert_ok(do_mknod(f->store, "d/fifo", S_IFIFO | 0644, 0, NULL));
	assert_ok(do_unlink(f->store, "d/gone"));
	assert_names(f->store, "d", "both\nfifo\nlink\nlower\nsub\nupper\n");
	struct store_list l = {0};
	list(f->store, "d", &l);
	for (size_t i = 0; i < l.count; i++) {
		char path[300];
		(void)snprintf(path, sizeof path, "d/%s", name_of(&l, i));
		struct store_object o = shown(f->store, path);
		assert_int_equal(l.entries[i].ino, o.st.st_ino);
		assert_int_equal(l.entries[i].type, IFTODT(o.st.st_mode));
	}
	store_list_free(&l);
}

static void test_empty_directory(void **state)
{
	struct fixture *f = *state;
	struct store_list l = {0};
	assert_ok(fixture_start(f));
	list(f->store, "", &l);
	assert_int_equal(l.count, 0);
	store_list_free(&l);
	store_list_free(&l);
}

static void make_many(struct fixture *f)
{
	char name[64];
	assert_ok(fixture_mkdir(f, "d", 0755));
	for (int i = 0; i < MANY; i += 2) {
		(void)snprintf(name, sizeof name, "d/file-%d", i);
		assert_ok(fixture_file(f, name, 0644, ""));
	}
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "d/file-1", 0644, ""));
	cleanup_place struct place p = PLACE_INIT;
	struct store_cred cred = fixture_cred(022);
	assert_ok(place_open(f->store, "d/file-1", true, &p));
	for (int i = 3; i < MANY; i += 2) {
		cleanup_fd int fd = -1;
		struct store_object o = {0};
		(void)snprintf(name, sizeof name, "file-%d", i);
		assert_error(store_lookup(f->store, &p.parent, name, &o), ENOENT);
		assert_ok(store_create(f->store, &p.parent, name, STORE_SCRATCH,
			&p.parent_object.st, 0644, &cred, &o, &fd));
	}
}

static void test_offsets_rise_and_are_unique(void **state)
{
	struct fixture *f = *state;
	struct store_list l = {0};
	uint64_t last = 2;
	make_many(f);
	list(f->store, "d", &l);
	assert_int_equal(l.count, MANY);
	for (size_t i = 0; i < l.count; i++) {
		assert_true(l.entries[i].offset > last);
		/* Programs keep it in a signed long. */
		assert_true(l.entries[i].offset <= INT64_MAX);
		last = l.entries[i].offset;
	}
	store_list_free(&l);
}

/* rm -rf on a file system without handles: list from an offset on, delete what came, go on. */
static void test_deletion_while_listing_misses_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t at = 0;
	size_t deleted = 0;
	make_many(f);
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "d/x", true, &p));
	for (;;) {
		struct store_list l = {0};
		size_t here = 0;
		list(f->store, "d", &l);
		for (size_t i = 0; i < l.count && here < 500; i++) {
			struct store_object o = {0};
			if (l.entries[i].offset <= at)
				continue;
			at = l.entries[i].offset;
			here++;
			assert_ok(store_lookup(f->store, &p.parent, name_of(&l, i), &o));
			assert_ok(store_unlink(
				f->store, &p.parent, name_of(&l, i), STORE_SCRATCH, &o));
		}
		store_list_free(&l);
		deleted += here;
		if (here == 0)
			break;
	}
	assert_int_equal(deleted, MANY);
	assert_names(f->store, "d", "");
	assert_ok(do_rmdir(f->store, "d"));
}

static void test_offset_of_a_name_never_changes(void **state)
{
	struct fixture *f = *state;
	struct store_list l = {0};
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/stays", 0644, ""));
	assert_ok(fixture_file(f, "d/goes", 0644, ""));
	assert_ok(fixture_start(f));
	list(f->store, "d", &l);
	uint64_t stays = offset_of(&l, "stays");
	uint64_t goes = offset_of(&l, "goes");
	store_list_free(&l);
	assert_true(stays > 2 && goes > 2);
	assert_ok(do_write(f->store, "d/stays", 0, "x", 1));
	assert_ok(do_unlink(f->store, "d/goes"));
	assert_ok(do_create(f->store, "d/comes", 0644, ""));
	assert_ok(fixture_restart(f));
	list(f->store, "d", &l);
	assert_true(offset_of(&l, "stays") == stays);
	store_list_free(&l);
	assert_ok(do_create(f->store, "d/goes", 0644, ""));
	list(f->store, "d", &l);
	assert_true(offset_of(&l, "goes") == goes);
	store_list_free(&l);
}

static void test_odd_names(void **state)
{
	struct fixture *f = *state;
	char longest[NAME_MAX + 1];
	char want[2 * NAME_MAX];
	memset(longest, 'n', NAME_MAX);
	longest[NAME_MAX] = '\0';
	assert_ok(fixture_file(f, "\xff\xfe", 0644, ""));
	assert_ok(fixture_file(f, "a\nb", 0644, ""));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, longest, 0644, "255 bytes"));
	assert_ok(do_create(f->store, ".wh.a", 0644, ""));
	assert_ok(do_create(f->store, " ", 0644, ""));
	(void)snprintf(want, sizeof want, " \n.wh.a\na\nb\n%s\n\xff\xfe\n", longest);
	assert_names(f->store, "", want);
	assert_shows(f->store, longest, "255 bytes");
	assert_ok(do_unlink(f->store, "a\nb"));
	assert_ok(do_unlink(f->store, "\xff\xfe"));
	assert_ok(do_unlink(f->store, longest));
	assert_names(f->store, "", " \n.wh.a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_merges_both_layers),
		store_test(test_empty_directory),
		store_test(test_offsets_rise_and_are_unique),
		store_test(test_deletion_while_listing_misses_nothing),
		store_test(test_offset_of_a_name_never_changes),
		store_test(test_odd_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
