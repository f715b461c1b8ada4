/* SPDX-License-Identifier: MIT */
/* Modes, owners, set-id bits and times: as the kernel would have left them. */
#include "../support/store_test.h"

#include <dirent.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <time.h>

static int setattr_at(
	struct store *s, const char *path, enum store_side side, const struct store_attr *a)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, side == STORE_SCRATCH, &p);
	return r < 0 ? r : store_setattr(s, &p.parent, p.name, side, a, &p.object);
}

static int setattr(struct store *s, const char *path, const struct store_attr *a)
{
	return setattr_at(s, path, STORE_SCRATCH, a);
}

static mode_t mode_of(struct store *s, const char *path)
{
	return shown(s, path).st.st_mode & 07777;
}

static mode_t disk_mode(const struct fixture *f, const char *path)
{
	struct stat st;
	assert_int_equal(fstatat(f->scratch, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

/* As a handler creates for a caller: a real object by the caller's own ids. */
static void make_as(struct store *s, const char *path, mode_t mode, enum store_side side,
	const struct store_cred *cred)
{
	cleanup_place struct place p = PLACE_INIT;
	cleanup_fd int fd = -1;
	assert_ok(place_open(s, path, side == STORE_SCRATCH, &p));
	if (side == STORE_REAL) {
		(void)setfsuid(cred->uid);
		(void)setfsgid(cred->gid);
	}
	int r = S_ISDIR(mode) ? store_mkdir(s, &p.parent, p.name, side, &p.parent_object.st, mode,
					cred, &p.object)
			      : store_create(s, &p.parent, p.name, side, &p.parent_object.st, mode,
					cred, &p.object, &fd);
	(void)setfsuid(geteuid());
	(void)setfsgid(getegid());
	assert_ok(r);
	assert_int_equal(p.object.layer, side == STORE_REAL ? STORE_LOWER : STORE_UPPER);
}

static void test_modes_are_shown_and_usable_on_disk(void **state)
{
	static const mode_t modes[] = {0, 0444, 0200, 0111, 0777, 0600, 04711, 01777};
	struct fixture *f = *state;
	struct store_cred cred = fixture_cred(0);
	assert_ok(fixture_start(f));
	for (size_t i = 0; i < 8; i++) {
		char file[32];
		char dir[32];
		(void)snprintf(file, sizeof file, "f%zu", i);
		(void)snprintf(dir, sizeof dir, "d%zu", i);
		make_as(f->store, file, S_IFREG | modes[i], STORE_SCRATCH, &cred);
		make_as(f->store, dir, S_IFDIR | modes[i], STORE_SCRATCH, &cred);
	}
	assert_ok(fixture_restart(f));
	for (size_t i = 0; i < 8; i++) {
		char path[40];
		(void)snprintf(path, sizeof path, "tree/f%zu", i);
		assert_int_equal(mode_of(f->store, path + 5), modes[i]);
		assert_int_equal(disk_mode(f, path) & 0600, 0600);
		assert_int_equal(disk_mode(f, path) & 06000, 0);
		(void)snprintf(path, sizeof path, "tree/d%zu", i);
		assert_int_equal(mode_of(f->store, path + 5), modes[i]);
		assert_int_equal(disk_mode(f, path) & 0700, 0700);
	}
	/* And a directory without bits can still be filled and emptied. */
	assert_ok(do_create(f->store, "d0/in", 0, "x"));
	assert_shows(f->store, "d0/in", "x");
	assert_ok(do_unlink(f->store, "d0/in"));
}

static void test_umask_is_the_callers(void **state)
{
	struct fixture *f = *state;
	struct store_cred open_cred = fixture_cred(0);
	struct store_cred narrow = fixture_cred(077);
	assert_ok(fixture_mkdir(f, "real", 0755));
	assert_ok(fixture_start(f));
	for (int side = 0; side < 2; side++) {
		enum store_side where = side ? STORE_SCRATCH : STORE_REAL;
		const char *dir = side ? "" : "real/";
		char path[32];
		(void)snprintf(path, sizeof path, "%sa", dir);
		make_as(f->store, path, S_IFREG | 0666, where, &open_cred);
		assert_int_equal(mode_of(f->store, path), 0666);
		(void)snprintf(path, sizeof path, "%sb", dir);
		make_as(f->store, path, S_IFREG | 0666, where, &narrow);
		assert_int_equal(mode_of(f->store, path), 0600);
		(void)snprintf(path, sizeof path, "%sc", dir);
		make_as(f->store, path, S_IFDIR | 0777, where, &open_cred);
		assert_int_equal(mode_of(f->store, path), 0777);
		(void)snprintf(path, sizeof path, "%sd", dir);
		make_as(f->store, path, S_IFDIR | 0777, where, &narrow);
		assert_int_equal(mode_of(f->store, path), 0700);
	}
}

static void test_set_gid_directories_hand_down_their_group(void **state)
{
	struct fixture *f = *state;
	gid_t group = geteuid() == 0 ? 5 : getegid();
	struct store_cred cred = fixture_cred(022);
	assert_ok(fixture_mkdir(f, "real", 0755));
	assert_int_equal(fchownat(f->real, "real", (uid_t)-1, group, 0), 0);
	assert_int_equal(fchmodat(f->real, "real", 02775, 0), 0);
	assert_ok(fixture_start(f));
	assert_ok(do_mkdir(f->store, "scratch", 0755));
	assert_ok(setattr(f->store, "scratch",
		&(struct store_attr){
			.set_gid = true, .gid = group, .set_uid = true, .uid = geteuid()}));
	assert_ok(do_chmod(f->store, "scratch", 02755));
	static const struct {
		const char *dir;
		enum store_side side;
	} places[] = {{"real", STORE_SCRATCH}, {"scratch", STORE_SCRATCH}, {"real", STORE_REAL}};
	for (size_t i = 0; i < 3; i++) {
		char path[64];
		(void)snprintf(path, sizeof path, "%s/f%zu", places[i].dir, i);
		make_as(f->store, path, S_IFREG | 0664, places[i].side, &cred);
		assert_int_equal(shown(f->store, path).st.st_gid, group);
		assert_int_equal(mode_of(f->store, path), 0644);
		(void)snprintf(path, sizeof path, "%s/d%zu", places[i].dir, i);
		make_as(f->store, path, S_IFDIR | 0755, places[i].side, &cred);
		assert_int_equal(shown(f->store, path).st.st_gid, group);
		assert_int_equal(mode_of(f->store, path), 02755);
		(void)snprintf(path, sizeof path, "%s/d%zu/deep", places[i].dir, i);
		make_as(f->store, path, S_IFDIR | 0700, places[i].side, &cred);
		assert_int_equal(mode_of(f->store, path), 02700);
		assert_int_equal(shown(f->store, path).st.st_gid, group);
	}
}

static void test_created_objects_belong_to_the_caller(void **state)
{
	struct fixture *f = *state;
	struct store_cred cred = {.uid = 1234, .gid = 2345, .umask = 022};
	if (geteuid() != 0)
		skip();
	assert_ok(fixture_mkdir(f, "real", 0777));
	assert_ok(fixture_start(f));
	make_as(f->store, "a", S_IFREG | 0644, STORE_SCRATCH, &cred);
	make_as(f->store, "b", S_IFDIR | 0755, STORE_SCRATCH, &cred);
	make_as(f->store, "real/a", S_IFREG | 0644, STORE_REAL, &cred);
	make_as(f->store, "real/b", S_IFDIR | 0755, STORE_REAL, &cred);
	static const char *const all[] = {"a", "b", "real/a", "real/b"};
	for (size_t i = 0; i < 4; i++) {
		struct stat st = shown(f->store, all[i]).st;
		if (st.st_uid != 1234 || st.st_gid != 2345)
			fail_msg("%s belongs to %u:%u", all[i], st.st_uid, st.st_gid);
	}
	struct stat st;
	assert_int_equal(fstatat(f->real, "real/a", &st, 0), 0);
	assert_int_equal(st.st_uid, 1234);
}

static struct store_attr chown_to(uid_t uid, gid_t gid)
{
	return (struct store_attr){.set_uid = true, .uid = uid, .set_gid = true, .gid = gid};
}

static void test_chown_drops_set_id_bits(void **state)
{
	struct fixture *f = *state;
	struct store_attr a = chown_to(geteuid(), getegid());
	assert_ok(fixture_file(f, "lower", 06755, "x"));
	assert_ok(fixture_mkdir(f, "dir", 02755));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "upper", 0755, "x"));
	assert_ok(do_chmod(f->store, "upper", 06755));
	assert_ok(do_create(f->store, "no-exec", 0644, "x"));
	assert_ok(do_chmod(f->store, "no-exec", 06644));
	assert_int_equal(mode_of(f->store, "upper"), 06755);
	assert_ok(setattr(f->store, "lower", &a));
	assert_ok(setattr(f->store, "upper", &a));
	assert_ok(setattr(f->store, "no-exec", &a));
	assert_ok(setattr(f->store, "dir", &a));
	assert_int_equal(mode_of(f->store, "lower"), 0755);
	assert_int_equal(mode_of(f->store, "upper"), 0755);
	/* Set-gid without group execute is no privilege. */
	assert_int_equal(mode_of(f->store, "no-exec"), 02644);
	assert_int_equal(mode_of(f->store, "dir"), 02755);
}

static void test_unprivileged_change_drops_set_id_bits(void **state)
{
	struct fixture *f = *state;
	struct store_attr kill = {.kill_priv = true};
	struct store_attr shorter = {.kill_priv = true, .set_size = true, .size = 1};
	struct store_attr root = {.set_size = true, .size = 1};
	assert_ok(fixture_file(f, "lower", 06755, "xyz"));
	assert_ok(fixture_file(f, "lower2", 06755, "xyz"));
	assert_ok(fixture_file(f, "lower3", 06755, "xyz"));
	assert_ok(fixture_start(f));
	assert_ok(setattr(f->store, "lower", &kill));
	assert_int_equal(mode_of(f->store, "lower"), 0755);
	assert_shows(f->store, "lower", "xyz");
	assert_ok(setattr(f->store, "lower2", &shorter));
	assert_int_equal(mode_of(f->store, "lower2"), 0755);
	assert_shows(f->store, "lower2", "x");
	assert_ok(setattr(f->store, "lower3", &root));
	assert_int_equal(mode_of(f->store, "lower3"), 06755);
	struct stat st;
	assert_int_equal(fstatat(f->real, "lower", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 06755);
}

static void test_file_capabilities_go_with_a_change(void **state)
{
	struct fixture *f = *state;
	struct vfs_cap_data cap = {.magic_etc = VFS_CAP_REVISION_2, .data[0].permitted = 1 << 10};
	char value[64];
	if (geteuid() != 0)
		skip();
	assert_ok(fixture_start(f));
	static const char *const all[] = {"chown", "truncate", "chmod"};
	for (size_t i = 0; i < 3; i++) {
		assert_ok(do_create(f->store, all[i], 0755, "program"));
		assert_ok(do_setxattr(
			f->store, all[i], "security.capability", &cap, XATTR_CAPS_SZ_2, 0));
	}
	struct store_attr owner = chown_to(3, 3);
	struct store_attr size = {.set_size = true, .kill_priv = true};
	struct store_attr mode = {.set_mode = true, .mode = 0700};
	assert_ok(setattr(f->store, "chown", &owner));
	assert_ok(setattr(f->store, "truncate", &size));
	assert_ok(setattr(f->store, "chmod", &mode));
	for (size_t i = 0; i < 3; i++) {
		cleanup_place struct place p = PLACE_INIT;
		assert_ok(place_open(f->store, all[i], false, &p));
		ssize_t n = store_getxattr(f->store, &p.parent, p.name, &p.object,
			"security.capability", value, sizeof value);
		assert_int_equal(n, i == 2 ? (ssize_t)XATTR_CAPS_SZ_2 : -ENODATA);
	}
}

static void test_times_are_exact(void **state)
{
	struct fixture *f = *state;
	struct store_attr both = {.set_atime = true,
		.atime = {4102444800, 999999999},
		.set_mtime = true,
		.mtime = {-1000, 1}};
	struct store_attr atime = {.set_atime = true, .atime = {1234567890, 5}};
	struct store_attr now = {.set_mtime = true, .mtime = {0, UTIME_NOW}};
	assert_ok(fixture_file(f, "lower", 0644, "x"));
	assert_ok(fixture_symlink(f, "link", "x"));
	assert_ok(fixture_mkdir(f, "dir", 0755));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "upper", 0644, "x"));
	assert_ok(do_mknod(f->store, "fifo", S_IFIFO | 0644, 0, NULL));
	static const char *const all[] = {"lower", "upper", "link", "dir", "fifo"};
	for (size_t i = 0; i < 5; i++) {
		assert_ok(setattr(f->store, all[i], &both));
		assert_ok(fixture_restart(f));
		struct stat st = shown(f->store, all[i]).st;
		assert_int_equal(st.st_atim.tv_sec, 4102444800);
		assert_int_equal(st.st_atim.tv_nsec, 999999999);
		assert_int_equal(st.st_mtim.tv_sec, -1000);
		assert_int_equal(st.st_mtim.tv_nsec, 1);
		/* One time alone: the other stays. */
		assert_ok(setattr(f->store, all[i], &atime));
		st = shown(f->store, all[i]).st;
		assert_int_equal(st.st_atim.tv_sec, 1234567890);
		assert_int_equal(st.st_mtim.tv_sec, -1000);
		time_t before = time(NULL);
		assert_ok(setattr(f->store, all[i], &now));
		st = shown(f->store, all[i]).st;
		assert_true(st.st_mtim.tv_sec >= before - 1);
		assert_int_equal(st.st_atim.tv_sec, 1234567890);
	}
}

