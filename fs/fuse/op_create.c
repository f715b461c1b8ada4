/* SPDX-License-Identifier: MIT */
/* New names. EEXIST comes before the verdict; CREATE without O_EXCL on a name that appeared outside
 * meanwhile opens it, as open(2) does. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/sysmacros.h>

#include "ops.h"

/* Everything that a new name needs, on the side that the decision names. */
static int prepare_new(
	fuse_req_t req, struct session *s, fuse_ino_t parent, const char *name, struct target *t)
{
	int r = target_get(s, parent, name, t);
	if (!r && t->exists)
		r = -EEXIST;
	if (!r)
		r = target_prepare(req, s, t);
	return r ? r : target_dir_stat(s, t);
}

static void created_record(fuse_req_t req, struct session *s, const struct target *t,
	fuse_ino_t parent, const char *name, enum journal_op op, int r)
{
	if (!r || t->d.kind == VERDICT_REFUSE)
		record_change(req, s, op, &t->d, SLOT_NONE, slot_of(parent), name, -1, -r);
}

/* The descriptor that CREATE made is kept: a WRITE follows, and a mode like 0444 (git's habit for
 * objects) would not let us open the file again. */
static void keep_created(struct session *s, const struct target *t, fuse_ino_t ino, int fd)
{
	bool pin = t->d.side == STORE_REAL && !s->is_root && (t->o.st.st_mode & 0600) != 0600;
	bool upper = t->d.side == STORE_SCRATCH;
	table_flags(s->table, slot_of(ino), upper ? NODE_UPPER : 0, upper ? 0 : NODE_UPPER);
	(void)fds_add(s->fds, slot_of(ino), FD_WRITE, fd, -1, pin, NULL);
}

static void reply_created(fuse_req_t req, struct session *s, const struct target *t, int fd,
	struct fuse_file_info *fi)
{
	struct fuse_entry_param e;
	int r = reply_fill_entry(s, t->parent, &t->dir, t->name, &t->o, &t->d, &e);
	if (r) {
		(void)fd_close(fd);
		(void)fuse_reply_err(req, -r);
		return;
	}
	if (fd >= 0)
		keep_created(s, t, e.ino, fd);
	if (fd >= 0 && t->d.side == STORE_REAL)
		seen_set(s->seen, table_ino(s->table, t->parent), t->name, reply_content(&t->o));
	fi->fh = 0;
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		struct str unused cleanup_str = STR_INIT;
		struct forgotten forgotten;
		table_forget(s->table, e.ino, 1, &unused, &forgotten);
	}
}

/* The name is there after all. */
static int open_existing(fuse_req_t req, struct session *s, fuse_ino_t parent, const char *name,
	struct fuse_file_info *fi)
{
	struct target t cleanup_target = {.dir = FD_REF_INIT};
	if (fi->flags & O_EXCL)
		return -EEXIST;
	int r = target_get(s, parent, name, &t);
	if (!r && !t.exists)
		r = -ENOENT;
	if (!r && S_ISDIR(t.o.st.st_mode))
		r = -EISDIR;
	if (!r && t.d.hidden)
		r = -EACCES;
	if (!r && (fi->flags & O_TRUNC)) {
		r = target_prepare(req, s, &t);
		struct store_dir dir = ref_dir(&t.dir);
		struct store_attr a = {.set_size = true,
			.kill_priv = s->o.confined || fuse_req_ctx(req)->uid != 0};
		struct store_key before = t.o.key;
		if (!r)
			r = store_setattr(s->store, &dir, name, t.d.side, &a, &t.o);
		slot_t slot = r ? SLOT_NONE : table_find_key(s->table, &before);
		if (slot)
			node_rekeyed(s, slot, &t.o);
		record_change(req, s, JOURNAL_TRUNCATE, &t.d, SLOT_NONE, t.parent, name, 0, -r);
	}
	if (!r)
		reply_created(req, s, &t, -1, fi);
	return r;
}

