/* SPDX-License-Identifier: MIT */
/* The model's operations, with the errors of the manual pages in the kernel's order. */
#include "model.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <writfs/cleanup.h>

#include "model_i.h"

/* The directory of path and its last name, or NULL and *ret_errno. */
static struct model_node *parent_of(
	const struct model *m, const char *path, const char **ret_name, int *ret_errno)
{
	const char *slash = strrchr(path, '/');
	char parent[MODEL_PATH_MAX] = "";
	size_t len = slash ? (size_t)(slash - path) : 0;
	*ret_name = slash ? slash + 1 : path;
	if (len >= sizeof parent || strlen(*ret_name) > NAME_MAX) {
		*ret_errno = ENAMETOOLONG;
		return NULL;
	}
	memcpy(parent, path, len);
	struct model_node *dir = model_find(m, parent, ret_errno);
	if (dir && !S_ISDIR(dir->mode)) {
		*ret_errno = ENOTDIR;
		return NULL;
	}
	return dir;
}

static void entry_remove(struct model_node *dir, struct model_entry *e)
{
	free(e->name);
	*e = dir->entries[--dir->count];
	dir->mtime_known = false;
}

int model_make(struct model *m, const char *path, mode_t mode, dev_t rdev, const char *target,
	const struct model_cred *cred)
{
	const char *name;
	int e = 0;
	struct model_node *dir = parent_of(m, path, &name, &e);
	if (!dir)
		return -e;
	if (model_child(dir, name))
		return -EEXIST;
	struct model_node *n = model_node_new(mode);
	if (!n)
		return -ENOMEM;
	n->uid = cred->uid;
	n->gid = cred->gid;
	n->rdev = rdev;
	if (S_ISLNK(mode))
		n->mode = S_IFLNK | 0777;
	else
		n->mode &= ~cred->umask;
	if (dir->mode & S_ISGID) {
		n->gid = dir->gid;
		if (S_ISDIR(mode))
			n->mode |= S_ISGID;
	}
	n->data = (unsigned char *)strdup(target ? target : "");
	n->size = target ? strlen(target) : 0;
	dir->mtime_known = false;
	return model_node_add(dir, name, n);
}

/* What a change of the data by an unprivileged caller does to the set-id bits. */
static void kill_suid(struct model_node *n)
{
	n->mode &= ~(mode_t)S_ISUID;
	if (n->mode & S_IXGRP)
		n->mode &= ~(mode_t)S_ISGID;
}

static int resize(struct model_node *n, size_t size)
{
	unsigned char *grown = realloc(n->data, size + 1);
	if (!grown)
		return -ENOMEM;
	if (size > n->size)
		memset(grown + n->size, 0, size - n->size);
	n->data = grown;
	n->size = size;
	return 0;
}

static struct model_node *file_of(const struct model *m, const char *path, int *ret_errno)
{
	struct model_node *n = model_find(m, path, ret_errno);
	if (n && !S_ISREG(n->mode)) {
		*ret_errno = S_ISDIR(n->mode) ? EISDIR : EINVAL;
		return NULL;
	}
	return n;
}

int model_write(struct model *m, const char *path, off_t offset, const void *data, size_t len,
	bool privileged)
{
	int e = 0;
	struct model_node *n = file_of(m, path, &e);
	if (!n)
		return -e;
	size_t end = (size_t)offset + len;
	if (end > n->size && resize(n, end) < 0)
		return -ENOMEM;
	memcpy(n->data + offset, data, len);
	n->mtime_known = false;
	if (!privileged)
		kill_suid(n);
	return 0;
}

int model_truncate(struct model *m, const char *path, off_t size, bool privileged)
{
	int e = 0;
	struct model_node *n = file_of(m, path, &e);
	if (!n)
		return -e;
	n->mtime_known = false;
	if (!privileged)
		kill_suid(n);
	return resize(n, (size_t)size);
}

int model_chmod(struct model *m, const char *path, mode_t mode)
{
	int e = 0;
	struct model_node *n = model_find(m, path, &e);
	if (!n)
		return -e;
	if (S_ISLNK(n->mode))
		return -EOPNOTSUPP;
	n->mode = (n->mode & S_IFMT) | (mode & 07777);
	return 0;
}

int model_chown(struct model *m, const char *path, uid_t uid, gid_t gid)
{
	int e = 0;
	struct model_node *n = model_find(m, path, &e);
	if (!n)
		return -e;
	n->uid = uid;
	n->gid = gid;
	if (!S_ISDIR(n->mode) && !S_ISLNK(n->mode))
		kill_suid(n);
	return 0;
}

int model_utimes(struct model *m, const char *path, int64_t mtime_ns)
{
	int e = 0;
	struct model_node *n = model_find(m, path, &e);
	if (!n)
		return -e;
	n->mtime_known = true;
	n->mtime_ns = mtime_ns;
	return 0;
}

