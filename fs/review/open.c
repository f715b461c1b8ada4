/* SPDX-License-Identifier: MIT */
/*
 * One reviewer of one job: which roots there are, who can see them, and who may change them. The
 * daemon of a live job is the only one that changes its scratch; everybody else asks it. Looking
 * needs nobody, except where the mount lies over the root itself and hides the real tree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include <git2.h>

#include <writfs/path.h>

#include "review_i.h"

int review_find_root(const struct review *r, const char *path, const char **ret_rel)
{
	for (size_t i = 0; i < r->root_count; i++) {
		const char *rel = path_relative(path, r->roots[i].path);
		if (rel) {
			*ret_rel = rel;
			return (int)i;
		}
	}
	return -1;
}

static int open_own_store(struct review *r, size_t i, int real, struct err *e)
{
	struct review_root *root = &r->roots[i];
	struct store_options options = {
		.real = real, .scratch = root->scratch, .read_only = r->look || r->remote_act};
	struct statx stx;
	/* A job that ended before its first mount has no tree: it changed nothing. */
	if (sys_statx(root->scratch, "tree", &stx) == -ENOENT)
		return 0;
	int status = store_open(&options, &root->own, e);
	if (status)
		return err_wrap(e, "%s", root->path);
	root->store = root->own;
	return 0;
}

static bool is_fuse(int fd)
{
	struct statfs fs;
	return !fstatfs(fd, &fs) && fs.f_type == FUSE_SUPER_MAGIC;
}

/* A temporary directory that was a workspace goes when its work is done. Nothing redirected there:
 * nothing is missed. Else the person says where it is to be looked at, by making it again. */
