/* SPDX-License-Identifier: MIT */
/*
 * The list as a whole: a new name that is the same inode as a deleted one is one rename, not an
 * addition and a deletion; then order, counts and the index by path.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

static bool can_be_origin(const struct change *c)
{
	return c->kind == CHANGE_DELETED && !c->implied && c->base.known && c->base.exists &&
	       !S_ISDIR(c->base.mode);
}

static int compare_origins(const void *a, const void *b)
{
	const struct change *x = *(struct change *const *)a, *y = *(struct change *const *)b;
	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return x->base.ino < y->base.ino ? -1 : x->base.ino > y->base.ino;
}

static int pair_with(struct review *r, struct memory *m, struct change *c, struct change *origin)
{
	struct store_dir dir = {-1, -1};
	char parent[PATH_MAX];
	const char *name;
	struct store_object o;
	struct store *s = r->roots[c->root].store;
	rel_split(change_rel(r, c), parent, &name);
	int status = store_resolve(s, parent, false, &dir);
	if (!status)
		status = store_lookup(s, &dir, name, &o);
	if (!status) {
		const struct shown_object shown = {s, &dir, name, &o};
		c->kind = CHANGE_RENAMED;
		c->from = origin->path;
		c->aspects = c->now.st_size == (off_t)origin->base.size &&
					     (int64_t)c->now.st_mtim.tv_sec * 1000000000 +
							     c->now.st_mtim.tv_nsec ==
						     origin->base.mtime_ns
				     ? 0
				     : ASPECT_DATA;
		if (origin->conflict)
			change_conflict(c, origin->why);
		status = change_make_id(&shown, m, c);
		origin->kind = CHANGE_KIND_MAX; /* taken: removed below */
	}
	store_dir_close(&dir);
	/* A live job that changed it since: the next look pairs them. */
	return status == -ENOENT ? 0 : status;
}

int pair_renames(struct review *r, struct changes *c)
{
	struct change_list *list = &c->scratch;
	struct change **origins cleanup_free = NULL;
	size_t count = 0, cap = 0, kept = 0;
	int status = 0;
	for (size_t i = 0; !status && i < list->count; i++) {
		if (!can_be_origin(&list->items[i]))
			continue;
		status = array_grow(&origins, count, &cap, sizeof(struct change *));
		if (!status)
			origins[count++] = &list->items[i];
	}
	if (status || !count)
		return status;
	qsort(origins, count, sizeof(struct change *), compare_origins);
	for (size_t i = 0; !status && i < list->count; i++) {
		struct change *added = &list->items[i];
		if (added->kind != CHANGE_ADDED || S_ISDIR(added->now.st_mode))
			continue;
		struct change key = {.root = added->root, .base.ino = added->now.st_ino};
		struct change *wanted = &key;
		struct change **found =
			bsearch(&wanted, origins, count, sizeof(struct change *), compare_origins);
		if (found && (*found)->kind != CHANGE_KIND_MAX &&
			((*found)->base.mode & S_IFMT) == (added->now.st_mode & S_IFMT))
			status = pair_with(r, &c->memory->memory, added, *found);
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind != CHANGE_KIND_MAX)
			list->items[kept++] = list->items[i];
	list->count = kept;
	return status;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp((*(struct change *const *)a)->path, (*(struct change *const *)b)->path);
}

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void sort_list(struct change_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, compare_changes);
}

static int index_paths(struct changes *c)
{
	struct change **by_path = calloc(c->scratch.count + 1, sizeof(struct change *));
	if (!by_path)
		return -ENOMEM;
	for (size_t i = 0; i < c->scratch.count; i++)
		by_path[i] = &c->scratch.items[i];
	qsort(by_path, c->scratch.count, sizeof(struct change *), compare_paths);
	free(c->memory->by_path);
	c->memory->by_path = by_path;
	return 0;
}

int changes_finish(struct changes *c)
{
	sort_list(&c->scratch);
	sort_list(&c->same);
	sort_list(&c->real);
	sort_list(&c->refused);
	c->dangerous = c->login = c->conflicts = 0;
	c->real_labelled = c->real_files = c->real_deleted = 0;
	for (size_t i = 0; i < c->scratch.count; i++) {
		c->dangerous += c->scratch.items[i].class == CLASS_DANGER;
		c->login += c->scratch.items[i].class == CLASS_LOGIN;
		c->conflicts += c->scratch.items[i].conflict;
	}
	for (size_t i = 0; i < c->real.count; i++) {
		c->real_labelled += c->real.items[i].class != CLASS_NONE;
		if (c->real.items[i].kind == CHANGE_DELETED)
			c->real_deleted++;
		else
			c->real_files++;
	}
	return index_paths(c);
}

/* The first of by_path that is not before path. */
static size_t lower_bound(const struct changes *c, const char *path)
{
	size_t low = 0, high = c->scratch.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(c->memory->by_path[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct change *changes_find(const struct changes *c, const char *path)
{
	size_t at = lower_bound(c, path);
	if (at < c->scratch.count && strcmp(c->memory->by_path[at]->path, path) == 0)
		return c->memory->by_path[at];
	return NULL;
}

struct change **changes_below(const struct changes *c, const char *path, size_t *ret_count)
{
	char below[PATH_MAX];
	size_t len = strlen(path), count = 0;
	if (len + 2 > sizeof below) {
		*ret_count = 0;
		return NULL;
	}
	memcpy(below, path, len);
	below[len] = '/';
	below[len + 1] = '\0';
	size_t at = lower_bound(c, below);
	while (at + count < c->scratch.count &&
		strncmp(c->memory->by_path[at + count]->path, below, len + 1) == 0)
		count++;
	*ret_count = count;
	return c->memory->by_path + at;
}
