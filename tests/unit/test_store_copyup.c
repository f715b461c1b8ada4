/* SPDX-License-Identifier: MIT */
/* Copy-up: what it keeps, what it does not copy, and that the real file is never the one written.
 */
#include "../support/store_test.h"

#include <sys/xattr.h>

#define BIG (4 << 20)

static off_t scratch_bytes(const struct fixture *f, const char *path)
{
	char full[PATH_MAX];
	struct stat st;
	(void)snprintf(full, sizeof full, "tree/%s", path);
	return fstatat(f->scratch, full, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1
								       : (off_t)st.st_blocks * 512;
}

static void make_big(const struct fixture *f, const char *path, mode_t mode)
{
	cleanup_free char *data = malloc(BIG);
	assert_non_null(data);
	memset(data, 'L', BIG);
	assert_ok(fixture_data(f, path, mode, data, BIG));
}

static void set_times(const struct fixture *f, const char *path, time_t atime, time_t mtime)
{
	struct timespec times[2] = {{atime, 123456789}, {mtime, 987654321}};
	assert_int_equal(utimensat(f->real, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_keeps_data_times_mode_owner_xattrs_inode(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_file(f, "d/x", 0640, "the real content"));
	assert_ok(fixture_xattr(f, "d/x", "user.colour", "green", 5));
	assert_ok(fixture_xattr(f, "d/x", "user.empty", "", 0));
	if (geteuid() == 0)
		assert_int_equal(fchownat(f->real, "d/x", 7, 8, 0), 0);
	set_times(f, "d/x", 1000000000, 1100000000);
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "d/x");
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "d/x", true, &p));
	assert_ok(store_copy_up(f->store, &p.parent, p.name, &p.object, true, -1));
	assert_int_equal(p.object.layer, STORE_UPPER);
	struct store_object after = shown(f->store, "d/x");
	assert_int_equal(after.layer, STORE_UPPER);
	assert_false(after.data_lower);
	assert_int_equal(after.st.st_ino, before.st.st_ino);
	assert_int_equal(after.st.st_mode, before.st.st_mode);
	assert_int_equal(after.st.st_uid, before.st.st_uid);
	assert_int_equal(after.st.st_gid, before.st.st_gid);
	assert_int_equal(after.st.st_nlink, before.st.st_nlink);
	assert_int_equal(after.st.st_size, before.st.st_size);
	assert_true(mtime_ns(&after.st) == mtime_ns(&before.st));
	assert_int_equal(after.st.st_atim.tv_sec, 1000000000);
	assert_int_equal(after.st.st_atim.tv_nsec, 123456789);
	assert_shows(f->store, "d/x", "the real content");
	char value[16] = "";
	assert_int_equal(
		store_getxattr(f->store, &p.parent, "x", &after, "user.colour", value, 16), 5);
	assert_memory_equal(value, "green", 5);
	assert_int_equal(
		store_getxattr(f->store, &p.parent, "x", &after, "user.empty", value, 16), 0);
	/* The directory of it is no change of its own. */
	struct store_object d = shown(f->store, "d");
	assert_true(d.merged);
	assert_false(d.attr_own);
}

static void test_keeps_holes(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "sparse", 0644, "head"));
	cleanup_fd int fd = openat(f->real, "sparse", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "tail", 4, 64 << 20), 4);
	assert_int_equal(ftruncate(fd, 65 << 20), 0);
	struct stat real;
	assert_int_equal(fstat(fd, &real), 0);
	if (real.st_blocks * 512 > 32 << 20)
		skip(); /* a file system without holes */
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "sparse", 100, "x", 1));
	assert_true(scratch_bytes(f, "sparse") <= (off_t)(real.st_blocks * 512 + 65536));
	struct store_object o = shown(f->store, "sparse");
	assert_int_equal(o.st.st_size, 65 << 20);
	cleanup_free char *text = NULL;
	size_t len;
	assert_ok(view_read(f->store, "sparse", &text, &len));
	assert_int_equal(len, 65 << 20);
	assert_memory_equal(text, "head\0", 5);
	assert_int_equal(text[100], 'x');
	assert_memory_equal(text + (64 << 20), "tail\0", 5);
}

