/* SPDX-License-Identifier: MIT */
/*
 * Rename and link. Which way a rename goes (design table):
 *
 *   both granted       one renameat2 of the real names
 *   both redirected    copy-up, then within scratch; a directory that shows real entries: EXDEV
 *   scratch -> grant   promotion: the scratch object takes the real name by one rename, but only if
 *                      the real file is what programs last saw through the mount; else the save
 *                      stays in scratch under that name, and the record says conflict
 *   grant -> scratch   the file moves, the real one into base/
 *   anything refused   EACCES
 *
 * The kernel holds both directories and the files' inodes locked meanwhile, so that nothing inside
 * the mount changes them; what changes them outside is caught by the store's own comparisons.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>

#include "ops.h"

struct move {
	fuse_req_t req;
	struct session *s;
	struct target from, to;
	slot_t node, replaced; /* SLOT_NONE if the kernel does not know it */
	const char *note;
	bool exclusive; /* no other request changes anything */
};

#define NEEDS_FREEZE 1 /* not an errno: again, with exclusive */

static int copy_up_source(struct session *s, struct target *t, slot_t node)
{
	struct store_dir dir = ref_dir(&t->dir);
	struct store_key before = t->o.key;
	bool had = t->o.data_lower;
	if (S_ISDIR(t->o.st.st_mode))
		return 0;
	int r = store_copy_up(s->store, &dir, t->name, &t->o, true, -1);
	if (node && t->o.layer != STORE_NONE &&
		(memcmp(&before, &t->o.key, sizeof before) != 0 || had))
		node_rekeyed(s, node, &t->o);
	return r;
}

/* "Same verdicts below at both places", or the directory would carry names into other rules. */
static int check_real_dir_move(struct move *m)
{
	struct session *s = m->s;
	struct states from, to;
	if (m->from.o.layer != STORE_LOWER || (m->to.exists && m->to.o.layer != STORE_LOWER))
		return -EXDEV;
	int r = table_states(s->table, s->o.policy, s->root_state, m->from.parent, &from);
	if (!r)
		r = table_states(s->table, s->o.policy, s->root_state, m->to.parent, &to);
	if (r)
		return r;
	from.present = policy_step(s->o.policy, from.present, m->from.name, strlen(m->from.name));
	to.present = policy_step(s->o.policy, to.present, m->to.name, strlen(m->to.name));
	if (policy_same_beneath(s->o.policy, from.present, to.present))
		return 0;
	return policy_refuses_beneath(s->o.policy, from.present) ? -EACCES : -EXDEV;
}

static int move_real(struct move *m, unsigned flags)
{
	struct store_dir from = ref_dir(&m->from.dir), to = ref_dir(&m->to.dir);
	if (S_ISDIR(m->from.o.st.st_mode) ||
		((flags & RENAME_EXCHANGE) && S_ISDIR(m->to.o.st.st_mode))) {
		int r = check_real_dir_move(m);
		if (r)
			return r;
	}
	int r = store_rename(m->s->store, STORE_REAL, &from, m->from.name, &m->from.o, &to,
		m->to.name, &m->to.o, flags);
	if (!r && S_ISREG(m->to.o.st.st_mode))
		seen_set(m->s->seen, table_ino(m->s->table, m->to.parent), m->to.name,
			reply_content(&m->to.o));
	return r;
}

static int move_scratch(struct move *m, unsigned flags)
{
	struct session *s = m->s;
	struct store_dir from = ref_dir(&m->from.dir), to = ref_dir(&m->to.dir);
	int r = copy_up_source(s, &m->from, m->node);
	if (!r && (flags & RENAME_EXCHANGE) && m->to.exists)
		r = copy_up_source(s, &m->to, m->replaced);
	if (!r)
		r = store_rename(s->store, STORE_SCRATCH, &from, m->from.name, &m->from.o, &to,
			m->to.name, &m->to.o, flags);
	return r;
}

struct rekey {
	struct session *s;
};

