/* SPDX-License-Identifier: MIT */
/*
 * Nothing real is ever unlinked while it is the only copy: what apply takes away moves to base/ by
 * one rename. Where base/ is on another mount it is copied there first, from a hidden name that it
 * is given by one rename, so that what is copied is what is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/copy.h>

#include "steps.h"

#define KEEP_DEPTH_MAX 512
#define XATTR_BYTES 65536

/* A rename changes the ctime, and nothing else that counts. */
bool keep_is_expected(const struct store_print *now, const struct store_print *expect)
{
	if (!now->exists || now->ino != expect->ino || now->mode != expect->mode ||
		now->uid != expect->uid || now->gid != expect->gid)
		return false;
	return S_ISDIR(now->mode) ||
	       (now->size == expect->size && now->mtime_ns == expect->mtime_ns);
}

static int copy_xattrs(int from_dir, const char *from, int to_dir, const char *to)
{
	char *names cleanup_free = malloc(XATTR_BYTES);
	if (!names)
		return -ENOMEM;
	ssize_t n = sys_listxattr(from_dir, from, names, XATTR_BYTES);
	if (n <= 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	char *value cleanup_free = malloc(XATTR_BYTES);
	if (!value)
		return -ENOMEM;
	for (const char *attr = names; attr < names + n; attr += strlen(attr) + 1) {
		ssize_t len = sys_getxattr(from_dir, from, attr, value, XATTR_BYTES);
		if (len < 0)
			continue;
		int r = sys_setxattr(to_dir, to, attr, value, (size_t)len, 0);
		/* Labels of security modules belong to the place. */
		if (r && strncmp(attr, "security.", 9) != 0)
			return r;
	}
	return 0;
}

static int copy_metadata(
	const struct stat *st, int from_dir, const char *from, int to_dir, const char *to)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (geteuid() == 0 && fchownat(to_dir, to, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode)) {
		int r = copy_xattrs(from_dir, from, to_dir, to);
		if (!r)
			r = sys_chmod(to_dir, to, st->st_mode & 07777);
		if (r)
			return r;
	}
	return utimensat(to_dir, to, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_file(int from_dir, const char *from, int to_dir, const char *to)
{
	int in cleanup_fd = sys_open_at(from_dir, from, O_RDONLY, 0);
	if (in < 0)
		return in;
	int out cleanup_fd =
		openat(to_dir, to, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0)
		return -errno;
	int r = copy_data(in, out, -1);
	return r ? r : fsync(out) < 0 ? -errno : 0;
}

static int copy_any(int from_dir, const char *from, int to_dir, const char *to, unsigned depth);

static int copy_dir(int from_dir, const char *from, int to_dir, const char *to, unsigned depth)
{
	if (depth > KEEP_DEPTH_MAX)
		return -ELOOP;
	if (mkdirat(to_dir, to, 0700) < 0)
		return -errno;
	int out cleanup_fd = openat(to_dir, to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int in = openat(from_dir, from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0 || out < 0) {
		int r = -errno;
		(void)fd_close(in);
		return r;
	}
	DIR *d cleanup_dir = fdopendir(in);
	if (!d) {
		(void)fd_close(in);
		return -ENOMEM;
	}
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(d);
		if (!entry)
			return errno ? -errno : fsync(out) < 0 ? -errno : 0;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int r = copy_any(dirfd(d), entry->d_name, out, entry->d_name, depth + 1);
		if (r)
			return r;
	}
}

static int copy_any(int from_dir, const char *from, int to_dir, const char *to, unsigned depth)
{
	char target[PATH_MAX];
	struct statx stx;
	struct stat st;
	int r = sys_statx(from_dir, from, &stx);
	if (r)
		return r;
	sys_statx_to_stat(&stx, &st);
	if (S_ISDIR(st.st_mode)) {
		r = copy_dir(from_dir, from, to_dir, to, depth);
	} else if (S_ISREG(st.st_mode)) {
		r = copy_file(from_dir, from, to_dir, to);
	} else if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(from_dir, from, target, sizeof target - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		r = symlinkat(target, to_dir, to) < 0 ? -errno : 0;
	} else if (mknodat(to_dir, to, st.st_mode & ~(mode_t)07777, st.st_rdev) < 0) {
		r = -errno;
	}
	return r ? r : copy_metadata(&st, from_dir, from, to_dir, to);
}

void keep_hidden_name(const char *keep_name, char buf[static 80])
{
	(void)snprintf(buf, 80, ".writ-%s", keep_name);
}

/* What was moved to dir/name is what was expected, inside as well. */
static int check_moved(const struct keep *k, int dir, const char *name)
{
	struct store_print now;
	int r = store_print_of(dir, name, &now);
	if (!r && !keep_is_expected(&now, k->expect))
		r = -ESTALE;
	return r || !k->check || !S_ISDIR(now.mode) ? r : k->check(dir, name, k->arg);
}

static int keep_copy(const struct keep *k)
{
	char hidden[80];
	keep_hidden_name(k->keep_name, hidden);
	int r = sys_rename(k->real_dir, k->name, k->real_dir, hidden, RENAME_NOREPLACE);
	if (r)
		return r;
	r = check_moved(k, k->real_dir, hidden);
	/* What a crash left half copied. */
	if (!r)
		(void)sys_remove_tree(k->keep_dir, k->keep_name);
	if (!r)
		r = copy_any(k->real_dir, hidden, k->keep_dir, k->keep_name, 0);
	if (r) {
		(void)sys_rename(k->real_dir, hidden, k->real_dir, k->name, RENAME_NOREPLACE);
		return r;
	}
	review_before_change();
	return sys_remove_tree(k->real_dir, hidden);
}

int keep_object(const struct keep *k)
{
	int r = sys_rename(k->real_dir, k->name, k->keep_dir, k->keep_name, RENAME_NOREPLACE);
	if (r == -EXDEV)
		return keep_copy(k);
	if (r)
		return r;
	r = check_moved(k, k->keep_dir, k->keep_name);
	/* Changed between the look and the rename: back with it, unless the name is taken. */
	if (r)
		(void)sys_rename(k->keep_dir, k->keep_name, k->real_dir, k->name, RENAME_NOREPLACE);
	return r;
}
