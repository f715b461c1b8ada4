/* SPDX-License-Identifier: MIT */
/* System call wrappers: opening without following, xattrs, whole files, removal of trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/xattr.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "../support/tempdir.h"

static void make_file(int dirfd, const char *name, const char *text)
{
	int fd cleanup_fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(sys_write_full(fd, text, strlen(text)), 0);
}

static void opens_one_component(void **state)
{
	struct tempdir *dir = *state;
	make_file(dir->fd, "f", "x");
	assert_int_equal(symlinkat("f", dir->fd, "link"), 0);
	assert_int_equal(mkfifoat(dir->fd, "fifo", 0600), 0);
	int fd cleanup_fd = sys_open_at(dir->fd, "f", O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(sys_open_at(dir->fd, "link", O_RDONLY, 0), -ELOOP);
	int link cleanup_fd = sys_open_at(dir->fd, "link", O_PATH, 0);
	assert_true(link >= 0);
	int fifo cleanup_fd = sys_open_at(dir->fd, "fifo", O_RDONLY, 0); /* does not wait */
	assert_true(fifo >= 0);
	assert_int_equal(sys_open_at(dir->fd, "no", O_RDONLY, 0), -ENOENT);
	int made cleanup_fd = sys_open_at(dir->fd, "new", O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(made >= 0);
	int again cleanup_fd = sys_reopen(sys_open_at(dir->fd, "f", O_PATH, 0), O_RDONLY);
	char c;
	assert_int_equal(read(again, &c, 1), 1);
}

