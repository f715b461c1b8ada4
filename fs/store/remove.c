/* SPDX-License-Identifier: MIT */
/*
 * Removing names. In scratch a name under which nothing real lies simply goes; one that hides
 * something real is replaced by a whiteout in one rename. A directory goes only when its merged
 * view is empty, and its whiteout remembers what was in it.
 */
#include <errno.h>
#include <fcntl.h>

#include "store_i.h"

/* What the real name was at the first change, for a whiteout that follows other changes. */
static const struct store_print *first_print(const struct store_object *o)
{
	return o->layer == STORE_UPPER && o->base.known && o->base.exists ? &o->base : &o->lower;
}

static int unlink_upper(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o)
{
	struct place p;
	struct store_meta m;
	struct statx stx;
	int r = object_place(s, dir, name, o, &p);
	if (!r)
		r = meta_load(p.dir, p.name, &m);
	if (!r)
		r = sys_statx(p.dir, p.name, &stx);
	if (!r)
		r = index_adjust_nlink(&p, -1);
	if (r)
		return r;
	if (o->lower_exists)
		r = whiteout_make(s, dir->upper, name, first_print(o), NULL, !o->indexed);
	else if (unlinkat(dir->upper, name, 0) < 0)
		r = -errno;
	if (r)
		(void)index_adjust_nlink(&p, 1);
	if (!r && (m.flags & META_NLINK) && m.nlink <= 1)
		index_forget(s, &m, stx.stx_ino);
	return r;
}

int store_unlink(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, struct store_object *o)
{
	int r;
	if (o->layer == STORE_NONE)
		return -ENOENT;
	if (S_ISDIR(o->st.st_mode))
		return -EISDIR;
	if ((side == STORE_REAL ? dir->lower : dir->upper) < 0)
		return -ENOENT;
	if (side == STORE_REAL)
		r = unlinkat(dir->lower, name, 0) < 0 ? -errno : 0;
	else if (o->layer == STORE_UPPER)
		r = unlink_upper(s, dir, name, o);
	else
		r = whiteout_make(s, dir->upper, name, &o->lower, NULL, false);
	if (r)
		return r;
	r = store_lookup(s, dir, name, o);
	return r == -ENOENT ? 0 : r;
}

/* A scratch directory whose merged view is empty may still hold whiteouts: out of the tree first,
 * by one rename, then away. */
static int remove_empty_upper(struct store *s, int dir, const char *name, uint64_t ino)
{
	char temp[SYS_TEMP_NAME_SIZE], in_index[24];
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0) {
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		int r = sys_rename(dir, name, s->work, sys_temp_name(temp, "r"), 0);
		if (r)
			return r;
		(void)sys_remove_tree(s->work, temp);
	}
	manifest_name(ino, in_index);
	(void)unlinkat(s->index, in_index, 0);
	return 0;
}

static int rmdir_scratch(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_dir *child, const struct store_object *o)
{
	struct str manifest cleanup_str = STR_INIT;
	struct statx stx = {0};
	char in_index[24];
	int r = manifest_gather(s, child, &manifest);
	if (r)
		return r;
	if (o->layer == STORE_LOWER)
		return whiteout_make(s, dir->upper, name, &o->lower, &manifest, false);
	r = sys_statx(dir->upper, name, &stx);
	if (r)
		return r;
	if (!o->lower_exists)
		return remove_empty_upper(s, dir->upper, name, stx.stx_ino);
	manifest_name(stx.stx_ino, in_index);
	if (o->opaque) {
		/* What the opaque directory's predecessor held is what the whiteout stands for. */
		str_clear(&manifest);
		r = manifest_read(s->index, in_index, &manifest);
		if (r && r != -ENOENT)
			return r;
	}
	r = whiteout_over_dir(s, dir->upper, name, first_print(o), &manifest);
	if (!r)
		(void)unlinkat(s->index, in_index, 0);
	return r;
}

int store_rmdir(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct store_dir *child, struct store_object *o)
{
	int r;
	if (o->layer == STORE_NONE)
		return -ENOENT;
	if (!S_ISDIR(o->st.st_mode))
		return -ENOTDIR;
	if ((side == STORE_REAL ? dir->lower : dir->upper) < 0)
		return -ENOENT;
	if (side == STORE_REAL)
		r = unlinkat(dir->lower, name, AT_REMOVEDIR) < 0 ? -errno : 0;
	else
		r = rmdir_scratch(s, dir, name, child, o);
	if (r)
		return r;
	r = store_lookup(s, dir, name, o);
	return r == -ENOENT ? 0 : r;
}
