/* SPDX-License-Identifier: MIT */
/* Publishing: scratch objects made real with all they are, or not at all. */
#include "../support/store_test.h"

#include <dirent.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "../support/snapshot.h"

/* Publishes path to the same path of the real tree (parents exist there). */
static int publish(const struct fixture *f, const char *path, const struct store_print *expect,
	const char *keep, bool move)
{
	cleanup_place struct place p = PLACE_INIT;
	char parent[PATH_MAX];
	(void)snprintf(parent, sizeof parent, "./%s", path);
	*strrchr(parent, '/') = '\0';
	cleanup_fd int dir = openat(f->real, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	int r = place_open(f->store, path, false, &p);
	if (r < 0)
		return r;
	struct store_publish how = {.real_dir = dir,
		.real_name = p.name,
		.expect = expect,
		.keep_dir = keep ? store_base(f->store) : -1,
		.keep_name = keep,
		.move = move};
	return store_publish_object(f->store, &p.parent, p.name, &p.object, &how);
}

static void assert_real(const struct fixture *f, const char *path, const char *text)
{
	char shown_text[256] = "";
	cleanup_fd int fd = openat(f->real, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, shown_text, sizeof shown_text - 1) >= 0);
	assert_string_equal(shown_text, text);
}

static struct stat real_stat(const struct fixture *f, const char *path)
{
	struct stat st = {0};
	if (fstatat(f->real, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

/* No attribute of ours on a real object, and no temporary beside it. */
static void assert_clean(const struct fixture *f, const char *path)
{
	char full[PATH_MAX + 16];
	char list[4096];
	(void)snprintf(full, sizeof full, "%s/real/%s", f->path, path);
	ssize_t len = llistxattr(full, list, sizeof list);
	for (char *a = list; len > 0 && a < list + len; a += strlen(a) + 1)
		if (strncmp(a, "user.writfs", 11) == 0)
			fail_msg("%s has the attribute %s", path, a);
}

static void assert_real_names(const struct fixture *f, const char *names)
{
	struct dirent **entries;
	char found[512] = "";
	char full[PATH_MAX + 16];
	(void)snprintf(full, sizeof full, "%s/real", f->path);
	int n = scandir(full, &entries, NULL, alphasort);
	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		size_t len = strlen(found);
		if (entries[i]->d_name[0] != '.' || strlen(entries[i]->d_name) > 2)
			(void)snprintf(found + len, sizeof found - len, "%s\n", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_string_equal(found, names);
}

static int setattr(struct store *s, const char *path, const struct store_attr *a)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, true, &p);
	return r < 0 ? r : store_setattr(s, &p.parent, p.name, STORE_SCRATCH, a, &p.object);
}

static const struct store_print nothing = {.known = true};

static void check_new_file(struct fixture *f, bool move)
{
	struct store_attr times = {.set_mtime = true,
		.mtime = {1000000000, 123456789},
		.set_atime = true,
		.atime = {900000000, 5}};
	(void)umask(077);
	assert_ok(do_create(f->store, "new", 0644, "content"));
	assert_ok(do_chmod(f->store, "new", 04754));
	assert_ok(do_setxattr(f->store, "new", "user.k", "value", 5, 0));
	assert_ok(setattr(f->store, "new", &times));
	if (geteuid() == 0) {
		struct store_attr owner = {.set_uid = true, .uid = 7, .set_gid = true, .gid = 8};
		assert_ok(setattr(f->store, "new", &owner));
		assert_ok(do_chmod(f->store, "new", 04754));
	}
	assert_ok(publish(f, "new", &nothing, NULL, move));
	(void)umask(022);
	struct stat st = real_stat(f, "new");
	assert_int_equal(st.st_mode, S_IFREG | 04754);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(st.st_nlink, 1);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 7);
		assert_int_equal(st.st_gid, 8);
	}
	assert_clean(f, "new");
	char full[PATH_MAX + 16];
	char value[8];
	(void)snprintf(full, sizeof full, "%s/real/new", f->path);
	assert_int_equal(lgetxattr(full, "user.k", value, 8), 5);
	assert_real_names(f, "new\n");
	if (geteuid() == 0)
		assert_real(f, "new", "content");
	bool in_scratch = faccessat(f->scratch, "tree/new", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (!move)
		assert_true(in_scratch);
	assert_shows(f->store, "new", "content");
	if (!in_scratch)
		assert_int_equal(shown(f->store, "new").layer, STORE_LOWER);
}

static void test_new_file_by_copy(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	check_new_file(f, false);
}

static void test_new_file_by_move(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_true(store_same_mount(f->store));
	check_new_file(f, true);
}

/* What looks on disk as it is to be is moved as it is; nothing is copied. */
static void test_plain_file_is_moved(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "plain", 0644, "content"));
	assert_int_equal(fstatat(f->scratch, "tree/plain", &st, 0), 0);
	assert_ok(publish(f, "plain", &nothing, NULL, true));
	assert_int_equal(real_stat(f, "plain").st_ino, st.st_ino);
	assert_int_equal(faccessat(f->scratch, "tree/plain", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_real(f, "plain", "content");
	assert_int_equal(shown(f->store, "plain").layer, STORE_LOWER);
}

static void test_special_kinds(void **state)
{
	struct fixture *f = *state;
	char target[16];
	struct store_attr times = {.set_mtime = true, .mtime = {1000000000, 1}};
	assert_ok(fixture_start(f));
	assert_ok(do_mknod(f->store, "link", S_IFLNK | 0777, 0, "some/target"));
	assert_ok(setattr(f->store, "link", &times));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0620, 0, NULL));
	assert_ok(do_mknod(f->store, "sock", S_IFSOCK | 0600, 0, NULL));
	assert_ok(do_mknod(f->store, "chr", S_IFCHR | 0640, makedev(1, 3), NULL));
	assert_ok(publish(f, "link", &nothing, NULL, false));
	assert_ok(publish(f, "fifo", &nothing, NULL, true));
	assert_ok(publish(f, "sock", NULL, NULL, false));
	int r = publish(f, "chr", &nothing, NULL, false);
	struct stat st = real_stat(f, "link");
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(readlinkat(f->real, "link", target, sizeof target), 11);
	assert_memory_equal(target, "some/target", 11);
	assert_int_equal(real_stat(f, "fifo").st_mode, S_IFIFO | 0600);
	assert_int_equal(real_stat(f, "sock").st_mode, S_IFSOCK | 0600);
	if (geteuid() == 0) {
		assert_ok(r);
		assert_int_equal(real_stat(f, "chr").st_mode, S_IFCHR | 0640);
		assert_true(real_stat(f, "chr").st_rdev == makedev(1, 3));
		assert_real_names(f, "chr\nfifo\nlink\nsock\n");
	} else {
		assert_int_equal(r, -EPERM);
		assert_real_names(f, "fifo\nlink\nsock\n");
	}
}

