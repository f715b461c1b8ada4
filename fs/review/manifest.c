/* SPDX-License-Identifier: MIT */
/*
 * Manifests: what a directory held when the job deleted it. A deletion is applied to what the
 * manifest knows and what is as it was; everything else in that directory is somebody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

#define MANIFEST_DEPTH_MAX 512

static int add_row(const char *path, const struct store_print *print, void *arg)
{
	struct manifest *m = arg;
	int r = array_grow(&m->rows, m->count, &m->cap, sizeof *m->rows);
	if (r)
		return r;
	const char *copy = memory_string(&m->memory, path);
	if (!copy)
		return -ENOMEM;
	m->rows[m->count++] = (struct manifest_row){.rel = copy, .print = *print};
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct manifest_row *x = a, *y = b;
	return strcmp(x->rel, y->rel);
}

int manifest_load(
	struct store *s, const struct store_dir *dir, const char *name, struct manifest *m)
{
	*m = (struct manifest){0};
	int r = store_whiteout_manifest(s, dir, name, add_row, m);
	if (r == -ENOENT)
		return 0;
	if (r) {
		manifest_free(m);
		return r;
	}
	m->known = true;
	if (m->count)
		qsort(m->rows, m->count, sizeof *m->rows, compare_rows);
	return 0;
}

void manifest_free(struct manifest *m)
{
	free(m->rows);
	memory_free(&m->memory);
	*m = (struct manifest){0};
}

struct manifest_row *manifest_find(const struct manifest *m, const char *rel)
{
	struct manifest_row key = {.rel = rel};
	if (!m->count)
		return NULL;
	return bsearch(&key, m->rows, m->count, sizeof *m->rows, compare_rows);
}

/* One walk over a real directory: rel grows and shrinks with the depth. */
struct walk {
	int (*fn)(struct walk *w, const struct store_print *now);
	const struct manifest *known;
	const struct review_root *root;
	struct manifest *gathered;
	char *rel;
};

static int walk_dir(struct walk *w, int parent, const char *name, size_t len, unsigned depth);

static int walk_name(struct walk *w, int dir, const char *name, size_t len, unsigned depth)
{
	size_t name_len = strlen(name);
	struct store_print now;
	if (len + name_len + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	if (len)
		w->rel[len++] = '/';
	memcpy(w->rel + len, name, name_len + 1);
	int r = store_print_of(dir, name, &now);
	if (r || !now.exists)
		return r;
	r = w->fn(w, &now);
	return r || !S_ISDIR(now.mode) ? r : walk_dir(w, dir, name, len + name_len, depth + 1);
}

static int walk_dir(struct walk *w, int parent, const char *name, size_t len, unsigned depth)
{
	if (depth > MANIFEST_DEPTH_MAX)
		return -ELOOP;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *d cleanup_dir = fdopendir(fd);
	if (!d) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(d);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int r = walk_name(w, dirfd(d), entry->d_name, len, depth);
		if (r)
			return r;
		w->rel[len] = '\0';
	}
}

static int check_row(struct walk *w, const struct store_print *now)
{
	const struct manifest_row *row = manifest_find(w->known, w->rel);
	return row && print_is(w->root, &row->print, now) ? 0 : -EEXIST;
}

int manifest_check(const struct manifest *m, const struct review_root *root, const char *prefix,
	int real_dir, const char *name, char ret_rel[static PATH_MAX])
{
	struct walk w = {.fn = check_row, .known = m, .root = root, .rel = ret_rel};
	size_t len = strlen(prefix);
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret_rel, prefix, len + 1);
	return walk_dir(&w, real_dir, name, len, 0);
}

static int gather_row(struct walk *w, const struct store_print *now)
{
	return add_row(w->rel, now, w->gathered);
}

int manifest_of_real(int real_dir, const char *name, struct manifest *m)
{
	char rel[PATH_MAX] = "";
	struct walk w = {.fn = gather_row, .gathered = m, .rel = rel};
	*m = (struct manifest){0};
	int r = walk_dir(&w, real_dir, name, 0, 0);
	if (r) {
		manifest_free(m);
		return r;
	}
	m->known = true;
	if (m->count)
		qsort(m->rows, m->count, sizeof *m->rows, compare_rows);
	return 0;
}

void manifest_digest(const struct manifest *m, char ret[static CHANGE_ID_SIZE])
{
	struct sha256 hash;
	sha256_init(&hash);
	for (size_t i = 0; i < m->count; i++) {
		sha256_add(&hash, m->rows[i].rel, strlen(m->rows[i].rel) + 1);
		hash_print(&hash, &m->rows[i].print);
	}
	hash_hex(&hash, ret);
}

size_t manifest_count_below(const struct manifest *m, const char *rel)
{
	size_t count = 0, len = strlen(rel);
	for (size_t i = 0; i < m->count; i++)
		if (!len || (strncmp(m->rows[i].rel, rel, len) == 0 && m->rows[i].rel[len] == '/'))
			count++;
	return count;
}
