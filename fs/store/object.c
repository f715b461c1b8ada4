/* SPDX-License-Identifier: MIT */
/*
 * Resolving one name through both layers, and the directories on the way. Every function here is
 * one component below descriptors that the caller holds, so that nothing that is renamed outside,
 * and no symlink, can lead it elsewhere; the cost of a name that this job never touched is one
 * failing statx(2) in the upper layer, or none where the directory has no upper layer at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "store_i.h"

int64_t statx_ns(struct statx_timestamp t)
{
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void print_from_statx(const struct statx *stx, struct store_print *p)
{
	*p = (struct store_print){.known = true,
		.exists = true,
		.mode = stx->stx_mode,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.mtime_ns = statx_ns(stx->stx_mtime),
		.ctime_ns = statx_ns(stx->stx_ctime)};
}

void key_from_statx(const struct statx *stx, struct store_key *k)
{
	k->dev = (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor;
	k->ino = stx->stx_ino;
	k->btime_ns = (stx->stx_mask & STATX_BTIME) ? (uint64_t)statx_ns(stx->stx_btime) : 0;
}

bool key_equal(const struct store_key *a, const struct store_key *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->btime_ns == b->btime_ns;
}

/* Inode numbers of another file system below the root (or of scratch elsewhere) are moved out of
 * the way of the root's own: find and tar compare them under the one device of the mount. */
uint64_t shown_ino(const struct store *s, uint64_t dev, uint64_t ino)
{
	if (dev == s->real_dev)
		return ino;
	return ino ^ ((dev * 0x9e3779b97f4a7c15ULL) & 0x3fff000000000000ULL) ^ (1ULL << 62);
}

