/* SPDX-License-Identifier: MIT */
/*
 * Steps that change which names are in the real tree: directories are made, and what the job
 * deleted is taken away. Every step looks again at what is there before it acts; what it finds done
 * already is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "steps.h"

int held_open(const struct review_root *root, const char *rel, struct held *h)
{
	int r;
	rel_split(rel, h->parent, &h->name);
	if (!*h->name) {
		h->name = ".";
		r = store_dir_root(root->store, &h->dir);
		return r ? r : store_lookup_root(root->store, &h->object);
	}
	r = store_resolve(root->store, h->parent, false, &h->dir);
	if (!r)
		r = store_lookup(root->store, &h->dir, h->name, &h->object);
	if (r == -ENOENT && h->dir.upper >= 0 && h->object.whiteout)
		return 0;
	if (!r && h->object.layer != STORE_UPPER)
		return -ENOENT;
	return r == -ENOTDIR ? -ENOENT : r;
}

void held_close(struct held *h)
{
	store_dir_close(&h->dir);
}

bool held_is(const struct review_root *root, const struct held *h, const char *ident)
{
	const struct shown_object shown = {root->store, &h->dir, h->name, &h->object};
	return !ident || ident_is(&shown, ident);
}

int step_real_dir(struct review *r, struct steps *all, const struct step *step, const char *rel,
	const char **ret_name)
{
	char parent[PATH_MAX];
	rel_split(rel, parent, ret_name);
	if (!**ret_name)
		*ret_name = ".";
	int dir = real_open_dir(&r->roots[step->root], parent);
	if (dir >= 0)
		return dir;
	if (dir == -ELOOP)
		step_fail(all, step, RESULT_CONFLICT, "a symlink lies in its path now");
	else if (dir == -ENOENT || dir == -ENOTDIR)
		step_fail(all, step, RESULT_CONFLICT, "its directory is gone");
	else
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-dir));
	return -1;
}

static int load_manifest(struct review *r, const struct step *step, struct manifest *m)
{
	struct held h cleanup_held = HELD_INIT;
	const struct review_root *root = &r->roots[step->root];
	int status = held_open(root, step->opaque ? step->opaque : step->rel, &h);
	return status ? status : manifest_load(root->store, &h.dir, h.name, m);
}

struct removal {
	struct review *review;
	const struct step *step;
};

/* 0: the directory holds what may go with it. */
static int check_content(int dir, const char *name, void *arg)
{
	const struct removal *removal = arg;
	struct review *r = removal->review;
	const struct step *step = removal->step;
	struct manifest m cleanup_manifest = {0};
	char rel[PATH_MAX], digest[CHANGE_ID_SIZE];
	int status;
	if (step->content) {
		status = manifest_of_real(dir, name, &m);
		if (status)
			return status;
		manifest_digest(&m, digest);
		return strcmp(digest, step->content) == 0 ? 0 : -EEXIST;
	}
	status = load_manifest(r, step, &m);
	if (!status && !m.known)
		status = -EEXIST;
	return status ? status
		      : manifest_check(&m, &r->roots[step->root],
				step->opaque ? step->rel + strlen(step->opaque) + 1 : "", dir, name,
				rel);
}

static void fail_remove(struct steps *all, const struct step *step, int status)
{
	if (status == -ESTALE)
		step_fail(all, step, RESULT_CONFLICT, "changed outside since");
	else if (status == -EEXIST)
		step_fail(all, step, RESULT_CONFLICT,
			"something in it was added or changed outside since");
	else
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-status));
}

/* A crash while the object was copied to another mount left it under a hidden name. It has been
 * renamed since it was looked at, twice. */
static void put_back_hidden(int dir, const char *name, const char *keep, struct store_print *expect)
{
	char hidden[80];
	struct store_print now;
	keep_hidden_name(keep, hidden);
	if (!sys_rename(dir, hidden, dir, name, RENAME_NOREPLACE) &&
		!store_print_of(dir, name, &now) && keep_is_expected(&now, expect))
		*expect = now;
}

