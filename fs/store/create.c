/* SPDX-License-Identifier: MIT */
/*
 * New objects. The common one, a plain file or directory whose mode and owner the disk can show, is
 * one system call and carries no meta; everything else is built first and placed by one call.
 * A new object in a deleted name's place takes over the whiteout's print, so that apply compares
 * with what the job deleted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store_i.h"

/* What a new object is to look like, after umask, default ACL and set-gid. */
struct shape {
	mode_t mode; /* with type */
	uid_t uid;
	gid_t gid;
	char *access, *defaults; /* ACLs it inherits, NULL: none */
	size_t acl_size;
};

static void shape_free(struct shape *shape)
{
	free(shape->access);
	free(shape->defaults);
}

static ssize_t parent_default_acl(const struct store_dir *dir, void *value, size_t size)
{
	bool upper;
	int fd = dir_attr_fd(dir, &upper);
	return sys_getxattr(fd, ".", upper ? META_PREFIX ACL_DEFAULT : ACL_DEFAULT, value, size);
}

/* inode_init_owner and posix_acl_create of the kernel. */
static int shape_new(struct store *s, const struct store_dir *dir, const struct stat *dir_st,
	mode_t mode, const struct store_cred *cred, struct shape *shape)
{
	char value[4 + 8 * ACL_ENTRIES_MAX];
	(void)s;
	*shape = (struct shape){.mode = mode, .uid = cred->uid, .gid = cred->gid};
	if (dir_st->st_mode & S_ISGID) {
		shape->gid = dir_st->st_gid;
		if (S_ISDIR(mode))
			shape->mode |= S_ISGID;
	}
	if (S_ISLNK(mode))
		return 0;
	ssize_t n = parent_default_acl(dir, value, sizeof value);
	if (n <= 0) {
		shape->mode &= ~(cred->umask & 0777);
		return 0;
	}
	shape->acl_size = (size_t)n;
	if (S_ISDIR(mode)) {
		shape->defaults = malloc((size_t)n);
		if (!shape->defaults)
			return -ENOMEM;
		memcpy(shape->defaults, value, (size_t)n);
	}
	int r = acl_inherit(value, (size_t)n, &shape->mode);
	if (r <= 0)
		return r;
	shape->access = malloc((size_t)n);
	if (!shape->access)
		return -ENOMEM;
	memcpy(shape->access, value, (size_t)n);
	return 0;
}

static bool shape_is_plain(const struct store *s, const struct shape *shape)
{
	return !shape->access && !shape->defaults && shape->uid == s->euid &&
	       shape->gid == s->egid && meta_disk_mode(shape->mode) == (shape->mode & 07777);
}

static int shape_apply(
	struct store *s, int dir, const char *name, const struct shape *shape, struct store_meta *m)
{
	struct statx disk;
	int r = 0;
	if (shape->access)
		r = sys_setxattr(
			dir, name, META_PREFIX ACL_ACCESS, shape->access, shape->acl_size, 0);
	if (!r && shape->defaults)
		r = sys_setxattr(
			dir, name, META_PREFIX ACL_DEFAULT, shape->defaults, shape->acl_size, 0);
	if (!r && s->euid == 0 &&
		fchownat(dir, name ? name : "", shape->uid, shape->gid,
			AT_SYMLINK_NOFOLLOW | (name ? 0 : AT_EMPTY_PATH)) < 0)
		r = -errno;
	if (!r)
		r = sys_statx(dir, name ? name : "", &disk);
	if (r)
		return r;
	meta_set_attr(m, shape->mode, shape->uid, shape->gid, false, &disk);
	return meta_store(dir, name, m);
}

/* The print that a new object at this name inherits: nothing there is the default. */
static void inherit_print(const struct store_object *o, struct store_meta *m)
{
	if (o->whiteout && o->base.known && o->base.exists)
		m->print = o->base;
	else if (o->lower_exists)
		m->print = o->lower;
	else
		return;
	m->flags |= META_PRINT;
}

/* The umask of this process (the command's, say) has cut what the caller's umask allowed. */
static int undo_own_umask(int dir, const char *name, mode_t wanted)
{
	struct statx stx;
	int r = sys_statx(dir, name, &stx);
	if (r || !(wanted & 0777 & ~(mode_t)stx.stx_mode))
		return r;
	return sys_chmod(dir, name, (stx.stx_mode & 07000) | (wanted & 0777));
}