static void test_metadata_change_copies_no_data(void **state)
{
	struct fixture *f = *state;
	make_big(f, "big", 0644);
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "big");
	assert_ok(do_chmod(f->store, "big", 0755));
	assert_ok(do_setxattr(f->store, "big", "user.k", "v", 1, 0));
	struct store_object o = shown(f->store, "big");
	assert_int_equal(o.layer, STORE_UPPER);
	assert_true(o.data_lower);
	assert_int_equal(o.st.st_mode & 07777, 0755);
	assert_int_equal(o.st.st_size, BIG);
	assert_int_equal(o.st.st_ino, before.st.st_ino);
	assert_true(mtime_ns(&o.st) == mtime_ns(&before.st));
	assert_true(scratch_bytes(f, "big") < 65536);
	/* Still readable, not yet writable. */
	cleanup_place struct place p = PLACE_INIT;
	cleanup_fd int fd = -1;
	assert_ok(place_open(f->store, "big", true, &p));
	assert_error(store_open_object(f->store, &p.parent, "big", &p.object, O_RDWR, &fd), EBUSY);
	char byte = 0;
	assert_ok(store_open_object(f->store, &p.parent, "big", &p.object, O_RDONLY, &fd));
	assert_int_equal(pread(fd, &byte, 1, BIG - 1), 1);
	assert_int_equal(byte, 'L');
}

static void test_write_completes_a_metadata_copy(void **state)
{
	struct fixture *f = *state;
	make_big(f, "big", 0644);
	assert_ok(fixture_start(f));
	assert_ok(do_chmod(f->store, "big", 0600));
	assert_ok(fixture_restart(f));
	assert_ok(do_write(f->store, "big", 10, "JOB", 3));
	struct store_object o = shown(f->store, "big");
	assert_false(o.data_lower);
	assert_int_equal(o.st.st_size, BIG);
	assert_int_equal(o.st.st_mode & 07777, 0600);
	cleanup_free char *text = NULL;
	size_t len;
	assert_ok(view_read(f->store, "big", &text, &len));
	assert_int_equal(len, BIG);
	assert_memory_equal(text + 8, "LLJOBLL", 7);
	assert_int_equal(text[BIG - 1], 'L');
	struct stat real;
	assert_int_equal(fstatat(f->real, "big", &real, 0), 0);
	assert_int_equal(real.st_mode & 07777, 0644);
}

static void test_truncate_to_zero_copies_nothing(void **state)
{
	struct fixture *f = *state;
	make_big(f, "big", 0640);
	assert_ok(fixture_xattr(f, "big", "user.k", "v", 1));
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "big");
	assert_ok(do_truncate(f->store, "big", 0));
	struct store_object o = shown(f->store, "big");
	assert_int_equal(o.st.st_size, 0);
	assert_int_equal(o.st.st_mode, before.st.st_mode);
	assert_int_equal(o.st.st_ino, before.st.st_ino);
	assert_true(mtime_ns(&o.st) > mtime_ns(&before.st));
	assert_false(o.data_lower);
	assert_true(scratch_bytes(f, "big") < 16384);
	assert_shows(f->store, "big", "");
	cleanup_place struct place p = PLACE_INIT;
	char value[4];
	assert_ok(place_open(f->store, "big", false, &p));
	assert_int_equal(
		store_getxattr(f->store, &p.parent, "big", &p.object, "user.k", value, 4), 1);
}

static void test_truncate_copies_only_what_stays(void **state)
{
	struct fixture *f = *state;
	make_big(f, "big", 0644);
	assert_ok(fixture_start(f));
	assert_ok(do_truncate(f->store, "big", 5000));
	assert_true(scratch_bytes(f, "big") <= 65536);
	cleanup_free char *text = NULL;
	size_t len;
	assert_ok(view_read(f->store, "big", &text, &len));
	assert_int_equal(len, 5000);
	assert_int_equal(text[4999], 'L');
	/* Longer: zeros after the old end. */
	assert_ok(do_truncate(f->store, "big", 6000));
	cleanup_free char *longer = NULL;
	assert_ok(view_read(f->store, "big", &longer, &len));
	assert_int_equal(len, 6000);
	assert_int_equal(longer[4999], 'L');
	assert_int_equal(longer[5000], 0);
}

