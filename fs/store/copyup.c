/* SPDX-License-Identifier: MIT */
/*
 * Copy-up. The copy is complete before it has a name: data, attributes, times and meta first, then,
 * for a file of several names, the link in index/ that commits the whole group, then the name.
 *
 * A copy of the attributes alone (META_DATA_LOWER) goes on reading the real file's data. When the
 * data is wanted, a complete object replaces it by one rename; one of several names is completed in
 * place, where nobody reads its data while the flag stands, and one setxattr(2) takes the flag
 * away.
 *
 * A real file that changes while it is copied would give a mixture of two contents: its times are
 * compared before and after, and the copy is made again, COPY_TRIES times, then -EBUSY.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/copy.h>

#include "store_i.h"

#define COPY_TRIES 5

static bool same_content(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_size == b->stx_size &&
	       statx_ns(a->stx_mtime) == statx_ns(b->stx_mtime) &&
	       statx_ns(a->stx_ctime) == statx_ns(b->stx_ctime);
}

/* Copies the data of the real file dir->lower/name to `to`; *stx is what it was. */
static int copy_lower_data(int dir, const char *name, int to, off_t limit, struct statx *stx)
{
	for (int i = 0; i < COPY_TRIES; i++) {
		struct statx after;
		int from cleanup_fd = sys_open_at(dir, name, O_RDONLY, 0);
		if (from < 0)
			return from;
		int r = sys_statx(from, "", stx);
		if (!r && !S_ISREG(stx->stx_mode))
			r = -ESTALE;
		if (!r)
			r = copy_data(from, to, limit);
		if (!r)
			r = sys_statx(from, "", &after);
		if (r)
			return r;
		if (same_content(stx, &after))
			return 0;
		if (ftruncate(to, 0) < 0)
			return -errno;
	}
	return -EBUSY;
}

static int set_times(int fd, const struct statx *stx)
{
	struct timespec times[2] = {{stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec},
		{stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec}};
	return futimens(fd, times) < 0 ? -errno : 0;
}

/* Content of a stub: a symlink's target. */
static int copy_target(int dir, const char *name, int to)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof target);
	return n < 0 ? -errno : sys_write_full(to, target, (size_t)n);
}

static void origin_meta(struct store *s, const struct store_dir *dir, const char *name,
	const struct statx *stx, const struct store_object *o, struct store_meta *m)
{
	m->flags |= META_INO | META_PRINT;
	m->ino = o->st.st_ino;
	print_from_statx(stx, &m->print);
	if (!origin_key(dir->lower, name, stx, m->key, &m->key_len))
		m->flags |= META_KEY;
	if (stx->stx_nlink > 1 && S_ISREG(stx->stx_mode)) {
		m->flags |= META_NLINK;
		m->nlink = stx->stx_nlink;
	}
	if (S_ISCHR(stx->stx_mode) || S_ISBLK(stx->stx_mode)) {
		m->flags |= META_RDEV;
		m->rdev_major = stx->stx_rdev_major;
		m->rdev_minor = stx->stx_rdev_minor;
	}
	(void)s;
}

static int fill_copy(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, bool data, off_t limit, int fd)
{
	struct statx lower, disk;
	struct store_meta m = {0};
	int r = sys_statx(dir->lower, name, &lower);
	if (r)
		return r;
	bool regular = S_ISREG(lower.stx_mode);
	if (regular && data)
		r = copy_lower_data(dir->lower, name, fd, limit, &lower);
	else if (S_ISLNK(lower.stx_mode))
		r = copy_target(dir->lower, name, fd);
	if (!r)
		r = build_chown(s, fd, lower.stx_uid, lower.stx_gid);
	if (!r)
		r = xattr_copy(dir->lower, name, fd, NULL, XATTR_INTO);
	if (!r)
		r = sys_statx(fd, "", &disk);
	if (r)
		return r;
	origin_meta(s, dir, name, &lower, o, &m);
	if (regular && !data)
		m.flags |= META_DATA_LOWER;
	meta_set_attr(&m, lower.stx_mode, lower.stx_uid, lower.stx_gid, regular && !data, &disk);
	r = meta_store(fd, NULL, &m);
	return r ? r : set_times(fd, &lower);
}

static int commit_group(struct store *s, const struct store_dir *dir, const char *name, int fd)
{
	struct statx stx;
	struct store_meta m;
	char in_index[2 * STORE_KEY_MAX + 2];
	int r = sys_statx(dir->lower, name, &stx);
	if (r || stx.stx_nlink < 2 || !S_ISREG(stx.stx_mode))
		return r;
	r = meta_load(fd, NULL, &m);
	if (r || !(m.flags & META_KEY))
		return r;
	index_name(m.key, m.key_len, in_index);
	r = sys_link_fd(fd, s->index, in_index);
	if (!r)
		atomic_store_explicit(&s->index_used, true, memory_order_release);
	return r;
}

