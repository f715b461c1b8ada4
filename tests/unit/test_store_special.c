/* SPDX-License-Identifier: MIT */
/* Symlinks, FIFOs, sockets and devices are what they are; nothing of a program's is taken for a
 * marker of ours, and nothing of ours is shown to it. */
#include "../support/store_test.h"

#include <dirent.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static ssize_t get(struct store *s, const char *path, const char *attr, void *value, size_t size)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, false, &p);
	return r < 0 ? r : store_getxattr(s, &p.parent, p.name, &p.object, attr, value, size);
}

static ssize_t names(struct store *s, const char *path, char *list, size_t size)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, false, &p);
	return r < 0 ? r : store_listxattr(s, &p.parent, p.name, &p.object, list, size);
}

static void assert_no_marker(struct store *s, const char *path)
{
	char list[4096];
	ssize_t len = names(s, path, list, sizeof list);
	assert_true(len >= 0);
	for (char *a = list; a < list + len; a += strlen(a) + 1)
		assert_int_not_equal(strncmp(a, "user.writfs", 11), 0);
}

static void assert_target(struct store *s, const char *path, const char *target)
{
	cleanup_place struct place p = PLACE_INIT;
	char buf[PATH_MAX];
	size_t len = 0;
	assert_ok(place_open(s, path, false, &p));
	assert_ok(store_readlink(s, &p.parent, p.name, &p.object, buf, sizeof buf, &len));
	assert_int_equal(len, strlen(target));
	assert_memory_equal(buf, target, len);
}

static void test_new_objects_of_every_kind(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0620, 0, NULL));
	assert_ok(do_mknod(f->store, "sock", S_IFSOCK | 0600, 0, NULL));
	assert_ok(do_mknod(f->store, "chr", S_IFCHR | 0666, makedev(1, 3), NULL));
	assert_ok(do_mknod(f->store, "blk", S_IFBLK | 0660, makedev(259, 70000), NULL));
	assert_ok(do_mknod(f->store, "zero", S_IFCHR | 0600, makedev(0, 0), NULL));
	assert_ok(do_mknod(f->store, "link", S_IFLNK | 0777, 0, "/etc/passwd"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(shown(f->store, "fifo").st.st_mode, S_IFIFO | 0600);
		assert_int_equal(shown(f->store, "sock").st.st_mode, S_IFSOCK | 0600);
		assert_int_equal(shown(f->store, "chr").st.st_mode, S_IFCHR | 0644);
		assert_true(shown(f->store, "chr").st.st_rdev == makedev(1, 3));
		assert_int_equal(shown(f->store, "blk").st.st_mode, S_IFBLK | 0640);
		assert_true(shown(f->store, "blk").st.st_rdev == makedev(259, 70000));
		assert_int_equal(shown(f->store, "zero").st.st_mode, S_IFCHR | 0600);
		assert_true(shown(f->store, "zero").st.st_rdev == 0);
		assert_int_equal(shown(f->store, "link").st.st_mode, S_IFLNK | 0777);
		assert_int_equal(shown(f->store, "link").st.st_size, 11);
		assert_true(shown(f->store, "fifo").stub);
		assert_int_equal(shown(f->store, "fifo").st.st_size, 0);
		assert_target(f->store, "link", "/etc/passwd");
		assert_names(f->store, "", "blk\nchr\nfifo\nlink\nsock\nzero\n");
		assert_ok(fixture_restart(f));
	}
	assert_no_marker(f->store, "zero");
}

/* Nothing in tree/ can be followed or opened by accident. */
static void test_scratch_holds_only_files_and_directories(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_symlink(f, "l", "target"));
	assert_ok(fixture_start(f));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0666, 0, NULL));
	assert_ok(do_mknod(f->store, "new", S_IFLNK | 0777, 0, "/etc/passwd"));
	assert_ok(do_rename(f->store, "l", "moved", 0));
	static const char *const all[] = {"tree/fifo", "tree/new", "tree/moved", "tree/l"};
	for (size_t i = 0; i < 4; i++) {
		struct stat st;
		assert_int_equal(fstatat(f->scratch, all[i], &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_mode & 06000, 0);
	}
	assert_target(f->store, "moved", "target");
}

static void test_special_files_are_never_opened(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_node(f, "lower-fifo", S_IFIFO | 0644));
	assert_ok(fixture_node(f, "lower-sock", S_IFSOCK | 0644));
	assert_ok(fixture_start(f));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0666, 0, NULL));
	assert_ok(do_mknod(f->store, "chr", S_IFCHR | 0666, makedev(1, 5), NULL));
	static const char *const all[] = {"lower-fifo", "lower-sock", "fifo", "chr"};
	for (size_t i = 0; i < 4; i++) {
		cleanup_place struct place p = PLACE_INIT;
		int fd = -1;
		assert_ok(place_open(f->store, all[i], false, &p));
		assert_error(
			store_open_object(f->store, &p.parent, p.name, &p.object, O_RDONLY, &fd),
			ENXIO);
		assert_int_equal(fd, -1);
	}
}

static void test_lower_special_files_copy_up(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_node(f, "fifo", S_IFIFO | 0644));
	assert_ok(fixture_node(f, "sock", S_IFSOCK | 0644));
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "fifo");
	assert_ok(do_chmod(f->store, "fifo", 0600));
	assert_int_equal(shown(f->store, "fifo").st.st_mode, S_IFIFO | 0600);
	assert_int_equal(shown(f->store, "fifo").st.st_ino, before.st.st_ino);
	assert_ok(do_rename(f->store, "sock", "sock2", 0));
	assert_true(S_ISSOCK(shown(f->store, "sock2").st.st_mode));
	assert_names(f->store, "", "fifo\nsock2\n");
}

