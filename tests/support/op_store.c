/* SPDX-License-Identifier: MIT */
/*
 * The store side of an operation, as a FUSE handler: what the kernel would have answered from its
 * lookups is answered here from store_lookup, the rest is the store's.
 */
#include "op.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <writfs/cleanup.h>

#include "fixture.h"

static bool is_dir(const struct place *p)
{
	return S_ISDIR(p->object.st.st_mode);
}

static bool missing(const struct place *p)
{
	return p->object.layer == STORE_NONE;
}

/* Looks path up again, now with its parent in the upper layer where the scratch side needs it. */
static int prepare(struct store *s, const char *path, enum store_side side, struct place *p)
{
	if (side == STORE_REAL)
		return 0;
	place_close(p);
	*p = (struct place)PLACE_INIT;
	return place_open(s, path, true, p);
}

static int on_make(struct store *s, enum store_side side, const struct op *op, struct place *p)
{
	struct store_cred cred = fixture_cred(op->umask);
	const struct stat *dir_st = &p->parent_object.st;
	cred.privileged = op->privileged;
	if (!missing(p))
		return -EEXIST;
	int r = prepare(s, op->path, side, p);
	if (r < 0)
		return r;
	if (S_ISDIR(op->mode))
		return store_mkdir(
			s, &p->parent, p->name, side, dir_st, op->mode, &cred, &p->object);
	if (S_ISREG(op->mode)) {
		cleanup_fd int fd = -1;
		return store_create(
			s, &p->parent, p->name, side, dir_st, op->mode, &cred, &p->object, &fd);
	}
	return store_mknod(s, &p->parent, p->name, side, dir_st, op->mode, op->rdev,
		S_ISLNK(op->mode) ? op->path2 : NULL, &cred, &p->object);
}

static int on_write(struct store *s, enum store_side side, const struct op *op, struct place *p)
{
	unsigned char data[8192];
	memset(data, op->fill, sizeof data);
	if (is_dir(p))
		return -EISDIR;
	if (!S_ISREG(p->object.st.st_mode))
		return -EINVAL;
	int r = prepare(s, op->path, side, p);
	if (r == 0 && side == STORE_SCRATCH)
		r = store_copy_up(s, &p->parent, p->name, &p->object, true, -1);
	/* WRITE comes with a flag for this from the kernel. */
	struct store_attr kill = {.kill_priv = true};
	if (r == 0 && !op->privileged)
		r = store_setattr(s, &p->parent, p->name, side, &kill, &p->object);
	cleanup_fd int fd = -1;
	if (r == 0)
		r = store_open_object(s, &p->parent, p->name, &p->object, O_RDWR, &fd);
	if (r < 0)
		return r;
	ssize_t n = pwrite(fd, data, op->len, op->offset);
	return n < 0 ? -errno : n == (ssize_t)op->len ? 0 : -EIO;
}

static int on_setattr(struct store *s, enum store_side side, const struct op *op, struct place *p)
{
	struct store_attr a = {0};
	switch (op->kind) {
	case OP_TRUNCATE:
		if (is_dir(p))
			return -EISDIR;
		if (!S_ISREG(p->object.st.st_mode))
			return -EINVAL;
		a.set_size = true;
		a.size = op->offset;
		a.kill_priv = !op->privileged;
		break;
	case OP_CHMOD:
		if (S_ISLNK(p->object.st.st_mode))
			return -EOPNOTSUPP;
		a.set_mode = true;
		a.mode = op->mode;
		break;
	case OP_CHOWN:
		a.set_uid = a.set_gid = true;
		a.uid = op->uid;
		a.gid = op->gid;
		break;
	default:
		a.set_mtime = true;
		a.mtime.tv_sec = (time_t)(op->mtime_ns / 1000000000);
		a.mtime.tv_nsec = (long)(op->mtime_ns % 1000000000);
		break;
	}
	int r = prepare(s, op->path, side, p);
	return r < 0 ? r : store_setattr(s, &p->parent, p->name, side, &a, &p->object);
}

static int on_xattr(struct store *s, enum store_side side, const struct op *op, struct place *p)
{
	unsigned char value[MODEL_XATTR_MAX];
	memset(value, op->fill, sizeof value);
	if (!S_ISREG(p->object.st.st_mode) && !is_dir(p))
		return -EPERM;
	int r = prepare(s, op->path, side, p);
	if (r < 0)
		return r;
	if (op->kind == OP_REMOVEXATTR)
		return store_removexattr(s, &p->parent, p->name, side, op->attr, &p->object);
	return store_setxattr(s, &p->parent, p->name, side, op->attr, value,
		op->len % (MODEL_XATTR_MAX + 1), (int)op->flags, &p->object);
}

