/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of a node's data. The verdict on a write is taken when its descriptor is opened, that
 * is, at the first change after a lookup or an eviction: from then on WRITE costs one pwrite. Who
 * changes what backs a node (copy-up, promotion, removal) drops the descriptors in the same step.
 */
#include <errno.h>
#include <fcntl.h>

#include "ops.h"

#define READ_TRIES 16

static int open_read_once(struct session *s, fuse_ino_t ino, struct fd_ref *ret)
{
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct decision d;
	int fd = -1;
	bool upper;
	if (!fds_get(s->fds, slot_of(ino), FD_READ, ret))
		return 0;
	if (!fds_get(s->fds, slot_of(ino), FD_WRITE, ret)) {
		/* A file of mode 0200 was opened for writing alone. */
		if ((fcntl(ret->fd, F_GETFL) & O_ACCMODE) != O_WRONLY)
			return 0;
		fds_put(ret);
	}
	uint64_t generation = fds_generation(s->fds, slot_of(ino));
	int r = node_place(s, ino, &place);
	if (r == NODE_HAS_PIN) {
		r = verdict_node(s, place.view.slot, NULL, &d);
		if (!r && d.hidden)
			r = -EACCES;
		return r ? r : node_pinned(s, &place.view, false, ret, &fd, &upper);
	}
	if (!r)
		r = verdict_node(s, place.view.slot, &place.o, &d);
	if (!r && d.hidden)
		r = -EACCES;
	if (r)
		return r;
	struct store_dir dir = ref_dir(&place.dir);
	r = store_open_object(s->store, &dir, place.name, &place.o, O_RDONLY, &fd);
	/* Another object by now: look again. */
	if (r == -ESTALE)
		r = -EAGAIN;
	return r ? r : fds_add_since(s->fds, place.view.slot, FD_READ, fd, -1, generation, ret);
}

int data_open_read(struct session *s, fuse_ino_t ino, struct fd_ref *ret)
{
	int r = -EAGAIN;
	for (unsigned i = 0; r == -EAGAIN && i < READ_TRIES; i++)
		r = open_read_once(s, ino, ret);
	return r == -EAGAIN ? -ESTALE : r;
}

static int open_scratch(struct session *s, struct place_ref *place, int *fd)
{
	struct fd_ref up cleanup_fd_ref = FD_REF_INIT;
	struct store_dir dir = ref_dir(&place->dir);
	if (dir.upper < 0) {
		int r = node_dir_upper(s, place->view.parent, &up);
		if (r)
			return r;
		dir = ref_dir(&up);
	}
	struct store_key before = place->o.key;
	bool borrowed = place->o.data_lower;
	int r = store_copy_up(s->store, &dir, place->name, &place->o, true, -1);
	if (borrowed || memcmp(&before, &place->o.key, sizeof before) != 0)
		node_rekeyed(s, place->view.slot, &place->o);
	return r ? r : store_open_object(s->store, &dir, place->name, &place->o, O_RDWR, fd);
}

/* Whether the caller lacks CAP_FSETID: WRITE says so; for the others it is known. */
static bool caller_kills(fuse_req_t req)
{
	int kills = session_write_kills();
	if (kills >= 0)
		return kills != 0;
	return session_of(req)->o.confined || fuse_req_ctx(req)->uid != 0;
}

static bool has_capability(struct session *s, const struct place_ref *place)
{
	struct store_dir dir = ref_dir(&place->dir);
	return store_getxattr(
		       s->store, &dir, place->name, &place->o, "security.capability", NULL, 0) > 0;
}

/* What file_remove_privs does for a write(2) by an ordinary user. */
static int drop_privileges(
	fuse_req_t req, struct session *s, struct place_ref *place, enum store_side side)
{
	struct store_attr a = {.kill_priv = true};
	bool bits = caller_kills(req) && (place->o.st.st_mode & (S_ISUID | S_ISGID));
	/* File capabilities go with anybody's write; below the real file system sees to it. */
	if (!bits && !(side == STORE_SCRATCH && has_capability(s, place)))
		return 0;
	a.kill_priv = bits;
	a.drop_capability = true;
	struct fd_ref up cleanup_fd_ref = FD_REF_INIT;
	int r = side == STORE_SCRATCH ? node_dir_upper(s, place->view.parent, &up) : 0;
	struct store_dir dir = up.entry ? ref_dir(&up) : ref_dir(&place->dir);
	if (!r)
		r = store_setattr(s->store, &dir, place->name, side, &a, &place->o);
	if (!r) {
		table_flags(s->table, place->view.slot, 0, NODE_PRIVS);
		/* The kernel leaves the bits to us and goes on believing in them. */
		notify_inode(s->notifier, table_ino(s->table, place->view.slot));
	}
	return r;
}

static int open_placed(fuse_req_t req, struct session *s, struct place_ref *place,
	struct decision *d, struct fd_ref *ret)
{
	int fd = -1;
	int r = verdict_node(s, place->view.slot, &place->o, d);
	if (!r && (d->kind == VERDICT_REFUSE || d->hidden))
		r = -EACCES;
	if (r)
		return r;
	if (d->side == STORE_SCRATCH) {
		r = open_scratch(s, place, &fd);
	} else {
		struct store_dir dir = ref_dir(&place->dir);
		struct as_caller caller cleanup_caller = caller_begin(req, s);
		r = store_open_object(s->store, &dir, place->name, &place->o, O_RDWR, &fd);
		if (r == -EACCES)
			r = store_open_object(
				s->store, &dir, place->name, &place->o, O_WRONLY, &fd);
	}
	if (!r)
		r = drop_privileges(req, s, place, d->side);
	if (r) {
		(void)fd_close(fd);
		return r;
	}
	bool upper = d->side == STORE_SCRATCH;
	table_flags(s->table, place->view.slot, upper ? NODE_UPPER : 0, upper ? 0 : NODE_UPPER);
	return fds_add(s->fds, place->view.slot, FD_WRITE, fd, -1, false, ret);
}

int data_open_write(fuse_req_t req, struct session *s, fuse_ino_t ino, enum journal_op op,
	int64_t bytes, struct fd_ref *ret)
{
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct decision d = {.kind = VERDICT_REDIRECT, .side = STORE_SCRATCH, .rule = -1};
	struct node_view v;
	int fd;
	bool upper;
	int r = table_view(s->table, ino, &v);
	if (r)
		return r;
	bool drop = (v.flags & NODE_PRIVS) && caller_kills(req);
	if (!drop && !fds_get(s->fds, v.slot, FD_WRITE, ret)) {
		d.kind = v.flags & NODE_UPPER ? VERDICT_REDIRECT : VERDICT_GRANT;
		d.rule = RULE_ASK;
		record_change(req, s, op, &d, v.slot, v.parent, v.name, bytes, 0);
		return 0;
	}
	pthread_mutex_t *lock cleanup_stripe = stripe_lock(s, v.slot);
	r = node_place(s, ino, &place);
	if (r == NODE_HAS_PIN)
		return node_pinned(s, &place.view, true, ret, &fd, &upper);
	if (r)
		return r;
	r = open_placed(req, s, &place, &d, ret);
	record_change(req, s, op, &d, r ? SLOT_NONE : v.slot, v.parent, v.name, bytes, -r);
	return r;
}