static int copy_up_new(struct store *s, const struct store_dir *dir, const char *name,
	struct store_object *o, bool data, off_t limit)
{
	struct build b = BUILD_INIT;
	struct timespec quiet[2];
	if (dir->upper < 0)
		return -ENOENT;
	int r = build_file(s, meta_disk_mode(o->st.st_mode & 0777), &b);
	if (!r)
		r = fill_copy(s, dir, name, o, data, limit, b.fd);
	if (!r)
		r = commit_group(s, dir, name, b.fd);
	if (!r) {
		quiet_begin(dir->upper, quiet);
		r = build_place(s, &b, dir->upper, name, false);
		quiet_end(dir->upper, quiet);
	}
	build_drop(s, &b);
	/* Somebody else's copy was first, of this name or of the whole group: it is the one. */
	return r == -EEXIST ? 0 : r;
}

/* The name of a group member that only index/ stands for so far. */
static int materialise(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o)
{
	struct place p;
	struct timespec quiet[2];
	if (dir->upper < 0)
		return -ENOENT;
	int r = object_place(s, dir, name, o, &p);
	if (r)
		return r;
	quiet_begin(dir->upper, quiet);
	if (linkat(p.dir, p.name, dir->upper, name, 0) < 0 && errno != EEXIST)
		r = -errno;
	quiet_end(dir->upper, quiet);
	return r;
}

static void data_is_ours(struct store_meta *m, const struct statx *lower)
{
	m->flags &= ~(unsigned)(META_DATA_LOWER | META_TIMES);
	m->flags |= META_PRINT;
	print_from_statx(lower, &m->print);
}

/* An object of one name: a complete one takes its place, so that a crash leaves either. */
static int complete_by_replacing(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, off_t limit, const struct statx *disk, struct store_meta *m)
{
	struct build b = BUILD_INIT;
	struct statx lower;
	struct timespec quiet[2], times[2] = {o->st.st_atim, o->st.st_mtim};
	int r = build_file(s, disk->stx_mode & 0777, &b);
	if (!r)
		r = copy_lower_data(dir->lower, name, b.fd, limit, &lower);
	if (!r)
		r = build_chown(s, b.fd, disk->stx_uid, disk->stx_gid);
	if (!r)
		r = xattr_copy(dir->upper, name, b.fd, NULL, XATTR_AS_IS);
	if (!r) {
		data_is_ours(m, &lower);
		r = meta_store(b.fd, NULL, m);
	}
	if (!r && (fchmod(b.fd, disk->stx_mode & 0777) < 0 || futimens(b.fd, times) < 0))
		r = -errno;
	if (!r) {
		quiet_begin(dir->upper, quiet);
		r = build_place(s, &b, dir->upper, name, true);
		quiet_end(dir->upper, quiet);
	}
	build_drop(s, &b);
	return r;
}

static int complete_data(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, off_t limit)
{
	struct place p;
	struct store_meta m;
	struct statx lower;
	int r = object_place(s, dir, name, o, &p);
	if (r)
		return r;
	int fd cleanup_fd = sys_open_at(p.dir, p.name, O_RDWR, 0);
	if (fd < 0)
		return fd;
	struct statx disk;
	r = meta_load(fd, NULL, &m);
	if (r || !(m.flags & META_DATA_LOWER))
		return r;
	r = dir->lower < 0 ? -ESTALE : sys_statx(fd, "", &disk);
	if (r)
		return r;
	if (disk.stx_nlink == 1)
		return complete_by_replacing(s, dir, name, o, limit, &disk, &m);
	if (ftruncate(fd, 0) < 0)
		return -errno;
	struct timespec times[2] = {o->st.st_atim, o->st.st_mtim};
	r = copy_lower_data(dir->lower, name, fd, limit, &lower);
	/* Also when the copy failed (a full disk): the times are the program's. */
	if (futimens(fd, times) < 0 && !r)
		r = -errno;
	if (r) {
		if (!ftruncate(fd, 0))
			(void)futimens(fd, times);
		return r;
	}
	data_is_ours(&m, &lower);
	return meta_store(fd, NULL, &m);
}

static int copy_up(struct store *s, const struct store_dir *dir, const char *name,
	struct store_object *o, bool data, off_t limit)
{
	int r = 0;
	if (o->layer == STORE_LOWER)
		r = copy_up_new(s, dir, name, o, data, limit);
	if (!r)
		r = store_lookup(s, dir, name, o);
	if (!r && o->indexed) {
		r = materialise(s, dir, name, o);
		if (!r)
			r = store_lookup(s, dir, name, o);
	}
	if (!r && data && o->data_lower) {
		r = complete_data(s, dir, name, o, limit);
		if (!r)
			r = store_lookup(s, dir, name, o);
	}
	return r;
}

int store_copy_up(struct store *s, const struct store_dir *dir, const char *name,
	struct store_object *o, bool data, off_t limit)
{
	if (o->layer == STORE_NONE || S_ISDIR(o->st.st_mode))
		return o->layer == STORE_NONE ? -ENOENT : -EISDIR;
	if (o->layer == STORE_UPPER && !o->indexed && (!data || !o->data_lower))
		return 0;
	/* The names of a link group are different names to our callers, but one copy. */
	bool group = o->indexed || o->st.st_nlink > 1;
	if (group)
		(void)pthread_mutex_lock(&s->group_lock);
	int r = group ? store_lookup(s, dir, name, o) : 0;
	if (!r) {
		r = copy_up(s, dir, name, o, data, limit);
		/* A failure half way (metadata done, data not): *o says what is there. */
		if (r)
			(void)store_lookup(s, dir, name, o);
	}
	if (group)
		(void)pthread_mutex_unlock(&s->group_lock);
	return r;
}