static void rekey_node(const struct store_key *was, const struct store_key *is, void *arg)
{
	const struct rekey *k = arg;
	slot_t slot = table_find_key(k->s->table, was);
	if (!slot)
		return;
	fds_drop(k->s->fds, slot, FD_DIR);
	fds_drop(k->s->fds, slot, FD_READ);
	fds_drop(k->s->fds, slot, FD_WRITE);
	table_rekey(k->s->table, slot, is);
	table_flags(k->s->table, slot, 0, NODE_UPPER | NODE_OPAQUE);
}

struct beneath {
	struct session *s;
	size_t skip; /* length of the source's path */
	policy_state to;
};

/* EXDEV at the first name that its new place does not grant: mv copies then, and each name gets a
 * verdict of its own. */
static int check_beneath(const struct store_entry *entry, void *arg)
{
	const struct beneath *b = arg;
	const char *at = entry->path + b->skip;
	policy_state state = b->to;
	while (*at == '/')
		at++;
	while (*at) {
		size_t len = strcspn(at, "/");
		state = policy_step(b->s->o.policy, state, at, len);
		at += len;
		while (*at == '/')
			at++;
	}
	struct verdict v = policy_decide(b->s->o.policy, state, state, true);
	return v.kind == VERDICT_GRANT && !v.hidden ? 0 : -EXDEV;
}

static int check_promoted_names(struct move *m)
{
	struct session *s = m->s;
	struct str path cleanup_str = STR_INIT;
	struct states to;
	int r = table_states(s->table, s->o.policy, s->root_state, m->to.parent, &to);
	if (!r)
		r = table_path(s->table, m->from.parent, &path);
	if (r)
		return r;
	if (path.len)
		str_add_char(&path, '/');
	str_add(&path, m->from.name);
	if (path.failed)
		return -ENOMEM;
	struct beneath b = {
		s, path.len, policy_step(s->o.policy, to.present, m->to.name, strlen(m->to.name))};
	return store_walk(s->store, path.p, check_beneath, &b);
}

/* What is beneath is not locked by the kernel: everything else stands still meanwhile. */
static int promote_dir(struct move *m)
{
	struct session *s = m->s;
	struct store_dir from = ref_dir(&m->from.dir), to = ref_dir(&m->to.dir);
	struct rekey k = {s};
	if (m->from.o.layer != STORE_UPPER || m->from.o.merged ||
		(m->to.exists && m->to.o.layer != STORE_LOWER))
		return -EXDEV;
	if (!m->exclusive)
		return NEEDS_FREEZE;
	int r = check_promoted_names(m);
	if (!r)
		r = store_promote_tree(s->store, &from, m->from.name, &m->from.o, to.lower,
			m->to.name, rekey_node, &k);
	if (r)
		return r;
	r = store_lookup(s->store, &from, m->from.name, &m->from.o);
	if (!r || r == -ENOENT)
		r = store_lookup(s->store, &to, m->to.name, &m->to.o);
	return r;
}

/* The save does not go through: somebody else changed the real file meanwhile. It is kept. */
static int promote_conflict(struct move *m)
{
	struct fd_ref up = FD_REF_INIT;
	m->note = "conflict: the real file was changed outside; kept in scratch";
	m->to.d.kind = VERDICT_REDIRECT;
	m->to.d.side = STORE_SCRATCH;
	if (m->to.dir.upper < 0) {
		int r = node_dir_upper(m->s, m->to.parent, &up);
		if (r)
			return r;
		fds_put(&m->to.dir);
		m->to.dir = up;
	}
	return move_scratch(m, 0);
}

