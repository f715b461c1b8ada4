/* SPDX-License-Identifier: MIT */
/* POSIX ACLs: inherited instead of the umask, tied to the mode by their mask, kept by copy-up. */
#include "../support/store_test.h"

#include <endian.h>
#include <sys/xattr.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

/* The format of acl(5) in xattrs: a version and little-endian entries. */
struct acl {
	uint32_t version;
	struct acl_entry entries[6];
};

static const struct acl extended = {2, {{USER_OBJ, 7, -1U}, {USER, 7, 1234}, {GROUP_OBJ, 5, -1U},
					       {MASK, 7, -1U}, {OTHER, 0, -1U}}};
#define EXTENDED_SIZE (4 + 5 * 8)

static const struct acl minimal = {2, {{USER_OBJ, 7, -1U}, {GROUP_OBJ, 5, -1U}, {OTHER, 0, -1U}}};
#define MINIMAL_SIZE (4 + 3 * 8)

static ssize_t get(struct store *s, const char *path, const char *attr, struct acl *acl)
{
	cleanup_place struct place p = PLACE_INIT;
	memset(acl, 0, sizeof *acl);
	int r = place_open(s, path, false, &p);
	return r < 0 ? r : store_getxattr(s, &p.parent, p.name, &p.object, attr, acl, sizeof *acl);
}

static int perm_of(const struct acl *acl, uint16_t tag)
{
	for (size_t i = 0; i < 6; i++)
		if (acl->entries[i].tag == tag)
			return acl->entries[i].perm;
	return -1;
}

static mode_t mode_of(struct store *s, const char *path)
{
	return shown(s, path).st.st_mode & 07777;
}

static bool have_acls(const struct fixture *f)
{
	if (htole32(1) != 1)
		return false;
	if (fixture_mkdir(f, "probe", 0755) < 0)
		return false;
	return fixture_xattr(f, "probe", DEFAULT, &minimal, MINIMAL_SIZE) == 0;
}

/* do_create and do_mkdir come with the umask 022, which has no say here. */
static void check_inheritance(struct store *s, const char *dir)
{
	char path[64];
	struct acl acl;
	(void)snprintf(path, sizeof path, "%s/file", dir);
	assert_ok(do_create(s, path, 0664, ""));
	assert_int_equal(mode_of(s, path), 0660);
	assert_int_equal(get(s, path, ACCESS, &acl), EXTENDED_SIZE);
	assert_int_equal(perm_of(&acl, USER_OBJ), 6);
	assert_int_equal(perm_of(&acl, USER), 7);
	assert_int_equal(perm_of(&acl, GROUP_OBJ), 5);
	assert_int_equal(perm_of(&acl, MASK), 6);
	assert_int_equal(perm_of(&acl, OTHER), 0);
	assert_int_equal(get(s, path, DEFAULT, &acl), -ENODATA);
	(void)snprintf(path, sizeof path, "%s/fifo", dir);
	assert_ok(do_mknod(s, path, S_IFIFO | 0666, 0, NULL));
	assert_int_equal(mode_of(s, path), 0660);
	(void)snprintf(path, sizeof path, "%s/sub", dir);
	assert_ok(do_mkdir(s, path, 0777));
	assert_int_equal(mode_of(s, path), 0770);
	assert_int_equal(get(s, path, DEFAULT, &acl), EXTENDED_SIZE);
	assert_int_equal(perm_of(&acl, MASK), 7);
	(void)snprintf(path, sizeof path, "%s/sub/file", dir);
	assert_ok(do_create(s, path, 0600, ""));
	assert_int_equal(mode_of(s, path), 0600);
	(void)snprintf(path, sizeof path, "%s/link", dir);
	assert_ok(do_mknod(s, path, S_IFLNK | 0777, 0, "x"));
	assert_int_equal(mode_of(s, path), 0777);
}

static void test_default_acl_of_a_real_directory(void **state)
{
	struct fixture *f = *state;
	if (!have_acls(f))
		skip();
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_xattr(f, "d", DEFAULT, &extended, EXTENDED_SIZE));
	assert_ok(fixture_start(f));
	check_inheritance(f->store, "d");
}

static void test_default_acl_of_a_scratch_directory(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_start(f));
	assert_ok(do_mkdir(f->store, "d", 0755));
	assert_ok(do_setxattr(f->store, "d", DEFAULT, &extended, EXTENDED_SIZE, 0));
	check_inheritance(f->store, "d");
}

static void test_default_acl_set_on_a_merged_directory(void **state)
{
	struct fixture *f = *state;
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_start(f));
	assert_ok(do_setxattr(f->store, "d", DEFAULT, &extended, EXTENDED_SIZE, 0));
	check_inheritance(f->store, "d");
	assert_int_equal(mode_of(f->store, "d"), 0755);
}

static void test_minimal_default_acl_leaves_only_a_mode(void **state)
{
	struct fixture *f = *state;
	struct acl acl;
	assert_ok(fixture_start(f));
	assert_ok(do_mkdir(f->store, "d", 0755));
	assert_ok(do_setxattr(f->store, "d", DEFAULT, &minimal, MINIMAL_SIZE, 0));
	assert_ok(do_create(f->store, "d/x", 0666, ""));
	assert_int_equal(mode_of(f->store, "d/x"), 0640);
	assert_int_equal(get(f->store, "d/x", ACCESS, &acl), -ENODATA);
}

