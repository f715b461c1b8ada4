/* SPDX-License-Identifier: MIT */
/*
 * Listings. The kernel has no handle for us to keep one on, so a listing is kept by node and taken
 * again when a reader starts at the beginning; its offsets mean the same in any listing of the
 * directory (store/list.c), so that one that was dropped meanwhile can be taken anew.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>

#include "ops.h"

#define LISTINGS 64
#define OFFSET_DOT 1
#define OFFSET_DOTDOT 2

struct listing {
	slot_t slot;
	unsigned refs;
	bool stale; /* dropped from the table while in use */
	uint64_t used;
	struct store_list list;
};

struct listings {
	pthread_mutex_t lock;
	struct listing *row[LISTINGS];
	uint64_t clock;
};

int listings_new(struct listings **ret)
{
	struct listings *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	(void)pthread_mutex_init(&l->lock, NULL);
	*ret = l;
	return 0;
}

static void listing_free(struct listing *l)
{
	store_list_free(&l->list);
	free(l);
}

/* Takes row i out of the table; freed when its last reader puts it. */
static void row_drop(struct listings *l, unsigned i)
{
	struct listing *old = l->row[i];
	l->row[i] = NULL;
	if (!old)
		return;
	old->stale = true;
	if (!old->refs)
		listing_free(old);
}

void listings_drop(struct listings *l, slot_t slot)
{
	(void)pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < LISTINGS; i++)
		if (l->row[i] && l->row[i]->slot == slot)
			row_drop(l, i);
	(void)pthread_mutex_unlock(&l->lock);
}

void listings_free(struct listings *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < LISTINGS; i++)
		row_drop(l, i);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct listing *listing_find(struct listings *l, slot_t slot)
{
	struct listing *found = NULL;
	(void)pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < LISTINGS && !found; i++)
		if (l->row[i] && l->row[i]->slot == slot)
			found = l->row[i];
	if (found) {
		found->refs++;
		found->used = ++l->clock;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return found;
}

static void listing_add(struct listings *l, struct listing *fresh)
{
	unsigned at = 0;
	(void)pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < LISTINGS; i++) {
		if (l->row[i] && l->row[i]->slot == fresh->slot) {
			at = i;
			break;
		}
		if (!l->row[i] || (l->row[at] && l->row[i]->used < l->row[at]->used))
			at = i;
	}
	row_drop(l, at);
	l->row[at] = fresh;
	fresh->refs = 1;
	fresh->used = ++l->clock;
	(void)pthread_mutex_unlock(&l->lock);
}

static void listing_put(struct listings *l, struct listing *listing)
{
	(void)pthread_mutex_lock(&l->lock);
	if (!--listing->refs && listing->stale)
		listing_free(listing);
	(void)pthread_mutex_unlock(&l->lock);
}

static int listing_take(struct session *s, slot_t slot, struct listing **ret)
{
	struct fd_ref dir cleanup_fd_ref = FD_REF_INIT;
	int r = node_dir(s, slot, &dir);
	if (r)
		return r;
	if (dir.fd >= 0)
		(void)watch_dir(s->watch, slot, dir.fd);
	struct listing *fresh = calloc(1, sizeof *fresh);
	if (!fresh)
		return -ENOMEM;
	fresh->slot = slot;
	struct store_dir d = ref_dir(&dir);
	r = store_list_dir(s->store, &d, &fresh->list);
	if (r) {
		free(fresh);
		return r;
	}
	listing_add(s->listings, fresh);
	*ret = fresh;
	return 0;
}

static size_t first_after(const struct store_list *list, uint64_t offset)
{
	size_t low = 0, high = list->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (list->entries[mid].offset <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct fill {
	fuse_req_t req;
	char *buf;
	size_t size, used;
};

static bool fill_add(struct fill *f, const char *name, uint64_t ino, unsigned type, uint64_t offset)
{
	struct stat st = {.st_ino = ino, .st_mode = DTTOIF(type)};
	size_t n = fuse_add_direntry(
		f->req, f->buf + f->used, f->size - f->used, name, &st, (off_t)offset);
	if (n > f->size - f->used)
		return false;
	f->used += n;
	return true;
}

static void fill_listing(struct fill *f, const struct store_list *list, uint64_t offset,
	uint64_t ino, uint64_t parent_ino)
{
	if (offset < OFFSET_DOT && !fill_add(f, ".", ino, DT_DIR, OFFSET_DOT))
		return;
	if (offset < OFFSET_DOTDOT && !fill_add(f, "..", parent_ino, DT_DIR, OFFSET_DOTDOT))
		return;
	for (size_t i = first_after(list, offset); i < list->count; i++) {
		const struct store_dirent *e = &list->entries[i];
		if (!fill_add(f, list->names + e->name, e->ino, e->type, e->offset))
			return;
	}
}

static int check_readable(struct session *s, slot_t slot)
{
	struct decision d;
	int r = verdict_node(s, slot, NULL, &d);
	return r ? r : d.hidden ? -EACCES : 0;
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct listing *listing = NULL;
	struct node_view v, parent;
	(void)fi;
	count_request(s, FUSE_READDIR);
	int r = table_view(s->table, ino, &v);
	if (!r && !(v.flags & NODE_NAMELESS))
		r = check_readable(s, v.slot);
	char *buf cleanup_free = r ? NULL : malloc(size);
	if (!r && !buf)
		r = -ENOMEM;
	if (!r && off)
		listing = listing_find(s->listings, v.slot);
	if (!r && !listing)
		r = listing_take(s, v.slot, &listing);
	if (r) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	if (v.slot == SLOT_ROOT || table_view_slot(s->table, v.parent, &parent))
		parent = v;
	struct fill f = {req, buf, size, 0};
	fill_listing(&f, &listing->list, (uint64_t)off, v.ino, parent.ino);
	listing_put(s->listings, listing);
	(void)fuse_reply_buf(req, buf, f.used);
}
