/* SPDX-License-Identifier: MIT */
/*
 * From the kernel's nodes to the store's directories and objects. A directory's descriptors come
 * from the LRU or are opened again component by component from the root, each checked against its
 * node's key, so that a path that was changed outside leads to ESTALE (the kernel looks up again)
 * and never to another object.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fuse_i.h"

static bool same_key(const struct store_key *a, const struct store_key *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->btime_ns == b->btime_ns;
}

int node_lookup_name(
	struct session *s, const struct fd_ref *dir, const char *name, struct store_object *o)
{
	struct store_dir d = ref_dir(dir);
	return store_lookup(s->store, &d, name, o);
}

static int open_root(struct session *s, struct fd_ref *ret)
{
	struct store_dir d;
	int r = store_dir_root(s->store, &d);
	return r ? r : fds_add(s->fds, SLOT_ROOT, FD_DIR, d.lower, d.upper, false, ret);
}

#define RETRIES 1000
#define RETRY_US 100

void node_moving(struct session *s, slot_t slot, bool moving)
{
	if (slot)
		table_flags(s->table, slot, moving ? NODE_MOVING : 0, moving ? 0 : NODE_MOVING);
}

/* True if it is worth another look: the node's name is on its way. */
static bool wait_moving(struct session *s, slot_t slot, unsigned tries)
{
	struct node_view v;
	if (tries >= RETRIES || table_view_slot(s->table, slot, &v) || !(v.flags & NODE_MOVING))
		return false;
	(void)usleep(RETRY_US);
	return true;
}

static int open_dir_node(struct session *s, slot_t slot, struct fd_ref *ret)
{
	struct node_view v;
	struct store_object o;
	struct store_dir d;
	uint64_t generation = fds_generation(s->fds, slot);
	int r = table_view_slot(s->table, slot, &v);
	if (!r && (v.flags & NODE_NAMELESS))
		r = -ESTALE;
	if (r)
		return r;
	struct fd_ref parent cleanup_fd_ref = FD_REF_INIT;
	r = node_dir(s, v.parent, &parent);
	if (!r)
		r = node_lookup_name(s, &parent, v.name, &o);
	if (!r && !same_key(&o.key, &v.key))
		r = -ESTALE;
	if (!r) {
		struct store_dir pd = ref_dir(&parent);
		r = store_dir_open(s->store, &pd, v.name, &o, &d);
	}
	if (r)
		return r == -ENOENT ? -ESTALE : r;
	return fds_add_since(s->fds, slot, FD_DIR, d.lower, d.upper, generation, ret);
}

int node_dir(struct session *s, slot_t slot, struct fd_ref *ret)
{
	int r = -EAGAIN;
	for (unsigned i = 0; r == -EAGAIN && i < RETRIES; i++) {
		if (!fds_get(s->fds, slot, FD_DIR, ret))
			return 0;
		if (slot == SLOT_ROOT)
			return open_root(s, ret);
		r = open_dir_node(s, slot, ret);
		if (r == -ESTALE && wait_moving(s, slot, i))
			r = -EAGAIN;
	}
	return r == -EAGAIN ? -ESTALE : r;
}

int node_dir_upper(struct session *s, slot_t slot, struct fd_ref *ret)
{
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	struct node_view v;
	int r = node_dir(s, slot, &ref);
	if (!r && ref.upper < 0) {
		struct fd_ref parent cleanup_fd_ref = FD_REF_INIT;
		struct store_object o;
		int fd cleanup_fd = -1;
		r = table_view_slot(s->table, slot, &v);
		if (!r && (v.flags & NODE_NAMELESS))
			r = -ENOENT; /* as mkdir in a removed directory */
		if (!r)
			r = node_dir_upper(s, v.parent, &parent);
		if (!r)
			r = node_lookup_name(s, &parent, v.name, &o);
		if (!r) {
			struct store_dir pd = ref_dir(&parent);
			r = store_dir_make_upper(s->store, &pd, v.name, &o, &fd);
		}
		if (r)
			return r;
		fds_put(&ref);
		fds_drop(s->fds, slot, FD_DIR);
		r = node_dir(s, slot, &ref);
		if (!r && ref.upper < 0)
			r = -ESTALE;
	}
	if (r)
		return r;
	*ret = ref;
	ref = (struct fd_ref)FD_REF_INIT;
	return 0;
}