static void check_replacing(struct fixture *f, bool move)
{
	struct store_print print;
	assert_ok(fixture_file(f, "x", 0600, "old"));
	assert_ok(fixture_xattr(f, "x", "user.old", "1", 1));
	uint64_t ino = real_stat(f, "x").st_ino;
	assert_ok(fixture_start(f));
	assert_ok(do_unlink(f->store, "x"));
	assert_ok(do_create(f->store, "x", 0640, "new"));
	print = shown(f->store, "x").base;
	assert_true(print.known && print.exists);
	assert_ok(publish(f, "x", &print, "kept", move));
	assert_real(f, "x", "new");
	assert_int_equal(real_stat(f, "x").st_mode & 07777, 0640);
	assert_clean(f, "x");
	/* What was replaced is kept, the very inode. */
	struct stat st;
	assert_int_equal(fstatat(store_base(f->store), "kept", &st, 0), 0);
	assert_int_equal(st.st_ino, ino);
	assert_int_equal(st.st_size, 3);
	assert_real_names(f, "x\n");
}

static void test_replaced_file_is_kept(void **state)
{
	check_replacing(*state, false);
}

static void test_replaced_file_is_kept_with_move(void **state)
{
	check_replacing(*state, true);
}

static void assert_refused(struct fixture *f, const char *path, const struct store_print *expect)
{
	struct snapshot before;
	struct snapshot after;
	char text[1024];
	for (int move = 0; move < 2; move++) {
		assert_ok(snapshot_take(f->dir, NULL, SNAPSHOT_OWNERS | SNAPSHOT_MTIME, &before));
		assert_error(publish(f, path, expect, "kept", move), ESTALE);
		assert_ok(snapshot_take(f->dir, NULL, SNAPSHOT_OWNERS | SNAPSHOT_MTIME, &after));
		if (!snapshot_equal(&before, &after, text, sizeof text))
			fail_msg("%s", text);
		snapshot_free(&before);
		snapshot_free(&after);
	}
}

