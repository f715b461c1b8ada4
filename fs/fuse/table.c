/* SPDX-License-Identifier: MIT */
/*
 * The node table. Why a nodeid can never mean another file than the kernel was told:
 *
 * - nodeid = generation << 32 | slot. A slot is reused only after the kernel has forgotten the node
 *   (lookups 0) and no child names it as parent, and with the next generation; a request with an
 *   old generation is ESTALE.
 * - A node is found again by the key of the inode that backs it (device, number, birth time), not
 *   by its path: hard links share a node, and a file that is replaced outside gets a new one.
 * - When the daemon itself changes what backs a node (copy-up, promotion) it rekeys the node in the
 *   same request; a lookup that ran before returns the same node, because the kernel's name still
 *   leads to it.
 *
 * Everything a restarted daemon needs lies flat in the memfd (nodes, names, request slots); the
 * buckets of the key index are derived and live in the daemon. One mutex guards it all: critical
 * sections are some ten memory accesses, far below the cost of the request around them.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <writfs/hash.h>

#include "table_i.h"

static_assert(sizeof(struct node) <= 136, "a node, its name and its bucket stay below 250 bytes");

int table_memfd(void)
{
	int fd cleanup_fd = memfd_create("writfs-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)TABLE_BYTES) < 0)
		return -errno;
	return steal_fd(&fd);
}

static char *name_of(const struct table *t, const struct node *n)
{
	return t->names + (size_t)n->name * NAME_CHUNK;
}

static uint32_t bucket_of(const struct table *t, const struct store_key *key)
{
	return (uint32_t)(hash_u64(key->ino ^ hash_u64(key->dev ^ key->btime_ns)) &
			  (t->bucket_count - 1));
}

static bool same_key(const struct store_key *a, const struct store_key *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->btime_ns == b->btime_ns;
}

static void bucket_add(struct table *t, slot_t slot)
{
	uint32_t b = bucket_of(t, &t->nodes[slot].key);
	t->nodes[slot].next = t->buckets[b];
	t->buckets[b] = slot;
}

static void bucket_remove(struct table *t, slot_t slot)
{
	slot_t *at = &t->buckets[bucket_of(t, &t->nodes[slot].key)];
	while (*at && *at != slot)
		at = &t->nodes[*at].next;
	if (*at)
		*at = t->nodes[slot].next;
}

static slot_t find_key(const struct table *t, const struct store_key *key)
{
	slot_t slot = t->buckets[bucket_of(t, key)];
	while (slot && !same_key(&t->nodes[slot].key, key))
		slot = t->nodes[slot].next;
	return slot;
}

static int buckets_resize(struct table *t, uint32_t count)
{
	slot_t *p = calloc(count, sizeof *p);
	if (!p)
		return -ENOMEM;
	free(t->buckets);
	t->buckets = p;
	t->bucket_count = count;
	for (slot_t slot = SLOT_ROOT; slot < t->h->slots; slot++)
		if (t->nodes[slot].in_use)
			bucket_add(t, slot);
	return 0;
}

/* Names lie in runs of 16-byte chunks, one free chain for each length of run. */
static unsigned name_class(size_t len)
{
	return (unsigned)(len / NAME_CHUNK);
}

static int name_new(struct table *t, const char *name, size_t len, uint32_t *ret)
{
	unsigned class = name_class(len);
	uint32_t chunk = t->h->free_chunks[class];
	if (chunk) {
		memcpy(&t->h->free_chunks[class], t->names + (size_t)chunk * NAME_CHUNK,
			sizeof chunk);
	} else {
		if (t->h->chunks + class + 1 > NAME_CHUNKS_MAX)
			return -ENOMEM;
		chunk = t->h->chunks;
		t->h->chunks += class + 1;
	}
	memcpy(t->names + (size_t)chunk * NAME_CHUNK, name, len);
	*ret = chunk;
	return 0;
}

static void name_free(struct table *t, uint32_t chunk, size_t len)
{
	unsigned class = name_class(len);
	memcpy(t->names + (size_t)chunk * NAME_CHUNK, &t->h->free_chunks[class], sizeof chunk);
	t->h->free_chunks[class] = chunk;
}

static int node_set_name(struct table *t, struct node *n, const char *name)
{
	size_t len = strlen(name);
	uint32_t chunk;
	if (n->name && n->name_len == len && !memcmp(name_of(t, n), name, len))
		return 0;
	int r = name_new(t, name, len, &chunk);
	if (r)
		return r;
	if (n->name)
		name_free(t, n->name, n->name_len);
	n->name = chunk;
	n->name_len = (uint8_t)len;
	return 0;
}