static void pause_for_the_clock(void)
{
	struct timespec t = {0, 12000000}; /* longer than a tick of the coarse clock */
	(void)nanosleep(&t, NULL);
}

static void test_directory_times_follow_its_entries(void **state)
{
	struct fixture *f = *state;
	struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_mkdir(f, "d/sub", 0755));
	assert_ok(fixture_file(f, "d/x", 0644, "x"));
	assert_ok(fixture_file(f, "d/y", 0644, "y"));
	assert_int_equal(utimensat(f->real, "d", old, 0), 0);
	assert_ok(fixture_start(f));
	/* A change of a file's content is none of its directory. */
	assert_ok(do_write(f->store, "d/x", 0, "z", 1));
	assert_ok(do_chmod(f->store, "d/y", 0600));
	assert_ok(do_create(f->store, "d/sub/deep", 0644, ""));
	assert_int_equal(shown(f->store, "d").st.st_mtim.tv_sec, 1000000000);
	struct stat first = shown(f->store, "d").st;
	int64_t last = mtime_ns(&first);
	for (int i = 0; i < 6; i++) {
		pause_for_the_clock();
		switch (i) {
		case 0:
			assert_ok(do_create(f->store, "d/new", 0644, ""));
			break;
		case 1:
			assert_ok(do_unlink(f->store, "d/x"));
			break;
		case 2:
			assert_ok(do_mkdir(f->store, "d/dir", 0755));
			break;
		case 3:
			assert_ok(do_rename(f->store, "d/y", "d/yy", 0));
			break;
		case 4:
			assert_ok(do_link(f->store, "d/yy", "d/yyy"));
			break;
		default:
			assert_ok(do_rmdir(f->store, "d/dir"));
			break;
		}
		struct stat st = shown(f->store, "d").st;
		if (mtime_ns(&st) <= last)
			fail_msg("step %d did not move the directory's mtime", i);
		last = mtime_ns(&st);
	}
	assert_ok(fixture_restart(f));
	struct stat st = shown(f->store, "d").st;
	assert_true(mtime_ns(&st) == last);
}