static void test_truncate_after_metadata_copy(void **state)
{
	struct fixture *f = *state;
	make_big(f, "big", 0644);
	assert_ok(fixture_start(f));
	assert_ok(do_chmod(f->store, "big", 0600));
	assert_ok(do_truncate(f->store, "big", 3));
	assert_shows(f->store, "big", "LLL");
	assert_false(shown(f->store, "big").data_lower);
	assert_int_equal(shown(f->store, "big").st.st_mode & 07777, 0600);
	/* And a truncation that makes a metadata copy longer. */
	make_big(f, "big2", 0644);
	assert_ok(do_chmod(f->store, "big2", 0600));
	assert_ok(do_truncate(f->store, "big2", BIG + 1));
	cleanup_free char *text = NULL;
	size_t len;
	assert_ok(view_read(f->store, "big2", &text, &len));
	assert_int_equal(len, BIG + 1);
	assert_int_equal(text[BIG - 1], 'L');
	assert_int_equal(text[BIG], 0);
}

static void test_is_idempotent(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "real"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "x", 0, "JOB!", 4));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "x", true, &p));
	for (int i = 0; i < 3; i++)
		assert_ok(store_copy_up(f->store, &p.parent, "x", &p.object, i % 2, -1));
	assert_ok(store_copy_up(f->store, &p.parent, "x", &p.object, true, 0));
	assert_shows(f->store, "x", "JOB!");
}

/* The caller looked the name up, then the file was copied up by another thread. */
static void test_with_an_old_object(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "real"));
	assert_ok(fixture_start(f));
	cleanup_place struct place old = PLACE_INIT;
	assert_ok(place_open(f->store, "x", true, &old));
	assert_ok(do_write(f->store, "x", 0, "JOB!", 4));
	assert_ok(store_copy_up(f->store, &old.parent, "x", &old.object, true, -1));
	assert_int_equal(old.object.layer, STORE_UPPER);
	assert_shows(f->store, "x", "JOB!");
}

static void test_open_says_stale_for_another_inode(void **state)
{
	struct fixture *f = *state;
	cleanup_fd int fd = -1;
	assert_ok(fixture_file(f, "x", 0644, "one"));
	assert_ok(fixture_file(f, "y", 0644, "two"));
	assert_ok(fixture_start(f));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "x", false, &p));
	assert_int_equal(renameat(f->real, "y", f->real, "x"), 0);
	assert_error(store_open_object(f->store, &p.parent, "x", &p.object, O_RDONLY, &fd), ESTALE);
	assert_int_equal(fd, -1);
}

/* Outside, the real file is replaced between lookup and copy-up: never the old name's promise with
 * the new file's data unnoticed. */
static void test_copy_up_of_another_inode(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "one"));
	assert_ok(fixture_file(f, "y", 0600, "other"));
	assert_ok(fixture_start(f));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "x", true, &p));
	assert_int_equal(renameat(f->real, "y", f->real, "x"), 0);
	int r = store_copy_up(f->store, &p.parent, "x", &p.object, true, -1);
	if (r == 0) {
		/* Allowed only if all of it is the new file. */
		assert_shows(f->store, "x", "other");
		assert_int_equal(shown(f->store, "x").st.st_mode & 07777, 0600);
	} else {
		assert_int_equal(r, -ESTALE);
	}
}

static void test_metadata_copy_follows_the_real_data_never_another(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "one"));
	assert_ok(fixture_file(f, "y", 0644, "other"));
	assert_ok(fixture_start(f));
	assert_ok(do_chmod(f->store, "x", 0600));
	assert_true(shown(f->store, "x").data_lower);
	/* Outside, another file takes the name: its data must not appear under the job's change. */
	assert_int_equal(renameat(f->real, "y", f->real, "x"), 0);
	cleanup_free char *text = NULL;
	size_t len = 0;
	struct store_object o;
	int r = view_stat(f->store, "x", &o);
	if (r == 0)
		r = view_read(f->store, "x", &text, &len);
	if (r == 0 && strcmp(text, "other") == 0)
		assert_int_equal(o.st.st_size, 5);
	else if (r == 0)
		assert_string_equal(text, "one");
}