static void test_longest_symlink(void **state)
{
	struct fixture *f = *state;
	char target[PATH_MAX];
	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	assert_ok(fixture_start(f));
	assert_ok(do_mknod(f->store, "long", S_IFLNK | 0777, 0, target));
	assert_target(f->store, "long", target);
	assert_int_equal(shown(f->store, "long").st.st_size, PATH_MAX - 1);
	/* A buffer that is too small gets the beginning, as readlink(2). */
	cleanup_place struct place p = PLACE_INIT;
	char buf[8];
	size_t len = 0;
	assert_ok(place_open(f->store, "long", false, &p));
	assert_ok(store_readlink(f->store, &p.parent, "long", &p.object, buf, sizeof buf, &len));
	assert_int_equal(len, 8);
	assert_memory_equal(buf, "tttttttt", 8);
}

static void test_files_that_look_like_markers(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/a", 0644, "a"));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "d/.wh.a", 0644, "not a whiteout"));
	assert_ok(do_create(f->store, "d/.wh..wh..opq", 0644, "not opaque"));
	assert_ok(do_mknod(f->store, "d/b", S_IFCHR, 0, NULL));
	assert_ok(do_setxattr(f->store, "d", "user.overlay.opaque", "y", 1, 0));
	assert_ok(do_setxattr(f->store, "d/.wh.a", "user.fuseoverlayfs.whiteout", "y", 1, 0));
	assert_ok(fixture_restart(f));
	assert_names(f->store, "d", ".wh..wh..opq\n.wh.a\na\nb\n");
	assert_shows(f->store, "d/a", "a");
	assert_shows(f->store, "d/.wh.a", "not a whiteout");
	char value[4];
	assert_int_equal(get(f->store, "d", "user.overlay.opaque", value, 4), 1);
}

/* The name of our own marker in a program's hands: refused, or an attribute like any other. It
 * never means anything, and ours never shows. */
static void test_marker_xattrs_mean_nothing(void **state)
{
	static const char *const attrs[] = {
		"user.writfs", "user.writfs.", "user.writfs.user.x", "user.writfs-from"};
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "real", 0644, "x"));
	assert_ok(fixture_xattr(f, "real", "user.writfs", "\x01\x02garbage", 9));
	assert_ok(fixture_xattr(f, "d", "user.writfs", "\x01\x02garbage", 9));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "new", 0640, "y"));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0600, 0, NULL));
	assert_no_marker(f->store, "new");
	for (size_t i = 0; i < 4; i++) {
		char value[64];
		int r = do_setxattr(f->store, "new", attrs[i], "\x01\xff\xff", 3, 0);
		assert_true(r == 0 || r == -EPERM || r == -EOPNOTSUPP);
		if (r == 0)
			assert_int_equal(get(f->store, "new", attrs[i], value, sizeof value), 3);
		else
			assert_no_marker(f->store, "new");
	}
	assert_ok(do_write(f->store, "real", 0, "z", 1));
	assert_ok(do_create(f->store, "d/in", 0644, ""));
	assert_ok(fixture_restart(f));
	assert_shows(f->store, "real", "z");
	assert_shows(f->store, "new", "y");
	assert_int_equal(shown(f->store, "new").st.st_mode, S_IFREG | 0640);
	assert_int_equal(shown(f->store, "fifo").st.st_mode, S_IFIFO | 0600);
	assert_names(f->store, "d", "in\n");
	assert_no_marker(f->store, "fifo");
}

static void test_similar_xattr_names_are_the_programs(void **state)
{
	struct fixture *f = *state;
	char value[8];
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "x", 0644, ""));
	assert_ok(do_setxattr(f->store, "x", "user.writ", "1", 1, 0));
	assert_ok(do_setxattr(f->store, "x", "user.writ.mine", "2", 1, 0));
	assert_int_equal(get(f->store, "x", "user.writ", value, 8), 1);
	assert_int_equal(get(f->store, "x", "user.writ.mine", value, 8), 1);
}

/* A regular file that holds exactly what a stub holds is still a regular file. */
static void test_copied_stub_content_is_no_stub(void **state)
{
	struct fixture *f = *state;
	char content[PATH_MAX];
	assert_ok(fixture_start(f));
	assert_ok(do_mknod(f->store, "link", S_IFLNK | 0777, 0, "/etc/shadow"));
	cleanup_fd int fd = openat(f->scratch, "tree/link", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, content, sizeof content - 1);
	assert_true(n >= 0);
	content[n] = '\0';
	assert_ok(do_create(f->store, "copy", 0644, content));
	assert_true(S_ISREG(shown(f->store, "copy").st.st_mode));
	assert_shows(f->store, "copy", content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_new_objects_of_every_kind),
		store_test(test_scratch_holds_only_files_and_directories),
		store_test(test_special_files_are_never_opened),
		store_test(test_lower_special_files_copy_up),
		store_test(test_longest_symlink),
		store_test(test_files_that_look_like_markers),
		store_test(test_marker_xattrs_mean_nothing),
		store_test(test_similar_xattr_names_are_the_programs),
		store_test(test_copied_stub_content_is_no_stub),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
