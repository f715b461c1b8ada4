/* SPDX-License-Identifier: MIT */
/* The model's tree: nodes, loading from disk, cloning. The operations are in model_ops.c. */
#include "model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "model_i.h"

struct model_node *model_node_new(mode_t mode)
{
	struct model_node *n = calloc(1, sizeof *n);
	if (n)
		n->mode = mode;
	return n;
}

void model_node_free(struct model_node *n)
{
	while (n->xattrs) {
		struct model_xattr *x = n->xattrs;
		n->xattrs = x->next;
		free(x);
	}
	free(n->data);
	free(n->entries);
	free(n);
}

void model_node_unref(struct model_node *n)
{
	if (--n->links)
		return;
	for (size_t i = 0; i < n->count; i++) {
		free(n->entries[i].name);
		model_node_unref(n->entries[i].node);
	}
	model_node_free(n);
}

int model_node_add(struct model_node *dir, const char *name, struct model_node *child)
{
	struct model_entry *grown = realloc(dir->entries, (dir->count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	dir->entries = grown;
	grown[dir->count] = (struct model_entry){strdup(name), child};
	if (!grown[dir->count].name)
		return -ENOMEM;
	dir->count++;
	child->links++;
	return 0;
}

struct model_entry *model_entry_of(const struct model_node *dir, const char *name)
{
	for (size_t i = 0; i < dir->count; i++)
		if (strcmp(dir->entries[i].name, name) == 0)
			return &dir->entries[i];
	return NULL;
}

struct model_node *model_child(const struct model_node *dir, const char *name)
{
	struct model_entry *e = model_entry_of(dir, name);
	return e ? e->node : NULL;
}

struct model_node *model_find(const struct model *m, const char *path, int *ret_errno)
{
	struct model_node *n = m->root;
	char copy[MODEL_PATH_MAX];
	char *save = NULL;
	if (strlen(path) >= sizeof copy) {
		*ret_errno = ENAMETOOLONG;
		return NULL;
	}
	strcpy(copy, path);
	for (char *c = strtok_r(copy, "/", &save); c; c = strtok_r(NULL, "/", &save)) {
		if (!S_ISDIR(n->mode)) {
			*ret_errno = ENOTDIR;
			return NULL;
		}
		n = model_child(n, c);
		if (!n) {
			*ret_errno = ENOENT;
			return NULL;
		}
	}
	return n;
}

/* Inodes seen while loading, so that hard links become one node. */
struct seen {
	ino_t ino;
	struct model_node *node;
};

struct loading {
	struct seen *seen;
	size_t count;
};

static int load_xattrs(const char *path, struct model_node *n)
{
	char list[4096];
	ssize_t len = llistxattr(path, list, sizeof list);
	for (char *a = list; len > 0 && a < list + len; a += strlen(a) + 1) {
		if (strncmp(a, "user.", 5) != 0)
			continue;
		struct model_xattr *x = calloc(1, sizeof *x);
		if (!x)
			return -ENOMEM;
		ssize_t size = lgetxattr(path, a, x->value, sizeof x->value);
		if (size < 0 || strlen(a) >= sizeof x->name) {
			free(x);
			return -E2BIG;
		}
		x->size = (size_t)size;
		strcpy(x->name, a);
		x->next = n->xattrs;
		n->xattrs = x;
	}
	return 0;
}

static int load_data(int dirfd, const char *name, struct model_node *n, size_t size)
{
	n->data = calloc(1, size + 1);
	if (!n->data)
		return -ENOMEM;
	n->size = size;
	if (S_ISLNK(n->mode))
		return readlinkat(dirfd, name, (char *)n->data, size) == (ssize_t)size ? 0 : -EIO;
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return sys_read_full(fd, n->data, size) == (ssize_t)size ? 0 : -EIO;
}

static int load_dir(struct loading *l, int dirfd, struct model_node *dir);

static int load_one(struct loading *l, int dirfd, const char *name, struct model_node *dir)
{
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	for (size_t i = 0; i < l->count; i++)
		if (l->seen[i].ino == st.st_ino)
			return model_node_add(dir, name, l->seen[i].node);
	struct model_node *n = model_node_new(st.st_mode);
	if (!n)
		return -ENOMEM;
	n->uid = st.st_uid;
	n->gid = st.st_gid;
	n->rdev = st.st_rdev;
	n->mtime_known = true;
	n->mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	n->real_dir = S_ISDIR(st.st_mode);
	n->real_links = !n->real_dir && st.st_nlink > 1;
	int r = model_node_add(dir, name, n);
	if (r < 0)
		return r;
	if (n->real_links) {
		struct seen *grown = realloc(l->seen, (l->count + 1) * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		l->seen = grown;
		grown[l->count++] = (struct seen){st.st_ino, n};
	}
	char path[SYS_FD_PATH_MAX];
	if (S_ISREG(n->mode) || S_ISDIR(n->mode))
		r = load_xattrs(sys_fd_path(path, dirfd, name), n);
	if (r == 0 && (S_ISREG(n->mode) || S_ISLNK(n->mode)))
		r = load_data(dirfd, name, n, (size_t)st.st_size);
	if (r < 0 || !S_ISDIR(n->mode))
		return r;
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : load_dir(l, fd, n);
}

static int load_dir(struct loading *l, int dirfd, struct model_node *dir)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return -errno;
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int r = load_one(l, dirfd, e->d_name, dir);
		if (r < 0)
			return r;
	}
	return 0;
}

struct model *model_load(int dirfd)
{
	struct stat st;
	struct loading l = {0};
	if (fstat(dirfd, &st) < 0)
		return NULL;
	cleanup_model struct model *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->root = model_node_new(st.st_mode);
	if (!m->root)
		return NULL;
	m->root->uid = st.st_uid;
	m->root->gid = st.st_gid;
	m->root->links = 1;
	m->root->real_dir = true;
	int r = load_dir(&l, dirfd, m->root);
	free(l.seen);
	return r < 0 ? NULL : steal_ptr(&m);
}

static int clone_into(struct model_node *n, struct model_node **ret)
{
	if (n->copy) {
		*ret = n->copy;
		return 0;
	}
	struct model_node *c = model_node_new(n->mode);
	if (!c)
		return -ENOMEM;
	*c = *n;
	c->xattrs = NULL;
	c->entries = NULL;
	c->count = 0;
	c->links = 0;
	c->data = NULL;
	n->copy = *ret = c;
	if (n->data) {
		c->data = malloc(n->size + 1);
		if (!c->data)
			return -ENOMEM;
		memcpy(c->data, n->data, n->size);
	}
	for (struct model_xattr *x = n->xattrs; x; x = x->next) {
		struct model_xattr *y = malloc(sizeof *y);
		if (!y)
			return -ENOMEM;
		*y = *x;
		y->next = c->xattrs;
		c->xattrs = y;
	}
	for (size_t i = 0; i < n->count; i++) {
		struct model_node *child = NULL;
		int r = clone_into(n->entries[i].node, &child);
		if (r == 0)
			r = model_node_add(c, n->entries[i].name, child);
		if (r < 0)
			return r;
	}
	return 0;
}

static void forget_copies(struct model_node *n)
{
	n->copy = NULL;
	for (size_t i = 0; i < n->count; i++)
		forget_copies(n->entries[i].node);
}

struct model *model_clone(const struct model *m)
{
	struct model *c = calloc(1, sizeof *c);
	if (!c || clone_into(m->root, &c->root) < 0)
		abort(); /* a test program that is out of memory */
	c->root->links = 1;
	forget_copies(m->root);
	forget_copies(c->root);
	return c;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	if (m->root)
		model_node_unref(m->root);
	free(m);
}

void model_freep(struct model **m)
{
	model_free(*m);
}

bool model_path_above(const char *a, const char *b)
{
	size_t n = strlen(a);
	return n == 0 || (strncmp(a, b, n) == 0 && (b[n] == '/' || b[n] == '\0'));
}
