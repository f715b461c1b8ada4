/* SPDX-License-Identifier: MIT */
/* What lies in tree/, for review: walking it, and taking entries out of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store_i.h"

struct names {
	char **list;
	size_t count, cap;
};

static void names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
}

static int names_add(const struct dirent *entry, void *arg)
{
	const char *name = entry->d_name;
	struct names *n = arg;
	if (n->count == n->cap) {
		size_t cap = n->cap ? 2 * n->cap : 32;
		void *p = reallocarray(n->list, cap, sizeof *n->list);
		if (!p)
			return -ENOMEM;
		n->list = p;
		n->cap = cap;
	}
	n->list[n->count] = strdup(name);
	return n->list[n->count] ? (n->count++, 0) : -ENOMEM;
}

static int names_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef int (*walk_fn)(const struct store_entry *entry, void *arg);

static int walk_dir(
	struct store *s, const struct store_dir *dir, struct str *path, walk_fn fn, void *arg);

static int walk_entry(struct store *s, const struct store_dir *dir, const char *name,
	struct str *path, walk_fn fn, void *arg)
{
	struct store_object o;
	struct store_dir child;
	size_t len = path->len;
	int r = store_lookup(s, dir, name, &o);
	/* Gone while we walked: a live job. */
	if (r && !(r == -ENOENT && o.whiteout))
		return r == -ENOENT ? 0 : r;
	if (len)
		str_add_char(path, '/');
	str_add(path, name);
	if (path->failed)
		return -ENOMEM;
	struct store_entry entry = {.path = path->p, .object = &o, .dir = dir, .name = name};
	r = fn(&entry, arg);
	if (!r && o.layer == STORE_UPPER && S_ISDIR(o.st.st_mode)) {
		r = store_dir_open(s, dir, name, &o, &child);
		if (!r) {
			r = walk_dir(s, &child, path, fn, arg);
			store_dir_close(&child);
		} else if (r == -ENOENT) {
			r = 0;
		}
	}
	path->len = len;
	path->p[len] = '\0';
	return r;
}

static int walk_dir(
	struct store *s, const struct store_dir *dir, struct str *path, walk_fn fn, void *arg)
{
	struct names names cleanup_with(names_free) = {0};
	if (dir->upper < 0)
		return 0;
	int r = dir_each(dir->upper, names_add, &names);
	if (r)
		return r;
	if (names.count)
		qsort(names.list, names.count, sizeof *names.list, names_order);
	for (size_t i = 0; !r && i < names.count; i++)
		r = walk_entry(s, dir, names.list[i], path, fn, arg);
	return r;
}

static int walk_root(
	struct store *s, const struct store_dir *root, struct str *path, walk_fn fn, void *arg)
{
	struct store_object o;
	int r = store_lookup_root(s, &o);
	if (r)
		return r;
	struct store_entry entry = {.path = "", .object = &o, .dir = root, .name = "."};
	if (o.attr_own)
		r = fn(&entry, arg);
	return r ? r : walk_dir(s, root, path, fn, arg);
}

int store_walk(struct store *s, const char *path, walk_fn fn, void *arg)
{
	struct str text cleanup_str = STR_INIT;
	struct store_dir dir;
	char *parent cleanup_free = strdup(path);
	if (!parent)
		return -ENOMEM;
	char *slash = strrchr(parent, '/');
	const char *name = slash ? slash + 1 : parent;
	str_add(&text, "");
	if (slash)
		*slash = '\0';
	int r = store_resolve(s, slash ? parent : "", false, &dir);
	if (r)
		/* cppcheck-suppress memleak ; freed by its cleanup attribute */
		return r == -ENOTDIR ? -ENOENT : r;
	if (!*path) {
		r = walk_root(s, &dir, &text, fn, arg);
	} else {
		struct statx stx;
		r = dir.upper < 0 ? -ENOENT : sys_statx(dir.upper, name, &stx);
		if (slash)
			str_add(&text, parent);
		if (!r)
			r = walk_entry(s, &dir, name, &text, fn, arg);
	}
	store_dir_close(&dir);
	return r;
}

/* The last name of a copied-up link group takes the group's link in index/ with it. */
static void drop_index(struct store *s, int dir, const char *name)
{
	struct store_meta m;
	struct statx stx;
	if (meta_load(dir, name, &m) || !(m.flags & META_KEY) || sys_statx(dir, name, &stx))
		return;
	if (stx.stx_nlink <= 2)
		index_forget(s, &m, stx.stx_ino);
}

int store_drop(struct store *s, const struct store_dir *dir, const char *name, int to_dir,
	const char *to_name)
{
	struct statx stx;
	char in_index[24];
	if (dir->upper < 0)
		return -ENOENT;
	int r = sys_statx(dir->upper, name, &stx);
	if (r)
		return r;
	if (S_ISREG(stx.stx_mode))
		drop_index(s, dir->upper, name);
	if (to_dir >= 0)
		r = sys_rename(dir->upper, name, to_dir, to_name, RENAME_NOREPLACE);
	else if (unlinkat(dir->upper, name, S_ISDIR(stx.stx_mode) ? AT_REMOVEDIR : 0) < 0)
		r = errno == EEXIST ? -ENOTEMPTY : -errno;
	if (!r && S_ISDIR(stx.stx_mode)) {
		manifest_name(stx.stx_ino, in_index);
		(void)unlinkat(s->index, in_index, 0);
	}
	return r;
}