static void test_refused_when_the_real_file_changed(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "old"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "x", 0, "job", 3));
	struct store_print print = shown(f->store, "x").base;
	cleanup_fd int fd = openat(f->real, "x", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "!", 1), 1);
	assert_refused(f, "x", &print);
	assert_real(f, "x", "old!");
	/* Replaced by another of the same size. */
	assert_ok(fixture_file(f, "y", 0644, "new!"));
	assert_int_equal(renameat(f->real, "y", f->real, "x"), 0);
	assert_refused(f, "x", &print);
	/* Removed. */
	assert_int_equal(unlinkat(f->real, "x", 0), 0);
	assert_refused(f, "x", &print);
	assert_real_names(f, "");
}

static void test_refused_when_something_appeared(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "x", 0644, "job"));
	assert_ok(do_create(f->store, "y", 0644, "job"));
	assert_ok(fixture_file(f, "x", 0644, "appeared"));
	assert_ok(fixture_mkdir(f, "y", 0755));
	assert_refused(f, "x", &nothing);
	assert_refused(f, "y", &nothing);
	assert_real(f, "x", "appeared");
}

static void test_mode_change_outside_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "old"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "x", 0, "job", 3));
	struct store_print print = shown(f->store, "x").base;
	assert_int_equal(fchmodat(f->real, "x", 0600, 0), 0);
	assert_refused(f, "x", &print);
}

static void test_reading_outside_is_no_conflict(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "old"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "x", 0, "job", 3));
	struct store_print print = shown(f->store, "x").base;
	struct store_print now;
	assert_ok(store_print_of(f->real, "x", &now));
	assert_true(store_print_equal(&print, &now));
	cleanup_fd int fd = openat(f->real, "x", O_RDONLY | O_CLOEXEC);
	char byte;
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_ok(publish(f, "x", &print, "kept", false));
	assert_real(f, "x", "job");
}

static void test_metadata_change_keeps_the_inode(void **state)
{
	struct fixture *f = *state;
	char full[PATH_MAX + 16];
	char value[8];
	assert_ok(fixture_file(f, "x", 0644, "content"));
	assert_ok(fixture_xattr(f, "x", "user.old", "1", 1));
	struct stat before = real_stat(f, "x");
	assert_ok(fixture_start(f));
	assert_ok(do_chmod(f->store, "x", 0755));
	assert_ok(do_setxattr(f->store, "x", "user.new", "2", 1, 0));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "x", true, &p));
	assert_ok(
		store_removexattr(f->store, &p.parent, "x", STORE_SCRATCH, "user.old", &p.object));
	assert_true(shown(f->store, "x").data_lower);
	struct store_print print = shown(f->store, "x").base;
	assert_ok(publish(f, "x", &print, NULL, false));
	struct stat after = real_stat(f, "x");
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode & 07777, 0755);
	assert_true(mtime_ns(&after) == mtime_ns(&before));
	assert_real(f, "x", "content");
	(void)snprintf(full, sizeof full, "%s/real/x", f->path);
	assert_int_equal(lgetxattr(full, "user.new", value, 8), 1);
	assert_int_equal(lgetxattr(full, "user.old", value, 8), -1);
	assert_clean(f, "x");
}