static int create_real(struct store *s, const struct store_dir *dir, const char *name, mode_t mode,
	const struct store_cred *cred, int *ret_fd)
{
	char acl[4];
	/* With a default ACL the umask has no say; the file system below applies the ACL. */
	ssize_t n = sys_getxattr(dir->lower, ".", ACL_DEFAULT, acl, sizeof acl);
	if (n < 0 && n != -ERANGE)
		mode &= ~(cred->umask & 0777);
	int fd = openat(
		dir->lower, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, mode & 07777);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return n < 0 && n != -ERANGE && s->umask ? undo_own_umask(dir->lower, name, mode) : 0;
}

static int create_scratch(struct store *s, const struct store_dir *dir, const char *name,
	const struct shape *shape, const struct store_object *o, int *ret_fd)
{
	struct store_meta m = {0};
	mode_t disk = meta_disk_mode(shape->mode);
	inherit_print(o, &m);
	if (shape_is_plain(s, shape) && !o->whiteout && !m.flags) {
		int fd = openat(
			dir->upper, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, disk);
		if (fd < 0)
			return -errno;
		*ret_fd = fd;
		return s->umask ? undo_own_umask(dir->upper, name, disk) : 0;
	}
	struct build b = BUILD_INIT;
	int r = build_file(s, disk, &b);
	if (!r)
		r = shape_apply(s, b.fd, NULL, shape, &m);
	if (!r)
		r = build_place(s, &b, dir->upper, name, o->whiteout);
	if (!r)
		*ret_fd = steal_fd(&b.fd);
	build_drop(s, &b);
	return r;
}

