/* SPDX-License-Identifier: MIT */
/*
 * Rename and link within one side. Why a rename in scratch is right at every moment:
 *
 * - The new name starts to mean the object, and the old name stops to, in one renameat2(2). If
 *   something real lies under the old name, RENAME_WHITEOUT makes the kernel leave a 0/0 device
 *   there in that same step, which is a whiteout without a print; the full one follows, and a crash
 *   in between costs the print (apply then asks), not the deletion.
 * - The object's meta is made fit for the new name before: the print becomes that of what the new
 *   name hides, a directory that will hide a real one becomes opaque (which shows nothing where it
 *   is, for nothing real is beneath it there: directories that show real entries answer EXDEV).
 *   A crash after that and before the rename costs no more than a too cautious apply.
 * - A directory that is replaced holds only whiteouts; it is exchanged for the new one and then
 *   carried out of the tree under the old name.
 */
#include <errno.h>
#include <fcntl.h>

#include "store_i.h"

static struct store_print print_for_name(const struct store_object *target)
{
	if (target->layer == STORE_UPPER || target->whiteout)
		if (target->base.known && target->base.exists)
			return target->base;
	return target->lower;
}

/* Prepares the meta of what moves for the name it moves to. */
static int fit_meta(const struct store_dir *from, const char *from_name,
	const struct store_object *o, const struct store_object *target)
{
	struct store_meta m;
	int r = meta_load(from->upper, from_name, &m);
	if (r)
		return r;
	unsigned before = m.flags;
	m.print = print_for_name(target);
	if (m.print.known && m.print.exists)
		m.flags |= META_PRINT;
	else
		m.flags &= ~(unsigned)META_PRINT;
	if (S_ISDIR(o->st.st_mode)) {
		if (target->lower_exists)
			m.flags |= META_OPAQUE;
		else
			m.flags &= ~(unsigned)META_OPAQUE;
	}
	if (!before && !m.flags)
		return 0;
	return meta_store(from->upper, from_name, &m);
}

static int leave_whiteout(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *was)
{
	const struct store_print *print =
		was->base.known && was->base.exists ? &was->base : &was->lower;
	return whiteout_make(s, from->upper, from_name, print, NULL, true);
}

/* Without RENAME_WHITEOUT below: the whiteout is put under the new name first, where it hides no
 * more than is replaced anyway, and then the two are exchanged. */
static int move_by_exchange(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_dir *to, const char *to_name,
	const struct store_object *o_to)
{
	const struct store_print *print =
		o_from->base.known && o_from->base.exists ? &o_from->base : &o_from->lower;
	bool occupied = o_to->layer == STORE_UPPER || o_to->whiteout;
	int r = whiteout_make(s, to->upper, to_name, print, NULL, occupied);
	if (r)
		return r;
	return sys_rename(from->upper, from_name, to->upper, to_name, RENAME_EXCHANGE);
}

static int move_file(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_dir *to, const char *to_name,
	const struct store_object *o_to)
{
	if (!o_from->lower_exists)
		return sys_rename(from->upper, from_name, to->upper, to_name, 0);
	int r = sys_rename(from->upper, from_name, to->upper, to_name, RENAME_WHITEOUT);
	if (r == -EINVAL || r == -EPERM)
		return move_by_exchange(s, from, from_name, o_from, to, to_name, o_to);
	/* Done; without its print the whiteout only makes apply ask. */
	if (!r)
		(void)leave_whiteout(s, from, from_name, o_from);
	return r;
}

/* The directory goes to a name that a whiteout occupies; the whiteout comes back in exchange. */
static int swap_with_whiteout(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_dir *to, const char *to_name)
{
	int r = sys_rename(from->upper, from_name, to->upper, to_name, RENAME_EXCHANGE);
	if (r)
		return r;
	/* Done: what is left is to give the whiteout at the old name its own print, or to take it
	 * away where it hides nothing. Either can fail without changing what a name means. */
	if (o_from->lower_exists)
		(void)leave_whiteout(s, from, from_name, o_from);
	else
		(void)unlinkat(from->upper, from_name, 0);
	return 0;
}

