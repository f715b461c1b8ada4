/* SPDX-License-Identifier: MIT */
/* The node table, the descriptor LRU, link names and what was read: without a mount. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../fs/fuse/fuse_i.h"

static struct table *table_new(void)
{
	struct table *t = NULL;
	int fd = table_memfd();
	assert_true(fd >= 0);
	assert_int_equal(table_attach(fd, &t), 0);
	(void)close(fd);
	return t;
}

static struct store_key key(uint64_t n)
{
	return (struct store_key){1, n, n * 7};
}

static fuse_ino_t add(struct table *t, slot_t parent, const char *name, uint64_t n, mode_t type)
{
	struct store_key k = key(n);
	struct node_view v;
	assert_int_equal(table_intern(t, parent, name, &k, type, n, true, &v), 0);
	return (fuse_ino_t)v.generation << 32 | v.slot;
}

static void forget(struct table *t, fuse_ino_t ino)
{
	struct str path cleanup_str = STR_INIT;
	struct forgotten f;
	table_forget(t, ino, 1, &path, &f);
}

static void test_one_inode_is_one_node(void **state)
{
	(void)state;
	struct table *t = table_new();
	fuse_ino_t a = add(t, SLOT_ROOT, "a", 10, S_IFREG);
	assert_int_equal(add(t, SLOT_ROOT, "b", 10, S_IFREG), a);
	assert_int_not_equal(add(t, SLOT_ROOT, "c", 11, S_IFREG), a);
	table_detach(t);
}

static void test_a_slot_is_reused_with_another_generation(void **state)
{
	(void)state;
	struct table *t = table_new();
	struct node_view v;
	fuse_ino_t a = add(t, SLOT_ROOT, "a", 10, S_IFREG);
	forget(t, a);
	assert_int_equal(table_view(t, a, &v), -ESTALE);
	fuse_ino_t b = add(t, SLOT_ROOT, "b", 12, S_IFREG);
	assert_int_equal(slot_of(b), slot_of(a));
	assert_int_not_equal(a, b);
	assert_int_equal(table_view(t, a, &v), -ESTALE);
	assert_int_equal(table_view(t, b, &v), 0);
	table_detach(t);
}

static void test_parents_live_as_long_as_children(void **state)
{
	(void)state;
	struct table *t = table_new();
	struct str path cleanup_str = STR_INIT;
	struct node_view v;
	fuse_ino_t d = add(t, SLOT_ROOT, "dir", 20, S_IFDIR);
	fuse_ino_t f = add(t, slot_of(d), "file", 21, S_IFREG);
	forget(t, d);
	assert_int_equal(table_path(t, slot_of(f), &path), 0);
	assert_string_equal(path.p, "dir/file");
	forget(t, f);
	assert_int_equal(table_view(t, d, &v), -ESTALE);
	table_detach(t);
}

static void test_rename_and_rekey(void **state)
{
	(void)state;
	struct table *t = table_new();
	struct str path cleanup_str = STR_INIT;
	struct store_key other = key(99), old = key(31);
	fuse_ino_t d = add(t, SLOT_ROOT, "dir", 30, S_IFDIR);
	fuse_ino_t f = add(t, SLOT_ROOT, "old", 31, S_IFREG);
	table_rename(t, slot_of(f), slot_of(d), "new");
	assert_int_equal(table_path(t, slot_of(f), &path), 0);
	assert_string_equal(path.p, "dir/new");
	table_rekey(t, slot_of(f), &other);
	assert_int_equal(table_find_key(t, &other), slot_of(f));
	assert_int_equal(table_find_key(t, &old), SLOT_NONE);
	assert_int_equal(table_find_name(t, slot_of(d), "new"), slot_of(f));
	table_detach(t);
}

/* What an outside rename seen half would make: a directory below itself. */
static void test_no_cycles(void **state)
{
	(void)state;
	struct table *t = table_new();
	fuse_ino_t a = add(t, SLOT_ROOT, "a", 40, S_IFDIR);
	fuse_ino_t b = add(t, slot_of(a), "b", 41, S_IFDIR);
	assert_int_not_equal(add(t, slot_of(b), "a", 40, S_IFDIR), a);
	table_rename(t, slot_of(a), slot_of(b), "a");
	struct str path cleanup_str = STR_INIT;
	assert_int_equal(table_path(t, slot_of(b), &path), 0);
	assert_string_equal(path.p, "a/b");
	table_detach(t);
}