static struct model_xattr **xattr_of(struct model_node *n, const char *attr)
{
	struct model_xattr **x = &n->xattrs;
	while (*x && strcmp((*x)->name, attr) != 0)
		x = &(*x)->next;
	return x;
}

int model_setxattr(struct model *m, const char *path, const char *attr, const void *value,
	size_t size, int flags)
{
	int e = 0;
	struct model_node *n = model_find(m, path, &e);
	if (!n)
		return -e;
	if (!S_ISREG(n->mode) && !S_ISDIR(n->mode))
		return -EPERM;
	struct model_xattr **x = xattr_of(n, attr);
	if (*x && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!*x && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (!*x) {
		*x = calloc(1, sizeof **x);
		if (!*x)
			return -ENOMEM;
		strncpy((*x)->name, attr, sizeof(*x)->name - 1);
	}
	(*x)->size = size;
	memcpy((*x)->value, value, size);
	return 0;
}

int model_removexattr(struct model *m, const char *path, const char *attr)
{
	int e = 0;
	struct model_node *n = model_find(m, path, &e);
	if (!n)
		return -e;
	if (!S_ISREG(n->mode) && !S_ISDIR(n->mode))
		return -EPERM;
	struct model_xattr **x = xattr_of(n, attr);
	struct model_xattr *gone = *x;
	if (!gone)
		return -ENODATA;
	*x = gone->next;
	free(gone);
	return 0;
}

int model_unlink(struct model *m, const char *path)
{
	const char *name;
	int e = 0;
	struct model_node *dir = parent_of(m, path, &name, &e);
	if (!dir)
		return -e;
	struct model_entry *entry = model_entry_of(dir, name);
	if (!entry)
		return -ENOENT;
	if (S_ISDIR(entry->node->mode))
		return -EISDIR;
	struct model_node *n = entry->node;
	entry_remove(dir, entry);
	model_node_unref(n);
	return 0;
}

int model_rmdir(struct model *m, const char *path)
{
	const char *name;
	int e = 0;
	struct model_node *dir = parent_of(m, path, &name, &e);
	if (!dir)
		return -e;
	struct model_entry *entry = model_entry_of(dir, name);
	if (!entry)
		return -ENOENT;
	if (!S_ISDIR(entry->node->mode))
		return -ENOTDIR;
	if (entry->node->count)
		return -ENOTEMPTY;
	struct model_node *n = entry->node;
	entry_remove(dir, entry);
	model_node_unref(n);
	return 0;
}

/* The checks of rename(2) once both ends were looked up. */
static int rename_check(const char *from, const char *to, const struct model_node *source,
	const struct model_node *target, unsigned flags)
{
	if (target && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!target && (flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (strcmp(from, to) != 0 && model_path_above(from, to))
		return -EINVAL;
	if (strcmp(from, to) != 0 && model_path_above(to, from))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (!target || target == source || (flags & RENAME_EXCHANGE))
		return 0;
	if (S_ISDIR(source->mode) && !S_ISDIR(target->mode))
		return -ENOTDIR;
	if (!S_ISDIR(source->mode) && S_ISDIR(target->mode))
		return -EISDIR;
	return target->count ? -ENOTEMPTY : 0;
}

int model_rename(struct model *m, const char *from, const char *to, unsigned flags)
{
	const char *from_name;
	const char *to_name;
	int e = 0;
	struct model_node *a = parent_of(m, from, &from_name, &e);
	struct model_node *b = a ? parent_of(m, to, &to_name, &e) : NULL;
	if (!a || !b)
		return -e;
	struct model_entry *source = model_entry_of(a, from_name);
	struct model_entry *target = model_entry_of(b, to_name);
	if (!source)
		return -ENOENT;
	int r = rename_check(from, to, source->node, target ? target->node : NULL, flags);
	if (r < 0 || (target && target->node == source->node))
		return r;
	a->mtime_known = b->mtime_known = false;
	if (flags & RENAME_EXCHANGE) {
		struct model_node *n = source->node;
		source->node = target->node;
		target->node = n;
		return 0;
	}
	struct model_node *moved = source->node;
	if (target) {
		struct model_node *old = target->node;
		target->node = moved;
		moved->links++;
		entry_remove(a, source);
		moved->links--;
		model_node_unref(old);
		return 0;
	}
	entry_remove(a, source);
	moved->links--;
	return model_node_add(b, to_name, moved);
}

int model_link(struct model *m, const char *from, const char *to)
{
	const char *name;
	int e = 0;
	struct model_node *n = model_find(m, from, &e);
	if (!n)
		return -e;
	struct model_node *dir = parent_of(m, to, &name, &e);
	if (!dir)
		return -e;
	if (model_child(dir, name))
		return -EEXIST;
	if (S_ISDIR(n->mode))
		return -EPERM;
	dir->mtime_known = false;
	return model_node_add(dir, name, n);
}