static void test_metadata_change_of_a_replaced_file(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "content"));
	assert_ok(fixture_file(f, "y", 0644, "another"));
	assert_ok(fixture_start(f));
	assert_ok(do_chmod(f->store, "x", 0755));
	struct store_print print = shown(f->store, "x").base;
	assert_int_equal(renameat(f->real, "y", f->real, "x"), 0);
	assert_error(publish(f, "x", &print, NULL, false), ESTALE);
	assert_int_equal(real_stat(f, "x").st_mode & 07777, 0644);
	assert_real(f, "x", "another");
}

/* Moving the inode of a file with two names would leave a scratch name on a real file. */
static void test_move_of_a_file_with_two_names(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "a", 0644, "one"));
	assert_ok(do_link(f->store, "a", "b"));
	assert_ok(publish(f, "a", &nothing, NULL, true));
	assert_ok(do_write(f->store, "b", 0, "TWO", 3));
	assert_real(f, "a", "one");
	assert_shows(f->store, "b", "TWO");
}

static void test_file_over_a_real_directory(void **state)
{
	struct fixture *f = *state;
	struct store_print print;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/x", 0644, "x"));
	assert_ok(store_print_of(f->real, "d", &print));
	assert_ok(fixture_start(f));
	assert_ok(do_unlink(f->store, "d/x"));
	assert_ok(do_rmdir(f->store, "d"));
	assert_ok(do_create(f->store, "d", 0644, "now a file"));
	int r = publish(f, "d", &print, "kept", false);
	if (r == 0) {
		struct stat st;
		assert_real(f, "d", "now a file");
		assert_int_equal(fstatat(store_base(f->store), "kept/x", &st, 0), 0);
	} else {
		assert_true(S_ISDIR(real_stat(f, "d").st_mode));
		assert_int_equal(faccessat(f->real, "d/x", F_OK, 0), 0);
		assert_real_names(f, "d\n");
	}
}

static void test_a_named_temporary_is_used_and_gone(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "old"));
	/* Left by a crash: it is ours by name and is replaced. */
	assert_ok(fixture_file(f, ".writ-temp", 0600, "left over"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "x", 0, "job", 3));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "x", false, &p));
	struct store_publish how = {.real_dir = f->real,
		.real_name = "x",
		.expect = &p.object.base,
		.keep_dir = -1,
		.temp = ".writ-temp"};
	int r = store_publish_object(f->store, &p.parent, "x", &p.object, &how);
	assert_true(r == 0 || r == -EEXIST);
	if (r == 0) {
		assert_real(f, "x", "job");
		assert_real_names(f, "x\n");
	} else {
		assert_real(f, "x", "old");
	}
}

static void test_directory_attributes(void **state)
{
	struct fixture *f = *state;
	char full[PATH_MAX + 16];
	char value[8];
	struct store_attr times = {.set_mtime = true, .mtime = {1000000000, 5}};
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/x", 0644, "x"));
	assert_ok(fixture_xattr(f, "d", "user.old", "1", 1));
	assert_ok(fixture_start(f));
	assert_ok(do_chmod(f->store, "d", 03711));
	assert_ok(do_setxattr(f->store, "d", "user.new", "22", 2, 0));
	assert_ok(setattr(f->store, "d", &times));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "d", true, &p));
	assert_ok(
		store_removexattr(f->store, &p.parent, "d", STORE_SCRATCH, "user.old", &p.object));
	uint64_t ino = real_stat(f, "d").st_ino;
	assert_ok(store_publish_dir_attr(f->store, &p.parent, "d", &p.object, f->real, "d"));
	struct stat st = real_stat(f, "d");
	assert_int_equal(st.st_ino, ino);
	assert_int_equal(st.st_mode & 07777, 03711);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	(void)snprintf(full, sizeof full, "%s/real/d", f->path);
	assert_int_equal(lgetxattr(full, "user.new", value, 8), 2);
	assert_int_equal(lgetxattr(full, "user.old", value, 8), -1);
	assert_clean(f, "d");
}

static void test_holes_and_size(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "sparse", 0644, "head"));
	assert_ok(do_write(f->store, "sparse", 32 << 20, "tail", 4));
	assert_ok(publish(f, "sparse", &nothing, NULL, false));
	struct stat st = real_stat(f, "sparse");
	assert_int_equal(st.st_size, (32 << 20) + 4);
	assert_true(st.st_blocks * 512 < 8 << 20);
}

