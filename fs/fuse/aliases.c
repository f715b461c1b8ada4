/* SPDX-License-Identifier: MIT */
/*
 * Names of files that have several (hard links). Two uses. A write through one name changes the
 * file under all of them, so a grant for one name is a grant for the file only if every name is
 * known and granted; names become known by being looked up or linked through the mount. And when
 * the name goes under which a node was known, the node goes on under another one that the kernel
 * may hold. Directories are remembered by slot; whoever uses such a name looks it up and compares.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuse_i.h"

#define ALIAS_BUCKETS 1024

struct alias {
	struct alias *next;
	slot_t slot, dir;
	char name[];
};

struct aliases {
	pthread_mutex_t lock;
	struct alias *buckets[ALIAS_BUCKETS];
};

int aliases_new(struct aliases **ret)
{
	struct aliases *a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	(void)pthread_mutex_init(&a->lock, NULL);
	*ret = a;
	return 0;
}

static struct alias **find(struct aliases *a, slot_t slot, slot_t dir, const char *name)
{
	struct alias **at = &a->buckets[slot % ALIAS_BUCKETS];
	while (*at && ((*at)->slot != slot || (*at)->dir != dir || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

void aliases_add(struct aliases *a, slot_t slot, slot_t dir, const char *name)
{
	(void)pthread_mutex_lock(&a->lock);
	struct alias **at = find(a, slot, dir, name);
	if (!*at) {
		size_t len = strlen(name) + 1;
		struct alias *e = calloc(1, sizeof *e + len);
		/* Without memory the name stays unknown: the file is redirected. */
		if (e) {
			e->slot = slot;
			e->dir = dir;
			memcpy(e->name, name, len);
			*at = e;
		}
	}
	(void)pthread_mutex_unlock(&a->lock);
}

void aliases_remove(struct aliases *a, slot_t slot, slot_t dir, const char *name)
{
	(void)pthread_mutex_lock(&a->lock);
	struct alias **at = find(a, slot, dir, name);
	struct alias *gone = *at;
	if (gone)
		*at = gone->next;
	free(gone);
	(void)pthread_mutex_unlock(&a->lock);
}

bool aliases_any(struct aliases *a, slot_t slot, unsigned skip, slot_t *ret_dir,
	char name[static NAME_MAX + 1])
{
	bool found = false;
	(void)pthread_mutex_lock(&a->lock);
	for (const struct alias *e = a->buckets[slot % ALIAS_BUCKETS]; e && !found; e = e->next) {
		if (e->slot != slot || skip--)
			continue;
		*ret_dir = e->dir;
		memcpy(name, e->name, strlen(e->name) + 1);
		found = true;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return found;
}

void aliases_forget(struct aliases *a, slot_t slot)
{
	(void)pthread_mutex_lock(&a->lock);
	struct alias **at = &a->buckets[slot % ALIAS_BUCKETS];
	while (*at) {
		struct alias *e = *at;
		if (e->slot == slot) {
			*at = e->next;
			free(e);
		} else {
			at = &e->next;
		}
	}
	(void)pthread_mutex_unlock(&a->lock);
}

void aliases_free(struct aliases *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < ALIAS_BUCKETS; i++) {
		while (a->buckets[i]) {
			struct alias *e = a->buckets[i];
			a->buckets[i] = e->next;
			free(e);
		}
	}
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}
