/* SPDX-License-Identifier: MIT */
/*
 * Directories that the job deleted and made again (`rm -rf node_modules; npm install`). Scratch
 * holds the new one, which hides the real one as a whole; what is gone from it has no entry of its
 * own. This file finds those names: they are in the real directory, not in the new one, and the
 * manifest of the deletion says that the job saw them. What appeared outside after the deletion is
 * nobody's to delete and is no change.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "review_i.h"

#define OPAQUE_DEPTH_MAX 512

struct scan {
	struct collect *x;
	char rel[PATH_MAX]; /* relative to the root */
	unsigned depth;
};

static int scan_dir(
	struct scan *s, int real_dir, const char *real_name, const struct store_dir *upper);

static int add_implied(
	struct scan *s, int real_dir, const char *name, const struct store_print *now)
{
	struct collect *x = s->x;
	const char *below = s->rel + strlen(x->opaque) + 1;
	const struct manifest_row *row = manifest_find(&x->manifest, below);
	struct change c = {.verdict = JOURNAL_REDIRECTED,
		.root = x->root,
		.root_len = strlen(x->review->roots[x->root].path),
		.kind = CHANGE_DELETED,
		.real = *now,
		.lines_added = -1,
		.lines_removed = -1,
		.selected = true,
		.implied = true,
		.class = CLASS_NONE};
	if (x->manifest.known && !row)
		return 0;
	c.bytes = S_ISDIR(now->mode) ? 0 : now->size;
	if (row)
		c.base = row->print;
	else
		c.base_unknown = true;
	if (row && !print_is(&x->review->roots[x->root], &row->print, now))
		change_conflict(&c, "changed outside since");
	c.path = memory_join(&x->changes->memory->memory, x->review->roots[x->root].path, s->rel);
	if (!c.path)
		return -ENOMEM;
	if (S_ISDIR(now->mode) && !c.conflict) {
		int r = collect_removed_dir(x, &x->manifest, below, real_dir, name, &c);
		if (r)
			return r;
	}
	return collect_add(x, &c, NULL);
}

static int scan_name(struct scan *s, int real_dir, const char *name, const struct store_dir *upper)
{
	struct store *store = s->x->review->roots[s->x->root].store;
	struct store_object o;
	struct store_print now;
	int r = store_print_of(real_dir, name, &now);
	if (r || !now.exists)
		return r;
	r = store_lookup(store, upper, name, &o);
	if (r == -ENOENT)
		return add_implied(s, real_dir, name, &now);
	/* Names of both are compared where the walk meets the new one. */
	if (r || !S_ISDIR(now.mode) || !S_ISDIR(o.st.st_mode))
		return r;
	struct store_dir child;
	r = store_dir_open(store, upper, name, &o, &child);
	if (r)
		return r == -ENOENT ? 0 : r;
	r = scan_dir(s, real_dir, name, &child);
	store_dir_close(&child);
	return r;
}

static int scan_entries(struct scan *s, DIR *d, const struct store_dir *upper)
{
	size_t len = strlen(s->rel);
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(d);
		if (!entry)
			return -errno;
		size_t name_len = strlen(entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (len + name_len + 2 > sizeof s->rel)
			return -ENAMETOOLONG;
		s->rel[len] = '/';
		memcpy(s->rel + len + 1, entry->d_name, name_len + 1);
		int r = scan_name(s, dirfd(d), entry->d_name, upper);
		s->rel[len] = '\0';
		if (r)
			return r;
	}
}

static int scan_dir(
	struct scan *s, int real_dir, const char *real_name, const struct store_dir *upper)
{
	if (s->depth >= OPAQUE_DEPTH_MAX)
		return -ELOOP;
	int fd = openat(real_dir, real_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	DIR *d cleanup_dir = fdopendir(fd);
	if (!d) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	s->depth++;
	int r = scan_entries(s, d, upper);
	s->depth--;
	return r;
}

int collect_opaque(struct collect *x, const struct store_entry *entry)
{
	struct scan s = {.x = x};
	struct store_dir upper;
	const char *real_name;
	size_t len = strlen(entry->path);
	int real_dir =
		real_cache_dir(&x->real, &x->review->roots[x->root], entry->path, &real_name);
	if (real_dir < 0 || len >= sizeof s.rel)
		return real_dir < 0 ? real_dir : -ENAMETOOLONG;
	memcpy(s.rel, entry->path, len + 1);
	int r = store_dir_open(
		x->review->roots[x->root].store, entry->dir, entry->name, entry->object, &upper);
	if (r)
		return r == -ENOENT ? 0 : r;
	r = scan_dir(&s, real_dir, real_name, &upper);
	store_dir_close(&upper);
	return r;
}
