/* SPDX-License-Identifier: MIT */
/* The whole view against the whole model. */
#include "op.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/str.h>
#include <writfs/sys.h>

struct compare {
	struct store *s;
	bool dir_times;
	char *text;
	size_t size;
	char path[MODEL_PATH_MAX];
};

__attribute__((format(printf, 2, 3))) static int differs(struct compare *c, const char *fmt, ...)
{
	char what[512];
	char path[4 * MODEL_PATH_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	(void)snprintf(c->text, c->size, "%s: %s", escape_buf(path, sizeof path, c->path), what);
	return -1;
}

static int compare_stat(struct compare *c, struct model_node *n, const struct stat *st)
{
	int64_t mtime = st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
	if (st->st_mode != n->mode)
		return differs(c, "mode %o, should be %o", st->st_mode, n->mode);
	if (st->st_uid != n->uid || st->st_gid != n->gid)
		return differs(
			c, "owner %u:%u, should be %u:%u", st->st_uid, st->st_gid, n->uid, n->gid);
	if ((S_ISREG(n->mode) || S_ISLNK(n->mode)) && (size_t)st->st_size != n->size)
		return differs(c, "size %lld, should be %zu", (long long)st->st_size, n->size);
	if ((S_ISCHR(n->mode) || S_ISBLK(n->mode)) && st->st_rdev != n->rdev)
		return differs(c, "device %lx, should be %lx", st->st_rdev, n->rdev);
	if (n->mtime_known && mtime != n->mtime_ns && (c->dir_times || !S_ISDIR(n->mode)))
		return differs(
			c, "mtime %lld, should be %lld", (long long)mtime, (long long)n->mtime_ns);
	if (!S_ISDIR(n->mode) && !n->real_links && st->st_nlink != n->links)
		return differs(c, "%lu links, should be %u", st->st_nlink, n->links);
	if (n->ino && n->ino != st->st_ino)
		return differs(c, "inode %lu, was %lu", st->st_ino, n->ino);
	n->ino = st->st_ino;
	return 0;
}

static int compare_xattrs(struct compare *c, const struct model_node *n,
	const struct store_dir *dir, const char *name, const struct store_object *o)
{
	char list[4096];
	unsigned found = 0;
	unsigned wanted = 0;
	ssize_t len = store_listxattr(c->s, dir, name, o, list, sizeof list);
	if (len < 0)
		return differs(c, "listxattr: %s", strerror((int)-len));
	for (const char *a = list; a < list + len; a += strlen(a) + 1)
		found += strncmp(a, "user.", 5) == 0;
	for (const struct model_xattr *x = n->xattrs; x; x = x->next, wanted++) {
		char value[MODEL_XATTR_MAX + 1];
		ssize_t size = store_getxattr(c->s, dir, name, o, x->name, value, sizeof value);
		if (size < 0)
			return differs(c, "xattr %s: %s", x->name, strerror((int)-size));
		if ((size_t)size != x->size || memcmp(value, x->value, x->size) != 0)
			return differs(c, "xattr %s has another value", x->name);
	}
	return found == wanted ? 0 : differs(c, "%u xattrs, should be %u", found, wanted);
}

static int compare_content(struct compare *c, const struct model_node *n,
	const struct store_dir *dir, const char *name, const struct store_object *o)
{
	cleanup_free unsigned char *data = malloc(n->size + 1);
	size_t got = 0;
	if (!data)
		return differs(c, "out of memory");
	if (S_ISLNK(n->mode)) {
		int r = store_readlink(c->s, dir, name, o, (char *)data, n->size + 1, &got);
		if (r < 0)
			return differs(c, "readlink: %s", strerror(-r));
	} else {
		cleanup_fd int fd = -1;
		int r = store_open_object(c->s, dir, name, o, O_RDONLY, &fd);
		if (r < 0)
			return differs(c, "open: %s", strerror(-r));
		ssize_t len = sys_read_full(fd, data, n->size + 1);
		got = len < 0 ? 0 : (size_t)len;
	}
	if (got != n->size)
		return differs(c, "%zu bytes of content, should be %zu", got, n->size);
	for (size_t i = 0; i < n->size; i++)
		if (data[i] != n->data[i])
			return differs(
				c, "byte %zu is %02x, should be %02x", i, data[i], n->data[i]);
	return 0;
}

static int compare_dir(struct compare *c, struct model_node *n, const struct store_dir *dir);

static int compare_entry(struct compare *c, const struct store_dir *dir,
	const struct store_dirent *e, const char *name, struct model_node *n)
{
	struct store_object o = {0};
	int r = store_lookup(c->s, dir, name, &o);
	if (r < 0)
		return differs(c, "listed, but lookup says: %s", strerror(-r));
	if (o.layer == STORE_NONE)
		return differs(c, "lookup says 0 without an object");
	if (o.st.st_ino != e->ino)
		return differs(c, "listed as inode %lu, lookup says %lu", e->ino, o.st.st_ino);
	if (e->type != IFTODT(o.st.st_mode))
		return differs(c, "listed as type %u, mode is %o", e->type, o.st.st_mode);
	if (compare_stat(c, n, &o.st) < 0)
		return -1;
	if ((S_ISREG(n->mode) || S_ISLNK(n->mode)) && compare_content(c, n, dir, name, &o) < 0)
		return -1;
	if ((S_ISREG(n->mode) || S_ISDIR(n->mode)) && compare_xattrs(c, n, dir, name, &o) < 0)
		return -1;
	if (!S_ISDIR(n->mode))
		return 0;
	struct store_dir child = {-1, -1};
	r = store_dir_open(c->s, dir, name, &o, &child);
	if (r < 0)
		return differs(c, "opening the directory: %s", strerror(-r));
	r = compare_dir(c, n, &child);
	store_dir_close(&child);
	return r;
}

static int compare_entries(struct compare *c, struct model_node *n, const struct store_dir *dir,
	const struct store_list *list)
{
	size_t len = strlen(c->path);
	uint64_t last = 2;
	for (size_t i = 0; i < list->count; i++) {
		const struct store_dirent *e = &list->entries[i];
		const char *name = list->names + e->name;
		(void)snprintf(c->path + len, sizeof c->path - len, "%s%s", len ? "/" : "", name);
		if (e->name_len != strlen(name))
			return differs(c, "name_len is %u", e->name_len);
		if (e->offset <= last)
			return differs(c, "offsets do not rise: %lu after %lu", e->offset, last);
		last = e->offset;
		struct model_node *child = model_child(n, name);
		if (!child)
			return differs(c, "is listed and should not exist");
		if (compare_entry(c, dir, e, name, child) < 0)
			return -1;
		c->path[len] = '\0';
	}
	return 0;
}

static int compare_dir(struct compare *c, struct model_node *n, const struct store_dir *dir)
{
	struct store_list list = {0};
	int r = store_list_dir(c->s, dir, &list);
	if (r < 0)
		return differs(c, "listing: %s", strerror(-r));
	r = compare_entries(c, n, dir, &list);
	if (r == 0 && list.count != n->count) {
		r = differs(c, "%zu entries, should be %zu", list.count, n->count);
		for (size_t i = 0; i < n->count; i++) {
			struct store_object o = {0};
			if (store_lookup(c->s, dir, n->entries[i].name, &o) < 0)
				r = differs(c, "%zu entries, should be %zu; \"%s\" is missing",
					list.count, n->count, n->entries[i].name);
		}
	}
	store_list_free(&list);
	return r;
}

int op_compare(struct store *s, struct model *m, bool dir_times, char *text, size_t size)
{
	struct compare c = {.s = s, .dir_times = dir_times, .text = text, .size = size};
	struct store_dir root = {-1, -1};
	struct store_object o = {0};
	int r = store_lookup_root(s, &o);
	if (r < 0)
		return differs(&c, "the root: %s", strerror(-r));
	r = store_dir_root(s, &root);
	if (r < 0)
		return differs(&c, "opening the root: %s", strerror(-r));
	r = compare_dir(&c, m->root, &root);
	store_dir_close(&root);
	return r;
}
