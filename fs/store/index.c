/* SPDX-License-Identifier: MIT */
/*
 * Origin keys and index/. The key of a lower file is its file handle and the file system's id
 * (name_to_handle_at(2)), because inode numbers are reused and device numbers change over a
 * reboot; where handles are not to be had it is device, inode and birth time. A lower file of
 * several names that is copied up gets a link in index/ under its key first: from that one link on
 * every one of its names means the copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "store_i.h"

enum { KEY_HANDLE = 1, KEY_INODE = 2 };

static unsigned key_from_handle(int dir, const char *name, unsigned char *key)
{
	struct {
		struct file_handle h;
		unsigned char bytes[STORE_KEY_MAX];
	} handle = {.h.handle_bytes = STORE_KEY_MAX - 16};
	int mount_id;
	struct statfs sfs;
	if (name_to_handle_at(dir, name, &handle.h, &mount_id, 0) < 0 || fstatfs(dir, &sfs) < 0)
		return 0;
	unsigned len = 0;
	key[len++] = KEY_HANDLE;
	memcpy(key + len, &sfs.f_fsid, sizeof sfs.f_fsid);
	len += sizeof sfs.f_fsid;
	key[len++] = (unsigned char)handle.h.handle_type;
	memcpy(key + len, handle.h.f_handle, handle.h.handle_bytes);
	return len + handle.h.handle_bytes;
}

int origin_key(int dir, const char *name, const struct statx *stx,
	unsigned char key[static STORE_KEY_MAX], unsigned *len)
{
	*len = key_from_handle(dir, name, key);
	if (*len)
		return 0;
	struct store_key k;
	key_from_statx(stx, &k);
	key[0] = KEY_INODE;
	memcpy(key + 1, &k, sizeof k);
	*len = 1 + sizeof k;
	return 0;
}

void index_name(const unsigned char *key, unsigned len, char out[static 2 * STORE_KEY_MAX + 2])
{
	static const char hex[] = "0123456789abcdef";
	for (unsigned i = 0; i < len; i++) {
		out[2 * i] = hex[key[i] >> 4];
		out[2 * i + 1] = hex[key[i] & 15];
	}
	out[2 * len] = '\0';
}

/* The copy of a lower file of several names: its place in index/, or -ENOENT. */
int index_find(struct store *s, int dir, const char *name, const struct statx *stx, struct place *p)
{
	unsigned char key[STORE_KEY_MAX];
	unsigned len;
	if (!atomic_load_explicit(&s->index_used, memory_order_acquire))
		return -ENOENT;
	int r = origin_key(dir, name, stx, key, &len);
	if (r)
		return r;
	index_name(key, len, p->index_name);
	struct statx found;
	r = sys_statx(s->index, p->index_name, &found);
	if (r)
		return r;
	p->dir = s->index;
	p->name = p->index_name;
	return 0;
}

/* Removes the link in index/ that belongs to the inode, if there is one. */
void index_forget(struct store *s, const struct store_meta *m, uint64_t ino)
{
	char name[2 * STORE_KEY_MAX + 2];
	struct statx stx;
	if (!(m->flags & META_KEY))
		return;
	index_name(m->key, m->key_len, name);
	if (!sys_statx(s->index, name, &stx) && stx.stx_ino == ino)
		(void)unlinkat(s->index, name, 0);
}

/* Only objects of a link group carry a count of their own; for others the disk counts. */
int index_adjust_nlink(struct place *p, int delta)
{
	struct store_meta m;
	int r = meta_load(p->dir, p->name, &m);
	if (r || !(m.flags & META_NLINK))
		return r;
	m.nlink = (uint32_t)((int)m.nlink + delta);
	return meta_store(p->dir, p->name, &m);
}

void manifest_name(uint64_t ino, char out[static 24])
{
	(void)snprintf(out, 24, "m%llx", (unsigned long long)ino);
}
