/* SPDX-License-Identifier: MIT */
/* Nodes are found by (parent, component), so that moving a directory is moving one node. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

#define BUCKETS_FIRST 1024

int history_init(struct history *h, struct memory *memory)
{
	*h = (struct history){.memory = memory, .root.name = ""};
	h->buckets = calloc(BUCKETS_FIRST, sizeof(struct history_node *));
	h->bucket_count = BUCKETS_FIRST;
	return h->buckets ? 0 : -ENOMEM;
}

void history_free(struct history *h)
{
	free(h->buckets);
	h->buckets = NULL;
}

static uint64_t node_hash(const struct history_node *parent, const char *name, size_t len)
{
	return hash_bytes(name, len, (uint64_t)(uintptr_t)parent);
}

static void link_node(struct history *h, struct history_node *node)
{
	node->hash = node_hash(node->parent, node->name, strlen(node->name));
	struct history_node **bucket = &h->buckets[node->hash & (h->bucket_count - 1)];
	node->next = *bucket;
	*bucket = node;
}

static void unlink_node(struct history *h, struct history_node *node)
{
	struct history_node **p = &h->buckets[node->hash & (h->bucket_count - 1)];
	while (*p && *p != node)
		p = &(*p)->next;
	if (*p)
		*p = node->next;
	node->next = NULL;
}

static int grow(struct history *h)
{
	size_t old_count = h->bucket_count;
	if (h->count < old_count)
		return 0;
	struct history_node **old = h->buckets;
	struct history_node **buckets = calloc(old_count * 2, sizeof(struct history_node *));
	if (!buckets)
		return -ENOMEM;
	h->buckets = buckets;
	h->bucket_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++) {
		while (old[i]) {
			struct history_node *node = old[i];
			old[i] = node->next;
			link_node(h, node);
		}
	}
	free(old);
	return 0;
}

static struct history_node *child_of(
	struct history *h, struct history_node *parent, const char *name, size_t len, bool make)
{
	uint64_t hash = node_hash(parent, name, len);
	struct history_node *node = h->buckets[hash & (h->bucket_count - 1)];
	for (; node; node = node->next)
		if (node->hash == hash && node->parent == parent &&
			strncmp(node->name, name, len) == 0 && !node->name[len])
			return node;
	if (!make || grow(h))
		return NULL;
	node = memory_get(h->memory, sizeof *node);
	if (!node)
		return NULL;
	*node = (struct history_node){.parent = parent, .name = memory_copy(h->memory, name, len)};
	if (!node->name)
		return NULL;
	h->count++;
	link_node(h, node);
	return node;
}

struct history_node *history_find(struct history *h, const char *path, bool make)
{
	struct history_node *node = &h->root;
	while (node && *path) {
		size_t len = strcspn(path, "/");
		if (len)
			node = child_of(h, node, path, len, make);
		path += len;
		path += strspn(path, "/");
	}
	return node;
}

static enum fold fold_created(const struct history_node *node)
{
	/* Something was there before: it was deleted or changed by the job earlier. */
	if (node->fold == FOLD_NONE || node->fold == FOLD_ADDED)
		return FOLD_ADDED;
	return FOLD_MODIFIED;
}

static enum fold fold_weaker(const struct history_node *node, enum fold fold)
{
	return node->fold == FOLD_NONE || node->fold == FOLD_DELETED ? fold : node->fold;
}

static enum fold fold_op(const struct history_node *node, enum journal_op op)
{
	switch (op) {
	case JOURNAL_CREATE:
	case JOURNAL_MKDIR:
	case JOURNAL_SYMLINK:
	case JOURNAL_MKNOD:
		return fold_created(node);
	case JOURNAL_WRITE:
	case JOURNAL_TRUNCATE:
	case JOURNAL_PROMOTE:
		return node->fold == FOLD_ADDED || node->fold == FOLD_RENAMED ? node->fold
									      : FOLD_MODIFIED;
	case JOURNAL_CHMOD:
		return fold_weaker(node, FOLD_MODE);
	case JOURNAL_CHOWN:
		return fold_weaker(node, FOLD_OWNER);
	case JOURNAL_XATTR:
		return fold_weaker(node, FOLD_XATTR);
	case JOURNAL_UTIMES:
		return fold_weaker(node, FOLD_TIMES);
	case JOURNAL_UNLINK:
	case JOURNAL_RMDIR:
		return node->fold == FOLD_ADDED ? FOLD_NONE : FOLD_DELETED;
	case JOURNAL_RENAME:
	case JOURNAL_LINK:
	case JOURNAL_APPLY:
	case JOURNAL_DISCARD:
	case JOURNAL_NOTE:
		break;
	}
	return node->fold;
}

enum { LAST_PROGRAM, LAST_PARENT, LAST_RULE, LAST_FILE, LAST_NOTE };

/* A hundred thousand records name a handful of programs and rules. */
static const char *intern(struct history *h, unsigned slot, const char *text)
{
	if (!text)
		return NULL;
	if (!h->last[slot] || strcmp(h->last[slot], text) != 0)
		h->last[slot] = memory_string(h->memory, text);
	return h->last[slot];
}

