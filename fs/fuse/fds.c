/* SPDX-License-Identifier: MIT */
/*
 * The daemon's descriptors. Opens carry nothing, so it opens what it needs by itself and keeps the
 * most recently used ones up to a limit: one million files can be walked with twenty thousand
 * descriptors. An entry in use (refs > 0) or pinned is never evicted; a pinned one is the only way
 * to something that could not be opened again.
 */
#include <errno.h>
#include <stdlib.h>

#include <writfs/hash.h>

#include "fuse_i.h"

#define FD_BUCKETS 4096
#define FD_GENERATIONS 1024

struct fd_entry {
	struct fds *owner;
	struct fd_entry *next;          /* bucket */
	struct fd_entry *newer, *older; /* LRU */
	slot_t slot;
	enum fd_kind kind;
	int fd, upper;
	unsigned refs;
	bool pinned;
	bool linked;     /* in bucket and LRU */
	uint64_t serial; /* of a pin */
	uint64_t stored; /* nodeid under which the supervisor has it, 0: not */
};

struct fds {
	pthread_mutex_t lock;
	struct fd_entry *buckets[FD_BUCKETS];
	struct fd_entry *newest, *oldest;
	unsigned count, limit; /* descriptors */
	struct pins *pins;
	uint64_t serial;
	uint64_t dropped[FD_GENERATIONS]; /* by slot: how often something was dropped */
};

int fds_new(unsigned limit, struct fds **ret)
{
	struct fds *f = calloc(1, sizeof *f);
	if (!f)
		return -ENOMEM;
	(void)pthread_mutex_init(&f->lock, NULL);
	f->limit = limit;
	*ret = f;
	return 0;
}

static struct fd_entry **bucket_of(struct fds *f, slot_t slot, enum fd_kind kind)
{
	return &f->buckets[hash_u64((uint64_t)slot << 2 | (unsigned)kind) % FD_BUCKETS];
}

static void lru_remove(struct fds *f, struct fd_entry *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		f->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		f->oldest = e->newer;
	e->newer = e->older = NULL;
}

static void lru_add(struct fds *f, struct fd_entry *e)
{
	e->older = f->newest;
	e->newer = NULL;
	if (f->newest)
		f->newest->newer = e;
	else
		f->oldest = e;
	f->newest = e;
}

static void entry_close(struct fds *f, struct fd_entry *e)
{
	f->count -= (e->fd >= 0) + (e->upper >= 0);
	e->fd = fd_close(e->fd);
	e->upper = fd_close(e->upper);
	free(e);
}

static void entry_unlink(struct fds *f, struct fd_entry *e)
{
	struct fd_entry **at = bucket_of(f, e->slot, e->kind);
	while (*at && *at != e)
		at = &(*at)->next;
	if (*at)
		*at = e->next;
	lru_remove(f, e);
	e->linked = false;
	if (e->stored)
		pins_drop(f->pins, e->stored);
	if (!e->refs)
		entry_close(f, e);
}

static struct fd_entry *find(struct fds *f, slot_t slot, enum fd_kind kind)
{
	struct fd_entry *e = *bucket_of(f, slot, kind);
	while (e && (e->slot != slot || e->kind != kind))
		e = e->next;
	return e;
}

static void evict_some(struct fds *f, bool pinned_too)
{
	struct fd_entry *e = f->oldest;
	while (e && f->count > f->limit) {
		struct fd_entry *newer = e->newer;
		if (!e->refs && (!e->pinned || (pinned_too && e->kind == FD_WRITE)))
			entry_unlink(f, e);
		e = newer;
	}
}

/* When only pins are left, the oldest that still have a name go (git makes thousands of objects of
 * mode 0444): they can be read again by it, and what wrote them has long closed them. */
static void evict(struct fds *f)
{
	evict_some(f, false);
	evict_some(f, true);
}

int fds_get(struct fds *f, slot_t slot, enum fd_kind kind, struct fd_ref *ret)
{
	(void)pthread_mutex_lock(&f->lock);
	struct fd_entry *e = find(f, slot, kind);
	if (e) {
		e->refs++;
		lru_remove(f, e);
		lru_add(f, e);
		*ret = (struct fd_ref){e, e->fd, e->upper};
	}
	(void)pthread_mutex_unlock(&f->lock);
	return e ? 0 : -ENOENT;
}

