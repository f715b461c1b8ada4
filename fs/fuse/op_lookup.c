/* SPDX-License-Identifier: MIT */
/* Finding and forgetting. A lookup never changes anything; a missing name is answered with a
 * negative entry, so that the next question about it costs no request. */
#include <errno.h>
#include <linux/fuse.h>
#include <sys/statvfs.h>

#include "ops.h"

/* Beneath a hidden directory nothing is found, unless a narrower rule reopened it. */
static int check_hidden(struct session *s, const struct target *t)
{
	struct decision parent;
	if (!t->d.hidden)
		return 0;
	int r = verdict_node(s, t->parent, NULL, &parent);
	return r ? r : parent.hidden ? -EACCES : 0;
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct session *s = session_of(req);
	struct target t cleanup_target = {.dir = FD_REF_INIT};
	count_request(s, FUSE_LOOKUP);
	int r = target_get(s, parent, name, &t);
	if (!r)
		r = check_hidden(s, &t);
	/* The watch before the answer that relies on it: a change in between is told. */
	if (!r && t.dir.fd >= 0 && watch_dir(s->watch, t.parent, t.dir.fd) &&
		(!t.exists || t.o.layer == STORE_LOWER)) {
		r = node_lookup_name(s, &t.dir, name, &t.o);
		t.exists = !r;
		r = r == -ENOENT ? 0 : r;
	}
	if (r) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	if (t.exists) {
		reply_entry(req, s, &t);
		return;
	}
	struct fuse_entry_param e = {.ino = 0};
	bool ours = t.dir.fd < 0 || t.o.whiteout || watch_active(s->watch, t.parent);
	e.entry_timeout = ours ? TIMEOUT_OWN_S : TIMEOUT_SHARED_S;
	(void)fuse_reply_entry(req, &e);
}

static void forget_one(struct session *s, fuse_ino_t ino, uint64_t nlookup)
{
	struct str path cleanup_str = STR_INIT;
	struct forgotten f;
	table_forget(s->table, ino, nlookup, &path, &f);
	if (f.bytes)
		record_forgotten(s, path.p, &f);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct session *s = session_of(req);
	count_request(s, FUSE_FORGET);
	forget_one(s, ino, nlookup);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct session *s = session_of(req);
	count_request(s, FUSE_BATCH_FORGET);
	for (size_t i = 0; i < count; i++)
		forget_one(s, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct session *s = session_of(req);
	struct place_ref place cleanup_place = {.dir = FD_REF_INIT};
	struct decision d;
	char target[PATH_MAX + 1];
	size_t len;
	count_request(s, FUSE_READLINK);
	int r = node_place(s, ino, &place);
	if (r == NODE_HAS_PIN)
		r = -ESTALE;
	if (!r)
		r = verdict_node(s, place.view.slot, &place.o, &d);
	if (!r && d.hidden)
		r = -EACCES;
	if (!r) {
		struct store_dir dir = ref_dir(&place.dir);
		r = store_readlink(s->store, &dir, place.name, &place.o, target, PATH_MAX, &len);
	}
	if (r) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	target[len] = '\0';
	(void)fuse_reply_readlink(req, target);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct session *s = session_of(req);
	struct statvfs v;
	(void)ino;
	count_request(s, FUSE_STATFS);
	if (fstatvfs(store_real(s->store), &v) < 0)
		(void)fuse_reply_err(req, errno);
	else
		(void)fuse_reply_statfs(req, &v);
}