static void test_acls_are_published(void **state)
{
	static const struct {
		uint32_t version;
		struct {
			uint16_t tag, perm;
			uint32_t id;
		} entries[5];
	} acl = {2, {{1, 7, -1U}, {2, 7, 1234}, {4, 5, -1U}, {16, 7, -1U}, {32, 0, -1U}}};
	struct fixture *f = *state;
	char value[64];
	char full[PATH_MAX + 16];
	assert_ok(fixture_mkdir(f, "probe", 0755));
	if (fixture_xattr(f, "probe", "system.posix_acl_default", &acl, sizeof acl) < 0)
		skip();
	assert_ok(fixture_start(f));
	for (int move = 0; move < 2; move++) {
		const char *name = move ? "moved" : "copied";
		assert_ok(do_create(f->store, name, 0644, "x"));
		assert_ok(do_setxattr(
			f->store, name, "system.posix_acl_access", &acl, sizeof acl, 0));
		assert_ok(publish(f, name, &nothing, NULL, move));
		(void)snprintf(full, sizeof full, "%s/real/%s", f->path, name);
		assert_int_equal(lgetxattr(full, "system.posix_acl_access", value, 64), sizeof acl);
		assert_memory_equal(value, &acl, sizeof acl);
		assert_int_equal(real_stat(f, name).st_mode & 07777, 0770);
	}
}

/* A detached tmpfs: a mount that no path leads to and that ends with its descriptor. -1: cannot. */
static int make_tmpfs(void)
{
	cleanup_fd int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	cleanup_fd int mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	int dir = mnt < 0 ? -1 : openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int probe = dir < 0 ? -1 : openat(dir, ".", O_TMPFILE | O_RDWR, 0600);
	if (probe >= 0 && fsetxattr(probe, "user.probe", "x", 1, 0) == 0)
		return dir;
	(void)fd_close(dir);
	return -1;
}

static void test_from_another_mount(void **state)
{
	struct fixture *f = *state;
	cleanup_fd int tmpfs = make_tmpfs();
	if (tmpfs < 0)
		skip();
	f->scratch = fd_close(f->scratch);
	f->scratch = steal_fd(&tmpfs);
	assert_ok(fixture_start(f));
	assert_false(store_same_mount(f->store));
	check_new_file(f, true);
	assert_int_equal(unlinkat(f->real, "new", 0), 0);
	fixture_stop(f);
	assert_ok(fixture_start(f));
	assert_ok(fixture_file(f, "x", 0600, "old"));
	assert_ok(do_unlink(f->store, "x"));
	assert_ok(do_create(f->store, "x", 0640, "new"));
	struct store_print print = shown(f->store, "x").base;
	assert_ok(publish(f, "x", &print, "kept", true));
	assert_real(f, "x", "new");
	cleanup_fd int kept = openat(store_base(f->store), "kept", O_RDONLY | O_CLOEXEC);
	char text[8] = "";
	assert_int_equal(read(kept, text, 8), 3);
	assert_string_equal(text, "old");
	struct stat st;
	assert_int_equal(fstat(kept, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_new_file_by_copy),
		store_test(test_new_file_by_move),
		store_test(test_plain_file_is_moved),
		store_test(test_special_kinds),
		store_test(test_replaced_file_is_kept),
		store_test(test_replaced_file_is_kept_with_move),
		store_test(test_refused_when_the_real_file_changed),
		store_test(test_refused_when_something_appeared),
		store_test(test_mode_change_outside_is_a_conflict),
		store_test(test_reading_outside_is_no_conflict),
		store_test(test_metadata_change_keeps_the_inode),
		store_test(test_metadata_change_of_a_replaced_file),
		store_test(test_move_of_a_file_with_two_names),
		store_test(test_file_over_a_real_directory),
		store_test(test_a_named_temporary_is_used_and_gone),
		store_test(test_directory_attributes),
		store_test(test_holes_and_size),
		store_test(test_acls_are_published),
		store_test(test_from_another_mount),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