uint64_t fds_generation(struct fds *f, slot_t slot)
{
	(void)pthread_mutex_lock(&f->lock);
	uint64_t generation = f->dropped[slot % FD_GENERATIONS];
	(void)pthread_mutex_unlock(&f->lock);
	return generation;
}

int fds_add_since(struct fds *f, slot_t slot, enum fd_kind kind, int fd, int upper,
	uint64_t generation, struct fd_ref *ret)
{
	if (fds_generation(f, slot) == generation)
		return fds_add(f, slot, kind, fd, upper, false, ret);
	(void)fd_close(fd);
	(void)fd_close(upper);
	return -EAGAIN;
}

int fds_add(struct fds *f, slot_t slot, enum fd_kind kind, int fd, int upper, bool pinned,
	struct fd_ref *ret)
{
	struct fd_entry *e = calloc(1, sizeof *e);
	if (!e) {
		(void)fd_close(fd);
		(void)fd_close(upper);
		return -ENOMEM;
	}
	*e = (struct fd_entry){.owner = f,
		.slot = slot,
		.kind = kind,
		.fd = fd,
		.upper = upper,
		.refs = ret ? 1 : 0,
		.pinned = pinned,
		.linked = true};
	(void)pthread_mutex_lock(&f->lock);
	struct fd_entry *old = find(f, slot, kind);
	if (old)
		entry_unlink(f, old);
	struct fd_entry **at = bucket_of(f, slot, kind);
	e->next = *at;
	*at = e;
	lru_add(f, e);
	f->count += (fd >= 0) + (upper >= 0);
	e->serial = pinned ? ++f->serial : 0;
	uint64_t serial = e->serial;
	e->refs++; /* not itself */
	evict(f);
	e->refs--;
	(void)pthread_mutex_unlock(&f->lock);
	if (ret)
		*ret = (struct fd_ref){e, fd, upper};
	if (pinned && kind != FD_DIR)
		pins_put(f->pins, slot, kind, serial);
	return 0;
}

void fds_set_pins(struct fds *f, struct pins *pins)
{
	f->pins = pins;
}

int fds_mark_stored(struct fds *f, slot_t slot, enum fd_kind kind, uint64_t serial, uint64_t nodeid,
	struct fd_ref *ret)
{
	(void)pthread_mutex_lock(&f->lock);
	struct fd_entry *e = find(f, slot, kind);
	if (e && (!e->pinned || e->serial != serial))
		e = NULL;
	if (e) {
		e->stored = nodeid;
		e->refs++;
		*ret = (struct fd_ref){e, e->fd, e->upper};
	}
	(void)pthread_mutex_unlock(&f->lock);
	return e ? 0 : -ENOENT;
}

void fds_put(struct fd_ref *ref)
{
	struct fd_entry *e = ref->entry;
	*ref = (struct fd_ref)FD_REF_INIT;
	if (!e)
		return;
	struct fds *f = e->owner;
	(void)pthread_mutex_lock(&f->lock);
	if (!--e->refs && !e->linked)
		entry_close(f, e);
	(void)pthread_mutex_unlock(&f->lock);
}

void fds_drop(struct fds *f, slot_t slot, enum fd_kind kind)
{
	(void)pthread_mutex_lock(&f->lock);
	struct fd_entry *e = find(f, slot, kind);
	f->dropped[slot % FD_GENERATIONS]++;
	if (e)
		entry_unlink(f, e);
	(void)pthread_mutex_unlock(&f->lock);
}

void fds_drop_all(struct fds *f, slot_t slot)
{
	for (enum fd_kind kind = FD_DIR; kind <= FD_PIN; kind++)
		fds_drop(f, slot, kind);
}

void fds_free(struct fds *f)
{
	if (!f)
		return;
	while (f->oldest) {
		f->oldest->refs = 0;
		entry_unlink(f, f->oldest);
	}
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}

void fds_drop_unpinned(struct fds *f)
{
	(void)pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < FD_GENERATIONS; i++)
		f->dropped[i]++;
	for (struct fd_entry *e = f->oldest; e;) {
		struct fd_entry *newer = e->newer;
		if (!e->pinned)
			entry_unlink(f, e);
		e = newer;
	}
	(void)pthread_mutex_unlock(&f->lock);
}