/* o_from shows nothing real; the target is absent, a whiteout, or an empty directory. */
static int move_dir(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_dir *to, const char *to_name,
	const struct store_object *o_to)
{
	const struct store_print print = print_for_name(o_to);
	int r = 0;
	bool occupied = o_to->whiteout;
	if (o_to->layer == STORE_UPPER) {
		r = whiteout_over_dir(s, to->upper, to_name, &print, NULL);
		occupied = true;
	}
	if (!r && occupied)
		return swap_with_whiteout(s, from, from_name, o_from, to, to_name);
	if (r || !o_from->lower_exists)
		return r ? r
			 : sys_rename(from->upper, from_name, to->upper, to_name, RENAME_NOREPLACE);
	r = sys_rename(
		from->upper, from_name, to->upper, to_name, RENAME_WHITEOUT | RENAME_NOREPLACE);
	if (r == -EINVAL || r == -EPERM) {
		r = whiteout_make(s, to->upper, to_name, &print, NULL, false);
		return r ? r : swap_with_whiteout(s, from, from_name, o_from, to, to_name);
	}
	if (!r)
		(void)leave_whiteout(s, from, from_name, o_from);
	return r;
}

/* The directory to be replaced must look empty. What was deleted in it is what the new one, opaque,
 * stands for from now on: its manifest lies in index/ under the new one's inode number. */
static int check_empty(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_dir *to, const char *to_name, const struct store_object *o_to)
{
	struct store_dir child;
	struct build b = BUILD_INIT;
	struct statx stx;
	char in_index[24];
	struct str manifest cleanup_str = STR_INIT;
	int r = store_dir_open(s, to, to_name, o_to, &child);
	if (r)
		return r;
	r = manifest_gather(s, &child, &manifest);
	store_dir_close(&child);
	if (r || !manifest.len || !o_to->lower_exists)
		return r;
	r = sys_statx(from->upper, from_name, &stx);
	if (!r)
		r = build_file(s, 0600, &b);
	if (!r)
		r = sys_write_full(b.fd, manifest.p, manifest.len);
	manifest_name(stx.stx_ino, in_index);
	if (!r)
		r = build_place(s, &b, s->index, in_index, true);
	build_drop(s, &b);
	return r;
}

static int exchange_scratch(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_dir *to, const char *to_name,
	const struct store_object *o_to)
{
	(void)s;
	if (o_to->layer != STORE_UPPER || o_to->merged || o_to->indexed)
		return o_to->layer == STORE_NONE ? -ENOENT : -EXDEV;
	int r = fit_meta(from, from_name, o_from, o_to);
	if (!r)
		r = fit_meta(to, to_name, o_to, o_from);
	if (!r)
		r = sys_rename(from->upper, from_name, to->upper, to_name, RENAME_EXCHANGE);
	return r;
}

static int replace_checks(const struct store_object *o_from, const struct store_object *o_to)
{
	bool from_dir = S_ISDIR(o_from->st.st_mode);
	if (o_to->layer == STORE_NONE)
		return 0;
	if (from_dir && !S_ISDIR(o_to->st.st_mode))
		return -ENOTDIR;
	if (!from_dir && S_ISDIR(o_to->st.st_mode))
		return -EISDIR;
	return 0;
}

