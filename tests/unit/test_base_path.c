/* SPDX-License-Identifier: MIT */
/* Path strings, the XDG places, and the hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/hash.h>
#include <writfs/path.h>

#include "../support/tempdir.h"

static void beneath_goes_by_components(void **state)
{
	(void)state;
	assert_true(path_is_beneath("/home/me/x", "/home/me"));
	assert_true(path_is_beneath("/home/me", "/home/me"));
	assert_false(path_is_beneath("/home/meow", "/home/me"));
	assert_false(path_is_beneath("/home", "/home/me"));
	assert_true(path_is_beneath("/anything", "/"));
	assert_string_equal(path_relative("/home/me/a/b", "/home/me"), "a/b");
	assert_string_equal(path_relative("/a", "/"), "a");
	assert_string_equal(path_relative("/", "/"), "");
	assert_string_equal(path_relative("/home/me", "/home/me"), "");
	assert_null(path_relative("/x", "/home/me"));
}

static void displays_home_as_tilde(void **state)
{
	(void)state;
	char buf[64];
	assert_string_equal(
		path_display(buf, sizeof buf, "/home/me/.bashrc", "/home/me"), "~/.bashrc");
	assert_string_equal(path_display(buf, sizeof buf, "/home/me", "/home/me"), "~");
	assert_string_equal(path_display(buf, sizeof buf, "/etc/x\n", "/home/me"), "/etc/x\\n");
	assert_string_equal(path_display(buf, sizeof buf, "/etc", NULL), "/etc");
	assert_string_equal(path_display(buf, sizeof buf, "/etc", "/"), "/etc");
}

static void check_absolute(const char *path, const char *wanted)
{
	char *got cleanup_free = NULL;
	struct err e = {0};
	assert_int_equal(path_absolute(path, "/base/dir", "/home/me", &got, &e), 0);
	assert_string_equal(got, wanted);
}

static void absolute_is_normal(void **state)
{
	(void)state;
	check_absolute("a/b", "/base/dir/a/b");
	check_absolute("./a//b/", "/base/dir/a/b");
	check_absolute("../x", "/base/x");
	check_absolute("../../../../x", "/x");
	check_absolute("/", "/");
	check_absolute("/..", "/");
	check_absolute("/a/./b/../c", "/a/c");
	check_absolute("~", "/home/me");
	check_absolute("~/x/", "/home/me/x");
	check_absolute("a~", "/base/dir/a~");
	check_absolute("...", "/base/dir/...");
	char *got = NULL;
	struct err e = {0};
	assert_int_equal(path_absolute("", "/", "/", &got, &e), -EINVAL);
	assert_int_equal(path_absolute("~bob/x", "/", "/", &got, &e), -EINVAL);
	assert_non_null(strstr(e.text, "~bob"));
	char big[PATH_MAX + 10];
	memset(big, 'a', sizeof big);
	big[sizeof big - 1] = '\0';
	assert_int_equal(path_absolute(big, "/", "/", &got, &e), -EINVAL);
	assert_non_null(strstr(e.text, "longer than"));
	assert_null(got);
}

static void finds_the_xdg_places(void **state)
{
	struct tempdir *dir = *state;
	struct err e = {0};
	char *got = NULL;
	char wanted[PATH_MAX];
	assert_int_equal(setenv("HOME", dir->path, 1), 0);
	char *real cleanup_free = realpath(dir->path, NULL);
	assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
	assert_int_equal(path_state(&got, &e), 0);
	(void)snprintf(wanted, sizeof wanted, "%s/.local/state/writfs", real);
	assert_string_equal(got, wanted);
	free(got);
	assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
	assert_int_equal(path_state(&got, &e), 0);
	assert_string_equal(got, wanted);
	free(got);
	assert_int_equal(setenv("XDG_CONFIG_HOME", "/cfg/", 1), 0);
	assert_int_equal(path_config(&got, &e), 0);
	assert_string_equal(got, "/cfg/writfs");
	free(got);
	assert_int_equal(setenv("HOME", "/no/such/home", 1), 0);
	got = NULL;
	assert_int_equal(path_home(&got, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/no/such/home"));
	assert_int_equal(unsetenv("HOME"), 0);
	const struct passwd *entry = getpwuid(getuid());
	char *home cleanup_free = entry ? realpath(entry->pw_dir, NULL) : NULL;
	assert_int_equal(path_home(&got, &e), home ? 0 : -ENOENT);
	if (home)
		assert_string_equal(got, home);
	free(got);
}

static void makes_directories(void **state)
{
	struct tempdir *dir = *state;
	struct err e = {0};
	char path[PATH_MAX];
	(void)snprintf(path, sizeof path, "%s/a//b/c/", dir->path);
	for (int i = 0; i < 2; i++) {
		int fd cleanup_fd = path_make_dirs(path, &e);
		assert_true(fd >= 0);
		struct stat st;
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
	int file cleanup_fd = openat(dir->fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	(void)snprintf(path, sizeof path, "%s/file/x", dir->path);
	assert_int_equal(path_make_dirs(path, &e), -ENOTDIR);
	assert_non_null(strstr(e.text, "/file"));
}

static void hashes(void **state)
{
	(void)state;
	static const unsigned char abc[SHA256_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf,
		0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96,
		0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	struct sha256 s;
	unsigned char out[SHA256_SIZE];
	sha256_init(&s);
	sha256_add(&s, "ab", 2);
	sha256_add(&s, NULL, 0);
	sha256_add(&s, "c", 1);
	sha256_end(&s, out);
	assert_memory_equal(out, abc, sizeof abc);

	static const char text[] = "0123456789abcdefghijklmnop";
	for (size_t len = 0; len < sizeof text; len++) {
		assert_true(hash_bytes(text, len, 1) == hash_bytes(text, len, 1));
		assert_true(hash_bytes(text, len, 1) != hash_bytes(text, len, 2));
		assert_true(hash_bytes(text, len, 1) != hash_bytes(text, len + 1, 1));
	}
	assert_true(hash_bytes("\0", 1, 0) != hash_bytes("\0\0", 2, 0));
	/* Low bits of near numbers differ: tables take them. */
	unsigned used = 0;
	for (uint32_t i = 0; i < 32; i++) {
		uint64_t h = hash_bytes(&i, sizeof i, 7);
		used |= 1u << (h & 31);
	}
	assert_true(__builtin_popcount(used) > 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beneath_goes_by_components),
		cmocka_unit_test(displays_home_as_tilde),
		cmocka_unit_test(absolute_is_normal),
		cmocka_unit_test_setup_teardown(
			finds_the_xdg_places, tempdir_setup, tempdir_teardown),
		cmocka_unit_test_setup_teardown(makes_directories, tempdir_setup, tempdir_teardown),
		cmocka_unit_test(hashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