static void beneath_never_leaves(void **state)
{
	struct tempdir *dir = *state;
	assert_int_equal(mkdirat(dir->fd, "a", 0700), 0);
	assert_int_equal(mkdirat(dir->fd, "a/b", 0700), 0);
	make_file(dir->fd, "a/b/f", "x");
	assert_int_equal(symlinkat("a", dir->fd, "l"), 0);
	assert_int_equal(symlinkat("f", dir->fd, "a/b/l"), 0);
	int fd cleanup_fd = sys_open_beneath(dir->fd, "a/b/f", O_RDONLY, 0);
	assert_true(fd >= 0);
	int path cleanup_fd = sys_open_beneath(dir->fd, "a//b/", O_PATH | O_DIRECTORY, 0);
	assert_true(path >= 0);
	int made cleanup_fd = sys_open_beneath(dir->fd, "a/b/new", O_RDWR | O_CREAT, 0640);
	assert_true(made >= 0);
	int link cleanup_fd = sys_open_beneath(dir->fd, "a/b/l", O_PATH, 0);
	struct stat st;
	assert_int_equal(fstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(sys_open_beneath(dir->fd, "a/b/l", O_RDONLY, 0), -ELOOP);
	assert_int_equal(sys_open_beneath(dir->fd, "l/b/f", O_RDONLY, 0), -ELOOP);
	assert_int_equal(sys_open_beneath(dir->fd, "a/../a/b/f", O_RDONLY, 0), -EXDEV);
	assert_int_equal(sys_open_beneath(dir->fd, "..", O_RDONLY, 0), -EXDEV);
	assert_int_equal(sys_open_beneath(dir->fd, "/etc", O_RDONLY, 0), -EXDEV);
	assert_int_equal(sys_open_beneath(dir->fd, "", O_RDONLY, 0), -ENOENT);
	assert_int_equal(sys_open_beneath(dir->fd, "a/b/f/x", O_RDONLY, 0), -ENOTDIR);
}

static void a_long_name_names_nothing_else(void **state)
{
	struct tempdir *dir = *state;
	char name[400];
	memset(name, 'n', sizeof name);
	name[255] = '\0';
	make_file(dir->fd, name, "");
	name[255] = 'n';
	name[399] = '\0';
	char path[SYS_FD_PATH_MAX];
	assert_int_equal(access(sys_fd_path(path, dir->fd, name), F_OK), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_string_equal(sys_fd_path(path, 7, NULL), "/proc/self/fd/7");
	assert_string_equal(sys_fd_path(path, 7, "x"), "/proc/self/fd/7/x");
}

static void stats_and_modes(void **state)
{
	struct tempdir *dir = *state;
	make_file(dir->fd, "f", "abc");
	assert_int_equal(symlinkat("f", dir->fd, "l"), 0);
	struct statx stx;
	struct stat a;
	struct stat b;
	assert_int_equal(sys_chmod(dir->fd, "f", 0604), 0);
	assert_int_equal(sys_statx(dir->fd, "f", &stx), 0);
	sys_statx_to_stat(&stx, &a);
	assert_int_equal(fstatat(dir->fd, "f", &b, 0), 0);
	assert_int_equal(a.st_mode, b.st_mode);
	assert_int_equal(a.st_mode & 07777, 0604);
	assert_true(a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size);
	assert_true(a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_nlink == b.st_nlink);
	assert_int_equal(sys_statx(dir->fd, "l", &stx), 0);
	assert_true(S_ISLNK(stx.stx_mode));
	assert_int_equal(sys_chmod(dir->fd, "l", 0600), -EOPNOTSUPP);
	assert_int_equal(sys_chmod(dir->fd, "no", 0600), -ENOENT);
	int fd cleanup_fd = sys_open_at(dir->fd, "f", O_PATH, 0);
	assert_int_equal(sys_statx(fd, "", &stx), 0);
	assert_int_equal(stx.stx_size, 3);
}

static void links_and_renames(void **state)
{
	struct tempdir *dir = *state;
	int fd cleanup_fd = openat(dir->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(sys_link_fd(fd, dir->fd, "named"), 0);
	assert_int_equal(sys_link_fd(fd, dir->fd, "named"), -EEXIST);
	make_file(dir->fd, "other", "");
	assert_int_equal(sys_rename(dir->fd, "named", dir->fd, "other", 1), -EEXIST);
	assert_int_equal(sys_rename(dir->fd, "named", dir->fd, "other", 2), 0);
	assert_int_equal(sys_rename(dir->fd, "named", dir->fd, "other", 0), 0);
	assert_int_equal(sys_rename(dir->fd, "named", dir->fd, "other", 0), -ENOENT);
}

static void check_xattr(int dirfd, const char *name)
{
	char value[64];
	assert_int_equal(sys_setxattr(dirfd, name, "user.writ-test", "abc", 3, XATTR_CREATE), 0);
	assert_int_equal(
		sys_setxattr(dirfd, name, "user.writ-test", "abc", 3, XATTR_CREATE), -EEXIST);
	assert_int_equal(sys_getxattr(dirfd, name, "user.writ-test", value, sizeof value), 3);
	assert_memory_equal(value, "abc", 3);
	assert_int_equal(sys_getxattr(dirfd, name, "user.writ-test", NULL, 0), 3);
	assert_int_equal(sys_getxattr(dirfd, name, "user.writ-test", value, 1), -ERANGE);
	ssize_t n = sys_listxattr(dirfd, name, value, sizeof value);
	assert_true(n >= (ssize_t)sizeof "user.writ-test");
	assert_non_null(memmem(value, (size_t)n, "user.writ-test", sizeof "user.writ-test"));
	assert_int_equal(sys_removexattr(dirfd, name, "user.writ-test"), 0);
	assert_int_equal(sys_removexattr(dirfd, name, "user.writ-test"), -ENODATA);
	assert_int_equal(
		sys_getxattr(dirfd, name, "user.writ-test", value, sizeof value), -ENODATA);
}

static void xattrs_every_way(void **state)
{
	struct tempdir *dir = *state;
	make_file(dir->fd, "f", "");
	assert_int_equal(symlinkat("f", dir->fd, "l"), 0);
	int o_path cleanup_fd = sys_open_at(dir->fd, "f", O_PATH, 0);
	int readable cleanup_fd = sys_open_at(dir->fd, "f", O_RDWR, 0);
	int dir_path cleanup_fd = open(dir->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sys_setxattr(dir->fd, "f", "user.writ-test", "", 0, 0) == -EOPNOTSUPP)
		skip();
	assert_int_equal(sys_removexattr(dir->fd, "f", "user.writ-test"), 0);
	check_xattr(dir->fd, "f");
	check_xattr(dir_path, "f");
	check_xattr(o_path, NULL);
	check_xattr(readable, NULL);
	check_xattr(dir_path, NULL);
	char value[8];
	assert_int_equal(sys_getxattr(dir->fd, "no", "user.x", value, sizeof value), -ENOENT);
	/* A symlink is not followed: the kernel gives user.* to files and directories only. */
	assert_int_equal(sys_setxattr(dir->fd, "l", "user.writ-test", "x", 1, 0), -EPERM);
	int link cleanup_fd = sys_open_at(dir->fd, "l", O_PATH, 0);
	assert_int_equal(sys_setxattr(link, NULL, "user.writ-test", "x", 1, 0), -EPERM);
	assert_int_equal(sys_getxattr(dir->fd, "f", "user.writ-test", value, 8), -ENODATA);
	if (getuid() == 0) {
		assert_int_equal(sys_setxattr(link, NULL, "trusted.t", "y", 1, 0), 0);
		assert_int_equal(sys_getxattr(dir->fd, "l", "trusted.t", value, 8), 1);
		assert_int_equal(sys_getxattr(dir->fd, "f", "trusted.t", value, 8), -ENODATA);
	}
	assert_int_equal(sys_getxattr(-1, NULL, "user.x", value, 8), -EBADF);
}

static void reads_files_up_to_a_limit(void **state)
{
	struct tempdir *dir = *state;
	char *text cleanup_free = NULL;
	size_t len = 0;
	make_file(dir->fd, "f", "hello");
	assert_int_equal(sys_read_file(dir->fd, "f", 5, &text, &len), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(len, 5);
	char *other = NULL;
	assert_int_equal(sys_read_file(dir->fd, "f", 4, &other, &len), -EFBIG);
	assert_int_equal(sys_read_file(dir->fd, "no", 4, &other, &len), -ENOENT);
	assert_int_equal(sys_read_file(dir->fd, ".", 4, &other, &len), -EISDIR);
	assert_null(other);
	/* Sizes in /proc are 0. */
	assert_int_equal(sys_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &other, NULL), 0);
	assert_true(strlen(other) > 10);
	free(other);
	other = NULL;
	assert_int_equal(sys_read_file(AT_FDCWD, "/proc/self/mountinfo", 10, &other, NULL), -EFBIG);
}

static void writes_files_whole(void **state)
{
	struct tempdir *dir = *state;
	int o_path cleanup_fd = open(dir->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *text cleanup_free = NULL;
	mode_t old = umask(077);
	assert_int_equal(sys_write_file(o_path, "f", "one", 3, 0644), 0);
	(void)umask(old);
	assert_int_equal(sys_write_file(o_path, "f", "two", 3, 0644), 0);
	assert_int_equal(sys_read_file(dir->fd, "f", 100, &text, NULL), 0);
	assert_string_equal(text, "two");
	struct stat st;
	assert_int_equal(fstatat(dir->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(mkdirat(dir->fd, "d", 0700), 0);
	assert_int_equal(sys_write_file(o_path, "d", "x", 1, 0644), -EISDIR);
	/* Nothing of a failure stays. */
	DIR *list cleanup_dir = opendir(dir->path);
	const struct dirent *entry;
	unsigned count = 0;
	while ((entry = readdir(list)))
		count++;
	assert_int_equal(count, 4);
}

static void removes_trees(void **state)
{
	struct tempdir *dir = *state;
	assert_int_equal(sys_remove_tree(dir->fd, "no"), -ENOENT);
	make_file(dir->fd, "keep", "x");
	make_file(dir->fd, "f", "");
	assert_int_equal(sys_remove_tree(dir->fd, "f"), 0);
	assert_int_equal(mkdirat(dir->fd, "t", 0700), 0);
	assert_int_equal(mkdirat(dir->fd, "outside", 0700), 0);
	make_file(dir->fd, "outside/f", "");
	assert_int_equal(symlinkat("../outside", dir->fd, "t/link"), 0);
	assert_int_equal(mkfifoat(dir->fd, "t/fifo", 0600), 0);
	assert_int_equal(mkdirat(dir->fd, "t/locked", 0700), 0);
	make_file(dir->fd, "t/locked/f", "");
	assert_int_equal(fchmodat(dir->fd, "t/locked", 0, 0), 0);
	assert_int_equal(sys_remove_tree(dir->fd, "t"), 0);
	assert_int_equal(faccessat(dir->fd, "t", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(faccessat(dir->fd, "outside/f", F_OK, 0), 0);
	assert_int_equal(symlinkat("outside", dir->fd, "l"), 0);
	assert_int_equal(sys_remove_tree(dir->fd, "l"), 0);
	assert_int_equal(faccessat(dir->fd, "outside/f", F_OK, 0), 0);
}

static void removes_trees_of_any_depth(void **state)
{
	struct tempdir *dir = *state;
	assert_int_equal(mkdirat(dir->fd, "deep", 0700), 0);
	int at = openat(dir->fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 1000; i++) {
		make_file(at, "f", "");
		assert_int_equal(mkdirat(at, "d", 0700), 0);
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		(void)close(at);
		at = next;
	}
	(void)close(at);
	assert_int_equal(sys_remove_tree(dir->fd, "deep"), 0);
	assert_int_equal(faccessat(dir->fd, "deep", F_OK, 0), -1);
}

static void small_things(void **state)
{
	(void)state;
	char a[SYS_TEMP_NAME_SIZE];
	char b[SYS_TEMP_NAME_SIZE];
	(void)sys_temp_name(a, ".writ-");
	(void)sys_temp_name(b, ".writ-");
	assert_string_not_equal(a, b);
	assert_memory_equal(a, ".writ-", 6);
	assert_int_equal(strlen(a), 6 + 16);
	assert_true(sys_raise_nofile() >= 64);
	int64_t then = sys_time_ns(CLOCK_MONOTONIC);
	assert_true(sys_time_ns(CLOCK_MONOTONIC) >= then);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, tempdir_setup, tempdir_teardown)
	const struct CMUnitTest tests[] = {
		TEST(opens_one_component),
		TEST(beneath_never_leaves),
		TEST(a_long_name_names_nothing_else),
		TEST(stats_and_modes),
		TEST(links_and_renames),
		TEST(xattrs_every_way),
		TEST(reads_files_up_to_a_limit),
		TEST(writes_files_whole),
		TEST(removes_trees),
		TEST(removes_trees_of_any_depth),
		TEST(small_things),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