static int open_gone_root(const struct review_root *root, const char *id, int errnum, struct err *e)
{
	struct dirent *entry;
	int tree = sys_open_at(root->scratch, "tree", O_RDONLY | O_DIRECTORY, 0);
	DIR *d cleanup_dir = tree < 0 ? NULL : fdopendir(tree);
	bool empty = tree == -ENOENT || d;
	if (!d && tree >= 0)
		(void)fd_close(tree);
	while (d && empty && (entry = readdir(d)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (empty)
		return 0;
	return err_errno(e, errnum, "root %s of %s (mkdir it to decide about what lies in scratch)",
		root->path, id);
}

static int open_root(
	struct review *r, size_t i, const struct review_options *options, struct err *e)
{
	struct review_root *root = &r->roots[i];
	root->path = r->job->roots[i];
	root->trash = -1;
	root->touched = touched_new();
	if (!root->touched)
		return err_set(e, ENOMEM, "out of memory");
	root->scratch = job_scratch(r->job, i);
	if (root->scratch < 0)
		return err_errno(e, -root->scratch, "scratch of %s in %s", root->path, r->job->id);
	if (options->stores) {
		root->store = options->stores[i];
		return 0;
	}
	int real cleanup_fd = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (real < 0 && (errno == ENOENT || errno == ENOTDIR))
		return open_gone_root(root, r->job->id, errno, e);
	if (real < 0)
		return err_errno(e, errno, "root %s of %s", root->path, r->job->id);
	if (r->job->state == JOB_LIVE && strcmp(r->job->kind, "mount") == 0 && is_fuse(real)) {
		r->remote_look = true;
		return 0;
	}
	return open_own_store(r, i, real, e);
}

/* What the daemon still holds in its ring is to be seen, too. It need not answer. */
static void ask_flush(const struct review *r)
{
	cJSON *request = cJSON_CreateObject();
	cJSON *reply = NULL;
	if (request && cJSON_AddNumberToObject(request, "v", 1) &&
		cJSON_AddStringToObject(request, "cmd", "review.flush"))
		(void)control_ask(r->job, request, &reply, NULL);
	cJSON_Delete(reply);
	cJSON_Delete(request);
}

static int take_options(struct review *r, const struct review_options *options, struct err *e)
{
	const char *path_env = options->path_env ? options->path_env : getenv("PATH");
	if (options->live) {
		r->hooks = *options->live;
		r->live = &r->hooks;
	}
	r->journal = options->journal;
	r->look = options->look;
	r->remote_act = r->job->state == JOB_LIVE && !options->live;
	r->path_env = path_env ? strdup(path_env) : NULL;
	if (options->home)
		r->home = strdup(options->home);
	else
		return path_home(&r->home, e);
	return r->home ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int open_roots(struct review *r, const struct review_options *options, struct err *e)
{
	int status = 0;
	for (size_t i = 0; !status && r->job->roots[i] && i < JOB_ROOTS_MAX; i++) {
		r->roots[i].scratch = -1;
		r->roots[i].trash = -1;
		r->root_count = i + 1;
		status = open_root(r, i, options, e);
	}
	return status;
}

int review_open_plain(struct job *job, struct review **ret, struct err *e)
{
	const struct review_options options = {0};
	struct review *r cleanup_with(review_freep) = calloc(1, sizeof *r);
	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	r->job = job;
	int status = open_roots(r, &options, e);
	if (!status)
		*ret = steal_ptr(&r);
	return status;
}

int review_open(
	struct job *job, const struct review_options *options, struct review **ret, struct err *e)
{
	struct review *r cleanup_with(review_freep) = calloc(1, sizeof *r);
	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	r->job = job;
	int status = take_options(r, options, e);
	if (!status && !r->look && !r->remote_act && !r->live)
		status = recover_job(job, &r->recovered, e);
	if (!status)
		status = open_roots(r, options, e);
	if (status)
		return status;
	if (r->remote_act)
		ask_flush(r);
	*ret = steal_ptr(&r);
	return 0;
}

size_t review_recovered(const struct review *r)
{
	return r->recovered;
}

void review_free(struct review *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->root_count; i++) {
		(void)fd_close(r->roots[i].scratch);
		(void)fd_close(r->roots[i].trash);
		store_free(r->roots[i].own);
		touched_free(r->roots[i].touched);
	}
	if (r->git_ready)
		(void)git_libgit2_shutdown();
	free(r->home);
	free(r->path_env);
	free(r);
}

void review_freep(struct review **r)
{
	review_free(*r);
	*r = NULL;
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	free(c->scratch.items);
	free(c->same.items);
	free(c->real.items);
	free(c->refused.items);
	if (c->memory) {
		free(c->memory->opaques);
		free(c->memory->by_path);
		memory_free(&c->memory->memory);
		free(c->memory);
	}
	free(c);
}

void changes_freep(struct changes **c)
{
	changes_free(*c);
	*c = NULL;
}

struct changes *changes_new(void)
{
	struct changes *c = calloc(1, sizeof *c);
	if (c)
		c->memory = calloc(1, sizeof *c->memory);
	if (c && !c->memory) {
		free(c);
		return NULL;
	}
	return c;
}

int review_collect(struct review *r, struct changes **ret, struct err *e)
{
	if (r->remote_look)
		return remote_collect(r, ret, e);
	struct changes *c cleanup_with(changes_freep) = changes_new();
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	if (r->live && r->live->flush)
		r->live->flush(r->live->arg);
	int status = collect_scratch(r, false, c);
	if (!status)
		status = pair_renames(r, c);
	if (status)
		return err_errno(e, -status, "cannot look at the changes of %s", r->job->id);
	status = who_fill(r, c, e);
	if (!status)
		status = label_changes(r, c, e);
	if (status)
		return status;
	status = changes_finish(c);
	if (!status)
		status = shown_mark(r, c);
	if (status || c->memory->memory.failed)
		return err_set(e, ENOMEM, "out of memory");
	*ret = steal_ptr(&c);
	return 0;
}

bool review_has_changes(struct job *job)
{
	/* Only for labels, which are not asked for. */
	struct review_options options = {.look = true, .home = "/", .path_env = ""};
	struct review *r cleanup_with(review_freep) = NULL;
	struct changes *c cleanup_with(changes_freep) = changes_new();
	if (!c || review_open(job, &options, &r, NULL) || !r || r->remote_look)
		return true;
	/* 1: found one; an error is no reason to call a job empty. */
	return collect_scratch(r, true, c) != 0;
}