static void test_real_side_inherits_in_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct acl acl;
	struct store_cred cred = fixture_cred(077);
	if (!have_acls(f))
		skip();
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_xattr(f, "d", DEFAULT, &extended, EXTENDED_SIZE));
	assert_ok(fixture_start(f));
	cleanup_place struct place p = PLACE_INIT;
	cleanup_fd int fd = -1;
	assert_ok(place_open(f->store, "d/x", false, &p));
	assert_ok(store_create(f->store, &p.parent, "x", STORE_REAL, &p.parent_object.st, 0664,
		&cred, &p.object, &fd));
	assert_int_equal(mode_of(f->store, "d/x"), 0660);
	assert_int_equal(get(f->store, "d/x", ACCESS, &acl), EXTENDED_SIZE);
	assert_int_equal(perm_of(&acl, MASK), 6);
}

static void test_chmod_sets_the_mask(void **state)
{
	struct fixture *f = *state;
	struct acl acl;
	if (!have_acls(f))
		skip();
	assert_ok(fixture_file(f, "lower", 0644, "x"));
	assert_ok(fixture_xattr(f, "lower", ACCESS, &extended, EXTENDED_SIZE));
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "upper", 0644, "x"));
	assert_ok(do_setxattr(f->store, "upper", ACCESS, &extended, EXTENDED_SIZE, 0));
	static const char *const all[] = {"lower", "upper"};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(mode_of(f->store, all[i]), 0770);
		assert_ok(do_chmod(f->store, all[i], 0641));
		assert_int_equal(mode_of(f->store, all[i]), 0641);
		assert_int_equal(get(f->store, all[i], ACCESS, &acl), EXTENDED_SIZE);
		assert_int_equal(perm_of(&acl, USER_OBJ), 6);
		assert_int_equal(perm_of(&acl, USER), 7);
		assert_int_equal(perm_of(&acl, GROUP_OBJ), 5);
		assert_int_equal(perm_of(&acl, MASK), 4);
		assert_int_equal(perm_of(&acl, OTHER), 1);
	}
	struct stat st;
	assert_int_equal(fstatat(f->real, "lower", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0770);
}

static void test_setting_an_acl_sets_the_mode(void **state)
{
	struct fixture *f = *state;
	struct acl acl;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "x", 0644, ""));
	assert_ok(do_setxattr(f->store, "x", ACCESS, &extended, EXTENDED_SIZE, 0));
	assert_int_equal(mode_of(f->store, "x"), 0770);
	/* One that says no more than a mode is not kept, and the old one goes. */
	assert_ok(do_setxattr(f->store, "x", ACCESS, &minimal, MINIMAL_SIZE, 0));
	assert_int_equal(mode_of(f->store, "x"), 0750);
	assert_int_equal(get(f->store, "x", ACCESS, &acl), -ENODATA);
}

static void test_removing_an_acl(void **state)
{
	struct fixture *f = *state;
	struct acl acl;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "x", 0644, ""));
	assert_ok(do_setxattr(f->store, "x", ACCESS, &extended, EXTENDED_SIZE, 0));
	cleanup_place struct place p = PLACE_INIT;
	assert_ok(place_open(f->store, "x", true, &p));
	assert_ok(store_removexattr(f->store, &p.parent, "x", STORE_SCRATCH, ACCESS, &p.object));
	assert_int_equal(get(f->store, "x", ACCESS, &acl), -ENODATA);
}

static void test_copy_up_keeps_acls(void **state)
{
	struct fixture *f = *state;
	struct acl acl;
	if (!have_acls(f))
		skip();
	assert_ok(fixture_file(f, "x", 0644, "x"));
	assert_ok(fixture_xattr(f, "x", ACCESS, &extended, EXTENDED_SIZE));
	assert_ok(fixture_mkdir(f, "d", 0755));
	assert_ok(fixture_xattr(f, "d", DEFAULT, &extended, EXTENDED_SIZE));
	assert_ok(fixture_start(f));
	assert_ok(do_write(f->store, "x", 0, "y", 1));
	assert_int_equal(get(f->store, "x", ACCESS, &acl), EXTENDED_SIZE);
	assert_int_equal(perm_of(&acl, MASK), 7);
	assert_int_equal(mode_of(f->store, "x"), 0770);
	assert_ok(do_chmod(f->store, "d", 0700));
	assert_int_equal(get(f->store, "d", DEFAULT, &acl), EXTENDED_SIZE);
}

static void test_malformed_acls_are_refused(void **state)
{
	struct fixture *f = *state;
	struct acl bad = extended;
	assert_ok(fixture_start(f));
	assert_ok(do_create(f->store, "x", 0644, ""));
	assert_error(do_setxattr(f->store, "x", ACCESS, &extended, EXTENDED_SIZE - 3, 0), EINVAL);
	assert_error(do_setxattr(f->store, "x", ACCESS, "", 0, 0), EINVAL);
	bad.entries[3].tag = 77;
	assert_error(do_setxattr(f->store, "x", ACCESS, &bad, EXTENDED_SIZE, 0), EINVAL);
	assert_int_equal(mode_of(f->store, "x"), 0644);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(test_default_acl_of_a_real_directory),
		store_test(test_default_acl_of_a_scratch_directory),
		store_test(test_default_acl_set_on_a_merged_directory),
		store_test(test_minimal_default_acl_leaves_only_a_mode),
		store_test(test_real_side_inherits_in_the_kernel),
		store_test(test_chmod_sets_the_mask),
		store_test(test_setting_an_acl_sets_the_mode),
		store_test(test_removing_an_acl),
		store_test(test_copy_up_keeps_acls),
		store_test(test_malformed_acls_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