static int promote_file(struct move *m)
{
	struct session *s = m->s;
	struct store_dir from = ref_dir(&m->from.dir), to = ref_dir(&m->to.dir);
	int r = copy_up_source(s, &m->from, m->node);
	if (r)
		return r;
	struct store_print expect = m->to.o.lower;
	fuse_ino_t to_dir = table_ino(s->table, m->to.parent);
	if (m->to.exists && m->to.o.st.st_size &&
		seen_differs(s->seen, to_dir, m->to.name, reply_content(&m->to.o)))
		return promote_conflict(m);
	struct store_publish p = {.real_dir = to.lower,
		.real_name = m->to.name,
		.expect = &expect,
		.keep_dir = -1,
		.move = true};
	struct store_object was = m->from.o;
	r = store_publish_object(s->store, &from, m->from.name, &m->from.o, &p);
	if (r == -ESTALE)
		return promote_conflict(m);
	if (r)
		return r;
	/* Moved or copied: the name in scratch goes, with a whiteout where it hides something. */
	r = store_lookup(s->store, &from, m->from.name, &m->from.o);
	if (!r && memcmp(&m->from.o.key, &was.key, sizeof was.key) == 0)
		r = store_unlink(s->store, &from, m->from.name, STORE_SCRATCH, &m->from.o);
	if (r == -ENOENT)
		r = 0;
	if (!r)
		r = store_lookup(s->store, &to, m->to.name, &m->to.o);
	if (!r)
		seen_set(s->seen, to_dir, m->to.name, reply_content(&m->to.o));
	if (!r && m->node)
		table_flags(s->table, m->node, 0, NODE_UPPER);
	return r;
}

static int demote_file(struct move *m)
{
	struct session *s = m->s;
	struct str path cleanup_str = STR_INIT;
	struct store_dir from = ref_dir(&m->from.dir), to = ref_dir(&m->to.dir);
	int r = table_path(s->table, m->from.parent, &path);
	if (r)
		return r;
	if (path.len)
		str_add_char(&path, '/');
	str_add(&path, m->from.name);
	if (path.failed)
		return -ENOMEM;
	return store_demote(
		s->store, &from, m->from.name, &m->from.o, &to, m->to.name, &m->to.o, path.p);
}

static int move_choose(struct move *m, unsigned flags)
{
	bool real_from = m->from.d.side == STORE_REAL, real_to = m->to.d.side == STORE_REAL;
	bool dir = S_ISDIR(m->from.o.st.st_mode);
	if (real_from && real_to)
		return move_real(m, flags);
	if (!real_from && !real_to)
		return move_scratch(m, flags);
	if (flags & RENAME_EXCHANGE)
		return -EXDEV;
	if (real_to)
		return dir ? promote_dir(m) : promote_file(m);
	return dir ? -EXDEV : demote_file(m);
}

static int move_checks(struct move *m, unsigned flags)
{
	bool from_dir = S_ISDIR(m->from.o.st.st_mode);
	if (!m->from.exists)
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && m->to.exists)
		return -EEXIST;
	if ((flags & RENAME_EXCHANGE) && !m->to.exists)
		return -ENOENT;
	if (m->to.exists && !(flags & RENAME_EXCHANGE)) {
		bool to_dir = S_ISDIR(m->to.o.st.st_mode);
		if (from_dir && !to_dir)
			return -ENOTDIR;
		if (!from_dir && to_dir)
			return -EISDIR;
	}
	if (m->from.d.kind == VERDICT_REFUSE || m->to.d.kind == VERDICT_REFUSE ||
		m->from.d.hidden || m->to.d.hidden)
		return -EACCES;
	return 0;
}

