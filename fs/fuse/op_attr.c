/* SPDX-License-Identifier: MIT */
/* Attributes: shown, and changed on the side that the verdict names. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>

#include "ops.h"

static int getattr_pinned(struct session *s, const struct node_view *v, struct stat *ret)
{
	struct fd_ref pin cleanup_fd_ref = FD_REF_INIT;
	struct store_object o;
	struct decision d = {.kind = VERDICT_REDIRECT, .rule = -1};
	bool dir = S_ISDIR(v->type), upper;
	int fd;
	int r = node_pinned(s, v, false, &pin, &fd, &upper);
	if (!r)
		r = store_fd_lookup(s->store, fd, upper, &o);
	if (r)
		return r;
	reply_stat(s, NULL, NULL, &o, &d, ret);
	if (v->ino)
		ret->st_ino = v->ino;
	/* The real file still has the name that it lost in this job. */
	if (!upper && !verdict_node(s, v->slot, NULL, &d) && d.kind != VERDICT_GRANT &&
		ret->st_nlink)
		ret->st_nlink--;
	if (dir)
		ret->st_nlink = 0;
	return 0;
}

static int getattr_placed(
	struct session *s, struct place_ref *place, struct stat *ret, double *timeout)
{
	struct decision d;
	int r = verdict_node(s, place->view.slot, &place->o, &d);
	if (r)
		return r;
	struct store_dir dir = ref_dir(&place->dir);
	reply_stat(s, &dir, place->name, &place->o, &d, ret);
	table_seen(s->table, place->view.slot, reply_seen(&place->o));
	slot_t watched = S_ISDIR(place->o.st.st_mode) ? place->view.slot : place->view.parent;
	*timeout = reply_timeout(s, watched, &place->o);
	return 0;
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct stat st;
	double timeout = TIMEOUT_SHARED_S;
	(void)fi;
	count_request(s, FUSE_GETATTR);
	int r = node_place(s, ino, &place);
	if (r == NODE_HAS_PIN)
		r = getattr_pinned(s, &place.view, &st);
	else if (!r)
		r = getattr_placed(s, &place, &st, &timeout);
	if (r)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_attr(req, &st, timeout);
}

/* FATTR_KILL_SUIDGID of linux/fuse.h: the caller has no CAP_FSETID. libfuse passes it on. */
#define SET_ATTR_KILL_SUIDGID (1 << 11)

static struct store_attr attr_wanted(const struct stat *attr, int to_set)
{
	struct store_attr a = {.set_mode = (to_set & FUSE_SET_ATTR_MODE) != 0,
		.set_uid = (to_set & FUSE_SET_ATTR_UID) != 0,
		.set_gid = (to_set & FUSE_SET_ATTR_GID) != 0,
		.set_size = (to_set & FUSE_SET_ATTR_SIZE) != 0,
		.set_atime = (to_set & FUSE_SET_ATTR_ATIME) != 0,
		.set_mtime = (to_set & FUSE_SET_ATTR_MTIME) != 0,
		.mode = attr->st_mode,
		.uid = attr->st_uid,
		.gid = attr->st_gid,
		.size = attr->st_size,
		.atime = attr->st_atim,
		.mtime = attr->st_mtim};
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		a.atime.tv_nsec = UTIME_NOW;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		a.mtime.tv_nsec = UTIME_NOW;
	a.set_atime = a.set_atime || (to_set & FUSE_SET_ATTR_ATIME_NOW);
	a.set_mtime = a.set_mtime || (to_set & FUSE_SET_ATTR_MTIME_NOW);
	/* KILLPRIV_V2: what the kernel leaves to us when data changes hands. */
	a.kill_priv = a.set_size && (to_set & SET_ATTR_KILL_SUIDGID);
	return a;
}

/* With one id mapped every owner is shown as the user's: setting what is shown changes nothing. */
static void drop_shown_owner(const struct session *s, struct store_attr *a)
{
	if (!s->o.map_ids)
		return;
	if (a->set_uid && a->uid == s->o.uid)
		a->set_uid = false;
	if (a->set_gid && a->gid == s->o.gid)
		a->set_gid = false;
}

static enum journal_op attr_op(const struct store_attr *a)
{
	if (a->set_size)
		return JOURNAL_TRUNCATE;
	if (a->set_mode)
		return JOURNAL_CHMOD;
	return a->set_uid || a->set_gid ? JOURNAL_CHOWN : JOURNAL_UTIMES;
}

static int setattr_pinned(struct session *s, const struct node_view *v, const struct store_attr *a)
{
	struct fd_ref pin cleanup_fd_ref = FD_REF_INIT;
	struct store_object o;
	bool upper;
	int fd;
	int r = node_pinned(s, v, true, &pin, &fd, &upper);
	/* A real directory that is gone in this job only: whoever still holds it sees what it was.
	 */
	if (r == -EROFS)
		return 0;
	if (!r)
		r = store_fd_lookup(s->store, fd, upper, &o);
	return r ? r : store_fd_setattr(s->store, fd, upper, a, &o);
}

