/* SPDX-License-Identifier: MIT */
/* copy_data: content, size and holes, whichever way the file system takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/copy.h>

#include "../support/tempdir.h"

#define MB (1 << 20)

static int make(struct tempdir *dir, const char *name)
{
	int fd = openat(dir->fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void check_same(int a, int b, off_t size)
{
	struct stat st;
	assert_int_equal(fstat(b, &st), 0);
	assert_int_equal(st.st_size, size);
	static char x[65536];
	static char y[65536];
	for (off_t at = 0; at < size; at += (off_t)sizeof x) {
		ssize_t n = pread(a, x, sizeof x, at);
		ssize_t m = pread(b, y, sizeof y, at);
		if (n > size - at)
			n = (ssize_t)(size - at);
		assert_int_equal(n, m);
		assert_memory_equal(x, y, (size_t)n);
	}
}

static void copies_all_and_part(void **state)
{
	int from cleanup_fd = make(*state, "from");
	for (int i = 0; i < 300000; i++) {
		char word[16];
		(void)snprintf(word, sizeof word, "%07d", i);
		if (i % 1000 == 0)
			assert_int_equal(pwrite(from, word, 7, (off_t)i * 7), 7);
	}
	assert_int_equal(ftruncate(from, 2100000), 0);
	assert_int_equal(lseek(from, 5, SEEK_SET), 5);
	static const off_t limits[] = {-1, 0, 1, 4095, 4097, 1000001, 2100000, 99999999};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		int to cleanup_fd = make(*state, "to");
		assert_int_equal(copy_data(from, to, limits[i]), 0);
		off_t size = limits[i] < 0 || limits[i] > 2100000 ? 2100000 : limits[i];
		check_same(from, to, size);
		assert_int_equal(lseek(to, 0, SEEK_CUR), 0);
	}
	assert_int_equal(lseek(from, 0, SEEK_CUR), 5);
}

static void holes_stay_holes(void **state)
{
	int from cleanup_fd = make(*state, "from");
	int to cleanup_fd = make(*state, "to");
	assert_int_equal(ftruncate(from, 64 * MB), 0);
	assert_int_equal(pwrite(from, "middle", 6, 32 * MB), 6);
	assert_int_equal(fsync(from), 0);
	assert_int_equal(copy_data(from, to, -1), 0);
	check_same(from, to, 64 * MB);
	struct stat st;
	assert_int_equal(fsync(to), 0);
	assert_int_equal(fstat(to, &st), 0);
	assert_true(st.st_blocks * 512 < MB);
}

static void empty_and_one_hole(void **state)
{
	int from cleanup_fd = make(*state, "from");
	int to cleanup_fd = make(*state, "to");
	assert_int_equal(copy_data(from, to, -1), 0);
	check_same(from, to, 0);
	assert_int_equal(ftruncate(from, 3 * MB), 0);
	assert_int_equal(copy_data(from, to, -1), 0);
	check_same(from, to, 3 * MB);
}

static void across_file_systems(void **state)
{
	int from cleanup_fd = make(*state, "from");
	char name[] = "/dev/shm/writ-unit-XXXXXX";
	int to cleanup_fd = mkostemp(name, O_CLOEXEC);
	if (to < 0)
		skip();
	(void)unlink(name);
	assert_int_equal(pwrite(from, "start", 5, 0), 5);
	assert_int_equal(pwrite(from, "end", 3, 5 * MB), 3);
	for (int i = 0; i < 2; i++) { /* the second time the pair is known */
		assert_int_equal(ftruncate(to, 0), 0);
		assert_int_equal(copy_data(from, to, -1), 0);
		check_same(from, to, 5 * MB + 3);
	}
}

static void errors_come_back(void **state)
{
	int from cleanup_fd = make(*state, "from");
	assert_int_equal(pwrite(from, "data", 4, 0), 4);
	int closed = make(*state, "to");
	int reader cleanup_fd = openat(((struct tempdir *)*state)->fd, "to", O_RDONLY | O_CLOEXEC);
	(void)close(closed);
	assert_true(copy_data(from, reader, -1) < 0);
	assert_int_equal(copy_data(-1, reader, -1), -EBADF);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tempdir_setup, tempdir_teardown)
	const struct CMUnitTest tests[] = {
		TEST(copies_all_and_part),
		TEST(holes_stay_holes),
		TEST(empty_and_one_hole),
		TEST(across_file_systems),
		TEST(errors_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