static void move_done(
	struct move *m, const struct target *replaced, unsigned flags, const struct store_key *was)
{
	struct session *s = m->s;
	bool linked = m->to.o.layer != STORE_NONE && m->to.o.st.st_nlink > 1 &&
		      !S_ISDIR(m->to.o.st.st_mode);
	if (m->node && linked)
		aliases_add(s->aliases, m->node, m->to.parent, m->to.name);
	if (flags & RENAME_EXCHANGE) {
		if (m->replaced) {
			aliases_remove(s->aliases, m->replaced, m->to.parent, m->to.name);
			aliases_add(s->aliases, m->replaced, m->from.parent, m->from.name);
		}
		if (m->node)
			table_rename(s->table, m->node, m->to.parent, m->to.name);
		if (m->replaced)
			table_rename(s->table, m->replaced, m->from.parent, m->from.name);
		if (m->replaced && m->from.o.layer != STORE_NONE)
			node_rekeyed(s, m->replaced, &m->from.o);
	} else if (m->replaced && m->replaced != m->node) {
		remove_done(s, replaced);
	}
	if (m->node) {
		aliases_remove(s->aliases, m->node, m->from.parent, m->from.name);
		if (!(flags & RENAME_EXCHANGE))
			table_rename(s->table, m->node, m->to.parent, m->to.name);
		/* Only another inode: a descriptor of this one may be the last way to it (0444). */
		bool other = memcmp(&m->to.o.key, was, sizeof *was) != 0;
		if (m->to.o.layer != STORE_NONE && (other || S_ISDIR(m->to.o.st.st_mode)))
			node_rekeyed(s, m->node, &m->to.o);
	}
	table_new_epoch(s->table);
}

static int rename_locked(struct move *m, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags, unsigned txn)
{
	int r = target_get(m->s, parent, name, &m->from);
	if (!r)
		r = target_get(m->s, new_parent, new_name, &m->to);
	if (!r)
		r = move_checks(m, flags);
	m->node = !r ? table_find_key(m->s->table, &m->from.o.key) : SLOT_NONE;
	m->replaced = !r && m->to.exists ? table_find_key(m->s->table, &m->to.o.key) : SLOT_NONE;
	/* rename(2): two names of one file, nothing happens. */
	if (!r && m->to.exists && m->node && m->node == m->replaced)
		return 0;
	if (!r)
		r = target_prepare(m->req, m->s, &m->from);
	if (!r)
		r = target_prepare(m->req, m->s, &m->to);
	if (r)
		return r;
	txn_intent(m->s->table, txn, &m->from.o.key);
	struct target replaced = m->to;
	struct store_key was = {0};
	struct node_view v;
	if (m->node && !table_view_slot(m->s->table, m->node, &v))
		was = v.key;
	node_moving(m->s, m->node, true);
	node_moving(m->s, m->replaced, true);
	if (m->to.exists && !(flags & RENAME_EXCHANGE))
		remove_pin(m->s, &m->to);
	struct as_caller caller cleanup_caller =
		m->from.d.side == STORE_REAL && m->to.d.side == STORE_REAL
			? caller_begin(m->req, m->s)
			: (struct as_caller){false};
	r = move_choose(m, flags);
	if (!r)
		move_done(m, &replaced, flags, &was);
	else if (m->replaced)
		remove_unpin(m->s, &replaced);
	node_moving(m->s, m->node, false);
	node_moving(m->s, m->replaced, false);
	return r;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	struct session *s cleanup_shared = change_begin(req);
	struct move m = {.req = req, .s = s, .from.dir = FD_REF_INIT, .to.dir = FD_REF_INIT};
	int r = -EINVAL;
	count_request(s, FUSE_RENAME2);
	unsigned txn = txn_begin(s->table, session_unique(), FUSE_RENAME2, slot_of(parent), name);
	if (!(flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)))
		r = rename_locked(&m, parent, name, new_parent, new_name, flags, txn);
	if (r == NEEDS_FREEZE) {
		(void)pthread_rwlock_unlock(&s->freeze);
		(void)pthread_rwlock_wrlock(&s->freeze);
		target_put(&m.from);
		target_put(&m.to);
		m = (struct move){.req = req,
			.s = s,
			.from.dir = FD_REF_INIT,
			.to.dir = FD_REF_INIT,
			.exclusive = true};
		r = rename_locked(&m, parent, name, new_parent, new_name, flags, txn);
	}
	txn_done(s->table, txn, r);
	/* The record speaks of the side where the data is now. */
	const struct decision *d = m.from.d.kind == VERDICT_REFUSE ? &m.from.d : &m.to.d;
	if (!r || (r == -EACCES && d->kind == VERDICT_REFUSE)) {
		bool across = m.from.d.side != m.to.d.side && m.to.d.side == STORE_REAL;
		record_move(req, s, across ? JOURNAL_PROMOTE : JOURNAL_RENAME, d, slot_of(parent),
			name, slot_of(new_parent), new_name, m.note, -r);
	}
	target_put(&m.from);
	target_put(&m.to);
	(void)fuse_reply_err(req, -r);
	txn_end(s->table, txn);
}