static int64_t ctime_ns(const struct stat *st)
{
	return st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec;
}

/* git and make look at it: each change of an inode moves its ctime, a chmod not its mtime. */
static void test_ctime_moves_with_each_change(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "x"));
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_start(f));
	static const char *const all[] = {"x", "d"};
	for (size_t i = 0; i < 2; i++) {
		struct stat first = shown(f->store, all[i]).st;
		pause_for_the_clock();
		assert_ok(do_chmod(f->store, all[i], 0700));
		struct stat second = shown(f->store, all[i]).st;
		assert_true(ctime_ns(&second) > ctime_ns(&first));
		assert_true(mtime_ns(&second) == mtime_ns(&first));
		pause_for_the_clock();
		assert_ok(do_setxattr(f->store, all[i], "user.k", "v", 1, 0));
		struct stat third = shown(f->store, all[i]).st;
		assert_true(ctime_ns(&third) > ctime_ns(&second));
		assert_true(mtime_ns(&third) == mtime_ns(&first));
	}
}

static void test_directory_attributes_touch_nothing_beneath(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_mkdir(f, "d/sub", 0755));
	assert_ok(fixture_file(f, "d/sub/x", 0644, "x"));
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "d");
	assert_ok(do_chmod(f->store, "d", 0700));
	assert_ok(do_setxattr(f->store, "d", "user.k", "v", 1, 0));
	struct store_object o = shown(f->store, "d");
	assert_true(o.merged);
	assert_true(o.attr_own);
	assert_int_equal(o.st.st_mode & 07777, 0700);
	assert_int_equal(o.st.st_ino, before.st.st_ino);
	assert_int_equal(shown(f->store, "d/sub").layer, STORE_LOWER);
	assert_shows(f->store, "d/sub/x", "x");
	assert_names(f->store, "d", "sub\n");
	assert_int_equal(faccessat(f->scratch, "tree/d/sub", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

/* Until the job changes its attributes, a container shows the real ones, live. */
static void test_containers_show_the_real_attributes(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "d/x", 0644, ""));
	assert_int_equal(fchmodat(f->real, "d", 0711, 0), 0);
	assert_ok(fixture_xattr(f, "d", "user.live", "1", 1));
	assert_int_equal(mode_of(f->store, "d"), 0711);
	cleanup_place struct place p = PLACE_INIT;
	char value[4];
	assert_ok(place_open(f->store, "d", false, &p));
	assert_int_equal(
		store_getxattr(f->store, &p.parent, "d", &p.object, "user.live", value, 4), 1);
}