void op_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct session *s cleanup_shared = change_begin(req);
	struct target t cleanup_target = {.dir = FD_REF_INIT};
	struct store_cred cred = target_cred(req, s);
	int fd = -1;
	count_request(s, FUSE_CREATE);
	unsigned txn = txn_begin(s->table, session_unique(), FUSE_CREATE, slot_of(parent), name);
	int r = prepare_new(req, s, parent, name, &t);
	if (!r) {
		struct as_caller caller cleanup_caller =
			t.d.side == STORE_REAL ? caller_begin(req, s) : (struct as_caller){false};
		struct store_dir dir = ref_dir(&t.dir);
		txn_intent(s->table, txn, &t.o.key);
		r = store_create(s->store, &dir, name, t.d.side, &t.dir_st, mode, &cred, &t.o, &fd);
	}
	txn_done(s->table, txn, r);
	if (r == -EEXIST) {
		r = open_existing(req, s, parent, name, fi);
	} else {
		created_record(req, s, &t, parent, name, JOURNAL_CREATE, r);
		if (!r)
			reply_created(req, s, &t, fd, fi);
	}
	if (r)
		(void)fuse_reply_err(req, -r);
	txn_end(s->table, txn);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct session *s cleanup_shared = change_begin(req);
	struct target t cleanup_target = {.dir = FD_REF_INIT};
	struct store_cred cred = target_cred(req, s);
	count_request(s, FUSE_MKDIR);
	unsigned txn = txn_begin(s->table, session_unique(), FUSE_MKDIR, slot_of(parent), name);
	int r = prepare_new(req, s, parent, name, &t);
	if (!r) {
		struct as_caller caller cleanup_caller =
			t.d.side == STORE_REAL ? caller_begin(req, s) : (struct as_caller){false};
		struct store_dir dir = ref_dir(&t.dir);
		txn_intent(s->table, txn, &t.o.key);
		/* The real directory is still there, under a whiteout of a granted name: it comes
		 * back with what it holds deleted. */
		r = t.d.sticky && t.o.whiteout && S_ISDIR(t.o.lower.mode)
			    ? store_reattach(s->store, &dir, name, mode & ~cred.umask, &t.o)
			    : store_mkdir(
				      s->store, &dir, name, t.d.side, &t.dir_st, mode, &cred, &t.o);
	}
	txn_done(s->table, txn, r);
	created_record(req, s, &t, parent, name, JOURNAL_MKDIR, r);
	if (r)
		(void)fuse_reply_err(req, -r);
	else
		reply_entry(req, s, &t);
	txn_end(s->table, txn);
}

static void make_node(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev,
	const char *link)
{
	struct session *s cleanup_shared = change_begin(req);
	struct target t cleanup_target = {.dir = FD_REF_INIT};
	struct store_cred cred = target_cred(req, s);
	unsigned opcode = link ? FUSE_SYMLINK : FUSE_MKNOD;
	count_request(s, opcode);
	unsigned txn = txn_begin(s->table, session_unique(), opcode, slot_of(parent), name);
	int r = prepare_new(req, s, parent, name, &t);
	if (!r) {
		struct as_caller caller cleanup_caller =
			t.d.side == STORE_REAL && !S_ISCHR(mode) && !S_ISBLK(mode)
				? caller_begin(req, s)
				: (struct as_caller){false};
		struct store_dir dir = ref_dir(&t.dir);
		txn_intent(s->table, txn, &t.o.key);
		r = store_mknod(
			s->store, &dir, name, t.d.side, &t.dir_st, mode, rdev, link, &cred, &t.o);
	}
	txn_done(s->table, txn, r);
	if (link && (!r || t.d.kind == VERDICT_REFUSE))
		record_move(req, s, JOURNAL_SYMLINK, &t.d, slot_of(parent), name, SLOT_NONE, link,
			NULL, -r);
	else
		created_record(req, s, &t, parent, name, JOURNAL_MKNOD, r);
	if (r)
		(void)fuse_reply_err(req, -r);
	else
		reply_entry(req, s, &t);
	txn_end(s->table, txn);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make_node(req, parent, name, mode, rdev, NULL);
}

void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	make_node(req, parent, name, S_IFLNK | 0777, 0, link);
}