int store_create(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct stat *dir_st, mode_t mode, const struct store_cred *cred,
	struct store_object *o, int *ret_fd)
{
	struct shape shape cleanup_with(shape_free) = {0};
	int fd cleanup_fd = -1;
	int r;
	if ((side == STORE_REAL ? dir->lower : dir->upper) < 0)
		return -ENOENT;
	mode = S_IFREG | (mode & 07777);
	if (side == STORE_REAL) {
		r = create_real(s, dir, name, mode, cred, &fd);
	} else {
		r = shape_new(s, dir, dir_st, mode, cred, &shape);
		if (!r)
			r = create_scratch(s, dir, name, &shape, o, &fd);
	}
	if (!r)
		r = store_lookup(s, dir, name, o);
	if (r)
		return r;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int mkdir_scratch(struct store *s, const struct store_dir *dir, const char *name,
	const struct shape *shape, const struct store_object *o)
{
	struct store_meta m = {0};
	struct build b = BUILD_INIT;
	char in_index[24];
	struct statx stx;
	mode_t disk = meta_disk_mode(shape->mode);
	inherit_print(o, &m);
	if (shape_is_plain(s, shape) && !o->whiteout && !m.flags)
		return mkdirat(dir->upper, name, disk) < 0 ? -errno
		       : s->umask                          ? undo_own_umask(dir->upper, name, disk)
							   : 0;
	if (o->lower_exists)
		m.flags |= META_OPAQUE;
	int r = build_dir(s, disk, &b);
	if (!r)
		r = shape_apply(s, s->work, b.temp, shape, &m);
	if (!r && !o->whiteout) {
		r = build_place(s, &b, dir->upper, name, false);
	} else if (!r) {
		r = sys_statx(s->work, b.temp, &stx);
		if (!r)
			r = sys_rename(s->work, b.temp, dir->upper, name, RENAME_EXCHANGE);
		/* work/temp is the whiteout now; its manifest stays with the opaque directory. */
		manifest_name(stx.stx_ino, in_index);
		if (!r && (m.flags & META_OPAQUE) &&
			!sys_rename(s->work, b.temp, s->index, in_index, 0))
			b.temp[0] = '\0';
	}
	build_drop(s, &b);
	return r;
}

struct reattach {
	struct store *s;
	int lower, upper;
	const struct str *manifest;
};

static int reattach_name(const struct dirent *entry, void *arg)
{
	const struct reattach *w = arg;
	struct str below cleanup_str = STR_INIT;
	struct store_print print;
	int r = store_print_of(w->lower, entry->d_name, &print);
	if (r || !print.exists || is_hidden(w->s, w->s->real_dev, print.ino, print.mode))
		return r;
	r = manifest_below(w->manifest, entry->d_name, &below);
	return r ? r : whiteout_make(w->s, w->upper, entry->d_name, &print, &below, false);
}

int store_reattach(struct store *s, const struct store_dir *dir, const char *name, mode_t mode,
	struct store_object *o)
{
	struct str manifest cleanup_str = STR_INIT;
	struct build b = BUILD_INIT;
	int r = manifest_read(dir->upper, name, &manifest);
	if (!r)
		r = build_dir(s, meta_disk_mode(S_IFDIR | mode), &b);
	if (r)
		return r;
	int lower cleanup_fd =
		openat(dir->lower, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int upper cleanup_fd = openat(s->work, b.temp, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct reattach w = {s, lower, upper, &manifest};
	r = lower < 0 || upper < 0 ? -errno : dir_each(lower, reattach_name, &w);
	if (!r)
		r = sys_chmod(dir->lower, name, mode & 07777);
	if (!r)
		r = sys_rename(s->work, b.temp, dir->upper, name, RENAME_EXCHANGE);
	build_drop(s, &b);
	return r ? r : store_lookup(s, dir, name, o);
}

int store_mkdir(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct stat *dir_st, mode_t mode, const struct store_cred *cred,
	struct store_object *o)
{
	struct shape shape cleanup_with(shape_free) = {0};
	int r;
	if ((side == STORE_REAL ? dir->lower : dir->upper) < 0)
		return -ENOENT;
	if (side == STORE_REAL) {
		char acl[4];
		ssize_t n = sys_getxattr(dir->lower, ".", ACL_DEFAULT, acl, sizeof acl);
		if (n < 0 && n != -ERANGE)
			mode &= ~(cred->umask & 0777);
		r = mkdirat(dir->lower, name, mode & 07777) < 0 ? -errno : 0;
		if (!r && n < 0 && n != -ERANGE && s->umask)
			r = undo_own_umask(dir->lower, name, mode);
	} else {
		r = shape_new(s, dir, dir_st, S_IFDIR | (mode & 07777), cred, &shape);
		if (!r)
			r = mkdir_scratch(s, dir, name, &shape, o);
	}
	return r ? r : store_lookup(s, dir, name, o);
}

static int mknod_real(struct store *s, const struct store_dir *dir, const char *name, mode_t mode,
	dev_t rdev, const char *target, const struct store_cred *cred)
{
	if (target)
		return symlinkat(target, dir->lower, name) < 0 ? -errno : 0;
	char acl[4];
	ssize_t n = sys_getxattr(dir->lower, ".", ACL_DEFAULT, acl, sizeof acl);
	if (n < 0 && n != -ERANGE)
		mode &= ~(cred->umask & 0777);
	if (mknodat(dir->lower, name, mode, rdev) < 0)
		return -errno;
	return n < 0 && n != -ERANGE && s->umask ? undo_own_umask(dir->lower, name, mode) : 0;
}

static int mknod_scratch(struct store *s, const struct store_dir *dir, const char *name,
	const struct shape *shape, dev_t rdev, const char *target, const struct store_object *o)
{
	struct store_meta m = {0};
	struct build b = BUILD_INIT;
	inherit_print(o, &m);
	if (S_ISCHR(shape->mode) || S_ISBLK(shape->mode)) {
		m.flags |= META_RDEV;
		m.rdev_major = major(rdev);
		m.rdev_minor = minor(rdev);
	}
	int r = build_file(s, S_ISREG(shape->mode) ? meta_disk_mode(shape->mode) : 0600, &b);
	if (!r && target)
		r = sys_write_full(b.fd, target, strlen(target));
	if (!r)
		r = shape_apply(s, b.fd, NULL, shape, &m);
	if (!r)
		r = build_place(s, &b, dir->upper, name, o->whiteout);
	build_drop(s, &b);
	return r;
}

int store_mknod(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct stat *dir_st, mode_t mode, dev_t rdev,
	const char *target, const struct store_cred *cred, struct store_object *o)
{
	struct shape shape cleanup_with(shape_free) = {0};
	int r;
	if ((side == STORE_REAL ? dir->lower : dir->upper) < 0)
		return -ENOENT;
	if (!target && !(mode & S_IFMT))
		mode |= S_IFREG;
	if (side == STORE_REAL) {
		r = mknod_real(s, dir, name, mode, rdev, target, cred);
	} else {
		r = shape_new(s, dir, dir_st, target ? S_IFLNK | 0777 : mode, cred, &shape);
		if (!r)
			r = mknod_scratch(s, dir, name, &shape, rdev, target, o);
	}
	return r ? r : store_lookup(s, dir, name, o);
}
