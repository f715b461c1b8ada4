/* SPDX-License-Identifier: MIT */
/*
 * Merged listings. Entries are ordered by a hash of their name and the hash is their offset, so
 * that an offset means the same in every later listing: what was returned before is not returned
 * again and what was not removed is not missed, however the directory changed between two reads.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/hash.h>

#include "store_i.h"

#define OFFSET_MASK 0x7fffffffffffffffULL
#define OFFSET_FIRST 16 /* below it: ".", ".." and the start */

int dir_each(int dir, int (*fn)(const struct dirent *entry, void *arg), void *arg)
{
	int fd = sys_reopen(dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
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
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		int r = fn(entry, arg);
		if (r)
			return r;
	}
}

struct build_list {
	struct store *s;
	const struct store_dir *dir;
	struct store_list list;
	size_t cap, names_cap;
	struct str hidden; /* whiteouts: names, each with its NUL */
};

static int list_add(struct build_list *b, const char *name, uint64_t ino, unsigned char type)
{
	struct store_list *l = &b->list;
	size_t len = strlen(name);
	if (l->count == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 64;
		void *p = reallocarray(l->entries, cap, sizeof *l->entries);
		if (!p)
			return -ENOMEM;
		l->entries = p;
		b->cap = cap;
	}
	if (l->names_len + len + 1 > b->names_cap) {
		size_t cap = b->names_cap ? 2 * b->names_cap : 1024;
		while (cap < l->names_len + len + 1)
			cap *= 2;
		void *p = realloc(l->names, cap);
		if (!p)
			return -ENOMEM;
		l->names = p;
		b->names_cap = cap;
	}
	uint64_t offset = hash_bytes(name, len, 0) & OFFSET_MASK;
	l->entries[l->count++] = (struct store_dirent){
		.offset = offset < OFFSET_FIRST ? offset + OFFSET_FIRST : offset,
		.ino = ino,
		.type = type,
		.name_len = (unsigned short)len,
		.name = (uint32_t)l->names_len,
	};
	memcpy(l->names + l->names_len, name, len + 1);
	l->names_len += len + 1;
	return 0;
}

static int list_upper(const struct dirent *entry, void *arg)
{
	const char *name = entry->d_name;
	struct build_list *b = arg;
	struct store_object o;
	int r = store_lookup(b->s, b->dir, name, &o);
	if (r == -ENOENT) {
		str_add_mem(&b->hidden, name, strlen(name) + 1);
		return b->hidden.failed ? -ENOMEM : 0;
	}
	return r ? r : list_add(b, name, o.st.st_ino, (unsigned char)IFTODT(o.st.st_mode));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the upper layer, visible or whited out, sorted: what the lower one may not add. */
static const char **upper_names(struct build_list *b, size_t *ret_count)
{
	size_t count = b->list.count;
	for (size_t at = 0; at < b->hidden.len; at += strlen(b->hidden.p + at) + 1)
		count++;
	const char **names = calloc(count + 1, sizeof *names);
	if (!names)
		return NULL;
	size_t n = 0;
	for (size_t i = 0; i < b->list.count; i++)
		names[n++] = strdup(b->list.names + b->list.entries[i].name);
	for (size_t at = 0; at < b->hidden.len; at += strlen(b->hidden.p + at) + 1)
		names[n++] = strdup(b->hidden.p + at);
	for (size_t i = 0; i < n; i++) {
		if (!names[i]) {
			while (n)
				free((char *)names[--n]);
			free(names);
			return NULL;
		}
	}
	qsort(names, n, sizeof *names, by_name);
	*ret_count = n;
	return names;
}

struct merge {
	struct build_list *b;
	const char **names;
	size_t count;
	uint64_t dev; /* of the lower directory */
};

static int list_lower(const struct dirent *entry, void *arg)
{
	struct merge *m = arg;
	const char *name = entry->d_name;
	unsigned char type = entry->d_type;
	if (m->count && bsearch(&name, m->names, m->count, sizeof *m->names, by_name))
		return 0;
	if (type == DT_UNKNOWN) {
		struct statx stx;
		if (sys_statx(m->b->dir->lower, name, &stx))
			return 0;
		type = (unsigned char)IFTODT(stx.stx_mode);
	}
	if (is_hidden(m->b->s, m->dev, entry->d_ino, DTTOIF(type)))
		return 0;
	return list_add(m->b, name, shown_ino(m->b->s, m->dev, entry->d_ino), type);
}

static int by_offset(const void *a, const void *b)
{
	uint64_t x = ((const struct store_dirent *)a)->offset;
	uint64_t y = ((const struct store_dirent *)b)->offset;
	return x < y ? -1 : x > y;
}

int store_list_dir(struct store *s, const struct store_dir *dir, struct store_list *ret)
{
	struct build_list b = {.s = s, .dir = dir};
	struct merge m = {.b = &b};
	int r = 0;
	if (dir->upper >= 0)
		r = dir_each(dir->upper, list_upper, &b);
	if (!r && dir->lower >= 0) {
		struct statx stx;
		r = sys_statx(dir->lower, "", &stx);
		m.dev = (uint64_t)stx.stx_dev_major << 32 | stx.stx_dev_minor;
		m.names = r ? NULL : upper_names(&b, &m.count);
		if (!r)
			r = m.names ? dir_each(dir->lower, list_lower, &m) : -ENOMEM;
		for (size_t i = 0; m.names && i < m.count; i++)
			free((char *)m.names[i]);
		free(m.names);
	}
	str_free(&b.hidden);
	if (r) {
		store_list_free(&b.list);
		return r;
	}
	if (b.list.count)
		qsort(b.list.entries, b.list.count, sizeof *b.list.entries, by_offset);
	/* Two names of one hash (2^63 values: next to never): the second moves on by one. */
	for (size_t i = 1; i < b.list.count; i++)
		if (b.list.entries[i].offset <= b.list.entries[i - 1].offset)
			b.list.entries[i].offset = b.list.entries[i - 1].offset + 1;
	*ret = b.list;
	return 0;
}

void store_list_free(struct store_list *list)
{
	free(list->entries);
	free(list->names);
	*list = (struct store_list){0};
}
