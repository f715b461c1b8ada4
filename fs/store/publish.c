/* SPDX-License-Identifier: MIT */
/*
 * From scratch to the real tree, one name at a time: what apply and a rename into a grant share.
 * The new file is whole (data, owner, mode, attributes, times, fsync) under a hidden name in its
 * directory before it takes the real name by one rename; what was there is compared with what was
 * expected immediately before, and stays reachable in keep_dir. A crash leaves the old file or the
 * new one, and at worst a hidden ".writ-..." beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <writfs/copy.h>

#include "store_i.h"

#define HIDDEN_PREFIX ".writ-"

struct publish {
	struct store *s;
	const struct store_dir *dir;
	const char *name;
	const struct store_object *o;
	const struct store_publish *p;
	struct place place;
	char temp[SYS_TEMP_NAME_SIZE];
};

static int check_expected(const struct store_publish *p)
{
	struct store_print now;
	if (!p->expect)
		return 0;
	int r = store_print_of(p->real_dir, p->real_name, &now);
	if (r)
		return r;
	return store_print_equal(&now, p->expect) ? 0 : -ESTALE;
}

/* Owner before mode: chown(2) clears suid bits. A foreign owner stays what it was where we may not
 * give files away: apply never changes the true owner. */
static int set_real_attr(const struct store *s, int dir, const char *name, const struct stat *st,
	const struct stat *is)
{
	if (s->euid == 0 && (st->st_uid != is->st_uid || st->st_gid != is->st_gid)) {
		if (fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	} else if (st->st_gid != is->st_gid) {
		/* Allowed for a group of ours; else the group stays. */
		if (fchownat(dir, name, (uid_t)-1, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
			errno != EPERM)
			return -errno;
	}
	if (S_ISLNK(st->st_mode))
		return 0;
	return sys_chmod(dir, name, st->st_mode & 07777);
}

/* An attribute that the job removed goes from the real object, too. */
static int drop_foreign_xattrs(struct publish *w, int dir, const char *name)
{
	char list[XATTR_LIST_BYTES / 16];
	ssize_t n = sys_listxattr(dir, name, list, sizeof list);
	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	for (const char *attr = list; attr < list + n; attr += strlen(attr) + 1) {
		if (!strncmp(attr, "security.", 9) || !strncmp(attr, "trusted.", 8))
			continue;
		/* A scratch inode that is about to be moved still has ours. */
		if (!strncmp(attr, META_XATTR, sizeof META_XATTR - 1))
			continue;
		ssize_t mine = store_getxattr(w->s, w->dir, w->name, w->o, attr, NULL, 0);
		if (mine == -ENODATA) {
			int r = sys_removexattr(dir, name, attr);
			if (r && r != -ENODATA)
				return r;
		}
	}
	return 0;
}

static int publish_attr(struct publish *w, int dir, const char *name, bool times)
{
	struct statx stx;
	struct stat is;
	int r = sys_statx(dir, name, &stx);
	if (r)
		return r;
	sys_statx_to_stat(&stx, &is);
	r = set_real_attr(w->s, dir, name, &w->o->st, &is);
	if (!r)
		r = drop_foreign_xattrs(w, dir, name);
	if (!r)
		r = xattr_copy(w->place.dir, w->place.name, dir, name, XATTR_OUT_OF);
	if (!r && times) {
		struct timespec t[2] = {w->o->st.st_atim, w->o->st.st_mtim};
		if (utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	}
	return r;
}

int publish_attr_to(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int real_dir, const char *real_name, bool times)
{
	struct publish w = {.s = s, .dir = dir, .name = name, .o = o};
	int r = object_place(s, dir, name, o, &w.place);
	return r ? r : publish_attr(&w, real_dir, real_name, times);
}

static int build_special(struct publish *w)
{
	const struct stat *st = &w->o->st;
	char target[PATH_MAX + 1];
	size_t len;
	if (!S_ISLNK(st->st_mode))
		return mknodat(w->p->real_dir, w->temp, (st->st_mode & S_IFMT) | 0600,
			       st->st_rdev) < 0
			       ? -errno
			       : 0;
	int r = store_readlink(w->s, w->dir, w->name, w->o, target, PATH_MAX, &len);
	if (r)
		return r;
	target[len] = '\0';
	return symlinkat(target, w->p->real_dir, w->temp) < 0 ? -errno : 0;
}

static int build_regular(struct publish *w)
{
	int from cleanup_fd = -1;
	int r = store_open_object(w->s, w->dir, w->name, w->o, O_RDONLY, &from);
	if (r)
		return r;
	int to cleanup_fd = openat(
		w->p->real_dir, w->temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return -errno;
	r = copy_data(from, to, -1);
	if (!r)
		r = publish_attr(w, w->p->real_dir, w->temp, true);
	if (!r && fsync(to) < 0)
		r = -errno;
	return r;
}

static int copy_aside_file(struct store *s, int dir, const char *name, int to_dir,
	const char *to_name, const struct statx *stx)
{
	int from cleanup_fd = sys_open_at(dir, name, O_RDONLY, 0);
	if (from < 0)
		return from;
	int to cleanup_fd =
		openat(to_dir, to_name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return -errno;
	int r = copy_data(from, to, -1);
	if (!r)
		r = build_chown(s, to, stx->stx_uid, stx->stx_gid);
	if (!r)
		r = xattr_copy(from, NULL, to, NULL, XATTR_AS_IS);
	if (!r && fchmod(to, stx->stx_mode & 07777) < 0)
		r = -errno;
	struct timespec times[2] = {{stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec},
		{stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec}};
	if (!r && futimens(to, times) < 0)
		r = -errno;
	if (!r && fsync(to) < 0)
		r = -errno;
	if (r)
		(void)unlinkat(to_dir, to_name, 0);
	return r;
}

int copy_aside(struct store *s, int dir, const char *name, int to_dir, const char *to_name)
{
	struct statx stx;
	char target[PATH_MAX + 1];
	int r = sys_statx(dir, name, &stx);
	if (r)
		return r;
	if (S_ISREG(stx.stx_mode))
		return copy_aside_file(s, dir, name, to_dir, to_name, &stx);
	if (S_ISDIR(stx.stx_mode))
		return -EISDIR;
	if (!S_ISLNK(stx.stx_mode)) {
		dev_t rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
		r = mknodat(to_dir, to_name, stx.stx_mode, rdev) < 0 ? -errno : 0;
	} else {
		ssize_t n = readlinkat(dir, name, target, PATH_MAX);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		r = symlinkat(target, to_dir, to_name) < 0 ? -errno : 0;
	}
	struct timespec times[2] = {{stx.stx_atime.tv_sec, stx.stx_atime.tv_nsec},
		{stx.stx_mtime.tv_sec, stx.stx_mtime.tv_nsec}};
	if (!r && s->euid == 0 &&
		fchownat(to_dir, to_name, stx.stx_uid, stx.stx_gid, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (!r && utimensat(to_dir, to_name, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r;
}

/* The old object also gets a name in keep_dir; across mounts it is copied there. */
static int keep_old(struct publish *w)
{
	const struct store_publish *p = w->p;
	struct store_print now;
	if (p->keep_dir < 0)
		return 0;
	int r = store_print_of(p->real_dir, p->real_name, &now);
	if (r || !now.exists)
		return r;
	if (S_ISDIR(now.mode))
		return -EISDIR;
	if (!linkat(p->real_dir, p->real_name, p->keep_dir, p->keep_name, 0))
		return 0;
	if (errno != EXDEV && errno != EPERM && errno != EMLINK)
		return -errno;
	return copy_aside(w->s, p->real_dir, p->real_name, p->keep_dir, p->keep_name);
}

static int put_in_place(struct publish *w)
{
	const struct store_publish *p = w->p;
	bool nothing_there = p->expect && !p->expect->exists;
	int r = check_expected(p);
	if (!r)
		r = keep_old(w);
	if (r)
		return r;
	r = sys_rename(p->real_dir, w->temp, p->real_dir, p->real_name,
		nothing_there ? RENAME_NOREPLACE : 0);
	/* Somebody was there first, between the look and the step. */
	if (r == -EEXIST)
		r = -ESTALE;
	return r;
}

/*
 * The scratch inode itself becomes the real file: no data is copied. Only for one that is on disk
 * just what it is to be (no meta, no attributes), so that nothing has to be prepared and a crash or
 * a failure before the rename leaves it as it was.
 */
static int move_inode(struct publish *w)
{
	const struct store_publish *p = w->p;
	int r = check_expected(p);
	if (!r)
		r = keep_old(w);
	if (!r)
		r = sys_rename(w->place.dir, w->place.name, p->real_dir, p->real_name,
			p->expect && !p->expect->exists ? RENAME_NOREPLACE : 0);
	return r == -EEXIST ? -ESTALE : r;
}

static bool can_move(const struct publish *w)
{
	const struct store_object *o = w->o;
	struct store_meta m;
	char list[1];
	if (!w->p->move || !w->s->same_mount || !S_ISREG(o->st.st_mode) || o->lower_exists ||
		o->st.st_nlink != 1 || meta_load(w->place.dir, w->place.name, &m) || m.flags)
		return false;
	return sys_listxattr(w->place.dir, w->place.name, list, 0) == 0;
}

static int publish_metadata(struct publish *w)
{
	int r = check_expected(w->p);
	return r ? r : publish_attr(w, w->p->real_dir, w->p->real_name, true);
}

int store_publish_object(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, const struct store_publish *p)
{
	struct publish w = {.s = s, .dir = dir, .name = name, .o = o, .p = p};
	if (o->layer != STORE_UPPER)
		return -ENOENT;
	if (S_ISDIR(o->st.st_mode))
		return -EISDIR;
	int r = object_place(s, dir, name, o, &w.place);
	if (r)
		return r;
	if (o->data_lower)
		return publish_metadata(&w);
	if (can_move(&w)) {
		r = move_inode(&w);
		if (r != -EXDEV)
			return r;
	}
	if (p->temp)
		(void)snprintf(w.temp, sizeof w.temp, "%s", p->temp);
	else
		sys_temp_name(w.temp, HIDDEN_PREFIX);
	if (S_ISREG(o->st.st_mode)) {
		r = build_regular(&w);
	} else {
		r = build_special(&w);
		if (!r)
			r = publish_attr(&w, p->real_dir, w.temp, true);
	}
	if (!r)
		r = put_in_place(&w);
	if (r)
		(void)unlinkat(p->real_dir, w.temp, 0);
	return r;
}

int store_publish_dir_attr(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int real_dir, const char *real_name)
{
	struct store_meta m;
	if (o->layer != STORE_UPPER || !S_ISDIR(o->st.st_mode))
		return -ENOTDIR;
	if (o->merged && !o->attr_own)
		return 0;
	int r = meta_load(dir->upper, name, &m);
	return r ? r
		 : publish_attr_to(s, dir, name, o, real_dir, real_name,
			   !o->merged || (m.flags & META_TIMES));
}
