/* SPDX-License-Identifier: MIT */
/*
 * Running steps. Of an ended job everything that becomes real is made durable before the first name
 * leaves scratch. Of a live job each change is done by itself under a freeze, its directory synced
 * and its name dropped before the job goes on, so that nothing the job writes meanwhile is dropped
 * unseen.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "steps.h"

/* More than this are synced by syncing their file system once. */
#define SYNC_DIRS_MAX 32
#define SYNC_FILES_MAX 64

static void nothing(void)
{
}

void (*review_before_change)(void) = nothing;

static void run_step(struct review *r, struct steps *all, struct step *step)
{
	switch (step->kind) {
	case STEP_REMOVE:
		step_remove(r, all, step);
		break;
	case STEP_MKDIR:
		step_mkdir(r, all, step);
		break;
	case STEP_PUBLISH:
		step_publish(r, all, step);
		break;
	case STEP_LINK:
		step_link(r, all, step);
		break;
	case STEP_DIR:
		step_dir(r, all, step);
		break;
	case STEP_DROP:
		step_drop(r, all, step);
		break;
	case STEP_COLLAPSE:
		step_collapse(r, all, step);
		break;
	case STEP_DISCARD:
		step_discard(r, all, step);
		break;
	case STEP_KIND_MAX:
		break;
	}
	step->done = true;
}

static bool makes_real(enum step_kind kind)
{
	return kind == STEP_REMOVE || kind == STEP_MKDIR || kind == STEP_PUBLISH ||
	       kind == STEP_LINK || kind == STEP_DIR;
}

static bool failed(const struct steps *all, const struct step *step)
{
	return all->groups[step->group].result != RESULT_KIND_MAX;
}

static int sync_fd(int fd, bool whole)
{
	int readable cleanup_fd = sys_reopen(fd, O_RDONLY | O_DIRECTORY);
	/* A directory that we may not read was not written by us. */
	if (readable < 0)
		return 0;
	return (whole ? syncfs(readable) : fsync(readable)) < 0 ? -errno : 0;
}

static int sync_parent(struct review *r, const struct step *step, bool other_fs_only)
{
	const struct review_root *root = &r->roots[step->root];
	char parent[PATH_MAX];
	const char *name;
	struct statx at_root, here;
	rel_split(step->rel, parent, &name);
	int dir cleanup_fd = real_open_dir(root, parent);
	if (dir < 0)
		return 0;
	if (other_fs_only && !sys_statx(store_real(root->store), "", &at_root) &&
		!sys_statx(dir, "", &here) && at_root.stx_dev_major == here.stx_dev_major &&
		at_root.stx_dev_minor == here.stx_dev_minor)
		return 0;
	return sync_fd(dir, false);
}

static bool same_parent(const struct step *a, const struct step *b)
{
	char x[PATH_MAX], y[PATH_MAX];
	const char *name;
	if (!a || a->root != b->root)
		return false;
	rel_split(a->rel, x, &name);
	rel_split(b->rel, y, &name);
	return strcmp(x, y) == 0;
}

static size_t count_parents(const struct steps *all)
{
	const struct step *last = NULL;
	size_t count = 0;
	for (size_t i = 0; i < all->count; i++) {
		if (!makes_real(all->items[i].kind))
			continue;
		count += !same_parent(last, &all->items[i]);
		last = &all->items[i];
	}
	return count;
}

static int sync_real(struct review *r, const struct steps *all)
{
	const struct step *last = NULL;
	bool whole = count_parents(all) > SYNC_DIRS_MAX;
	int status = 0;
	for (size_t i = 0; !status && i < all->count; i++) {
		const struct step *step = &all->items[i];
		if (!makes_real(step->kind) || same_parent(last, step))
			continue;
		status = sync_parent(r, step, whole);
		last = step;
	}
	for (size_t i = 0; whole && !status && i < r->root_count; i++)
		if (r->roots[i].store)
			status = sync_fd(store_real(r->roots[i].store), true);
	return status;
}

static int sync_scratch_file(const struct review_root *root, const char *rel)
{
	struct held h cleanup_held = HELD_INIT;
	int fd cleanup_fd = -1;
	if (held_open(root, rel, &h) || !S_ISREG(h.object.st.st_mode) || h.object.data_lower ||
		store_open_object(root->store, &h.dir, h.name, &h.object, O_RDONLY, &fd))
		return 0; /* the step itself will find out */
	return fsync(fd) < 0 ? -errno : 0;
}