/* A real file that is about to become unreadable for us stays reachable. */
static void pin_before_chmod(
	struct session *s, const struct place_ref *place, const struct store_attr *a)
{
	int fd = -1;
	if (s->is_root || !a->set_mode || (a->mode & 0600) == 0600 || !S_ISREG(place->o.st.st_mode))
		return;
	struct store_dir dir = ref_dir(&place->dir);
	struct fd_ref held cleanup_fd_ref = FD_REF_INIT;
	if (!fds_get(s->fds, place->view.slot, FD_WRITE, &held))
		fd = fcntl(held.fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0 || !store_open_object(s->store, &dir, place->name, &place->o, O_RDWR, &fd))
		(void)fds_add(s->fds, place->view.slot, FD_WRITE, fd, -1, true, NULL);
	else if (!store_open_object(s->store, &dir, place->name, &place->o, O_RDONLY, &fd))
		(void)fds_add(s->fds, place->view.slot, FD_READ, fd, -1, true, NULL);
}

/* Through a descriptor that we have: the mode may not let us open the file again. */
static bool truncate_open(struct session *s, const struct place_ref *place, off_t size)
{
	struct fd_ref held cleanup_fd_ref = FD_REF_INIT;
	return !fds_get(s->fds, place->view.slot, FD_WRITE, &held) && !ftruncate(held.fd, size);
}

static int setattr_placed(fuse_req_t req, struct session *s, struct place_ref *place,
	struct store_attr *a, struct decision *d)
{
	struct as_caller caller cleanup_caller = {false};
	int r = verdict_node(s, place->view.slot, &place->o, d);
	/* uid 0 passes the mode bits of a hidden file: its content is answered here. */
	if (!r && (d->kind == VERDICT_REFUSE || (d->hidden && a->set_size)))
		r = -EACCES;
	if (r)
		return r;
	drop_shown_owner(s, a);
	struct fd_ref up cleanup_fd_ref = FD_REF_INIT;
	if (d->side == STORE_SCRATCH && place->dir.upper < 0) {
		r = node_dir_upper(s, place->view.parent, &up);
		if (r)
			return r;
	}
	struct store_dir dir = up.entry ? ref_dir(&up) : ref_dir(&place->dir);
	struct store_attr rest = *a;
	if (d->side == STORE_REAL) {
		if (a->set_size && truncate_open(s, place, a->size))
			rest.set_size = false;
		pin_before_chmod(s, place, a);
		caller = caller_begin(req, s);
	}
	struct store_key before = place->o.key;
	bool had_data_lower = place->o.data_lower;
	r = store_setattr(s->store, &dir, place->name, d->side, &rest, &place->o);
	if (place->view.slot != SLOT_ROOT && place->o.layer != STORE_NONE &&
		(memcmp(&before, &place->o.key, sizeof before) != 0 ||
			had_data_lower != place->o.data_lower))
		node_rekeyed(s, place->view.slot, &place->o);
	else if (!r && S_ISDIR(place->o.st.st_mode))
		fds_drop(s->fds, place->view.slot, FD_DIR);
	return r;
}

/* A write by an ordinary user has to take these bits away: it is sent past the open descriptor. */
static void note_privs(struct session *s, const struct place_ref *place)
{
	bool privs = S_ISREG(place->o.st.st_mode) && (place->o.st.st_mode & (S_ISUID | S_ISGID));
	if (privs != ((place->view.flags & NODE_PRIVS) != 0))
		table_flags(
			s->table, place->view.slot, privs ? NODE_PRIVS : 0, privs ? 0 : NODE_PRIVS);
}

void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct session *s cleanup_shared = change_begin(req);
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct store_attr a = attr_wanted(attr, to_set);
	struct stat st;
	struct decision d = {.kind = VERDICT_REDIRECT, .rule = -1};
	double timeout = TIMEOUT_SHARED_S;
	pthread_mutex_t *lock cleanup_stripe = stripe_lock(s, slot_of(ino));
	(void)fi;
	count_request(s, FUSE_SETATTR);
	int r = node_place(s, ino, &place);
	if (r == NODE_HAS_PIN) {
		r = setattr_pinned(s, &place.view, &a);
		if (!r)
			r = getattr_pinned(s, &place.view, &st);
	} else if (!r) {
		r = setattr_placed(req, s, &place, &a, &d);
		record_change(req, s, attr_op(&a), &d, r ? SLOT_NONE : place.view.slot,
			place.view.parent, place.view.name, -1, -r);
		if (!r)
			note_privs(s, &place);
		if (!r && d.side == STORE_REAL && S_ISREG(place.o.st.st_mode))
			seen_set(s->seen, table_ino(s->table, place.view.parent), place.view.name,
				reply_content(&place.o));
		if (!r)
			r = getattr_placed(s, &place, &st, &timeout);
	}
	if (r)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_attr(req, &st, timeout);
}