void step_remove(struct review *r, struct steps *all, struct step *step)
{
	struct store *s = r->roots[step->root].store;
	struct removal removal = {r, step};
	struct store_print now, kept;
	const char *name;
	char keep_name[64];
	step_keep_name(all, step, keep_name);
	int dir cleanup_fd = step_real_dir(r, all, step, step->rel, &name);
	if (dir < 0)
		return;
	if (all->recovering && !store_same_mount(s))
		put_back_hidden(dir, name, keep_name, &step->expect);
	int status = store_print_of(dir, name, &now);
	if (!status && !now.exists)
		return; /* gone already */
	/* It was moved; what is there now came later and stays. */
	if (all->recovering && store_same_mount(s) &&
		!store_print_of(store_base(s), keep_name, &kept) && kept.exists)
		return;
	if (!status && !print_is(&r->roots[step->root], &step->expect, &now))
		status = -ESTALE;
	if (!status && S_ISDIR(now.mode))
		status = check_content(dir, name, &removal);
	if (!status) {
		const struct keep keep = {dir, name, &step->expect, store_base(s), keep_name,
			check_content, &removal};
		review_before_change();
		status = keep_object(&keep);
		if (!status)
			touched_add(&r->roots[step->root], &step->expect);
	}
	if (status)
		fail_remove(all, step, status);
}

/* Made under a hidden name, given its attributes, then its name: a crash leaves no directory that
 * has lost its mode. The owner's bits stay until the end, because files are to be put into it. */
static int make_dir(struct review *r, struct steps *all, const struct step *step,
	const struct held *h, int dir, const char *name)
{
	struct store *s = r->roots[step->root].store;
	char temp[32];
	step_temp_name(all, step, temp);
	(void)unlinkat(dir, temp, AT_REMOVEDIR);
	review_before_change();
	if (mkdirat(dir, temp, 0700) < 0)
		return -errno;
	review_before_change();
	int status = store_publish_dir_attr(s, &h->dir, h->name, &h->object, dir, temp);
	if (!status)
		status = sys_chmod(dir, temp, (h->object.st.st_mode & 07777) | 0700);
	review_before_change();
	if (!status)
		status = sys_rename(dir, temp, dir, name, RENAME_NOREPLACE);
	if (status)
		(void)unlinkat(dir, temp, AT_REMOVEDIR);
	return status;
}

void step_mkdir(struct review *r, struct steps *all, struct step *step)
{
	const struct review_root *root = &r->roots[step->root];
	struct held h cleanup_held = HELD_INIT;
	struct store_print now;
	const char *name;
	int dir cleanup_fd = step_real_dir(r, all, step, step->rel, &name);
	if (dir < 0)
		return;
	int status = store_print_of(dir, name, &now);
	if (!status && now.exists) {
		if (!S_ISDIR(now.mode))
			step_fail(all, step, RESULT_CONFLICT, "appeared outside since");
		return;
	}
	if (!status)
		status = held_open(root, step->rel, &h);
	if (status == -ENOENT || (!status && !held_is(root, &h, step->ident))) {
		step_fail(all, step, RESULT_DRIFTED, "changed since it was looked at");
		return;
	}
	/* In a live job the directory keeps the inode number that programs have seen. */
	if (!status && r->live && h.dir.lower >= 0)
		status = store_promote_dir(root->store, &h.dir, h.name, &h.object);
	else if (!status)
		status = make_dir(r, all, step, &h, dir, name);
	if (status == -EEXIST)
		step_fail(all, step, RESULT_CONFLICT, "appeared outside since");
	else if (status)
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-status));
}

void step_dir(struct review *r, struct steps *all, struct step *step)
{
	const struct review_root *root = &r->roots[step->root];
	struct held h cleanup_held = HELD_INIT;
	struct store_print now;
	const char *name;
	int dir cleanup_fd = step_real_dir(r, all, step, step->rel, &name);
	if (dir < 0)
		return;
	int status = store_print_of(dir, name, &now);
	if (!status && step->expect.known && !store_print_equal(&now, &step->expect) &&
		!(all->recovering && now.ino == step->expect.ino)) {
		step_fail(all, step, RESULT_CONFLICT, "changed outside since");
		return;
	}
	if (!status && !S_ISDIR(now.mode)) {
		step_fail(all, step, RESULT_CONFLICT, "is no directory any more");
		return;
	}
	if (!status)
		status = held_open(root, step->rel, &h);
	if (!status && !held_is(root, &h, step->ident)) {
		step_fail(all, step, RESULT_DRIFTED, "changed since it was looked at");
		return;
	}
	review_before_change();
	if (!status)
		status = store_publish_dir_attr(root->store, &h.dir, h.name, &h.object, dir, name);
	if (!status && step->mtime_ns != INT64_MIN) {
		int64_t ns = step->mtime_ns % 1000000000;
		ns += ns < 0 ? 1000000000 : 0;
		struct timespec times[2] = {
			{.tv_nsec = UTIME_OMIT}, {(step->mtime_ns - ns) / 1000000000, ns}};
		if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
			status = -errno;
	}
	if (status && status != -ENOENT)
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-status));
}
