/* SPDX-License-Identifier: MIT */
/* Names that go. What the kernel may still have open is pinned before its name is gone. */
#include <errno.h>
#include <linux/fuse.h>

#include "ops.h"

void remove_pin(struct session *s, const struct target *t)
{
	slot_t slot = table_find_key(s->table, &t->o.key);
	struct store_dir dir = ref_dir(&t->dir);
	if (slot && node_pin(s, slot, &dir, t->name, &t->o))
		log_debug("node %u: cannot be pinned", slot);
}

void remove_unpin(struct session *s, const struct target *t)
{
	slot_t slot = table_find_key(s->table, &t->o.key);
	if (!slot)
		return;
	fds_drop(s->fds, slot, FD_PIN);
	if (S_ISDIR(t->o.st.st_mode))
		fds_drop(s->fds, slot, FD_DIR);
}

/* A file of several names lives on under another one that the kernel may hold. */
static bool other_name(struct session *s, slot_t slot, const struct store_key *key)
{
	char name[NAME_MAX + 1];
	slot_t dir;
	for (unsigned i = 0; aliases_any(s->aliases, slot, i, &dir, name); i++) {
		struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
		struct store_object o;
		if (node_dir(s, dir, &ref) || node_lookup_name(s, &ref, name, &o) ||
			memcmp(&o.key, key, sizeof *key) != 0)
			continue;
		table_rename(s->table, slot, dir, name);
		return true;
	}
	return false;
}

void remove_done(struct session *s, const struct target *t)
{
	slot_t slot = table_find_key(s->table, &t->o.key);
	if (!slot)
		return;
	aliases_remove(s->aliases, slot, t->parent, t->name);
	listings_drop(s->listings, slot);
	if (t->o.st.st_nlink > 1 && !S_ISDIR(t->o.st.st_mode) && other_name(s, slot, &t->o.key)) {
		fds_drop(s->fds, slot, FD_PIN);
		return;
	}
	fds_drop(s->fds, slot, FD_READ);
	fds_drop(s->fds, slot, FD_WRITE);
	table_flags(s->table, slot, NODE_NAMELESS, 0);
}

static int check_listing_empty(struct session *s, const struct store_dir *dir)
{
	struct store_list list;
	int r = store_list_dir(s->store, dir, &list);
	if (r)
		return r;
	r = list.count ? -ENOTEMPTY : 0;
	store_list_free(&list);
	return r;
}

/* A granted directory: empty in the merged view it goes for real, with its container; if the real
 * one still holds what this job has redirected away, or writfs's own state, which the job does not
 * see, the deletion of the directory is redirected. */
static int remove_granted(
	fuse_req_t req, struct session *s, struct target *t, const struct store_dir *layers)
{
	struct store_dir dir = ref_dir(&t->dir);
	int r = layers->upper >= 0 ? check_listing_empty(s, layers) : 0;
	if (r)
		return r;
	struct store_object o = t->o;
	r = store_rmdir(s->store, &dir, t->name, STORE_REAL, layers, &o);
	if (!r) {
		struct store_dir left = {-1, layers->upper};
		if (o.layer == STORE_UPPER)
			r = store_rmdir(s->store, &dir, t->name, STORE_SCRATCH, &left, &o);
		t->o = o;
		return r;
	}
	if (r != -ENOTEMPTY && r != -EEXIST)
		return r;
	/* Unreadable: what the real one said stands. */
	int empty = check_listing_empty(s, layers);
	if (empty)
		return empty == -EACCES ? r : empty;
	t->d.kind = VERDICT_REDIRECT;
	t->d.side = STORE_SCRATCH;
	r = target_prepare(req, s, t);
	dir = ref_dir(&t->dir);
	return r ? r : store_rmdir(s->store, &dir, t->name, STORE_SCRATCH, layers, &t->o);
}

static int remove_dir(fuse_req_t req, struct session *s, struct target *t)
{
	struct fd_ref child cleanup_fd_ref = FD_REF_INIT;
	slot_t slot = table_find_key(s->table, &t->o.key);
	struct store_dir dir = ref_dir(&t->dir), sub = {-1, -1};
	int r = slot ? node_dir(s, slot, &child)
		     : store_dir_open(s->store, &dir, t->name, &t->o, &sub);
	if (r)
		return r;
	struct store_dir layers = slot ? ref_dir(&child) : sub;
	if (t->d.side == STORE_REAL)
		r = remove_granted(req, s, t, &layers);
	else
		r = store_rmdir(s->store, &dir, t->name, t->d.side, &layers, &t->o);
	store_dir_close(&sub);
	return r;
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, bool is_dir)
{
	struct session *s cleanup_shared = change_begin(req);
	struct target t cleanup_target = {.dir = FD_REF_INIT};
	unsigned opcode = is_dir ? FUSE_RMDIR : FUSE_UNLINK;
	slot_t moving = SLOT_NONE;
	count_request(s, opcode);
	unsigned txn = txn_begin(s->table, session_unique(), opcode, slot_of(parent), name);
	int r = target_get(s, parent, name, &t);
	if (!r && !t.exists)
		r = -ENOENT;
	if (!r && is_dir != (S_ISDIR(t.o.st.st_mode) != 0))
		r = is_dir ? -ENOTDIR : -EISDIR;
	if (!r)
		r = target_prepare(req, s, &t);
	struct target gone = t;
	if (!r) {
		txn_intent(s->table, txn, &t.o.key);
		moving = table_find_key(s->table, &t.o.key);
		node_moving(s, moving, true);
		remove_pin(s, &t);
		struct store_dir dir = ref_dir(&t.dir);
		r = is_dir ? remove_dir(req, s, &t)
			   : store_unlink(s->store, &dir, name, t.d.side, &t.o);
	}
	txn_done(s->table, txn, r);
	if (!r)
		remove_done(s, &gone);
	else if (gone.exists)
		remove_unpin(s, &gone);
	node_moving(s, moving, false);
	if (!r || t.d.kind == VERDICT_REFUSE)
		record_change(req, s, is_dir ? JOURNAL_RMDIR : JOURNAL_UNLINK, &t.d, SLOT_NONE,
			slot_of(parent), name, -1, -r);
	(void)fuse_reply_err(req, -r);
	txn_end(s->table, txn);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, false);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, true);
}
