/* SPDX-License-Identifier: MIT */
/*
 * A list that fits a screen. What needs a decision of its own has its own row; the rest is put
 * together by directory, deepest first, until it fits: a browser's 1,204 files are one thing that a
 * person decides about, and so is a new directory with all it holds. Never coarser than a name
 * directly in a root.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

struct group {
	size_t first, count; /* of plain */
	size_t path_len; /* bytes of the first change's path that are the directory; 0: a change */
};

struct grouping {
	const struct change **plain; /* in byte order of paths */
	size_t plain_count;
	struct group *groups;
	size_t count;
};

static bool needs_own_row(const struct change *c)
{
	return c->label || c->conflict || c->drifted;
}

static size_t component_count(const char *path, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		n += path[i] == '/';
	return n;
}

static size_t group_len(const struct grouping *g, const struct group *group)
{
	return group->path_len ? group->path_len : strlen(g->plain[group->first]->path);
}

/* Bytes of the ancestor of path with depth components, 0 if path is no deeper. */
static size_t ancestor_len(const char *path, size_t len, size_t depth)
{
	for (size_t i = 0, n = 0; i < len; i++) {
		n += path[i] == '/';
		if (n > depth)
			return i;
	}
	return 0;
}

/* A new directory takes in what is below it. */
static void merge_new_dirs(struct grouping *g)
{
	size_t kept = 0;
	for (size_t i = 0; i < g->count; i++) {
		struct group *group = &g->groups[i];
		if (kept) {
			const struct group *above = &g->groups[kept - 1];
			const struct change *dir = g->plain[above->first];
			size_t len = strlen(dir->path);
			if (dir->kind == CHANGE_ADDED && S_ISDIR(dir->now.st_mode) &&
				strncmp(g->plain[group->first]->path, dir->path, len) == 0 &&
				g->plain[group->first]->path[len] == '/') {
				g->groups[kept - 1].count += group->count;
				g->groups[kept - 1].path_len = len;
				continue;
			}
		}
		g->groups[kept++] = *group;
	}
	g->count = kept;
}

/* Puts groups below one directory of that depth together; alone: also a single one. */
static void merge_depth(struct grouping *g, size_t depth, bool alone, size_t wanted)
{
	size_t kept = 0, left = g->count;
	for (size_t i = 0; i < g->count;) {
		const struct group *first = &g->groups[i];
		const struct change *c = g->plain[first->first];
		size_t dir = ancestor_len(c->path, group_len(g, first), depth), n = 1;
		bool allowed = dir > c->root_len && left > wanted;
		while (allowed && i + n < g->count) {
			const struct change *next = g->plain[g->groups[i + n].first];
			if (strncmp(next->path, c->path, dir) != 0 || next->path[dir] != '/')
				break;
			n++;
		}
		struct group merged = *first;
		if (allowed && (n > 1 || alone))
			merged.path_len = dir;
		for (size_t j = 1; j < n; j++)
			merged.count += g->groups[i + j].count;
		left -= n - 1;
		i += n;
		g->groups[kept++] = merged;
	}
	g->count = kept;
}

static void merge_groups(struct grouping *g, size_t wanted)
{
	for (int alone = 0; alone <= 1; alone++) {
		size_t deepest = 0;
		for (size_t i = 0; i < g->count; i++) {
			const struct group *group = &g->groups[i];
			size_t depth =
				component_count(g->plain[group->first]->path, group_len(g, group));
			deepest = depth > deepest ? depth : deepest;
		}
		for (size_t depth = deepest; depth > 1 && g->count > wanted; depth--)
			merge_depth(g, depth - 1, alone != 0, wanted);
	}
}

static void count_change(struct change_row *row, const struct change *c)
{
	bool directory = S_ISDIR(c->kind == CHANGE_DELETED ? c->base.mode : c->now.st_mode);
	size_t files = c->kind == CHANGE_DELETED && directory ? c->files : directory ? 0 : 1;
	row->changes++;
	row->files += files;
	row->deleted += c->kind == CHANGE_DELETED ? files : 0;
	row->bytes += c->bytes;
}

static int make_rows(const struct grouping *g, const struct change **own, size_t own_count,
	size_t max, struct change_rows *rows)
{
	size_t total = own_count + g->count, names = 0;
	size_t shown = max && total > max ? max : total;
	for (size_t i = 0; i < g->count; i++)
		names += g->groups[i].path_len + 2;
	rows->items = calloc(shown + 1, sizeof *rows->items);
	rows->names = malloc(names + 1);
	if (!rows->items || !rows->names)
		return -ENOMEM;
	char *at = rows->names;
	for (size_t i = 0; i < shown; i++) {
		struct change_row *row = &rows->items[rows->count++];
		if (i < own_count) {
			*row = (struct change_row){.first = own[i], .path = own[i]->path};
			count_change(row, own[i]);
			continue;
		}
		const struct group *group = &g->groups[i - own_count];
		*row = (struct change_row){.first = g->plain[group->first]};
		row->path = row->first->path;
		for (size_t j = 0; j < group->count; j++)
			count_change(row, g->plain[group->first + j]);
		if (!group->path_len)
			continue;
		memcpy(at, row->first->path, group->path_len);
		memcpy(at + group->path_len, "/", 2);
		row->path = at;
		at += group->path_len + 2;
		if (!row->files)
			row->files = row->changes;
	}
	for (size_t i = shown; i < total; i++)
		rows->more += i < own_count ? 1 : g->groups[i - own_count].count;
	rows->more_places = total - shown;
	return 0;
}

int review_rows(const struct change_list *list, size_t max, struct change_rows *ret)
{
	const struct change **own cleanup_free = calloc(list->count + 1, sizeof(struct change *));
	const struct change **plain cleanup_free = calloc(list->count + 1, sizeof(struct change *));
	struct group *groups cleanup_free = calloc(list->count + 1, sizeof *groups);
	struct grouping g = {.plain = plain, .groups = groups};
	struct change_rows rows = {0};
	size_t own_count = 0;
	if (!own || !plain || !groups)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		const struct change *c = &list->items[i];
		if (max && !needs_own_row(c))
			plain[g.plain_count++] = c;
		else
			own[own_count++] = c;
	}
	for (; g.count < g.plain_count; g.count++)
		groups[g.count] = (struct group){.first = g.count, .count = 1};
	merge_new_dirs(&g);
	if (max && own_count + g.count > max)
		merge_groups(&g, max > own_count ? max - own_count : 1);
	int r = make_rows(&g, own, own_count, max, &rows);
	if (r)
		change_rows_free(&rows);
	else
		*ret = rows;
	return r;
}

void change_rows_free(struct change_rows *rows)
{
	free(rows->items);
	free(rows->names);
	*rows = (struct change_rows){0};
}
