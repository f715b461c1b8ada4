/* SPDX-License-Identifier: MIT */
/*
 * Steps that take names out of scratch: what was applied is dropped, what is discarded moves to
 * trash/. A name is only taken while it still is what was looked at; what the job has changed since
 * stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "steps.h"

int review_trash(struct review_root *root)
{
	if (root->trash >= 0)
		return root->trash;
	if (mkdirat(root->scratch, "trash", 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(root->scratch, "trash", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	root->trash = fd;
	return fd;
}

struct quiet quiet_start(int dir)
{
	struct statx stx;
	if (dir < 0 || sys_statx(dir, "", &stx))
		return (struct quiet){.dir = -1};
	return (struct quiet){.dir = dir,
		.times = {{.tv_nsec = UTIME_OMIT}, {stx.stx_mtime.tv_sec, stx.stx_mtime.tv_nsec}}};
}

void quiet_stop(const struct quiet *q)
{
	char path[SYS_FD_PATH_MAX];
	if (q->dir >= 0)
		(void)utimensat(AT_FDCWD, sys_fd_path(path, q->dir, NULL), q->times, 0);
}

void step_drop(struct review *r, struct steps *all, struct step *step)
{
	const struct review_root *root = &r->roots[step->root];
	struct held h cleanup_held = HELD_INIT;
	int status = held_open(root, step->rel, &h);
	if (status == -ENOENT)
		return; /* moved, or dropped before */
	bool directory = !status && !h.object.whiteout && S_ISDIR(h.object.st.st_mode);
	/* Its directory hides the real one as a whole: it would vanish. It goes with that one. */
	if (!status && h.dir.lower < 0)
		return;
	/* Descriptors of a live job lead into its directories; one that shows the real one's
	 * attributes is no change. */
	if (directory && (r->live || !strcmp(h.name, ".")))
		return;
	if (!status && !held_is(root, &h, step->ident))
		return;
	review_before_change();
	const struct quiet quiet = quiet_start(h.dir.upper);
	if (!status)
		status = store_drop(root->store, &h.dir, h.name, -1, NULL);
	quiet_stop(&quiet);
	if (status && status != -ENOTEMPTY && status != -ENOENT)
		step_fail(all, step, RESULT_FAILED, "cannot be taken out of scratch: %s",
			strerror(-status));
}

/* Nothing below differs from the real tree any more. */
static bool all_same_below(struct review *r, const struct step *step)
{
	struct changes *c cleanup_with(changes_freep) = changes_new();
	if (!c || collect_scratch(r, false, c) || changes_finish(c))
		return false;
	const char *path = memory_join(&c->memory->memory, r->roots[step->root].path, step->rel);
	size_t count = 1;
	if (path && !changes_find(c, path))
		(void)changes_below(c, path, &count);
	return count == 0;
}

void step_collapse(struct review *r, struct steps *all, struct step *step)
{
	struct review_root *root = &r->roots[step->root];
	struct held h cleanup_held = HELD_INIT;
	char name[64];
	int trash = review_trash(root);
	int status = trash < 0 ? trash : held_open(root, step->rel, &h);
	if (status == -ENOENT || (!status && !h.object.opaque) || !all_same_below(r, step))
		return;
	step_keep_name(all, step, name);
	review_before_change();
	/* In one step: half of it gone would look like deletions. */
	if (!status)
		status = store_drop(root->store, &h.dir, h.name, trash, name);
	if (!status)
		(void)sys_remove_tree(trash, name);
	else
		step_fail(all, step, RESULT_FAILED, "cannot be taken out of scratch: %s",
			strerror(-status));
}

/* What came out of a grant goes back there; its name may be taken by now. */
static void put_back_moved(
	struct review *r, struct steps *all, const struct step *step, const struct held *h)
{
	struct store *s = r->roots[step->root].store;
	char base_name[64], path[4096], parent[PATH_MAX];
	const char *name;
	struct store_print kept;
	int64_t btime_ns;
	/* Made by this job: there was nothing before it that could be missed. */
	if (store_moved_from(s, &h->dir, h->name, base_name, path, &btime_ns) ||
		btime_ns >= r->job->start_ns)
		return;
	/* A crash before it had left its grant, or after it was put back. */
	if (store_print_of(store_base(s), base_name, &kept) || !kept.exists)
		return;
	rel_split(path, parent, &name);
	int dir cleanup_fd = real_open_dir(&r->roots[step->root], parent);
	if (dir >= 0 && !sys_rename(store_base(s), base_name, dir, name, RENAME_NOREPLACE))
		return;
	(void)sys_rename(store_base(s), base_name, store_kept(s), base_name, RENAME_NOREPLACE);
	step_fail(all, step, RESULT_FAILED,
		"it came from %s, which is taken; what was there is in kept/%s", path, base_name);
}

static int reset_attr(struct store *s, struct held *h)
{
	struct stat real;
	struct statx stx;
	int status = sys_statx(h->dir.lower, h->name, &stx);
	if (status)
		return status;
	sys_statx_to_stat(&stx, &real);
	const struct store_attr attr = {.set_mode = true,
		.set_uid = true,
		.set_gid = true,
		.set_mtime = h->object.times_own,
		.mode = real.st_mode & 07777,
		.uid = real.st_uid,
		.gid = real.st_gid,
		.mtime = real.st_mtim};
	status = store_setattr(s, &h->dir, h->name, STORE_SCRATCH, &attr, &h->object);
	return status ? status : xattrs_reset(s, &h->dir, h->name, &h->object);
}

static bool holds_entries(struct store *s, const struct held *h)
{
	struct store_dir child;
	struct dirent *entry;
	bool found = false;
	if (store_dir_open(s, &h->dir, h->name, &h->object, &child))
		return true;
	int fd = sys_reopen(child.upper, O_RDONLY | O_DIRECTORY);
	store_dir_close(&child);
	DIR *d cleanup_dir = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		(void)fd_close(fd);
		return true;
	}
	while (!found && (entry = readdir(d)))
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	return found;
}

void step_discard(struct review *r, struct steps *all, struct step *step)
{
	struct review_root *root = &r->roots[step->root];
	struct held h cleanup_held = HELD_INIT;
	char name[64];
	int trash = review_trash(root);
	int status = trash < 0 ? trash : held_open(root, step->rel, &h);
	if (status == -ENOENT)
		return;
	if (!status && !held_is(root, &h, step->ident)) {
		step_fail(all, step, RESULT_DRIFTED, "changed since it was looked at");
		return;
	}
	review_before_change();
	if (!status && step->metadata &&
		(r->live || !strcmp(h.name, ".") || holds_entries(root->store, &h))) {
		/* What lies in the directory stays: only its attributes are as they were. */
		status = reset_attr(root->store, &h);
	} else if (!status) {
		const struct quiet quiet = quiet_start(h.dir.upper);
		put_back_moved(r, all, step, &h);
		step_keep_name(all, step, name);
		status = store_drop(root->store, &h.dir, h.name, trash, name);
		quiet_stop(&quiet);
	}
	if (status && status != -ENOENT)
		step_fail(all, step, RESULT_FAILED, "%s", strerror(-status));
}
