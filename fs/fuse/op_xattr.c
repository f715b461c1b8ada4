/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes, and the question a program can ask about itself: user.writ.state on a file,
 * user.writ.state.NAME on a directory for a name in it, answered with the verdict as JSON. They are
 * not listed, and cannot be set.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "ops.h"

#define ASK "user.writ.state"
#define ASK_LEN (sizeof ASK - 1)
#define RESERVED "user.writfs"
#define RESERVED_LEN (sizeof RESERVED - 1)
#define VALUE_MAX 65536

static bool is_ask(const char *name)
{
	return !strncmp(name, ASK, ASK_LEN) && (!name[ASK_LEN] || name[ASK_LEN] == '.');
}

/* The store escapes every name, so that a program's could not be mistaken for its own; refused all
 * the same, so that a scratch tree and what is copied out of it stay readable. */
static bool is_reserved(const char *name)
{
	return !strncmp(name, RESERVED, RESERVED_LEN) &&
	       (!name[RESERVED_LEN] || name[RESERVED_LEN] == '.');
}

static void reply_value(fuse_req_t req, const char *value, ssize_t n, size_t size)
{
	if (n < 0)
		(void)fuse_reply_err(req, (int)-n);
	else if (!size)
		(void)fuse_reply_xattr(req, (size_t)n);
	else if ((size_t)n > size)
		(void)fuse_reply_err(req, ERANGE);
	else
		(void)fuse_reply_buf(req, value, (size_t)n);
}

static int ask_decision(
	struct session *s, const struct place_ref *place, const char *name, struct decision *d)
{
	struct fd_ref dir cleanup_fd_ref = FD_REF_INIT;
	struct store_object o;
	if (!name[ASK_LEN])
		return verdict_node(s, place->view.slot, &place->o, d);
	int r = node_dir(s, place->view.slot, &dir);
	if (!r)
		r = node_lookup_name(s, &dir, name + ASK_LEN + 1, &o);
	if (r && r != -ENOENT)
		return r;
	return verdict_name(s, place->view.slot, name + ASK_LEN + 1, &o, d);
}

static void ask(fuse_req_t req, struct session *s, const struct place_ref *place, const char *name,
	size_t size)
{
	struct decision d;
	int r = ask_decision(s, place, name, &d);
	char *json = r ? NULL : verdict_json(s, &d);
	if (!r && !json)
		r = -ENOMEM;
	reply_value(req, json, r ? r : (ssize_t)strlen(json), size);
	free(json);
}

static int get_pinned(struct session *s, const struct node_view *v, const char *name, char *value,
	size_t size, ssize_t *n)
{
	struct fd_ref pin cleanup_fd_ref = FD_REF_INIT;
	bool upper;
	int fd;
	int r = node_pinned(s, v, false, &pin, &fd, &upper);
	if (!r)
		*n = store_fd_getxattr(s->store, fd, upper, name, value, size);
	return r;
}

