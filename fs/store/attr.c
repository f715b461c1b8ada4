/* SPDX-License-Identifier: MIT */
/*
 * Attributes. A change of attributes alone never copies data: files get an upper object that goes
 * on reading the real one's data, directories a container that owns its attributes. The mode that
 * programs see is in the meta wherever the disk cannot show it, because the daemon must be able to
 * open what a program has made unreadable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_i.h"

static int own_dir(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o)
{
	struct store_meta m;
	struct statx disk;
	if (o->layer == STORE_LOWER) {
		int fd cleanup_fd = -1;
		int r = store_dir_make_upper(s, dir, name, o, &fd);
		if (!r)
			r = store_lookup(s, dir, name, o);
		if (r)
			return r;
	}
	if (o->attr_own || !o->merged)
		return 0;
	int r = xattr_copy(dir->lower, name, dir->upper, name, XATTR_INTO);
	if (!r)
		r = meta_load(dir->upper, name, &m);
	if (!r)
		r = sys_statx(dir->upper, name, &disk);
	if (r)
		return r;
	if (!(m.flags & META_PRINT)) {
		m.flags |= META_PRINT;
		m.print = o->lower;
	}
	meta_set_attr(&m, o->st.st_mode, o->st.st_uid, o->st.st_gid, true, &disk);
	r = meta_store(dir->upper, name, &m);
	return r ? r : store_lookup(s, dir, name, o);
}

int attr_own(struct store *s, const struct store_dir *dir, const char *name, struct store_object *o)
{
	if (dir->upper < 0 || o->layer == STORE_NONE)
		return -ENOENT;
	return S_ISDIR(o->st.st_mode) ? own_dir(s, dir, name, o)
				      : store_copy_up(s, dir, name, o, false, -1);
}

/* The access ACL follows a chmod: its mask is the group class (acl(5)). */
static int chmod_acl(const struct place *p, mode_t mode)
{
	static const char attr[] = META_PREFIX ACL_ACCESS;
	char value[4 + 8 * ACL_ENTRIES_MAX];
	ssize_t n = sys_getxattr(p->dir, p->name, attr, value, sizeof value);
	if (n < 0)
		return n == -ENODATA || n == -EOPNOTSUPP || n == -EPERM ? 0 : (int)n;
	int r = acl_chmod(value, (size_t)n, mode);
	return r ? r : sys_setxattr(p->dir, p->name, attr, value, (size_t)n, 0);
}

