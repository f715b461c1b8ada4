/* SPDX-License-Identifier: MIT */
/*
 * Across the border between scratch and grant. Order everywhere: the new place is complete before
 * the old one goes, so that a crash leaves an object twice, never not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/copy.h>

#include "store_i.h"

#define DEMOTE_TRIES 3

int store_promote_dir(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o)
{
	struct store_meta m;
	if (o->layer != STORE_UPPER || o->merged || o->opaque || !S_ISDIR(o->st.st_mode))
		return -EINVAL;
	/* The shown number first: without a real directory beneath it changes nothing yet. */
	int r = meta_load(dir->upper, name, &m);
	if (r)
		return r;
	m.flags |= META_INO;
	m.ino = o->st.st_ino;
	if (!(m.flags & META_PRINT)) {
		m.flags |= META_PRINT;
		m.print = (struct store_print){.known = true};
	}
	r = meta_store(dir->upper, name, &m);
	if (r)
		return r;
	if (mkdirat(dir->lower, name, o->st.st_mode & 0777) < 0 && errno != EEXIST)
		return -errno;
	r = publish_attr_to(s, dir, name, o, dir->lower, name, false);
	if (!r && (m.flags & META_ATTR)) {
		m.flags &= ~(unsigned)META_ATTR;
		r = meta_store(dir->upper, name, &m);
	}
	return r ? r : store_lookup(s, dir, name, o);
}

struct tree {
	struct store *s;
	const struct store_dir *dir; /* the scratch directory that is copied */
	int real;                    /* its new real counterpart, under construction */
	struct pairs *pairs;
};

/* Who stands for whom, told when the tree is in place and not before. */
struct pairs {
	struct store_key (*list)[2];
	size_t count, cap;
};

static int pairs_add(struct pairs *p, const struct store_key *was, const struct store_key *is)
{
	if (p->count == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 64;
		void *list = reallocarray(p->list, cap, sizeof *p->list);
		if (!list)
			return -ENOMEM;
		p->list = list;
		p->cap = cap;
	}
	p->list[p->count][0] = *was;
	p->list[p->count++][1] = *is;
	return 0;
}

static void pairs_free(struct pairs *p)
{
	free(p->list);
}

static int not_empty(const struct dirent *entry, void *arg)
{
	(void)entry;
	(void)arg;
	return -ENOTEMPTY;
}

static int promote_entry(struct tree *t, const char *name, struct store_object *o);

static int promote_child(const struct dirent *entry, void *arg)
{
	struct tree *t = arg;
	struct store_object o;
	int r = store_lookup(t->s, t->dir, entry->d_name, &o);
	if (r)
		return r == -ENOENT ? 0 : r; /* a whiteout over nothing */
	return promote_entry(t, entry->d_name, &o);
}

