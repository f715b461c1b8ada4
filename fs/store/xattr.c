/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes. In scratch every attribute of a program, whatever its class, is stored as
 * user.writfs.NAME: unprivileged, on every type of object, unable to collide with the meta, and
 * without effect on the scratch file itself (an ACL or a capability there would be the daemon's).
 * The kernel has checked who may set what before the request came (xattr(7), default_permissions).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "store_i.h"

#define PREFIX_LEN (sizeof META_PREFIX - 1)

static int prefixed(const char *attr, char out[static XATTR_NAME_MAX + 1])
{
	int n = snprintf(out, XATTR_NAME_MAX + 1, META_PREFIX "%s", attr);
	return n > XATTR_NAME_MAX ? -ERANGE : 0;
}

/* Whether the attributes shown are those in the upper layer. */
static bool attrs_are_upper(const struct store_object *o)
{
	return o->layer == STORE_UPPER && (!o->merged || o->attr_own);
}

ssize_t xattr_raw_get(const struct store_object *o, const struct place *p, const char *attr,
	void *value, size_t size)
{
	char name[XATTR_NAME_MAX + 1];
	if (!attrs_are_upper(o))
		return sys_getxattr(p->dir, p->name, attr, value, size);
	int r = prefixed(attr, name);
	return r ? -ENODATA : sys_getxattr(p->dir, p->name, name, value, size);
}

/* The place whose attributes are shown; a merged directory's are the real one's. */
static int attr_place(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, struct place *p)
{
	if (o->merged && !o->attr_own) {
		p->dir = dir->lower;
		p->name = name;
		return 0;
	}
	return object_place(s, dir, name, o, p);
}

ssize_t store_getxattr(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, const char *attr, void *value, size_t size)
{
	struct place p;
	int r = attr_place(s, dir, name, o, &p);
	return r ? r : xattr_raw_get(o, &p, attr, value, size);
}

/* Reads a whole list into a fresh buffer. */
static ssize_t list_all(int dir, const char *name, char **ret)
{
	char *list cleanup_free = malloc(XATTR_LIST_BYTES);
	if (!list)
		return -ENOMEM;
	ssize_t n = sys_listxattr(dir, name, list, XATTR_LIST_BYTES);
	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : n;
	*ret = steal_ptr(&list);
	return n;
}

ssize_t store_listxattr(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, char *list, size_t size)
{
	struct place p;
	char *raw cleanup_free = NULL;
	int r = attr_place(s, dir, name, o, &p);
	if (r)
		return r;
	if (!attrs_are_upper(o))
		return sys_listxattr(p.dir, p.name, list, size);
	ssize_t n = list_all(p.dir, p.name, &raw);
	if (n <= 0)
		return n;
	size_t len = 0;
	for (const char *attr = raw; attr < raw + n; attr += strlen(attr) + 1) {
		if (strncmp(attr, META_PREFIX, PREFIX_LEN) != 0)
			continue;
		size_t bytes = strlen(attr + PREFIX_LEN) + 1;
		if (size && len + bytes > size)
			return -ERANGE;
		if (size)
			memcpy(list + len, attr + PREFIX_LEN, bytes);
		len += bytes;
	}
	return (ssize_t)len;
}

static int copy_one(int from_dir, const char *from_name, int to_dir, const char *to_name,
	const char *attr, enum xattr_way way, char *value)
{
	char name[XATTR_NAME_MAX + 1];
	const char *to = attr;
	if (way == XATTR_INTO) {
		/* Too long with our prefix: it stays with the real file alone. */
		if (prefixed(attr, name))
			return 0;
		to = name;
	} else if (way == XATTR_OUT_OF) {
		if (strncmp(attr, META_PREFIX, PREFIX_LEN) != 0)
			return 0;
		to = attr + PREFIX_LEN;
	}
	ssize_t n = sys_getxattr(from_dir, from_name, attr, value, XATTR_VALUE_BYTES);
	/* Gone in between, or readable by root alone: not visible to the program either. */
	if (n == -ENODATA || n == -EPERM || n == -EACCES)
		return 0;
	if (n < 0)
		return (int)n;
	int r = sys_setxattr(to_dir, to_name, to, value, (size_t)n, 0);
	/* Classes that only root can set on a real file: the kernel refused the program, too. */
	if (way != XATTR_INTO && (r == -EPERM || r == -EOPNOTSUPP) && strncmp(to, "user.", 5) != 0)
		return 0;
	return r;
}

int xattr_copy(
	int from_dir, const char *from_name, int to_dir, const char *to_name, enum xattr_way way)
{
	char *raw cleanup_free = NULL;
	ssize_t n = list_all(from_dir, from_name, &raw);
	if (n <= 0)
		return (int)n;
	char *value cleanup_free = malloc(XATTR_VALUE_BYTES);
	if (!value)
		return -ENOMEM;
	for (const char *attr = raw; attr < raw + n; attr += strlen(attr) + 1) {
		int r = copy_one(from_dir, from_name, to_dir, to_name, attr, way, value);
		if (r)
			return r;
	}
	return 0;
}

/* An access ACL that says no more than mode bits is not kept, as in the kernel. */
static int set_access_acl(struct store *s, const struct store_dir *dir, const char *name,
	const void *value, size_t size, struct store_object *o, bool *keep)
{
	mode_t mode = o->st.st_mode;
	int r = acl_to_mode(value, size, &mode);
	if (r < 0)
		return r;
	*keep = r > 0;
	struct store_attr a = {.set_mode = true, .mode = mode};
	return store_setattr(s, dir, name, STORE_SCRATCH, &a, o);
}

static int set_scratch(struct store *s, const struct store_dir *dir, const char *name,
	const char *attr, const void *value, size_t size, int flags, struct store_object *o)
{
	char stored[XATTR_NAME_MAX + 1];
	struct place p;
	bool keep = true;
	int r = prefixed(attr, stored);
	/* xattr(7)'s own conditions before anything is copied up for nothing. */
	if (!r && flags) {
		ssize_t n = store_getxattr(s, dir, name, o, attr, NULL, 0);
		if (n >= 0 && (flags & XATTR_CREATE))
			return -EEXIST;
		if (n == -ENODATA && (flags & XATTR_REPLACE))
			return -ENODATA;
	}
	if (!r)
		r = attr_own(s, dir, name, o);
	if (!r && !strcmp(attr, ACL_ACCESS)) {
		/* First without the old ACL, so that its mask does not catch the new mode. */
		r = object_place(s, dir, name, o, &p);
		if (!r)
			(void)sys_removexattr(p.dir, p.name, stored);
		if (!r)
			r = set_access_acl(s, dir, name, value, size, o, &keep);
	}
	if (!r)
		r = object_place(s, dir, name, o, &p);
	if (!r && keep)
		r = sys_setxattr(p.dir, p.name, stored, value, size, flags);
	int again = store_lookup(s, dir, name, o);
	return r ? r : again;
}

int store_setxattr(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const char *attr, const void *value, size_t size, int flags,
	struct store_object *o)
{
	if (side == STORE_SCRATCH)
		return set_scratch(s, dir, name, attr, value, size, flags, o);
	int r = sys_setxattr(dir->lower, name, attr, value, size, flags);
	return r ? r : store_lookup(s, dir, name, o);
}

int store_removexattr(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const char *attr, struct store_object *o)
{
	char stored[XATTR_NAME_MAX + 1];
	struct place p;
	int r;
	if (side == STORE_REAL) {
		r = sys_removexattr(dir->lower, name, attr);
		return r ? r : store_lookup(s, dir, name, o);
	}
	/* Nothing to remove: nothing is copied up for it. */
	ssize_t n = store_getxattr(s, dir, name, o, attr, NULL, 0);
	if (n < 0)
		return (int)n;
	r = prefixed(attr, stored);
	if (!r)
		r = attr_own(s, dir, name, o);
	if (!r)
		r = object_place(s, dir, name, o, &p);
	if (!r)
		r = sys_removexattr(p.dir, p.name, stored);
	int again = store_lookup(s, dir, name, o);
	return r ? r : again;
}