/* Files that are moved instead of copied are as durable as scratch is. */
static int sync_scratch(struct review *r, const struct steps *all)
{
	size_t count = 0;
	int status = 0;
	for (size_t i = 0; i < all->count; i++)
		count += all->items[i].kind == STEP_PUBLISH;
	for (size_t i = 0; count <= SYNC_FILES_MAX && !status && i < all->count; i++)
		if (all->items[i].kind == STEP_PUBLISH)
			status =
				sync_scratch_file(&r->roots[all->items[i].root], all->items[i].rel);
	for (size_t i = 0; count > SYNC_FILES_MAX && !status && i < r->root_count; i++)
		if (r->roots[i].store)
			status = sync_fd(store_tree(r->roots[i].store), true);
	return status;
}

static int run_ended(struct review *r, struct steps *all)
{
	bool synced = false;
	int status = sync_scratch(r, all);
	for (size_t i = 0; !status && i < all->count; i++) {
		struct step *step = &all->items[i];
		if (!synced && (step->kind == STEP_DROP || step->kind == STEP_COLLAPSE)) {
			review_before_change();
			status = sync_real(r, all);
			synced = true;
		}
		if (!status && !failed(all, step))
			run_step(r, all, step);
	}
	return status;
}

static int run_frozen(struct review *r, struct steps *all, struct step *step)
{
	int status = 0;
	run_step(r, all, step);
	if (!failed(all, step) && makes_real(step->kind))
		status = sync_parent(r, step, false);
	if (!status && !failed(all, step) && step->drop)
		run_step(r, all, &all->items[step->drop - 1]);
	return status;
}

static int run_live(struct review *r, struct steps *all)
{
	int status = 0;
	for (size_t i = 0; !status && i < all->count; i++) {
		struct step *step = &all->items[i];
		if (step->done || failed(all, step))
			continue;
		r->live->freeze(r->live->arg, step->root);
		/* Opened since it was planned. */
		if (r->live->busy && step->kind != STEP_DROP &&
			r->live->busy(r->live->arg, step->root, step->rel))
			step_fail(all, step, RESULT_BUSY, "open for writing");
		else
			status = run_frozen(r, all, step);
		r->live->refresh(r->live->arg, step->root, step->rel);
		r->live->thaw(r->live->arg, step->root);
	}
	return status;
}

static void prune_above(const struct review_root *root, const char *rel)
{
	char path[PATH_MAX];
	size_t len = strlen(rel);
	if (len >= sizeof path)
		return;
	memcpy(path, rel, len + 1);
	for (;;) {
		struct held h cleanup_held = HELD_INIT;
		char *slash = strrchr(path, '/');
		if (!slash)
			return;
		*slash = '\0';
		int status = held_open(root, path, &h);
		if (status == -ENOENT)
			continue;
		if (status || !h.object.merged || h.object.attr_own || h.object.times_own ||
			store_drop(root->store, &h.dir, h.name, -1, NULL))
			return;
	}
}

void steps_prune(struct review *r, const struct steps *steps)
{
	const struct step *last = NULL;
	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->items[i];
		if (makes_real(step->kind) || same_parent(last, step))
			continue;
		prune_above(&r->roots[step->root], step->rel);
		last = step;
	}
}

int steps_run(struct review *r, struct steps *steps, struct err *e)
{
	for (size_t i = 0; i < steps->count; i++)
		if (steps->items[i].root >= r->root_count || !r->roots[steps->items[i].root].store)
			return err_set(
				e, EINVAL, "%s has no root %zu", r->job->id, steps->items[i].root);
	int status = r->live ? run_live(r, steps) : run_ended(r, steps);
	if (status)
		return err_errno(e, -status,
			"the changes of %s cannot be made durable; they stay in "
			"scratch",
			r->job->id);
	if (!r->live)
		steps_prune(r, steps);
	review_before_change();
	status = intent_finish(r->job, steps);
	return status ? err_errno(e, -status, "intents of %s", r->job->id) : 0;
}
