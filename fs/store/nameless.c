/* SPDX-License-Identifier: MIT */
/*
 * Objects that have lost their name but not their users: unlinked or replaced while a program has
 * them open. They are reached by a descriptor alone; a scratch object's meta is still on its inode.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/copy.h>

#include "store_i.h"

int store_fd_lookup(struct store *s, int fd, bool upper, struct store_object *o)
{
	struct statx stx;
	struct store_meta m = {0};
	*o = (struct store_object){.lower.known = true};
	int r = sys_statx(fd, "", &stx);
	if (!r && upper)
		r = meta_load(fd, NULL, &m);
	if (r)
		return r;
	if (upper)
		object_from_upper(s, o, &stx, &m, NULL);
	else
		object_from_lower(s, o, &stx);
	return 0;
}

static int set_mode_owner(struct store *s, int fd, bool upper, const struct store_attr *a,
	const struct store_object *o)
{
	struct statx disk;
	struct store_meta m;
	uid_t uid = a->set_uid ? a->uid : o->st.st_uid;
	gid_t gid = a->set_gid ? a->gid : o->st.st_gid;
	mode_t mode = a->set_mode ? (o->st.st_mode & S_IFMT) | (a->mode & 07777) : o->st.st_mode;
	char path[SYS_FD_PATH_MAX];
	if ((a->kill_priv || a->set_uid || a->set_gid) && !a->set_mode && S_ISREG(mode))
		mode &= ~(mode_t)(S_ISUID | (mode & S_IXGRP ? S_ISGID : 0));
	if ((s->euid == 0 || !upper) && (a->set_uid || a->set_gid) &&
		chown(sys_fd_path(path, fd, NULL), uid, gid) < 0)
		return -errno;
	if (chmod(sys_fd_path(path, fd, NULL), upper ? meta_disk_mode(mode) : mode & 07777) < 0)
		return -errno;
	if (!upper)
		return 0;
	int r = meta_load(fd, NULL, &m);
	if (!r)
		r = sys_statx(fd, "", &disk);
	if (r)
		return r;
	meta_set_attr(&m, mode, uid, gid, false, &disk);
	return meta_store(fd, NULL, &m);
}

int store_fd_setattr(
	struct store *s, int fd, bool upper, const struct store_attr *a, struct store_object *o)
{
	char path[SYS_FD_PATH_MAX];
	int r = 0;
	/* Through the descriptor if it can write: its mode may not let us open it again. */
	if (a->set_size && ftruncate(fd, a->size) < 0 &&
		truncate(sys_fd_path(path, fd, NULL), a->size) < 0)
		r = -errno;
	if (!r && (a->set_mode || a->set_uid || a->set_gid || a->kill_priv))
		r = set_mode_owner(s, fd, upper, a, o);
	if (!r && (a->set_atime || a->set_mtime)) {
		struct timespec times[2] = {a->atime, a->mtime};
		if (!a->set_atime)
			times[0].tv_nsec = UTIME_OMIT;
		if (!a->set_mtime)
			times[1].tv_nsec = UTIME_OMIT;
		if (utimensat(AT_FDCWD, sys_fd_path(path, fd, NULL), times, 0) < 0)
			r = -errno;
	}
	return r ? r : store_fd_lookup(s, fd, upper, o);
}

static int stored_name(bool upper, const char *attr, char out[static 256])
{
	int n = snprintf(out, 256, "%s%s", upper ? META_PREFIX : "", attr);
	return n > 255 ? -ERANGE : 0;
}

ssize_t store_fd_getxattr(
	struct store *s, int fd, bool upper, const char *attr, void *value, size_t size)
{
	char name[256];
	(void)s;
	int r = stored_name(upper, attr, name);
	return r ? -ENODATA : sys_getxattr(fd, NULL, name, value, size);
}

int store_fd_setxattr(struct store *s, int fd, bool upper, const char *attr, const void *value,
	size_t size, int flags)
{
	char name[256];
	(void)s;
	int r = stored_name(upper, attr, name);
	return r ? r : sys_setxattr(fd, NULL, name, value, size, flags);
}

int store_fd_removexattr(struct store *s, int fd, bool upper, const char *attr)
{
	char name[256];
	(void)s;
	int r = stored_name(upper, attr, name);
	return r ? -ENODATA : sys_removexattr(fd, NULL, name);
}

int store_fd_copy(struct store *s, int fd, const struct store_object *o, int *ret_fd)
{
	struct store_meta m = {.flags = META_INO, .ino = o->st.st_ino};
	struct statx disk;
	struct build b = BUILD_INIT;
	int in cleanup_fd = sys_reopen(fd, O_RDONLY);
	if (in < 0)
		return in;
	int r = build_file(s, meta_disk_mode(o->st.st_mode & 0777), &b);
	if (!r)
		r = copy_data(in, b.fd, -1);
	if (!r)
		r = xattr_copy(in, NULL, b.fd, NULL, XATTR_INTO);
	if (!r)
		r = sys_statx(b.fd, "", &disk);
	if (!r) {
		meta_set_attr(&m, o->st.st_mode, o->st.st_uid, o->st.st_gid, false, &disk);
		r = meta_store(b.fd, NULL, &m);
	}
	/* A name in work/ goes at once: the copy lives as long as its descriptor. */
	if (!r && b.temp[0] && unlinkat(s->work, b.temp, 0) < 0)
		r = -errno;
	if (!r) {
		b.temp[0] = '\0';
		*ret_fd = steal_fd(&b.fd);
	}
	build_drop(s, &b);
	return r;
}