/* What kernel's notify_change does for a file whose owner or data changes. */
static mode_t without_privileges(mode_t mode)
{
	mode &= ~(mode_t)S_ISUID;
	if (mode & S_IXGRP)
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

static int set_owner_mode(struct store *s, const struct place *p, const struct store_attr *a,
	const struct store_object *o)
{
	struct store_meta m;
	struct statx disk;
	mode_t mode = o->st.st_mode;
	uid_t uid = a->set_uid ? a->uid : o->st.st_uid;
	gid_t gid = a->set_gid ? a->gid : o->st.st_gid;
	if (a->set_mode)
		mode = (mode & S_IFMT) | (a->mode & 07777);
	if ((a->set_uid || a->set_gid || a->kill_priv) && !S_ISDIR(mode) && !a->set_mode)
		mode = without_privileges(mode);
	if (mode == o->st.st_mode && uid == o->st.st_uid && gid == o->st.st_gid && !a->set_mode)
		return 0;
	int r = meta_load(p->dir, p->name, &m);
	if (!r && a->set_mode)
		r = chmod_acl(p, mode);
	bool force = o->merged || o->data_lower || o->stub;
	bool plain = !m.flags && !force && uid == o->st.st_uid && gid == o->st.st_gid &&
		     meta_disk_mode(mode) == (mode & 07777);
	/* First the meta, which commits; then the disk, which the meta outweighs; then the meta may
	 * go again. A plain mode on a plain object is one step. */
	if (!r && !plain) {
		meta_set_attr(&m, mode, uid, gid, true, &(struct statx){0});
		r = meta_store(p->dir, p->name, &m);
	}
	if (!r && !o->stub)
		r = sys_chmod(p->dir, p->name, meta_disk_mode(mode));
	if (!r && s->euid == 0 && fchownat(p->dir, p->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r || plain || force)
		return r;
	r = sys_statx(p->dir, p->name, &disk);
	if (r)
		return r;
	meta_set_attr(&m, mode, uid, gid, false, &disk);
	return (m.flags & META_ATTR) ? 0 : meta_store(p->dir, p->name, &m);
}

static int set_times(
	const struct place *p, const struct store_attr *a, const struct store_object *o)
{
	struct timespec times[2] = {a->atime, a->mtime};
	struct store_meta m;
	bool from_beneath = o->merged || o->data_lower;
	if (!a->set_atime)
		times[0] = from_beneath ? o->st.st_atim : (struct timespec){0, UTIME_OMIT};
	if (!a->set_mtime)
		times[1] = from_beneath ? o->st.st_mtim : (struct timespec){0, UTIME_OMIT};
	if (utimensat(p->dir, p->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!from_beneath)
		return 0;
	int r = meta_load(p->dir, p->name, &m);
	if (r || (m.flags & META_TIMES))
		return r;
	m.flags |= META_TIMES;
	return meta_store(p->dir, p->name, &m);
}

static int set_size(const struct place *p, off_t size)
{
	int fd cleanup_fd = sys_open_at(p->dir, p->name, O_WRONLY, 0);
	if (fd < 0)
		return fd;
	return ftruncate(fd, size) < 0 ? -errno : 0;
}

static int setattr_scratch(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_attr *a, struct store_object *o)
{
	struct place p;
	int r = a->set_size ? store_copy_up(s, dir, name, o, true, a->size)
			    : attr_own(s, dir, name, o);
	if (!r)
		r = object_place(s, dir, name, o, &p);
	if (!r && a->set_size)
		r = set_size(&p, a->size);
	if (!r && (a->set_mode || a->set_uid || a->set_gid || a->kill_priv))
		r = set_owner_mode(s, &p, a, o);
	/* File capabilities go with every change of owner or data (security_inode_killpriv). */
	if (!r && (a->kill_priv || a->drop_capability || a->set_uid || a->set_gid || a->set_size))
		(void)sys_removexattr(p.dir, p.name, META_PREFIX "security.capability");
	if (!r && (a->set_atime || a->set_mtime))
		r = set_times(&p, a, o);
	/* Also after a failure: what backs the name may be another object by now. */
	int again = store_lookup(s, dir, name, o);
	return r ? r : again;
}

static int setattr_real(const struct store_dir *dir, const char *name, const struct store_attr *a,
	const struct store_object *o)
{
	struct place p = {.dir = dir->lower, .name = name};
	int r = 0;
	if (a->set_size)
		r = set_size(&p, a->size);
	if (!r && (a->set_uid || a->set_gid) &&
		fchownat(p.dir, name, a->set_uid ? a->uid : (uid_t)-1,
			a->set_gid ? a->gid : (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (!r && a->set_mode)
		r = sys_chmod(p.dir, name, a->mode & 07777);
	else if (!r && a->kill_priv && S_ISREG(o->st.st_mode) &&
		 without_privileges(o->st.st_mode) != o->st.st_mode)
		r = sys_chmod(p.dir, name, without_privileges(o->st.st_mode) & 07777);
	if (!r && (a->set_atime || a->set_mtime)) {
		struct timespec times[2] = {a->atime, a->mtime};
		if (!a->set_atime)
			times[0].tv_nsec = UTIME_OMIT;
		if (!a->set_mtime)
			times[1].tv_nsec = UTIME_OMIT;
		if (utimensat(p.dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	}
	return r;
}

int store_setattr(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct store_attr *a, struct store_object *o)
{
	if (side == STORE_SCRATCH)
		return setattr_scratch(s, dir, name, a, o);
	int r = setattr_real(dir, name, a, o);
	return r ? r : store_lookup(s, dir, name, o);
}