static void test_real_side_changes_the_real_object(void **state)
{
	struct fixture *f = *state;
	struct store_attr a = {.set_mode = true,
		.mode = 0600,
		.set_size = true,
		.size = 2,
		.set_mtime = true,
		.mtime = {77, 88}};
	struct stat st;
	assert_ok(fixture_file(f, "x", 0644, "xyz"));
	assert_ok(fixture_start(f));
	assert_ok(setattr_at(f->store, "x", STORE_REAL, &a));
	assert_int_equal(fstatat(f->real, "x", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 2);
	assert_int_equal(st.st_mtim.tv_sec, 77);
	assert_int_equal(st.st_mtim.tv_nsec, 88);
	assert_int_equal(shown(f->store, "x").layer, STORE_LOWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_modes_are_shown_and_usable_on_disk),
		store_test(test_umask_is_the_callers),
		store_test(test_set_gid_directories_hand_down_their_group),
		store_test(test_created_objects_belong_to_the_caller),
		store_test(test_chown_drops_set_id_bits),
		store_test(test_unprivileged_change_drops_set_id_bits),
		store_test(test_file_capabilities_go_with_a_change),
		store_test(test_times_are_exact),
		store_test(test_directory_times_follow_its_entries),
		store_test(test_ctime_moves_with_each_change),
		store_test(test_directory_attributes_touch_nothing_beneath),
		store_test(test_containers_show_the_real_attributes),
		store_test(test_real_side_changes_the_real_object),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