static unsigned long resident_kb(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	(void)fclose(f);
	return resident * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

/* At most 250 bytes of memory for each inode that the kernel knows; another daemon that maps the
 * same table finds them all. */
static void test_many_nodes(void **state)
{
	enum { NODES = 200000 };
	(void)state;
	struct table *t = NULL, *again = NULL;
	struct node_view v;
	char name[32];
	int fd = table_memfd();
	assert_int_equal(table_attach(fd, &t), 0);
	unsigned long before = resident_kb();
	fuse_ino_t last = 0;
	for (unsigned i = 0; i < NODES; i++) {
		(void)snprintf(name, sizeof name, "file-%08u.txt", i);
		last = add(t, SLOT_ROOT, name, 1000 + i, S_IFREG);
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (!getenv("LD_PRELOAD") && !getenv("VALGRIND_LIB"))
		assert_in_range((resident_kb() - before) * 1024 / NODES, 1, 250);
#else
	(void)before;
#endif
	table_detach(t);
	assert_int_equal(table_attach(fd, &again), 0);
	assert_int_equal(table_view(again, last, &v), 0);
	assert_string_equal(v.name, name);
	struct store_key k = key(1000 + NODES - 1);
	assert_int_equal(table_find_key(again, &k), slot_of(last));
	table_detach(again);
	(void)close(fd);
}

static void test_descriptors_are_bounded_and_pins_stay(void **state)
{
	(void)state;
	struct fds *f = NULL;
	struct fd_ref ref = FD_REF_INIT;
	assert_int_equal(fds_new(8, &f), 0);
	assert_int_equal(
		fds_add(f, 1, FD_PIN, open("/dev/null", O_RDONLY | O_CLOEXEC), -1, true, NULL), 0);
	for (slot_t slot = 2; slot < 40; slot++)
		assert_int_equal(fds_add(f, slot, FD_READ, open("/dev/null", O_RDONLY | O_CLOEXEC),
					 -1, false, NULL),
			0);
	assert_int_equal(fds_get(f, 2, FD_READ, &ref), -ENOENT);
	assert_int_equal(fds_get(f, 39, FD_READ, &ref), 0);
	/* Dropped while in use: closed by its last user. */
	fds_drop(f, 39, FD_READ);
	assert_true(fcntl(ref.fd, F_GETFD) >= 0);
	fds_put(&ref);
	assert_int_equal(fds_get(f, 39, FD_READ, &ref), -ENOENT);
	assert_int_equal(fds_get(f, 1, FD_PIN, &ref), 0);
	fds_put(&ref);
	fds_drop_unpinned(f);
	assert_int_equal(fds_get(f, 38, FD_READ, &ref), -ENOENT);
	assert_int_equal(fds_get(f, 1, FD_PIN, &ref), 0);
	fds_put(&ref);
	fds_free(f);
}

/* A pin that is handed over late must not be taken for the next one of the same slot. */
static void test_a_pin_is_told_from_the_next(void **state)
{
	(void)state;
	struct fds *f = NULL;
	struct fd_ref ref = FD_REF_INIT;
	assert_int_equal(fds_new(8, &f), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(fds_add(f, 5, FD_PIN, open("/dev/null", O_RDONLY | O_CLOEXEC), -1,
					 true, NULL),
			0);
	assert_int_equal(fds_mark_stored(f, 5, FD_PIN, 1, 77, &ref), -ENOENT);
	assert_int_equal(fds_mark_stored(f, 5, FD_PIN, 2, 77, &ref), 0);
	fds_put(&ref);
	fds_free(f);
}

static void test_all_names_of_a_file(void **state)
{
	(void)state;
	struct aliases *a = NULL;
	char name[NAME_MAX + 1];
	slot_t dir;
	assert_int_equal(aliases_new(&a), 0);
	aliases_add(a, 7, 1, "one");
	aliases_add(a, 7, 2, "two");
	aliases_add(a, 7, 2, "two");
	assert_false(aliases_any(a, 7, 2, &dir, name));
	aliases_remove(a, 7, 1, "one");
	assert_true(aliases_any(a, 7, 0, &dir, name));
	assert_string_equal(name, "two");
	aliases_forget(a, 7);
	assert_false(aliases_any(a, 7, 0, &dir, name));
	aliases_free(a);
}

static void test_a_lookup_is_not_a_read(void **state)
{
	(void)state;
	struct seen *m = NULL;
	assert_int_equal(seen_new(&m), 0);
	assert_false(seen_differs(m, 1, "conf", 5));
	seen_first(m, 1, "conf", 5);
	seen_first(m, 1, "conf", 6);
	assert_true(seen_differs(m, 1, "conf", 6));
	seen_set(m, 1, "conf", 6);
	assert_false(seen_differs(m, 1, "conf", 6));
	seen_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_inode_is_one_node),
		cmocka_unit_test(test_a_slot_is_reused_with_another_generation),
		cmocka_unit_test(test_parents_live_as_long_as_children),
		cmocka_unit_test(test_rename_and_rekey),
		cmocka_unit_test(test_no_cycles),
		cmocka_unit_test(test_many_nodes),
		cmocka_unit_test(test_descriptors_are_bounded_and_pins_stay),
		cmocka_unit_test(test_a_pin_is_told_from_the_next),
		cmocka_unit_test(test_all_names_of_a_file),
		cmocka_unit_test(test_a_lookup_is_not_a_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