static int promote_subdir(struct tree *t, const char *name, const struct store_object *o)
{
	struct store_dir child;
	int r = mkdirat(t->real, name, 0700) < 0 ? -errno : 0;
	if (r)
		return r;
	int real cleanup_fd =
		openat(t->real, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (real < 0)
		return -errno;
	r = store_dir_open(t->s, t->dir, name, o, &child);
	if (r)
		return r;
	struct tree below = {t->s, &child, real, t->pairs};
	r = dir_each(child.upper, promote_child, &below);
	store_dir_close(&child);
	if (!r)
		r = publish_attr_to(t->s, t->dir, name, o, t->real, name, true);
	if (!r && fsync(real) < 0)
		r = -errno;
	return r;
}

static int promote_entry(struct tree *t, const char *name, struct store_object *o)
{
	struct statx stx;
	struct store_key is;
	static const struct store_print nothing = {.known = true};
	int r;
	if (S_ISDIR(o->st.st_mode)) {
		r = promote_subdir(t, name, o);
	} else {
		/* Copied, not moved: until the last rename the tree in scratch must be whole. */
		struct store_publish p = {
			.real_dir = t->real, .real_name = name, .expect = &nothing, .keep_dir = -1};
		r = store_publish_object(t->s, t->dir, name, o, &p);
	}
	if (!r)
		r = sys_statx(t->real, name, &stx);
	if (r)
		return r;
	key_from_statx(&stx, &is);
	return pairs_add(t->pairs, &o->key, &is);
}

int store_promote_tree(struct store *s, const struct store_dir *dir, const char *name,
	struct store_object *o, int real_dir, const char *real_name, store_rekey_fn rekey,
	void *arg)
{
	char temp[SYS_TEMP_NAME_SIZE], removed[SYS_TEMP_NAME_SIZE];
	if (o->layer != STORE_UPPER || o->merged || !S_ISDIR(o->st.st_mode))
		return -EXDEV;
	int target cleanup_fd =
		openat(real_dir, real_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int full = target < 0 ? 0 : dir_each(target, not_empty, NULL);
	if (full)
		return full;
	sys_temp_name(temp, ".writ-");
	if (mkdirat(real_dir, temp, 0700) < 0)
		return -errno;
	int real cleanup_fd =
		openat(real_dir, temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = real < 0 ? -errno : 0;
	struct store_dir child = {-1, -1};
	if (!r)
		r = store_dir_open(s, dir, name, o, &child);
	struct pairs pairs cleanup_with(pairs_free) = {0};
	struct tree t = {s, &child, real, &pairs};
	if (!r)
		r = dir_each(child.upper, promote_child, &t);
	store_dir_close(&child);
	if (!r)
		r = publish_attr_to(s, dir, name, o, real_dir, temp, true);
	if (!r)
		r = sys_rename(real_dir, temp, real_dir, real_name, 0);
	if (r) {
		(void)sys_remove_tree(real_dir, temp);
		return r;
	}
	struct statx stx;
	struct store_key is;
	if (!sys_statx(real_dir, real_name, &stx)) {
		key_from_statx(&stx, &is);
		rekey(&o->key, &is, arg);
	}
	for (size_t i = 0; i < pairs.count; i++)
		rekey(&pairs.list[i][0], &pairs.list[i][1], arg);
	/* Out of the tree by one rename; where a real name was hidden, a whiteout stays. */
	if (o->lower_exists)
		return whiteout_over_dir(
			s, dir->upper, name, o->base.exists ? &o->base : &o->lower, NULL);
	r = sys_rename(dir->upper, name, s->work, sys_temp_name(removed, "p"), 0);
	if (!r)
		(void)sys_remove_tree(s->work, removed);
	return r;
}

/* The scratch copy of a real file that leaves its grant. */
static int demote_build(struct store *s, const struct store_dir *from, const char *from_name,
	const struct store_object *o_from, const struct store_print *print, const char *came,
	size_t came_len, struct build *b, struct statx *was)
{
	struct store_meta m = {.flags = META_INO, .ino = o_from->st.st_ino};
	struct statx disk;
	int in cleanup_fd = sys_open_at(from->lower, from_name, O_RDONLY, 0);
	if (in < 0)
		return in;
	int r = sys_statx(in, "", was);
	if (!r)
		r = build_file(s, meta_disk_mode(was->stx_mode & 0777), b);
	if (!r)
		r = copy_data(in, b->fd, -1);
	if (!r)
		r = build_chown(s, b->fd, was->stx_uid, was->stx_gid);
	if (!r)
		r = xattr_copy(in, NULL, b->fd, NULL, XATTR_INTO);
	if (!r)
		r = sys_setxattr(b->fd, NULL, META_FROM, came, came_len, 0);
	if (!r)
		r = sys_statx(b->fd, "", &disk);
	if (r)
		return r;
	if (print->known && print->exists) {
		m.flags |= META_PRINT;
		m.print = *print;
	}
	meta_set_attr(&m, was->stx_mode, was->stx_uid, was->stx_gid, false, &disk);
	r = meta_store(b->fd, NULL, &m);
	struct timespec times[2] = {{was->stx_atime.tv_sec, was->stx_atime.tv_nsec},
		{was->stx_mtime.tv_sec, was->stx_mtime.tv_nsec}};
	if (!r && futimens(b->fd, times) < 0)
		r = -errno;
	return r;
}

static int move_to_base(struct store *s, int dir, const char *name, const char *base_name)
{
	int r = sys_rename(dir, name, s->base, base_name, RENAME_NOREPLACE);
	if (r != -EXDEV)
		return r;
	r = copy_aside(s, dir, name, s->base, base_name);
	return !r && unlinkat(dir, name, 0) < 0 ? -errno : r;
}

static bool unchanged(const struct store *s, int dir, const char *name, const struct statx *was)
{
	struct statx now;
	(void)s;
	return !sys_statx(dir, name, &now) && now.stx_ino == was->stx_ino &&
	       now.stx_size == was->stx_size && statx_ns(now.stx_mtime) == statx_ns(was->stx_mtime);
}

int store_demote(struct store *s, const struct store_dir *from, const char *from_name,
	struct store_object *o_from, const struct store_dir *to, const char *to_name,
	struct store_object *o_to, const char *from_path)
{
	char base_name[SYS_TEMP_NAME_SIZE];
	struct str came cleanup_str = STR_INIT;
	struct statx was;
	int r = -EBUSY;
	if (!S_ISREG(o_from->st.st_mode) || o_from->layer != STORE_LOWER)
		return -EXDEV;
	const struct store_print print =
		(o_to->layer == STORE_UPPER || o_to->whiteout) && o_to->base.exists ? o_to->base
										    : o_to->lower;
	sys_temp_name(base_name, "moved-");
	str_addf(&came, "%s %lld %s", base_name, (long long)o_from->key.btime_ns, from_path);
	if (came.failed)
		return -ENOMEM;
	for (int i = 0; i < DEMOTE_TRIES && r == -EBUSY; i++) {
		struct build b = BUILD_INIT;
		r = demote_build(s, from, from_name, o_from, &print, came.p, came.len, &b, &was);
		if (!r && !unchanged(s, from->lower, from_name, &was))
			r = -EBUSY;
		if (!r)
			r = build_place(s, &b, to->upper, to_name,
				o_to->layer == STORE_UPPER || o_to->whiteout);
		build_drop(s, &b);
	}
	if (!r)
		r = move_to_base(s, from->lower, from_name, base_name);
	if (r)
		return r;
	r = store_lookup(s, from, from_name, o_from);
	if (!r || r == -ENOENT)
		r = store_lookup(s, to, to_name, o_to);
	return r;
}

int store_moved_from(struct store *s, const struct store_dir *dir, const char *name,
	char base_name[static 64], char path[static 4096], int64_t *ret_btime_ns)
{
	char value[64 + 24 + PATH_MAX];
	long long btime;
	int at = 0;
	(void)s;
	ssize_t n = sys_getxattr(dir->upper, name, META_FROM, value, sizeof value - 1);
	if (n < 0)
		return (int)n;
	value[n] = '\0';
	if (sscanf(value, "%63s %lld %n", base_name, &btime, &at) != 2 || !at)
		return -EIO;
	(void)snprintf(path, 4096, "%s", value + at);
	*ret_btime_ns = btime;
	return 0;
}
