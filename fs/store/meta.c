/* SPDX-License-Identifier: MIT */
/*
 * The xattr user.writfs: a version byte, two bytes of flags, then the parts that the flags name, in
 * the order of the flags, little-endian. One fsetxattr(2) replaces it as a whole, which is what
 * makes it fit to commit a change. The common cases (whiteout, mode bits) stay below 64 bytes, so
 * that ext4 keeps them inside the inode and a deletion costs no block of its own.
 */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "store_i.h"

struct cursor {
	unsigned char *p;
	size_t left;
	bool bad;
};

static void put(struct cursor *c, uint64_t v, unsigned bytes)
{
	if (c->left < bytes) {
		c->bad = true;
		return;
	}
	for (unsigned i = 0; i < bytes; i++)
		c->p[i] = (unsigned char)(v >> (8 * i));
	c->p += bytes;
	c->left -= bytes;
}

static uint64_t get(struct cursor *c, unsigned bytes)
{
	uint64_t v = 0;
	if (c->left < bytes) {
		c->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)c->p[i] << (8 * i);
	c->p += bytes;
	c->left -= bytes;
	return v;
}

static void put_print(struct cursor *c, const struct store_print *p)
{
	put(c, p->exists ? 1 : 0, 1);
	if (!p->exists)
		return;
	put(c, p->mode, 4);
	put(c, p->uid, 4);
	put(c, p->gid, 4);
	put(c, p->ino, 8);
	put(c, p->size, 8);
	put(c, (uint64_t)p->mtime_ns, 8);
	put(c, (uint64_t)p->ctime_ns, 8);
}

static void get_print(struct cursor *c, struct store_print *p)
{
	p->known = true;
	p->exists = get(c, 1) != 0;
	if (!p->exists)
		return;
	p->mode = (uint32_t)get(c, 4);
	p->uid = (uint32_t)get(c, 4);
	p->gid = (uint32_t)get(c, 4);
	p->ino = get(c, 8);
	p->size = get(c, 8);
	p->mtime_ns = (int64_t)get(c, 8);
	p->ctime_ns = (int64_t)get(c, 8);
}

static size_t meta_encode(const struct store_meta *m, unsigned char buf[static META_MAX])
{
	struct cursor c = {buf, META_MAX, false};
	put(&c, META_VERSION, 1);
	put(&c, m->flags, 2);
	if (m->flags & META_ATTR) {
		put(&c, m->mode, 4);
		put(&c, m->uid, 4);
		put(&c, m->gid, 4);
	}
	if (m->flags & META_RDEV) {
		put(&c, m->rdev_major, 4);
		put(&c, m->rdev_minor, 4);
	}
	if (m->flags & META_INO)
		put(&c, m->ino, 8);
	if (m->flags & META_PRINT)
		put_print(&c, &m->print);
	if (m->flags & META_KEY) {
		put(&c, m->key_len, 1);
		for (unsigned i = 0; i < m->key_len; i++)
			put(&c, m->key[i], 1);
	}
	if (m->flags & META_NLINK)
		put(&c, m->nlink, 4);
	return c.bad ? 0 : META_MAX - c.left;
}

static int meta_decode(unsigned char *buf, size_t len, struct store_meta *m)
{
	struct cursor c = {buf, len, false};
	if (get(&c, 1) != META_VERSION)
		return -EIO;
	m->flags = (unsigned)get(&c, 2);
	if (m->flags & META_ATTR) {
		m->mode = (uint32_t)get(&c, 4);
		m->uid = (uint32_t)get(&c, 4);
		m->gid = (uint32_t)get(&c, 4);
	}
	if (m->flags & META_RDEV) {
		m->rdev_major = (uint32_t)get(&c, 4);
		m->rdev_minor = (uint32_t)get(&c, 4);
	}
	if (m->flags & META_INO)
		m->ino = get(&c, 8);
	if (m->flags & META_PRINT)
		get_print(&c, &m->print);
	if (m->flags & META_KEY) {
		m->key_len = (unsigned)get(&c, 1);
		if (m->key_len > STORE_KEY_MAX)
			return -EIO;
		for (unsigned i = 0; i < m->key_len; i++)
			m->key[i] = (unsigned char)get(&c, 1);
	}
	if (m->flags & META_NLINK)
		m->nlink = (uint32_t)get(&c, 4);
	return c.bad ? -EIO : 0;
}

int meta_load(int dir, const char *name, struct store_meta *m)
{
	unsigned char buf[META_MAX];
	*m = (struct store_meta){0};
	ssize_t n = sys_getxattr(dir, name, META_XATTR, buf, sizeof buf);
	/* No attribute, or a whiteout in the kernel's own form, which cannot carry one. */
	if (n == -ENODATA || n == -EPERM || n == -EOPNOTSUPP)
		return 0;
	if (n < 0)
		return (int)n;
	return meta_decode(buf, (size_t)n, m);
}

int meta_store(int dir, const char *name, const struct store_meta *m)
{
	unsigned char buf[META_MAX];
	if (!m->flags) {
		int r = sys_removexattr(dir, name, META_XATTR);
		return r == -ENODATA ? 0 : r;
	}
	size_t len = meta_encode(m, buf);
	return len ? sys_setxattr(dir, name, META_XATTR, buf, len, 0) : -EOVERFLOW;
}

bool meta_is_whiteout(const struct store_meta *m, const struct statx *stx)
{
	/* renameat2(RENAME_WHITEOUT) leaves a 0/0 device; a program's own is a stub, a regular
	 * file on disk, so the two cannot be confused. */
	return (m->flags & META_WHITEOUT) ||
	       (S_ISCHR(stx->stx_mode) && !stx->stx_rdev_major && !stx->stx_rdev_minor);
}

bool meta_is_stub(const struct store_meta *m)
{
	return (m->flags & META_ATTR) && !S_ISREG(m->mode) && !S_ISDIR(m->mode);
}

mode_t meta_disk_mode(mode_t mode)
{
	return (mode & 0777) | (S_ISDIR(mode) ? 0700 : 0600);
}

void meta_set_attr(struct store_meta *m, uint32_t mode, uint32_t uid, uint32_t gid, bool force,
	const struct statx *disk)
{
	bool shown = disk->stx_mode == mode && disk->stx_uid == uid && disk->stx_gid == gid;
	m->mode = mode;
	m->uid = uid;
	m->gid = gid;
	if (shown && !force)
		m->flags &= ~(unsigned)META_ATTR;
	else
		m->flags |= META_ATTR;
}