static void test_base_print_is_the_first_state(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "x", 0644, "first"));
	struct store_print first;
	assert_ok(store_print_of(f->real, "x", &first));
	assert_ok(fixture_start(f));
	assert_ok(do_chmod(f->store, "x", 0600));
	struct store_object o = shown(f->store, "x");
	assert_true(store_print_equal(&o.base, &first));
	/* Changed outside after that: the base stays, the conflict shows. */
	cleanup_fd int fd = openat(f->real, "x", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "!!", 2), 2);
	o = shown(f->store, "x");
	assert_true(store_print_equal(&o.base, &first));
	assert_false(store_print_equal(&o.base, &o.lower));
	assert_true(o.lower_exists);
	assert_ok(fixture_restart(f));
	o = shown(f->store, "x");
	assert_true(store_print_equal(&o.base, &first));
	/* The job's content builds on what it copied, so that is its base from then on. */
	assert_ok(do_write(f->store, "x", 0, "J", 1));
	assert_shows(f->store, "x", "Jirst!!");
	o = shown(f->store, "x");
	assert_true(store_print_equal(&o.base, &o.lower));
	assert_int_equal(write(fd, "??", 2), 2);
	o = shown(f->store, "x");
	assert_false(store_print_equal(&o.base, &o.lower));
	assert_shows(f->store, "x", "Jirst!!");
}

static void test_new_file_has_the_base_nothing(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "new", 0644, "n"));
	struct store_object o = shown(f->store, "new");
	assert_false(o.lower_exists);
	assert_false(o.base.known && o.base.exists);
	assert_int_equal(o.layer, STORE_UPPER);
}

static void test_symlink_keeps_target_and_times(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_symlink(f, "l", "some/where"));
	set_times(f, "l", 1000000000, 1100000000);
	assert_ok(fixture_start(f));
	struct store_object before = shown(f->store, "l");
	cleanup_place struct place p = PLACE_INIT;
	char target[64];
	size_t len = 0;
	assert_ok(place_open(f->store, "l", true, &p));
	assert_ok(store_copy_up(f->store, &p.parent, "l", &p.object, true, -1));
	struct store_object o = shown(f->store, "l");
	assert_int_equal(o.layer, STORE_UPPER);
	assert_true(S_ISLNK(o.st.st_mode));
	assert_int_equal(o.st.st_size, 10);
	assert_int_equal(o.st.st_ino, before.st.st_ino);
	assert_true(mtime_ns(&o.st) == mtime_ns(&before.st));
	assert_ok(store_readlink(f->store, &p.parent, "l", &o, target, sizeof target, &len));
	assert_int_equal(len, 10);
	assert_memory_equal(target, "some/where", 10);
}

static void test_unreadable_file_changes_its_mode_only_as_shown(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_file(f, "ro", 0444, "read only"));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "ro", 0, "R", 1));
	assert_int_equal(shown(f->store, "ro").st.st_mode & 07777, 0444);
	assert_shows(f->store, "ro", "Read only");
	assert_ok(do_chmod(f->store, "ro", 0));
	assert_int_equal(shown(f->store, "ro").st.st_mode & 07777, 0);
	assert_ok(fixture_restart(f));
	assert_int_equal(shown(f->store, "ro").st.st_mode & 07777, 0);
	assert_shows(f->store, "ro", "Read only");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_keeps_data_times_mode_owner_xattrs_inode),
		store_test(test_keeps_holes),
		store_test(test_metadata_change_copies_no_data),
		store_test(test_write_completes_a_metadata_copy),
		store_test(test_truncate_to_zero_copies_nothing),
		store_test(test_truncate_copies_only_what_stays),
		store_test(test_truncate_after_metadata_copy),
		store_test(test_is_idempotent),
		store_test(test_with_an_old_object),
		store_test(test_open_says_stale_for_another_inode),
		store_test(test_copy_up_of_another_inode),
		store_test(test_metadata_copy_follows_the_real_data_never_another),
		store_test(test_base_print_is_the_first_state),
		store_test(test_new_file_has_the_base_nothing),
		store_test(test_symlink_keeps_target_and_times),
		store_test(test_unreadable_file_changes_its_mode_only_as_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
