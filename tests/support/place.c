/* SPDX-License-Identifier: MIT */
/*
 * What a FUSE handler does around each call of the store, by path: resolve the parent, look the
 * name up, make the parent in the upper layer when something is to change, copy up what is to be
 * written, renamed or linked. The kernel's own checks (EEXIST, ENOENT, types) come first, as there.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/str.h>
#include <writfs/sys.h>

static int split(const char *path, char *parent, char *name)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	size_t parent_len = slash ? (size_t)(slash - path) : 0;
	if (strlen(last) > NAME_MAX || parent_len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(parent, path, parent_len);
	parent[parent_len] = '\0';
	strcpy(name, last);
	return *last ? 0 : -EINVAL;
}

/* The object of a directory, for the set-gid bit and owner that its children inherit. */
static int parent_object(struct store *s, const char *path, struct store_object *ret)
{
	char grand[PATH_MAX];
	char name[NAME_MAX + 1];
	if (!*path)
		return store_lookup_root(s, ret);
	int r = split(path, grand, name);
	if (r < 0)
		return r;
	struct store_dir dir = {-1, -1};
	r = store_resolve(s, grand, false, &dir);
	if (r < 0)
		return r;
	r = store_lookup(s, &dir, name, ret);
	store_dir_close(&dir);
	return r;
}

int place_open(struct store *s, const char *path, bool make, struct place *ret)
{
	char parent[PATH_MAX];
	struct place p = PLACE_INIT;
	int r = split(path, parent, p.name);
	if (r < 0)
		return r;
	r = parent_object(s, parent, &p.parent_object);
	if (r == 0)
		r = store_resolve(s, parent, make, &p.parent);
	if (r < 0)
		return r;
	r = store_lookup(s, &p.parent, p.name, &p.object);
	if (r < 0 && r != -ENOENT) {
		store_dir_close(&p.parent);
		return r;
	}
	*ret = p;
	return 0;
}

void place_close(struct place *p)
{
	store_dir_close(&p->parent);
}

struct store_cred fixture_cred(mode_t umask)
{
	return (struct store_cred){
		.uid = geteuid(), .gid = getegid(), .umask = umask, .privileged = geteuid() == 0};
}

/* For a change: the last name must exist (or must not, for exists false). */
static int open_for(struct store *s, const char *path, bool exists, struct place *p)
{
	int r = place_open(s, path, false, p);
	if (r < 0)
		return r;
	bool found = p->object.layer != STORE_NONE;
	place_close(p);
	*p = (struct place)PLACE_INIT;
	if (found != exists)
		return found ? -EEXIST : -ENOENT;
	return place_open(s, path, true, p);
}

int view_stat(struct store *s, const char *path, struct store_object *ret)
{
	if (!*path)
		return store_lookup_root(s, ret);
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, false, &p);
	if (r < 0)
		return r;
	*ret = p.object;
	return p.object.layer == STORE_NONE ? -ENOENT : 0;
}

int view_read(struct store *s, const char *path, char **ret, size_t *ret_len)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = place_open(s, path, false, &p);
	if (r < 0)
		return r;
	if (p.object.layer == STORE_NONE)
		return -ENOENT;
	cleanup_fd int fd = -1;
	r = store_open_object(s, &p.parent, p.name, &p.object, O_RDONLY, &fd);
	if (r < 0)
		return r;
	size_t size = (size_t)p.object.st.st_size;
	cleanup_free char *text = calloc(1, size + 2);
	if (!text)
		return -ENOMEM;
	/* One byte more than stat promised: a file that is longer is a defect, too. */
	ssize_t got = sys_read_full(fd, text, size + 1);
	if (got < 0)
		return (int)got;
	text[got] = '\0';
	*ret_len = (size_t)got;
	*ret = steal_ptr(&text);
	return 0;
}

bool view_shows(struct store *s, const char *path, const char *text)
{
	cleanup_free char *shown = NULL;
	size_t len;
	return view_read(s, path, &shown, &len) == 0 && len == strlen(text) &&
	       memcmp(shown, text, len) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *view_names(struct store *s, const char *path)
{
	struct store_dir dir = {-1, -1};
	struct store_list list = {0};
	struct str out = STR_INIT;
	if (store_resolve(s, path, false, &dir) < 0)
		return NULL;
	int r = store_list_dir(s, &dir, &list);
	store_dir_close(&dir);
	cleanup_free const char **names = calloc(list.count + 1, sizeof *names);
	if (r < 0 || !names)
		return NULL;
	for (size_t i = 0; i < list.count; i++)
		names[i] = list.names + list.entries[i].name;
	if (list.count)
		qsort(names, list.count, sizeof *names, compare_names);
	str_add(&out, "");
	for (size_t i = 0; i < list.count; i++)
		str_addf(&out, "%s\n", names[i]);
	store_list_free(&list);
	return out.p ? out.p : strdup("");
}

int do_create(struct store *s, const char *path, mode_t mode, const char *text)
{
	cleanup_place struct place p = PLACE_INIT;
	cleanup_fd int fd = -1;
	struct store_cred cred = fixture_cred(022);
	int r = open_for(s, path, false, &p);
	if (r == 0)
		r = store_create(s, &p.parent, p.name, STORE_SCRATCH, &p.parent_object.st, mode,
			&cred, &p.object, &fd);
	return r < 0 ? r : sys_write_full(fd, text, strlen(text));
}

int do_mkdir(struct store *s, const char *path, mode_t mode)
{
	cleanup_place struct place p = PLACE_INIT;
	struct store_cred cred = fixture_cred(022);
	int r = open_for(s, path, false, &p);
	return r < 0 ? r
		     : store_mkdir(s, &p.parent, p.name, STORE_SCRATCH, &p.parent_object.st, mode,
			       &cred, &p.object);
}

int do_mknod(struct store *s, const char *path, mode_t mode, dev_t rdev, const char *target)
{
	cleanup_place struct place p = PLACE_INIT;
	struct store_cred cred = fixture_cred(022);
	int r = open_for(s, path, false, &p);
	return r < 0 ? r
		     : store_mknod(s, &p.parent, p.name, STORE_SCRATCH, &p.parent_object.st, mode,
			       rdev, target, &cred, &p.object);
}

int do_write(struct store *s, const char *path, off_t offset, const void *data, size_t len)
{
	cleanup_place struct place p = PLACE_INIT;
	cleanup_fd int fd = -1;
	int r = open_for(s, path, true, &p);
	if (r == 0)
		r = store_copy_up(s, &p.parent, p.name, &p.object, true, -1);
	if (r == 0)
		r = store_open_object(s, &p.parent, p.name, &p.object, O_RDWR, &fd);
	if (r < 0)
		return r;
	ssize_t n = pwrite(fd, data, len, offset);
	return n < 0 ? -errno : n == (ssize_t)len ? 0 : -EIO;
}

static int do_setattr(struct store *s, const char *path, const struct store_attr *a)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = open_for(s, path, true, &p);
	return r < 0 ? r : store_setattr(s, &p.parent, p.name, STORE_SCRATCH, a, &p.object);
}