static int slot_new(struct table *t, slot_t *ret)
{
	slot_t slot = t->h->free;
	if (slot) {
		t->h->free = t->nodes[slot].next;
	} else {
		if (t->h->slots >= TABLE_NODES_MAX)
			return -ENFILE;
		slot = t->h->slots++;
	}
	uint32_t generation = t->nodes[slot].generation + 1;
	t->nodes[slot] = (struct node){.generation = generation ? generation : 1, .in_use = 1};
	t->h->nodes++;
	*ret = slot;
	return 0;
}

/* Takes a node that nobody refers to out of use; then its parent, if that was the last child. */
static void slot_release(struct table *t, slot_t slot)
{
	while (slot > SLOT_ROOT && !t->nodes[slot].lookups && !t->nodes[slot].children) {
		struct node *n = &t->nodes[slot];
		slot_t parent = n->parent;
		bucket_remove(t, slot);
		name_free(t, n->name, n->name_len);
		n->in_use = 0;
		n->name = 0;
		n->next = t->h->free;
		t->h->free = slot;
		t->h->nodes--;
		t->nodes[parent].children--;
		if (t->released)
			t->released(slot, t->released_arg);
		slot = parent;
	}
}

void table_on_release(struct table *t, void (*fn)(slot_t slot, void *arg), void *arg)
{
	t->released = fn;
	t->released_arg = arg;
}

int table_attach(int fd, struct table **ret)
{
	struct table *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	char *p =
		mmap(NULL, TABLE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED) {
		free(t);
		return -errno;
	}
	t->h = (struct header *)(void *)p;
	t->nodes = (struct node *)(void *)(p + HEADER_BYTES);
	t->names = p + HEADER_BYTES + NODES_BYTES;
	if (!t->h->magic) {
		t->h->magic = TABLE_MAGIC;
		t->h->version = TABLE_VERSION;
		t->h->slots = SLOT_ROOT + 1;
		t->h->chunks = 1;
		t->h->epoch = 1;
		t->h->nodes = 1;
		t->nodes[SLOT_ROOT] =
			(struct node){.in_use = 1, .lookups = 1, .type = S_IFDIR, .key = {0, 0, 0}};
	}
	(void)pthread_mutex_init(&t->lock, NULL);
	int r = t->h->magic == TABLE_MAGIC && t->h->version == TABLE_VERSION
			? buckets_resize(t, BUCKETS_MIN)
			: -EPROTO;
	if (r) {
		table_detach(t);
		return r;
	}
	*ret = t;
	return 0;
}

void table_detach(struct table *t)
{
	if (!t)
		return;
	(void)munmap(t->h, TABLE_BYTES);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->buckets);
	free(t);
}

static void view_fill(const struct table *t, slot_t slot, struct node_view *v)
{
	const struct node *n = &t->nodes[slot];
	*v = (struct node_view){.slot = slot,
		.generation = n->generation,
		.parent = n->parent,
		.flags = n->flags,
		.type = n->type,
		.key = n->key,
		.ino = n->ino,
		.seen = n->seen};
	memcpy(v->name, name_of(t, n), n->name_len);
	v->name[n->name_len] = '\0';
}