/* -EXDEV: a rule names this directory, or something real is hidden under its name: redirect. */
static int promote(fuse_req_t req, struct session *s, const struct node_view *v)
{
	struct fd_ref parent cleanup_fd_ref = FD_REF_INIT;
	struct store_object o = {0};
	struct decision d;
	int r = verdict_node(s, v->slot, NULL, &d);
	if (!r && d.kind != VERDICT_GRANT && d.rule >= 0)
		r = -EXDEV;
	if (!r)
		r = node_dir_lower(req, s, v->parent, &parent);
	if (!r)
		r = node_lookup_name(s, &parent, v->name, &o);
	if (!r && (o.opaque || o.layer != STORE_UPPER))
		r = -EXDEV;
	if (!r && o.merged)
		return 0;
	if (!r) {
		struct store_dir pd = ref_dir(&parent);
		r = store_promote_dir(s->store, &pd, v->name, &o);
	}
	if (r)
		return r;
	node_rekeyed(s, v->slot, &o);
	d = (struct decision){.kind = VERDICT_GRANT, .side = STORE_REAL, .rule = -1};
	record_change(req, s, JOURNAL_MKDIR, &d, SLOT_NONE, v->parent, v->name, -1, 0);
	return 0;
}

int node_dir_lower(fuse_req_t req, struct session *s, slot_t slot, struct fd_ref *ret)
{
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	struct node_view v;
	int r = node_dir(s, slot, &ref);
	if (!r && ref.fd < 0) {
		r = table_view_slot(s->table, slot, &v);
		if (!r && (v.flags & NODE_NAMELESS))
			r = -ENOENT;
		if (!r)
			r = promote(req, s, &v);
		if (r)
			return r;
		fds_put(&ref);
		fds_drop(s->fds, slot, FD_DIR);
		r = node_dir(s, slot, &ref);
		if (!r && ref.fd < 0)
			r = -EXDEV;
	}
	if (r)
		return r;
	*ret = ref;
	ref = (struct fd_ref)FD_REF_INIT;
	return 0;
}

static int place_once(struct session *s, fuse_ino_t ino, struct place_ref *ret)
{
	struct place_ref p cleanup_place = {.dir = FD_REF_INIT};
	int r = table_view(s->table, ino, &p.view);
	if (r)
		return r;
	if (p.view.flags & NODE_NAMELESS) {
		ret->view = p.view;
		ret->dir = (struct fd_ref)FD_REF_INIT;
		return NODE_HAS_PIN;
	}
	bool root = p.view.slot == SLOT_ROOT;
	r = node_dir(s, root ? SLOT_ROOT : p.view.parent, &p.dir);
	if (!r && root)
		r = store_lookup_root(s->store, &p.o);
	else if (!r)
		r = node_lookup_name(s, &p.dir, p.view.name, &p.o);
	if (!r && !root && !same_key(&p.o.key, &p.view.key))
		r = -ESTALE;
	if (r)
		return r == -ENOENT ? -ESTALE : r;
	*ret = p;
	ret->name = root ? "." : ret->view.name;
	p.dir = (struct fd_ref)FD_REF_INIT;
	return 0;
}

int node_place(struct session *s, fuse_ino_t ino, struct place_ref *ret)
{
	struct node_view before, after;
	int r = -ESTALE;
	for (unsigned i = 0; r == -ESTALE; i++) {
		if (table_view(s->table, ino, &before))
			return -ESTALE;
		r = place_once(s, ino, ret);
		if (r != -ESTALE || wait_moving(s, slot_of(ino), i))
			continue;
		/* Moved between our two looks: the second finds it. */
		if (i >= RETRIES || table_view(s->table, ino, &after) ||
			(after.flags == before.flags && after.parent == before.parent &&
				same_key(&after.key, &before.key) &&
				!strcmp(after.name, before.name)))
			return -ESTALE;
	}
	return r;
}

void node_place_put(struct place_ref *place)
{
	fds_put(&place->dir);
}

static int pin_dir(struct session *s, slot_t slot)
{
	struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
	int r = node_dir(s, slot, &ref);
	if (r)
		return r;
	int lower = ref.fd >= 0 ? fcntl(ref.fd, F_DUPFD_CLOEXEC, 3) : -1;
	int upper = ref.upper >= 0 ? fcntl(ref.upper, F_DUPFD_CLOEXEC, 3) : -1;
	return fds_add(s->fds, slot, FD_DIR, lower, upper, true, NULL);
}