static int rename_scratch(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_dir *to, const char *to_name,
	const struct store_object *o_to, unsigned flags)
{
	struct place p;
	struct store_meta replaced = {0};
	struct statx stx = {0};
	bool is_dir = S_ISDIR(o_from->st.st_mode);
	if (o_from->layer != STORE_UPPER || o_from->merged || o_from->indexed || o_from->data_lower)
		return -EXDEV;
	if (flags & RENAME_EXCHANGE)
		return exchange_scratch(s, from, from_name, o_from, to, to_name, o_to);
	if ((flags & RENAME_NOREPLACE) && o_to->layer != STORE_NONE)
		return -EEXIST;
	int r = replace_checks(o_from, o_to);
	if (!r && is_dir && o_to->layer != STORE_NONE)
		r = check_empty(s, from, from_name, to, to_name, o_to);
	/* rename(2): two names of one file, nothing happens. */
	if (!r && !is_dir && o_to->layer == STORE_UPPER && key_equal(&o_from->key, &o_to->key))
		return 0;
	if (!r && !is_dir && o_to->layer == STORE_UPPER) {
		r = object_place(s, to, to_name, o_to, &p);
		if (!r)
			r = meta_load(p.dir, p.name, &replaced);
		if (!r)
			r = sys_statx(p.dir, p.name, &stx);
		if (!r)
			r = index_adjust_nlink(&p, -1);
	}
	if (!r)
		r = fit_meta(from, from_name, o_from, o_to);
	if (!r)
		r = is_dir ? move_dir(s, from, from_name, o_from, to, to_name, o_to)
			   : move_file(s, from, from_name, o_from, to, to_name, o_to);
	if (r && (replaced.flags & META_NLINK))
		(void)index_adjust_nlink(&p, 1);
	if (!r && (replaced.flags & META_NLINK) && replaced.nlink <= 1)
		index_forget(s, &replaced, stx.stx_ino);
	return r;
}

static int look_again(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o)
{
	int r = store_lookup(s, dir, name, o);
	return r == -ENOENT ? 0 : r;
}

int store_rename(struct store *s, enum store_side side, const struct store_dir *from,
	const char *from_name, struct store_object *o_from, const struct store_dir *to,
	const char *to_name, struct store_object *o_to, unsigned flags)
{
	int r;
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
		flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (o_from->layer == STORE_NONE)
		return -ENOENT;
	if (side == STORE_REAL)
		r = from->lower < 0 || to->lower < 0
			    ? -ENOENT
			    : sys_rename(from->lower, from_name, to->lower, to_name, flags);
	else if (from->upper < 0 || to->upper < 0)
		r = -ENOENT;
	else
		r = rename_scratch(s, from, from_name, o_from, to, to_name, o_to, flags);
	if (!r)
		r = look_again(s, from, from_name, o_from);
	return r ? r : look_again(s, to, to_name, o_to);
}

static int link_scratch(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_dir *to, const char *to_name,
	const struct store_object *o_to)
{
	struct place p;
	char temp[SYS_TEMP_NAME_SIZE];
	if (o_from->layer != STORE_UPPER)
		return -EXDEV;
	int r = object_place(s, from, from_name, o_from, &p);
	if (!r)
		r = index_adjust_nlink(&p, 1);
	if (r)
		return r;
	if (!o_to->whiteout) {
		r = linkat(p.dir, p.name, to->upper, to_name, 0) < 0 ? -errno : 0;
	} else if (linkat(p.dir, p.name, s->work, sys_temp_name(temp, "l"), 0) < 0) {
		r = -errno;
	} else {
		r = sys_rename(s->work, temp, to->upper, to_name, 0);
		if (r)
			(void)unlinkat(s->work, temp, 0);
	}
	if (r)
		(void)index_adjust_nlink(&p, -1);
	return r;
}

int store_link(struct store *s, enum store_side side, const struct store_dir *from,
	const char *from_name, const struct store_object *o_from, const struct store_dir *to,
	const char *to_name, struct store_object *o_to)
{
	int r;
	if (o_from->layer == STORE_NONE)
		return -ENOENT;
	if (o_to->layer != STORE_NONE)
		return -EEXIST;
	if (S_ISDIR(o_from->st.st_mode))
		return -EPERM;
	if (side == STORE_REAL)
		r = linkat(from->lower, from_name, to->lower, to_name, 0) < 0 ? -errno : 0;
	else if (from->upper < 0 || to->upper < 0)
		r = -ENOENT;
	else
		r = link_scratch(s, from, from_name, o_from, to, to_name, o_to);
	return r ? r : store_lookup(s, to, to_name, o_to);
}