int table_view_slot(struct table *t, slot_t slot, struct node_view *ret)
{
	int r = -ESTALE;
	(void)pthread_mutex_lock(&t->lock);
	if (slot && slot < t->h->slots && t->nodes[slot].in_use) {
		view_fill(t, slot, ret);
		r = 0;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

int table_view(struct table *t, fuse_ino_t ino, struct node_view *ret)
{
	int r = table_view_slot(t, slot_of(ino), ret);
	return r ? r : ret->generation == (uint32_t)(ino >> 32) ? 0 : -ESTALE;
}

fuse_ino_t table_ino(struct table *t, slot_t slot)
{
	(void)pthread_mutex_lock(&t->lock);
	fuse_ino_t ino = (fuse_ino_t)t->nodes[slot].generation << 32 | slot;
	(void)pthread_mutex_unlock(&t->lock);
	return ino;
}

/* The node is (also) known under this name now: last seen wins. Moving bumps the epoch. */
static int node_move(struct table *t, slot_t slot, slot_t parent, const char *name)
{
	struct node *n = &t->nodes[slot];
	slot_t old = n->parent;
	int r = node_set_name(t, n, name);
	if (r)
		return r;
	if (old != parent) {
		t->nodes[parent].children++;
		n->parent = parent;
		n->epoch = 0;
		if (S_ISDIR(n->type))
			t->h->epoch++;
		t->nodes[old].children--;
		slot_release(t, old);
	}
	return 0;
}

static int intern_new(struct table *t, slot_t parent, const char *name, const struct store_key *key,
	mode_t type, uint64_t ino, slot_t *ret)
{
	slot_t slot;
	int r = slot_new(t, &slot);
	if (r)
		return r;
	struct node *n = &t->nodes[slot];
	n->parent = parent;
	n->type = type & S_IFMT;
	n->key = *key;
	n->ino = ino;
	t->nodes[parent].children++;
	r = node_set_name(t, n, name);
	if (r) {
		t->nodes[parent].children--;
		n->in_use = 0;
		n->next = t->h->free;
		t->h->free = slot;
		t->h->nodes--;
		return r;
	}
	bucket_add(t, slot);
	if (t->h->nodes > t->bucket_count)
		(void)buckets_resize(t, 2 * t->bucket_count);
	*ret = slot;
	return 0;
}

/* A directory cannot come to lie below itself by an outside rename that we see half of. */
static bool is_ancestor(const struct table *t, slot_t slot, slot_t of)
{
	while (of && of != slot)
		of = t->nodes[of].parent;
	return of == slot;
}

int table_intern(struct table *t, slot_t parent, const char *name, const struct store_key *key,
	mode_t type, uint64_t ino, bool remember, struct node_view *ret)
{
	int r = 0;
	(void)pthread_mutex_lock(&t->lock);
	slot_t slot = find_key(t, key);
	if (slot && (t->nodes[slot].type != (type & S_IFMT) || is_ancestor(t, slot, parent)))
		slot = SLOT_NONE;
	if (!slot) {
		r = intern_new(t, parent, name, key, type, ino, &slot);
	} else {
		struct node *n = &t->nodes[slot];
		if (n->flags & NODE_NAMELESS)
			n->epoch = 0;
		n->flags &= (uint16_t)~NODE_NAMELESS;
		if (n->name_len != strlen(name) || memcmp(name_of(t, n), name, n->name_len) != 0)
			n->epoch = 0;
		r = node_move(t, slot, parent, name);
	}
	if (!r) {
		t->nodes[slot].lookups += remember;
		view_fill(t, slot, ret);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

slot_t table_find_key(struct table *t, const struct store_key *key)
{
	(void)pthread_mutex_lock(&t->lock);
	slot_t slot = find_key(t, key);
	(void)pthread_mutex_unlock(&t->lock);
	return slot;
}

slot_t table_find_name(struct table *t, slot_t parent, const char *name)
{
	slot_t found = SLOT_NONE;
	size_t len = strlen(name);
	(void)pthread_mutex_lock(&t->lock);
	for (slot_t slot = SLOT_ROOT + 1; slot < t->h->slots && !found; slot++) {
		const struct node *n = &t->nodes[slot];
		if (n->in_use && n->parent == parent && n->name_len == len &&
			!(n->flags & NODE_NAMELESS) && !memcmp(name_of(t, n), name, len))
			found = slot;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return found;
}

static int path_of(const struct table *t, slot_t slot, struct str *path)
{
	char buf[PATH_MAX * 4];
	size_t at = sizeof buf;
	for (; slot > SLOT_ROOT; slot = t->nodes[slot].parent) {
		const struct node *n = &t->nodes[slot];
		if (at < n->name_len + 1u)
			return -ENAMETOOLONG;
		at -= n->name_len;
		memcpy(buf + at, name_of(t, n), n->name_len);
		if (n->parent > SLOT_ROOT)
			buf[--at] = '/';
	}
	str_add_mem(path, buf + at, sizeof buf - at);
	return path->failed ? -ENOMEM : 0;
}

void table_forget(
	struct table *t, fuse_ino_t ino, uint64_t count, struct str *path, struct forgotten *ret)
{
	*ret = (struct forgotten){0};
	slot_t slot = slot_of(ino);
	(void)pthread_mutex_lock(&t->lock);
	struct node *n = slot < t->h->slots ? &t->nodes[slot] : NULL;
	if (n && slot > SLOT_ROOT && n->in_use && n->generation == (uint32_t)(ino >> 32)) {
		n->lookups -= count < n->lookups ? count : n->lookups;
		if (!n->lookups && n->bytes && !path_of(t, slot, path)) {
			*ret = (struct forgotten){n->bytes, (n->last_ops & OPS_GRANTED) != 0};
			n->bytes = 0;
		}
		slot_release(t, slot);
	}
	(void)pthread_mutex_unlock(&t->lock);
}

void table_rekey(struct table *t, slot_t slot, const struct store_key *key)
{
	(void)pthread_mutex_lock(&t->lock);
	if (t->nodes[slot].in_use && !same_key(&t->nodes[slot].key, key)) {
		bucket_remove(t, slot);
		t->nodes[slot].key = *key;
		bucket_add(t, slot);
	}
	(void)pthread_mutex_unlock(&t->lock);
}

void table_rename(struct table *t, slot_t slot, slot_t parent, const char *name)
{
	(void)pthread_mutex_lock(&t->lock);
	if (t->nodes[slot].in_use && t->nodes[parent].in_use && !is_ancestor(t, slot, parent) &&
		!node_move(t, slot, parent, name)) {
		t->nodes[slot].flags &= (uint16_t)~NODE_NAMELESS;
		t->nodes[slot].last_ops = 0; /* under another name it is another record */
		t->nodes[slot].epoch = 0;
		if (S_ISDIR(t->nodes[slot].type))
			t->h->epoch++;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

void table_update(struct table *t, slot_t slot, void (*fn)(struct node *node, void *arg), void *arg)
{
	(void)pthread_mutex_lock(&t->lock);
	if (t->nodes[slot].in_use)
		fn(&t->nodes[slot], arg);
	(void)pthread_mutex_unlock(&t->lock);
}

void table_flags(struct table *t, slot_t slot, uint16_t set, uint16_t clear)
{
	(void)pthread_mutex_lock(&t->lock);
	struct node *n = &t->nodes[slot];
	uint16_t flags = (uint16_t)((n->flags & ~clear) | set);
	/* A FORGET may have overtaken the caller: a free slot is nobody's. */
	if (n->in_use) {
		if ((flags ^ n->flags) & NODE_OPAQUE)
			t->h->epoch++;
		n->flags = flags;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

void table_seen(struct table *t, slot_t slot, uint64_t seen)
{
	(void)pthread_mutex_lock(&t->lock);
	if (t->nodes[slot].in_use)
		t->nodes[slot].seen = seen;
	(void)pthread_mutex_unlock(&t->lock);
}

void table_new_epoch(struct table *t)
{
	(void)pthread_mutex_lock(&t->lock);
	t->h->epoch++;
	(void)pthread_mutex_unlock(&t->lock);
}

slot_t table_slots(struct table *t)
{
	(void)pthread_mutex_lock(&t->lock);
	slot_t slots = t->h->slots;
	(void)pthread_mutex_unlock(&t->lock);
	return slots;
}

void table_set_ino(struct table *t, slot_t slot, uint64_t ino)
{
	(void)pthread_mutex_lock(&t->lock);
	t->nodes[slot].ino = ino;
	(void)pthread_mutex_unlock(&t->lock);
}

int table_path(struct table *t, slot_t slot, struct str *path)
{
	(void)pthread_mutex_lock(&t->lock);
	int r = path_of(t, slot, path);
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

/* States are kept on the node and belong to an epoch; one that is out of date is stepped again
 * from its parent. Depth is bounded by the path that the kernel walked. */
int table_states(
	struct table *t, const struct policy *p, policy_state root, slot_t slot, struct states *ret)
{
	slot_t chain[PATH_MAX / 2];
	unsigned depth = 0;
	(void)pthread_mutex_lock(&t->lock);
	struct node *n = &t->nodes[slot];
	while (slot > SLOT_ROOT && n->epoch != t->h->epoch && depth < PATH_MAX / 2) {
		chain[depth++] = slot;
		slot = n->parent;
		n = &t->nodes[slot];
	}
	struct states s = {root, root, (t->nodes[SLOT_ROOT].flags & NODE_OPAQUE) != 0};
	if (slot > SLOT_ROOT)
		s = (struct states){n->present, n->origin, n->detached != 0};
	int r = slot > SLOT_ROOT && n->epoch != t->h->epoch ? -ENAMETOOLONG : 0;
	while (!r && depth--) {
		/* cppcheck-suppress uninitvar ; filled from the front, read from the back */
		n = &t->nodes[chain[depth]];
		s.present = policy_step(p, s.present, name_of(t, n), n->name_len);
		s.origin = s.present;
		s.detached = s.detached || (n->flags & NODE_OPAQUE);
		n->present = s.present;
		n->origin = s.origin;
		n->detached = s.detached;
		n->epoch = t->h->epoch;
	}
	(void)pthread_mutex_unlock(&t->lock);
	*ret = s;
	return r;
}
