/* SPDX-License-Identifier: MIT */
/*
 * What the kernel is told of an object: attributes as programs may see them, and for how long it
 * may believe them. Opens carry nothing, so what must fail at open(2) has to be visible here: a
 * refused file has no write bits, a hidden one none at all, and a file whose owner is not mapped
 * shows the bits that the daemon's user effectively has.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>

#include <writfs/hash.h>

#include "fuse_i.h"

static bool in_groups(const struct session *s, gid_t gid)
{
	if (gid == s->o.gid)
		return true;
	for (int i = 0; i < s->ngroups; i++)
		if (s->groups[i] == gid)
			return true;
	return false;
}

/* The bits of the class that this user falls into, as owner bits. */
static mode_t class_bits(const struct session *s, const struct stat *st)
{
	mode_t bits = in_groups(s, st->st_gid) ? st->st_mode >> 3 & 7 : st->st_mode & 7;
	return bits << 6;
}

static mode_t effective_bits(const struct store_dir *dir, const char *name)
{
	static const struct {
		int ask;
		mode_t bit;
	} rows[] = {{R_OK, 0400}, {W_OK, 0200}, {X_OK, 0100}};
	mode_t bits = 0;
	for (unsigned i = 0; i < 3; i++)
		if (!faccessat(dir->lower, name, rows[i].ask, AT_EACCESS | AT_SYMLINK_NOFOLLOW))
			bits |= rows[i].bit;
	return bits;
}

static void map_owner(const struct session *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, struct stat *st)
{
	if (st->st_uid != s->o.uid) {
		mode_t bits = o->layer == STORE_LOWER && dir && !S_ISLNK(st->st_mode)
				      ? effective_bits(dir, name)
				      : class_bits(s, st);
		if (!S_ISLNK(st->st_mode))
			st->st_mode = (st->st_mode & S_IFMT) | bits;
		st->st_uid = s->o.uid;
	}
	st->st_gid = s->o.gid;
}

void reply_stat(struct session *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, const struct decision *d, struct stat *ret)
{
	*ret = o->st;
	if (s->o.map_ids && (ret->st_uid != s->o.uid || ret->st_gid != s->o.gid))
		map_owner(s, dir, name, o, ret);
	if (o->layer == STORE_LOWER && (o->attributes & STATX_ATTR_IMMUTABLE))
		ret->st_mode &= ~(mode_t)0222;
	if (d->kind == VERDICT_REFUSE && !S_ISLNK(ret->st_mode))
		ret->st_mode &= ~(mode_t)0222;
	if (d->hidden && !S_ISLNK(ret->st_mode))
		ret->st_mode =
			(ret->st_mode & S_IFMT) | (d->passable && S_ISDIR(ret->st_mode) ? 0111 : 0);
}

double reply_timeout(const struct session *s, slot_t dir, const struct store_object *o)
{
	if (o->layer == STORE_UPPER && !o->merged && !o->data_lower && !o->indexed)
		return TIMEOUT_OWN_S;
	/* Several names: one of them may lie in a directory that nobody watches. */
	bool many = o->layer != STORE_NONE && !S_ISDIR(o->st.st_mode) && o->st.st_nlink > 1;
	return !many && watch_active(s->watch, dir) ? TIMEOUT_OWN_S : TIMEOUT_SHARED_S;
}

uint64_t reply_content(const struct store_object *o)
{
	const struct store_print *p = &o->lower;
	struct {
		uint64_t ino, size;
		int64_t mtime;
	} print = {p->ino, p->size, p->mtime_ns};
	return p->exists ? hash_bytes(&print, sizeof print, 2) | 1 : 0;
}

uint64_t reply_seen(const struct store_object *o)
{
	const struct store_print *p = &o->lower;
	struct {
		uint64_t ino, size;
		int64_t mtime, ctime;
	} print = {p->ino, p->size, p->mtime_ns, p->ctime_ns};
	return p->exists ? hash_bytes(&print, sizeof print, 1) | 1 : 0;
}

void reply_note_own(struct session *s, const struct node_view *v, int fd, bool read)
{
	struct statx stx;
	struct store_object o = {.layer = STORE_LOWER};
	if ((v->flags & (NODE_UPPER | NODE_NAMELESS)) || sys_statx(fd, "", &stx))
		return;
	o.lower = (struct store_print){.exists = true,
		.ino = stx.stx_ino,
		.size = stx.stx_size,
		.mtime_ns = stx.stx_mtime.tv_sec * 1000000000LL + stx.stx_mtime.tv_nsec,
		.ctime_ns = stx.stx_ctime.tv_sec * 1000000000LL + stx.stx_ctime.tv_nsec};
	seen_set(s->seen, table_ino(s->table, v->parent), v->name, reply_content(&o));
	/* After a write the kernel asks for the attributes by itself; the event that our write
	 * raises must not make it ask again. */
	if (!read)
		table_seen(s->table, v->slot, reply_seen(&o));
}

int reply_fill_entry(struct session *s, slot_t dir_slot, const struct fd_ref *dir, const char *name,
	const struct store_object *o, const struct decision *d, struct fuse_entry_param *e)
{
	struct node_view v;
	int r = table_intern(
		s->table, dir_slot, name, &o->key, o->st.st_mode, o->st.st_ino, true, &v);
	if (r)
		return r;
	if (o->opaque != ((v.flags & NODE_OPAQUE) != 0) && S_ISDIR(o->st.st_mode))
		table_flags(
			s->table, v.slot, o->opaque ? NODE_OPAQUE : 0, o->opaque ? 0 : NODE_OPAQUE);
	bool privs = S_ISREG(o->st.st_mode) && (o->st.st_mode & (S_ISUID | S_ISGID));
	if (privs != ((v.flags & NODE_PRIVS) != 0))
		table_flags(s->table, v.slot, privs ? NODE_PRIVS : 0, privs ? 0 : NODE_PRIVS);
	if (!S_ISDIR(o->st.st_mode) && o->st.st_nlink > 1)
		aliases_add(s->aliases, v.slot, dir_slot, name);
	uint64_t seen = reply_seen(o);
	if (seen != v.seen)
		table_seen(s->table, v.slot, seen);
	if (d->kind == VERDICT_GRANT && o->layer == STORE_LOWER && S_ISREG(o->st.st_mode))
		seen_first(s->seen, table_ino(s->table, dir_slot), name, reply_content(o));
	*e = (struct fuse_entry_param){
		.ino = (fuse_ino_t)v.generation << 32 | v.slot,
		.generation = 0,
		.entry_timeout = reply_timeout(s, dir_slot, o),
	};
	struct store_dir sd = ref_dir(dir);
	reply_stat(s, &sd, name, o, d, &e->attr);
	/* A directory's own contents are told by a watch on it, not by one on its parent. */
	e->attr_timeout =
		S_ISDIR(o->st.st_mode) && o->layer != STORE_NONE
			? (o->layer == STORE_UPPER && !o->merged) || watch_active(s->watch, v.slot)
				  ? e->entry_timeout
				  : TIMEOUT_SHARED_S
			: e->entry_timeout;
	return 0;
}

void reply_entry(fuse_req_t req, struct session *s, const struct target *t)
{
	struct fuse_entry_param e;
	int r = reply_fill_entry(s, t->parent, &t->dir, t->name, &t->o, &t->d, &e);
	if (r) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	if (fuse_reply_entry(req, &e) == -ENOENT) {
		struct str unused cleanup_str = STR_INIT;
		struct forgotten forgotten;
		table_forget(s->table, e.ino, 1, &unused, &forgotten);
	}
}