static int on_remove(struct store *s, enum store_side side, const struct op *op, struct place *p)
{
	if (op->kind == OP_UNLINK && is_dir(p))
		return -EISDIR;
	if (op->kind == OP_RMDIR && !is_dir(p))
		return -ENOTDIR;
	int r = prepare(s, op->path, side, p);
	if (r < 0)
		return r;
	if (op->kind == OP_UNLINK)
		return store_unlink(s, &p->parent, p->name, side, &p->object);
	struct store_dir child = {-1, -1};
	r = store_dir_open(s, &p->parent, p->name, &p->object, &child);
	if (r < 0)
		return r;
	r = store_rmdir(s, &p->parent, p->name, side, &child, &p->object);
	store_dir_close(&child);
	return r;
}

/* rename(2) in the kernel, before the file system is asked; 1: nothing to do. */
static int rename_check(const struct op *op, const struct place *a, const struct place *b)
{
	bool exchange = op->flags & RENAME_EXCHANGE;
	bool same = strcmp(op->path, op->path2) == 0;
	if (!missing(b) && (op->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (missing(b) && exchange)
		return -ENOENT;
	if (!same && model_path_above(op->path, op->path2))
		return -EINVAL;
	if (!same && model_path_above(op->path2, op->path))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (missing(b))
		return 0;
	/* By the backing inode: numbers are unique within one file system only. */
	if (memcmp(&a->object.key, &b->object.key, sizeof a->object.key) == 0)
		return 1;
	if (is_dir(a) && !is_dir(b) && !exchange)
		return -ENOTDIR;
	return !is_dir(a) && is_dir(b) && !exchange ? -EISDIR : 0;
}

static int on_rename(struct store *s, enum store_side side, const struct op *op, struct place *a)
{
	cleanup_place struct place b = PLACE_INIT;
	int r = place_open(s, op->path2, false, &b);
	if (r < 0)
		return r;
	if (missing(a))
		return -ENOENT;
	r = rename_check(op, a, &b);
	if (r != 0)
		return r < 0 ? r : 0;
	if (side == STORE_SCRATCH) {
		r = prepare(s, op->path, side, a);
		if (r == 0 && !is_dir(a))
			r = store_copy_up(s, &a->parent, a->name, &a->object, true, -1);
		/* After the first copy-up, so that both places are as they are now. */
		if (r == 0)
			r = prepare(s, op->path2, side, &b);
		if (r == 0 && (op->flags & RENAME_EXCHANGE) && !is_dir(&b))
			r = store_copy_up(s, &b.parent, b.name, &b.object, true, -1);
		if (r < 0)
			return r;
	}
	return store_rename(
		s, side, &a->parent, a->name, &a->object, &b.parent, b.name, &b.object, op->flags);
}

static int on_link(struct store *s, enum store_side side, const struct op *op, struct place *a)
{
	cleanup_place struct place b = PLACE_INIT;
	int r = place_open(s, op->path2, false, &b);
	if (r < 0)
		return r;
	if (!missing(&b))
		return -EEXIST;
	if (is_dir(a))
		return -EPERM;
	r = prepare(s, op->path, side, a);
	if (r == 0 && side == STORE_SCRATCH)
		r = store_copy_up(s, &a->parent, a->name, &a->object, true, -1);
	if (r == 0)
		r = prepare(s, op->path2, side, &b);
	if (r < 0)
		return r;
	return store_link(s, side, &a->parent, a->name, &a->object, &b.parent, b.name, &b.object);
}

static int on_copy_up(struct store *s, enum store_side side, const struct op *op, struct place *p)
{
	if (side == STORE_REAL || is_dir(p))
		return 0;
	int r = prepare(s, op->path, side, p);
	return r < 0 ? r : store_copy_up(s, &p->parent, p->name, &p->object, op->data, -1);
}

int op_on_store(struct store *s, const struct op_limits *limits, const struct op *op)
{
	cleanup_place struct place p = PLACE_INIT;
	enum store_side side = op_side(limits, op->path);
	if (op->kind == OP_REOPEN)
		return 0;
	int r = place_open(s, op->path, false, &p);
	if (r < 0)
		return r;
	if (op->kind == OP_MAKE)
		return on_make(s, side, op, &p);
	if (op->kind == OP_RENAME)
		return on_rename(s, side, op, &p);
	if (missing(&p))
		return -ENOENT;
	switch (op->kind) {
	case OP_WRITE:
		return on_write(s, side, op, &p);
	case OP_TRUNCATE:
	case OP_CHMOD:
	case OP_CHOWN:
	case OP_UTIMES:
		return on_setattr(s, side, op, &p);
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
		return on_xattr(s, side, op, &p);
	case OP_UNLINK:
	case OP_RMDIR:
		return on_remove(s, side, op, &p);
	case OP_LINK:
		return on_link(s, side, op, &p);
	default:
		return on_copy_up(s, side, op, &p);
	}
}