/* value NULL: remove. */
static int change_pinned(struct session *s, const struct node_view *v, const char *name,
	const char *value, size_t size, int flags)
{
	struct fd_ref pin cleanup_fd_ref = FD_REF_INIT;
	bool upper = false;
	int fd = -1;
	int r = node_pinned(s, v, true, &pin, &fd, &upper);
	if (r == -EROFS) {
		/* A real directory that is gone in this job only: as if it had been done. */
		r = node_pinned(s, v, false, &pin, &fd, &upper);
		ssize_t n = r ? r : store_fd_getxattr(s->store, fd, upper, name, NULL, 0);
		if (n == -ENODATA)
			return !value || (flags & XATTR_REPLACE) ? -ENODATA : 0;
		return n < 0 ? (int)n : (flags & XATTR_CREATE) ? -EEXIST : 0;
	}
	if (r)
		return r;
	return value ? store_fd_setxattr(s->store, fd, upper, name, value, size, flags)
		     : store_fd_removexattr(s->store, fd, upper, name);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct session *s = session_of(req);
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct decision d;
	ssize_t n = -ENOMEM;
	count_request(s, FUSE_GETXATTR);
	int r = node_place(s, ino, &place);
	if (!r && is_ask(name)) {
		ask(req, s, &place, name, size);
		return;
	}
	size_t room = size > VALUE_MAX ? VALUE_MAX : size;
	char *value cleanup_free = malloc(room ? room : 1);
	if (!value) {
		r = -ENOMEM;
	} else if (r == NODE_HAS_PIN) {
		r = get_pinned(s, &place.view, name, value, room, &n);
	} else if (!r) {
		r = verdict_node(s, place.view.slot, &place.o, &d);
		if (!r && d.hidden)
			r = -EACCES;
		struct store_dir dir = ref_dir(&place.dir);
		if (!r)
			n = store_getxattr(s->store, &dir, place.name, &place.o, name, value, room);
	}
	reply_value(req, value, r ? r : n, size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct session *s = session_of(req);
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	ssize_t n = 0;
	count_request(s, FUSE_LISTXATTR);
	int r = node_place(s, ino, &place);
	size_t room = size > VALUE_MAX ? VALUE_MAX : size;
	char *list cleanup_free = malloc(room ? room : 1);
	if (!list) {
		r = -ENOMEM;
	} else if (r == NODE_HAS_PIN) {
		r = 0;
	} else if (!r) {
		struct store_dir dir = ref_dir(&place.dir);
		n = store_listxattr(s->store, &dir, place.name, &place.o, list, room);
	}
	reply_value(req, list, r ? r : n, size);
}

/* Resolves, decides, makes the upper layer where it is needed. */
static int change_prepare(struct session *s, fuse_ino_t ino, struct place_ref *place,
	struct fd_ref *up, struct decision *d, struct store_dir *dir)
{
	int r = node_place(s, ino, place);
	if (r)
		return r;
	r = verdict_node(s, place->view.slot, &place->o, d);
	if (!r && d->kind == VERDICT_REFUSE)
		r = -EACCES;
	if (!r && d->side == STORE_SCRATCH && place->dir.upper < 0)
		r = node_dir_upper(s, place->view.parent, up);
	if (!r)
		*dir = up->entry ? ref_dir(up) : ref_dir(&place->dir);
	return r;
}

static void change_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags, bool remove)
{
	struct session *s cleanup_shared = change_begin(req);
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct fd_ref up cleanup_fd_ref = FD_REF_INIT;
	struct decision d = {.kind = VERDICT_REDIRECT, .rule = -1};
	struct store_dir dir;
	pthread_mutex_t *lock cleanup_stripe = stripe_lock(s, slot_of(ino));
	count_request(s, remove ? FUSE_REMOVEXATTR : FUSE_SETXATTR);
	if (is_ask(name) || is_reserved(name)) {
		(void)fuse_reply_err(req, EPERM);
		return;
	}
	int r = change_prepare(s, ino, &place, &up, &d, &dir);
	if (r == NODE_HAS_PIN) {
		r = change_pinned(s, &place.view, name, remove ? NULL : value, size, flags);
		(void)fuse_reply_err(req, -r);
		return;
	}
	struct store_key before = place.o.key;
	bool borrowed = place.o.data_lower;
	if (!r)
		r = remove ? store_removexattr(s->store, &dir, place.name, d.side, name, &place.o)
			   : store_setxattr(s->store, &dir, place.name, d.side, name, value, size,
				     flags, &place.o);
	if (place.view.slot != SLOT_ROOT && place.dir.entry && place.o.layer != STORE_NONE &&
		(borrowed != place.o.data_lower ||
			memcmp(&before, &place.o.key, sizeof before) != 0 ||
			S_ISDIR(place.o.st.st_mode)))
		node_rekeyed(s, place.view.slot, &place.o);
	/* A capability goes at the next write: the verdict is taken again then. */
	if (!r && !strcmp(name, "security.capability"))
		fds_drop(s->fds, place.view.slot, FD_WRITE);
	if (!r || d.kind == VERDICT_REFUSE)
		record_change(req, s, JOURNAL_XATTR, &d, SLOT_NONE, place.view.parent,
			place.view.name, (int64_t)size, -r);
	(void)fuse_reply_err(req, -r);
}

void op_setxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	change_xattr(req, ino, name, value, size, flags, false);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	change_xattr(req, ino, name, NULL, 0, 0, true);
}