static int open_for_pin(struct session *s, slot_t slot, const struct store_dir *dir,
	const char *name, const struct store_object *o)
{
	struct fd_ref held cleanup_fd_ref = FD_REF_INIT;
	int fd = -1;
	int r = -EACCES;
	/* The mode (0444) may not let us open it again as it was opened at CREATE. */
	if (!fds_get(s->fds, slot, FD_WRITE, &held))
		return fcntl(held.fd, F_DUPFD_CLOEXEC, 3);
	if (S_ISREG(o->st.st_mode)) {
		r = o->data_lower ? -EBUSY : store_open_object(s->store, dir, name, o, O_RDWR, &fd);
		if (r)
			r = store_open_object(s->store, dir, name, o, O_RDONLY, &fd);
		if (!r)
			return fd;
	}
	/* Its attributes at least. */
	return sys_open_at(
		o->layer == STORE_UPPER && !o->indexed ? dir->upper : dir->lower, name, O_PATH, 0);
}

int node_pin(struct session *s, slot_t slot, const struct store_dir *dir, const char *name,
	const struct store_object *o)
{
	struct node_view v;
	int r = table_view_slot(s->table, slot, &v);
	if (r)
		return r;
	if (S_ISDIR(o->st.st_mode))
		return pin_dir(s, slot);
	int fd = open_for_pin(s, slot, dir, name, o);
	if (fd < 0)
		return fd;
	bool upper = o->layer == STORE_UPPER && !o->data_lower;
	table_flags(s->table, slot, upper ? NODE_UPPER : 0, upper ? 0 : NODE_UPPER);
	return fds_add(s->fds, slot, FD_PIN, fd, -1, true, NULL);
}

int node_pinned(struct session *s, const struct node_view *v, bool change, struct fd_ref *ret,
	int *ret_fd, bool *ret_upper)
{
	struct fd_ref pin cleanup_fd_ref = FD_REF_INIT;
	struct decision d;
	struct store_object o;
	bool dir = S_ISDIR(v->type);
	int copy = -1;
	if (fds_get(s->fds, v->slot, dir ? FD_DIR : FD_PIN, &pin))
		return -ESTALE;
	bool upper = dir ? pin.upper >= 0 : (v->flags & NODE_UPPER) != 0;
	int r = verdict_node(s, v->slot, NULL, &d);
	if (!r && change && !upper && d.kind == VERDICT_GRANT && S_ISREG(v->type)) {
		/* The name that it lost was granted; those that it may still have, too? */
		r = store_fd_lookup(s->store, pin.fd, false, &o);
		if (!r && o.st.st_nlink && !verdict_links(s, v->slot, &o))
			d.kind = VERDICT_REDIRECT;
	}
	if (!r && change && !upper && d.kind != VERDICT_GRANT) {
		if (!S_ISREG(v->type))
			return -EROFS;
		r = store_fd_lookup(s->store, pin.fd, false, &o);
		if (!r)
			r = store_fd_copy(s->store, pin.fd, &o, &copy);
		if (!r) {
			table_flags(s->table, v->slot, NODE_UPPER, 0);
			fds_drop(s->fds, v->slot, FD_READ);
			fds_put(&pin);
			r = fds_add(s->fds, v->slot, FD_PIN, copy, -1, true, &pin);
		}
		upper = true;
	}
	if (r)
		return r;
	*ret_fd = dir && upper ? pin.upper : pin.fd;
	*ret_upper = upper;
	*ret = pin;
	pin = (struct fd_ref)FD_REF_INIT;
	return 0;
}

void node_rekeyed(struct session *s, slot_t slot, const struct store_object *o)
{
	table_rekey(s->table, slot, &o->key);
	if (S_ISDIR(o->st.st_mode)) {
		fds_drop(s->fds, slot, FD_DIR);
		table_flags(
			s->table, slot, o->opaque ? NODE_OPAQUE : 0, o->opaque ? 0 : NODE_OPAQUE);
	} else {
		fds_drop(s->fds, slot, FD_READ);
		fds_drop(s->fds, slot, FD_WRITE);
	}
}