static int describe(struct history *h, struct history_node *node, const struct journal_line *line)
{
	node->leaf = true;
	node->records++;
	node->time_ns = line->time.tv_sec * 1000000000LL + line->time.tv_nsec;
	/* Mapped pages written back have no process: the one that is known stays. */
	if (line->program && *line->program) {
		node->program = intern(h, LAST_PROGRAM, line->program);
		node->parent_program = intern(h, LAST_PARENT, line->parent);
	}
	node->rule = intern(h, LAST_RULE, line->rule);
	node->rule_file = intern(h, LAST_FILE, line->rule_file);
	node->rule_line = line->rule_line;
	if (line->note && *line->note)
		node->note = intern(h, LAST_NOTE, line->note);
	return h->memory->failed ? -ENOMEM : 0;
}

static bool is_above(const struct history_node *above, const struct history_node *node)
{
	for (; node; node = node->parent)
		if (node == above)
			return true;
	return false;
}

/* The name that was left: what lay there before the job is gone, what the job made was never. */
static int leave_name(struct history *h, const char *path, const struct history_node *moved,
	const struct journal_line *line)
{
	if (moved->fold == FOLD_ADDED || moved->fold == FOLD_RENAMED)
		return 0;
	struct history_node *left = history_find(h, path, true);
	if (!left)
		return -ENOMEM;
	left->fold = FOLD_DELETED;
	left->directory = moved->directory;
	return describe(h, left, line);
}

static enum fold fold_renamed(const struct history_node *moved, const struct history_node *there)
{
	bool existed = there->fold == FOLD_MODIFIED || there->fold == FOLD_DELETED ||
		       there->fold == FOLD_RENAMED;
	if (existed)
		return FOLD_MODIFIED;
	if (moved->fold == FOLD_ADDED)
		return moved->directory || there->fold == FOLD_ADDED ? FOLD_ADDED : FOLD_MODIFIED;
	return FOLD_RENAMED;
}

static int add_rename(struct history *h, const struct journal_line *line)
{
	struct history_node *moved = history_find(h, line->path, true);
	struct history_node *there = history_find(h, line->path2, true);
	if (!moved || !there)
		return -ENOMEM;
	if (moved == there || is_above(moved, there) || is_above(there, moved))
		return 0;
	enum fold fold = fold_renamed(moved, there);
	const struct history_node was = *moved;
	struct history_node *parent = there->parent;
	const char *name = there->name;
	unlink_node(h, there);
	unlink_node(h, moved);
	moved->parent = parent;
	moved->name = name;
	link_node(h, moved);
	moved->fold = fold;
	moved->from = fold == FOLD_RENAMED ? memory_string(h->memory, line->path) : NULL;
	int r = describe(h, moved, line);
	return r ? r : leave_name(h, line->path, &was, line);
}

int history_add(struct history *h, const struct journal_line *line)
{
	if (!line->path || line->path[0] != '/')
		return 0;
	if (line->op == JOURNAL_APPLY || line->op == JOURNAL_DISCARD || line->op == JOURNAL_NOTE)
		return 0;
	if (line->op == JOURNAL_RENAME && line->path2 && line->path2[0] == '/' &&
		line->verdict != JOURNAL_REFUSED)
		return add_rename(h, line);
	const char *path = line->op == JOURNAL_LINK && line->path2 ? line->path2 : line->path;
	struct history_node *node = history_find(h, path, true);
	if (!node)
		return -ENOMEM;
	if (line->op == JOURNAL_LINK)
		node->fold = fold_created(node);
	else
		node->fold = fold_op(node, line->op);
	if (line->op == JOURNAL_MKDIR || line->op == JOURNAL_RMDIR)
		node->directory = true;
	return describe(h, node, line);
}

static int node_path(const struct history_node *node, char buf[static PATH_MAX], char **ret)
{
	char *p = buf + PATH_MAX - 1;
	*p = '\0';
	for (; node->parent; node = node->parent) {
		size_t len = strlen(node->name);
		if ((size_t)(p - buf) < len + 1)
			return -ENAMETOOLONG;
		p -= len;
		memcpy(p, node->name, len);
		*--p = '/';
	}
	*ret = p;
	return 0;
}

int history_each(struct history *h,
	int (*fn)(const struct history_node *node, const char *path, void *arg), void *arg)
{
	char buf[PATH_MAX], *path;
	for (size_t i = 0; i < h->bucket_count; i++) {
		for (struct history_node *node = h->buckets[i]; node; node = node->next) {
			if (!node->leaf || node_path(node, buf, &path))
				continue;
			/* In a directory that another one took the place of: that one tells. */
			const struct history_node *now = history_find(h, path, false);
			if (now && now->leaf && now != node)
				continue;
			int r = fn(node, path, arg);
			if (r)
				return r;
		}
	}
	return 0;
}