int do_truncate(struct store *s, const char *path, off_t size)
{
	return do_setattr(s, path, &(struct store_attr){.set_size = true, .size = size});
}

int do_chmod(struct store *s, const char *path, mode_t mode)
{
	return do_setattr(s, path, &(struct store_attr){.set_mode = true, .mode = mode});
}

int do_unlink(struct store *s, const char *path)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = open_for(s, path, true, &p);
	if (r < 0)
		return r;
	if (S_ISDIR(p.object.st.st_mode))
		return -EISDIR;
	return store_unlink(s, &p.parent, p.name, STORE_SCRATCH, &p.object);
}

int do_rmdir(struct store *s, const char *path)
{
	cleanup_place struct place p = PLACE_INIT;
	struct store_dir child = {-1, -1};
	int r = open_for(s, path, true, &p);
	if (r < 0)
		return r;
	if (!S_ISDIR(p.object.st.st_mode))
		return -ENOTDIR;
	r = store_dir_open(s, &p.parent, p.name, &p.object, &child);
	if (r < 0)
		return r;
	r = store_rmdir(s, &p.parent, p.name, STORE_SCRATCH, &child, &p.object);
	store_dir_close(&child);
	return r;
}

int do_rename(struct store *s, const char *from, const char *to, unsigned flags)
{
	cleanup_place struct place a = PLACE_INIT;
	cleanup_place struct place b = PLACE_INIT;
	int r = open_for(s, from, true, &a);
	if (r < 0)
		return r;
	if (!S_ISDIR(a.object.st.st_mode))
		r = store_copy_up(s, &a.parent, a.name, &a.object, true, -1);
	if (r == 0)
		r = place_open(s, to, true, &b);
	if (r == 0 && (flags & RENAME_EXCHANGE) && b.object.layer != STORE_NONE &&
		!S_ISDIR(b.object.st.st_mode))
		r = store_copy_up(s, &b.parent, b.name, &b.object, true, -1);
	if (r < 0)
		return r;
	return store_rename(s, STORE_SCRATCH, &a.parent, a.name, &a.object, &b.parent, b.name,
		&b.object, flags);
}

int do_link(struct store *s, const char *from, const char *to)
{
	cleanup_place struct place a = PLACE_INIT;
	cleanup_place struct place b = PLACE_INIT;
	int r = open_for(s, from, true, &a);
	if (r == 0)
		r = store_copy_up(s, &a.parent, a.name, &a.object, true, -1);
	if (r == 0)
		r = open_for(s, to, false, &b);
	if (r < 0)
		return r;
	return store_link(
		s, STORE_SCRATCH, &a.parent, a.name, &a.object, &b.parent, b.name, &b.object);
}

int do_setxattr(struct store *s, const char *path, const char *attr, const void *value, size_t size,
	int flags)
{
	cleanup_place struct place p = PLACE_INIT;
	int r = open_for(s, path, true, &p);
	return r < 0 ? r
		     : store_setxattr(s, &p.parent, p.name, STORE_SCRATCH, attr, value, size, flags,
			       &p.object);
}

struct paths {
	char **p;
	size_t count;
};

static int collect_path(const struct store_entry *entry, void *arg)
{
	struct paths *paths = arg;
	if (!*entry->path)
		return 0;
	char **grown = realloc(paths->p, (paths->count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	paths->p = grown;
	paths->p[paths->count] = strdup(entry->path);
	return paths->p[paths->count++] ? 0 : -ENOMEM;
}

int do_drop_all(struct store *s)
{
	struct paths paths = {0};
	int r = store_walk(s, "", collect_path, &paths);
	for (size_t i = paths.count; i-- > 0;) {
		cleanup_place struct place p = PLACE_INIT;
		if (r == 0)
			r = place_open(s, paths.p[i], false, &p);
		if (r == 0)
			r = store_drop(s, &p.parent, p.name, -1, NULL);
		free(paths.p[i]);
	}
	free(paths.p);
	return r;
}