static ino_t statx_ino(const struct store *s, const struct statx *stx)
{
	return shown_ino(s, (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor, stx->stx_ino);
}

static bool timespec_before(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

void object_from_lower(const struct store *s, struct store_object *o, const struct statx *stx)
{
	o->layer = STORE_LOWER;
	sys_statx_to_stat(stx, &o->st);
	o->st.st_ino = statx_ino(s, stx);
	key_from_statx(stx, &o->key);
	o->attributes = stx->stx_attributes;
}

/* A directory of both layers: identity of the real one, attributes of whichever owns them. */
static void merge_dir(const struct store *s, struct store_object *o, const struct store_meta *m,
	const struct stat *disk, const struct statx *lower)
{
	struct stat st;
	sys_statx_to_stat(lower, &st);
	st.st_ino = statx_ino(s, lower);
	key_from_statx(lower, &o->key);
	o->merged = true;
	/* 1 says "not counted" to programs that would otherwise infer the number of subdirectories
	 * (kernel overlayfs does the same). */
	st.st_nlink = 1;
	if (m->flags & META_ATTR) {
		st.st_mode = m->mode;
		st.st_uid = m->uid;
		st.st_gid = m->gid;
	}
	if ((m->flags & META_TIMES) || timespec_before(st.st_mtim, disk->st_mtim))
		st.st_mtim = disk->st_mtim;
	if (m->flags & META_TIMES)
		st.st_atim = disk->st_atim;
	if (timespec_before(st.st_ctim, disk->st_ctim))
		st.st_ctim = disk->st_ctim;
	o->st = st;
}

/* A file whose data is still the real one's. */
static void borrow_data(
	struct store_object *o, const struct store_meta *m, const struct statx *lower)
{
	struct stat st;
	sys_statx_to_stat(lower, &st);
	o->st.st_size = st.st_size;
	o->st.st_blocks = st.st_blocks;
	if (!(m->flags & META_TIMES)) {
		o->st.st_mtim = st.st_mtim;
		o->st.st_atim = st.st_atim;
	}
	if (timespec_before(o->st.st_ctim, st.st_ctim))
		o->st.st_ctim = st.st_ctim;
}

void object_from_upper(const struct store *s, struct store_object *o, const struct statx *stx,
	const struct store_meta *m, const struct statx *lower)
{
	o->layer = STORE_UPPER;
	o->stub = meta_is_stub(m);
	o->attr_own = (m->flags & META_ATTR) != 0;
	o->times_own = (m->flags & META_TIMES) != 0;
	o->data_lower = (m->flags & META_DATA_LOWER) != 0;
	sys_statx_to_stat(stx, &o->st);
	o->st.st_ino = (m->flags & META_INO) ? m->ino : statx_ino(s, stx);
	key_from_statx(stx, &o->key);
	if (m->flags & META_ATTR) {
		o->st.st_mode = m->mode;
		o->st.st_uid = m->uid;
		o->st.st_gid = m->gid;
	}
	if (m->flags & META_RDEV)
		o->st.st_rdev = makedev(m->rdev_major, m->rdev_minor);
	if (m->flags & META_NLINK)
		o->st.st_nlink = m->nlink;
	if (S_ISDIR(o->st.st_mode) && lower && S_ISDIR(lower->stx_mode)) {
		struct stat disk = o->st;
		if (m->flags & META_OPAQUE)
			o->opaque = true;
		else
			merge_dir(s, o, m, &disk, lower);
		if (o->merged && (m->flags & META_INO))
			o->st.st_ino = m->ino;
	} else if (o->data_lower && lower) {
		borrow_data(o, m, lower);
	}
}

static void set_base(struct store_object *o, const struct store_meta *m)
{
	o->base = (m->flags & META_PRINT) ? m->print : (struct store_print){.known = true};
	/* A whiteout that the kernel made (a crash cut us off) knows of no base. */
	if (o->whiteout && !(m->flags & META_PRINT))
		o->base.known = false;
	/* A container shows the real directory: what is there now is its base. */
	if (o->merged && !(m->flags & META_PRINT))
		o->base = o->lower;
}

int store_hide(struct store *s, int fd)
{
	struct statx stx;
	int r = sys_statx(fd, "", &stx);
	if (r)
		return r;
	s->hidden_dev = (uint64_t)stx.stx_dev_major << 32 | stx.stx_dev_minor;
	s->hidden_ino = stx.stx_ino;
	return 0;
}

bool is_hidden(const struct store *s, uint64_t dev, uint64_t ino, mode_t mode)
{
	return s->hidden_ino && ino == s->hidden_ino && dev == s->hidden_dev && S_ISDIR(mode);
}

int store_lookup(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o)
{
	struct statx upper, lower;
	struct store_meta m = {0};
	bool have_lower = false, have_upper = false;
	int r = -ENOENT;
	*o = (struct store_object){.layer = STORE_NONE, .lower.known = true};
	if (dir->upper >= 0) {
		r = sys_statx(dir->upper, name, &upper);
		if (!r)
			r = meta_load(dir->upper, name, &m);
		if (r && r != -ENOENT)
			return r;
		have_upper = !r;
	}
	if (dir->lower >= 0) {
		r = sys_statx(dir->lower, name, &lower);
		if (r && r != -ENOENT)
			return r;
		have_lower =
			!r &&
			!is_hidden(s, (uint64_t)lower.stx_dev_major << 32 | lower.stx_dev_minor,
				lower.stx_ino, lower.stx_mode);
	}
	if (have_lower) {
		o->lower_exists = true;
		print_from_statx(&lower, &o->lower);
	}
	if (!have_upper && !have_lower)
		return -ENOENT;
	if (have_upper) {
		o->whiteout = meta_is_whiteout(&m, &upper);
		if (!o->whiteout)
			object_from_upper(s, o, &upper, &m, have_lower ? &lower : NULL);
		set_base(o, &m);
		return o->whiteout ? -ENOENT : 0;
	}
	struct place p;
	if (lower.stx_nlink > 1 && S_ISREG(lower.stx_mode) &&
		!index_find(s, dir->lower, name, &lower, &p)) {
		r = sys_statx(p.dir, p.name, &upper);
		if (!r)
			r = meta_load(p.dir, p.name, &m);
		if (r)
			return r;
		object_from_upper(s, o, &upper, &m, &lower);
		o->indexed = true;
		set_base(o, &m);
		return 0;
	}
	object_from_lower(s, o, &lower);
	return 0;
}

int store_lookup_root(struct store *s, struct store_object *o)
{
	struct statx upper, lower;
	struct store_meta m;
	*o = (struct store_object){.lower_exists = true};
	int r = sys_statx(s->real, "", &lower);
	if (!r)
		r = sys_statx(s->tree, "", &upper);
	if (!r)
		r = meta_load(s->tree, NULL, &m);
	if (r)
		return r;
	print_from_statx(&lower, &o->lower);
	object_from_upper(s, o, &upper, &m, &lower);
	set_base(o, &m);
	return 0;
}

int object_place(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, struct place *p)
{
	p->name = name;
	p->dir = o->layer == STORE_UPPER ? dir->upper : dir->lower;
	if (o->layer == STORE_NONE)
		return -ENOENT;
	if (!o->indexed)
		return p->dir < 0 ? -ENOENT : 0;
	struct statx stx;
	int r = sys_statx(dir->lower, name, &stx);
	return r ? r : index_find(s, dir->lower, name, &stx, p);
}

int dir_attr_fd(const struct store_dir *dir, bool *ret_upper)
{
	struct store_meta m;
	*ret_upper = dir->lower < 0 ||
		     (dir->upper >= 0 && !meta_load(dir->upper, ".", &m) && (m.flags & META_ATTR));
	return *ret_upper ? dir->upper : dir->lower;
}

static int open_dir(int parent, const char *name, int *ret)
{
	int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

int store_dir_open(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, struct store_dir *ret)
{
	struct store_dir d = {-1, -1};
	int r = 0;
	(void)s;
	if (!S_ISDIR(o->st.st_mode))
		return -ENOTDIR;
	if (o->layer == STORE_UPPER)
		r = open_dir(dir->upper, name, &d.upper);
	if (!r && (o->layer == STORE_LOWER || o->merged))
		r = open_dir(dir->lower, name, &d.lower);
	if (r) {
		store_dir_close(&d);
		return r;
	}
	*ret = d;
	return 0;
}

int store_dir_root(struct store *s, struct store_dir *ret)
{
	struct store_dir d = {-1, -1};
	int r = open_dir(s->real, ".", &d.lower);
	if (!r)
		r = open_dir(s->tree, ".", &d.upper);
	if (r) {
		store_dir_close(&d);
		return r;
	}
	*ret = d;
	return 0;
}

void store_dir_close(struct store_dir *dir)
{
	dir->lower = fd_close(dir->lower);
	dir->upper = fd_close(dir->upper);
}

int store_dir_make_upper(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int *ret)
{
	if (o->layer == STORE_LOWER) {
		struct timespec quiet[2];
		struct timespec own[2] = {o->st.st_atim, o->st.st_mtim};
		struct build b = BUILD_INIT;
		quiet_begin(dir->upper, quiet);
		int r = build_dir(s, meta_disk_mode(o->st.st_mode), &b);
		if (r)
			return r;
		(void)utimensat(s->work, b.temp, own, AT_SYMLINK_NOFOLLOW);
		r = build_place(s, &b, dir->upper, name, false);
		build_drop(s, &b);
		if (r && r != -EEXIST)
			return r;
		quiet_end(dir->upper, quiet);
	}
	return open_dir(dir->upper, name, ret);
}

static int resolve_step(struct store *s, const char *name, bool make, struct store_dir *d)
{
	struct store_object o;
	struct store_dir next = {-1, -1};
	int r = store_lookup(s, d, name, &o);
	if (!r)
		r = store_dir_open(s, d, name, &o, &next);
	if (!r && make && next.upper < 0)
		r = store_dir_make_upper(s, d, name, &o, &next.upper);
	if (r) {
		store_dir_close(&next);
		return r;
	}
	store_dir_close(d);
	*d = next;
	return 0;
}

int store_resolve(struct store *s, const char *path, bool make, struct store_dir *ret)
{
	char name[NAME_MAX + 1];
	struct store_dir d = {-1, -1};
	int r = 0;
	/* A path that leads nowhere leaves no containers behind. */
	if (make) {
		r = store_resolve(s, path, false, &d);
		if (r)
			return r;
		store_dir_close(&d);
	}
	r = store_dir_root(s, &d);
	while (!r && *path) {
		size_t len = strcspn(path, "/");
		if (len > NAME_MAX)
			r = -ENAMETOOLONG;
		else if (!len)
			r = -EINVAL;
		if (r)
			break;
		memcpy(name, path, len);
		name[len] = '\0';
		r = resolve_step(s, name, make, &d);
		path += len + (path[len] == '/');
	}
	if (r) {
		store_dir_close(&d);
		return r;
	}
	*ret = d;
	return 0;
}

int store_open_object(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int flags, int *ret_fd)
{
	struct place p;
	struct statx stx;
	struct store_key key;
	if (!S_ISREG(o->st.st_mode))
		return S_ISDIR(o->st.st_mode) ? -EISDIR : -ENXIO;
	int r = object_place(s, dir, name, o, &p);
	if (r)
		return r;
	if (o->data_lower) {
		if ((flags & O_ACCMODE) != O_RDONLY)
			return -EBUSY;
		if (dir->lower < 0)
			return -ESTALE;
		p.dir = dir->lower;
		p.name = name;
	}
	int fd cleanup_fd = sys_open_at(p.dir, p.name, flags, 0);
	if (fd < 0)
		return fd;
	r = sys_statx(fd, "", &stx);
	if (r)
		return r;
	key_from_statx(&stx, &key);
	if (!S_ISREG(stx.stx_mode) || (!o->data_lower && !key_equal(&key, &o->key)))
		return -ESTALE;
	*ret_fd = steal_fd(&fd);
	return 0;
}

int store_readlink(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, char *buf, size_t size, size_t *ret_len)
{
	struct place p;
	ssize_t n;
	if (!S_ISLNK(o->st.st_mode))
		return -EINVAL;
	int r = object_place(s, dir, name, o, &p);
	if (r)
		return r;
	if (o->stub) {
		int fd cleanup_fd = sys_open_at(p.dir, p.name, O_RDONLY, 0);
		if (fd < 0)
			return fd;
		n = sys_read_full(fd, buf, size);
		if (n < 0)
			return (int)n;
	} else {
		n = readlinkat(p.dir, p.name, buf, size);
		if (n < 0)
			return -errno;
	}
	*ret_len = (size_t)n;
	return 0;
}

int store_print_of(int dirfd, const char *name, struct store_print *ret)
{
	struct statx stx;
	int r = sys_statx(dirfd, name, &stx);
	if (r == -ENOENT) {
		*ret = (struct store_print){.known = true};
		return 0;
	}
	if (!r)
		print_from_statx(&stx, ret);
	return r;
}

bool store_print_equal(const struct store_print *a, const struct store_print *b)
{
	if (!a->known || !b->known)
		return false;
	if (a->exists != b->exists)
		return false;
	if (!a->exists)
		return true;
	if (a->ino != b->ino || a->mode != b->mode || a->uid != b->uid || a->gid != b->gid)
		return false;
	/* A directory's times and size move with its entries, which are compared one by one. */
	return S_ISDIR(a->mode) ||
	       (a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns);
}