/* ---- link ---- */

static int link_choose(
	fuse_req_t req, struct session *s, struct place_ref *place, struct target *to)
{
	struct decision d;
	int r = verdict_node(s, place->view.slot, &place->o, &d);
	if (!r && (d.kind == VERDICT_REFUSE || to->d.kind == VERDICT_REFUSE || d.hidden ||
			  to->d.hidden))
		r = -EACCES;
	if (!r)
		r = target_prepare(req, s, to);
	if (!r && d.side != to->d.side)
		r = -EXDEV;
	if (r)
		return r;
	struct fd_ref up cleanup_fd_ref = FD_REF_INIT;
	struct store_dir from = ref_dir(&place->dir), dir = ref_dir(&to->dir);
	if (d.side == STORE_SCRATCH) {
		if (from.upper < 0) {
			r = node_dir_upper(s, place->view.parent, &up);
			if (r)
				return r;
			from = ref_dir(&up);
		}
		r = store_copy_up(s->store, &from, place->name, &place->o, true, -1);
		if (place->o.layer != STORE_NONE)
			node_rekeyed(s, place->view.slot, &place->o);
	}
	if (!r)
		r = store_link(
			s->store, d.side, &from, place->name, &place->o, &dir, to->name, &to->o);
	if (!r)
		aliases_add(s->aliases, place->view.slot, place->view.parent, place->view.name);
	return r;
}

/* linkat(fd) of an unlinked file. */
static int link_nameless(
	fuse_req_t req, struct session *s, const struct node_view *v, struct target *to)
{
	struct fd_ref pin cleanup_fd_ref = FD_REF_INIT;
	bool upper = (v->flags & NODE_UPPER) != 0;
	int r = S_ISDIR(v->type) ? -EPERM : fds_get(s->fds, v->slot, FD_PIN, &pin);
	if (!r)
		r = target_prepare(req, s, to);
	if (!r && upper != (to->d.side == STORE_SCRATCH))
		r = -EXDEV;
	if (!r)
		r = sys_link_fd(pin.fd, upper ? to->dir.upper : to->dir.fd, to->name);
	return r ? r : node_lookup_name(s, &to->dir, to->name, &to->o);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	struct session *s cleanup_shared = change_begin(req);
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct target to cleanup_target = {.dir = FD_REF_INIT};
	pthread_mutex_t *lock cleanup_stripe = stripe_lock(s, slot_of(ino));
	count_request(s, FUSE_LINK);
	unsigned txn =
		txn_begin(s->table, session_unique(), FUSE_LINK, slot_of(new_parent), new_name);
	int r = target_get(s, new_parent, new_name, &to);
	if (!r && to.exists)
		r = -EEXIST;
	int placed = r ? r : node_place(s, ino, &place);
	if (!r && placed == NODE_HAS_PIN)
		r = link_nameless(req, s, &place.view, &to);
	else if (!r)
		r = placed ? placed : link_choose(req, s, &place, &to);
	txn_done(s->table, txn, r);
	if (!r || to.d.kind == VERDICT_REFUSE)
		record_move(req, s, JOURNAL_LINK, &to.d, place.view.parent, place.view.name,
			slot_of(new_parent), new_name, NULL, -r);
	if (r)
		(void)fuse_reply_err(req, -r);
	else
		reply_entry(req, s, &to);
	txn_end(s->table, txn);
}
