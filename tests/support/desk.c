/* SPDX-License-Identifier: MIT */
#include "desk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

static int move_apart(struct desk *d)
{
	struct stat here, there;
	(void)snprintf(d->root, sizeof d->root, "/dev/shm/writ-test-XXXXXX");
	if (!mkdtemp(d->root))
		return -ENOTSUP;
	d->apart = true;
	(void)fd_close(d->f.real);
	d->f.real = open(d->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->f.real < 0 || fstat(d->f.real, &there) < 0 || fstat(d->f.dir, &here) < 0 ||
		here.st_dev == there.st_dev || fchmod(d->f.real, 0755) < 0)
		return -ENOTSUP;
	return 0;
}

static int open_desk(struct desk *d, bool apart)
{
	*d = (struct desk){0};
	int r = fixture_open(&d->f);
	if (!r && apart)
		r = move_apart(d);
	if (r)
		return r;
	/* The name that a job gives the scratch of its first root. */
	if (renameat(d->f.dir, "scratch", d->f.dir, "0") < 0)
		return -errno;
	if (!apart &&
		snprintf(d->root, sizeof d->root, "%s/real", d->f.path) >= (int)sizeof d->root)
		return -ENAMETOOLONG;
	d->roots[0] = d->root;
	d->job = (struct job){.id = "test-1",
		.dir = d->f.dir,
		.lock = -1,
		.review_lock = -1,
		.state = JOB_ENDED,
		.roots = d->roots,
		.start_ns = sys_time_ns(CLOCK_REALTIME)};
	d->job.program = strdup("test");
	d->job.command = strdup("test");
	d->job.cwd = strdup(d->root);
	d->job.kind = strdup("run");
	d->job.grants = strdup("");
	return fixture_start(&d->f);
}

int desk_open(struct desk *d)
{
	return open_desk(d, false);
}

int desk_open_apart(struct desk *d)
{
	return open_desk(d, true);
}

void desk_leave(struct desk *d)
{
	changes_freep(&d->changes);
	review_freep(&d->review);
	review_results_freep(&d->results);
}

void desk_close(struct desk *d)
{
	desk_leave(d);
	free(d->job.program);
	free(d->job.command);
	free(d->job.cwd);
	free(d->job.kind);
	free(d->job.grants);
	if (d->apart)
		(void)sys_remove_tree(AT_FDCWD, d->root);
	fixture_close(&d->f);
}

static int complain(int r, const struct err *e)
{
	if (r < 0)
		(void)fprintf(stderr, "review: %s\n", e->text);
	return r;
}

int desk_look(struct desk *d)
{
	const struct review_options options = {.home = d->root, .path_env = "/nowhere/bin"};
	struct err e = {0};
	changes_freep(&d->changes);
	review_freep(&d->review);
	int r = review_open(&d->job, &options, &d->review, &e);
	if (!r)
		r = review_collect(d->review, &d->changes, &e);
	return complain(r, &e);
}

const struct change *desk_find(
	const struct desk *d, const struct change_list *list, const char *rel)
{
	char path[2 * PATH_MAX];
	(void)snprintf(path, sizeof path, "%s%s%s", d->root, *rel ? "/" : "", rel);
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].path, path) == 0)
			return &list->items[i];
	return NULL;
}

struct change *desk_change(const struct desk *d, const char *rel)
{
	const struct change *c = desk_find(d, &d->changes->scratch, rel);
	return c ? &d->changes->scratch.items[c - d->changes->scratch.items] : NULL;
}

int desk_select(struct desk *d, const char *const *rels)
{
	struct err e = {0};
	size_t count = 0;
	while (rels && rels[count])
		count++;
	return review_select(d->changes, rels, count, d->root, d->root, &e);
}

int desk_shown(struct desk *d)
{
	struct err e = {0};
	return complain(review_mark_shown(d->review, d->changes, &e), &e);
}

static int decide(struct desk *d, const char *const *rels, bool discard)
{
	const struct review_act act = {.bulk = !rels};
	struct err e = {0};
	int r = desk_look(d);
	if (!r)
		r = desk_select(d, rels);
	review_results_freep(&d->results);
	if (!r)
		r = (discard ? review_discard : review_apply)(
			d->review, d->changes, &act, &d->results, &e);
	return complain(r, &e);
}

int desk_apply(struct desk *d, const char *const *rels)
{
	return decide(d, rels, false);
}

int desk_discard(struct desk *d, const char *const *rels)
{
	return decide(d, rels, true);
}

enum result_kind desk_result(const struct desk *d, const char *rel)
{
	char path[2 * PATH_MAX];
	(void)snprintf(path, sizeof path, "%s/%s", d->root, rel);
	for (size_t i = 0; i < d->results->count; i++)
		if (strcmp(d->results->items[i].path, path) == 0)
			return d->results->items[i].kind;
	return RESULT_KIND_MAX;
}

int desk_record(struct desk *d, enum journal_op op, enum journal_verdict verdict, const char *path,
	const char *path2, const char *program)
{
	char from[2 * PATH_MAX], to[2 * PATH_MAX];
	struct journal *j = NULL;
	struct err e = {0};
	(void)snprintf(from, sizeof from, "%s/%s", d->root, path);
	(void)snprintf(to, sizeof to, "%s/%s", d->root, path2 ? path2 : "");
	const struct journal_actor actor = {.pid = 7,
		.exe = "/bin/x",
		.argv = "x",
		.cwd = "/",
		.program = program,
		.parent = "agent"};
	const struct journal_record record = {.op = op,
		.verdict = verdict,
		.path = from,
		.path2 = path2 ? to : NULL,
		.rule = "**/x",
		.rule_file = "policy.json",
		.rule_line = 3,
		.bytes = -1,
		.result = verdict == JOURNAL_REFUSED ? EACCES : 0,
		.actor = &actor};
	int r = journal_open(d->f.dir, &j, &e);
	if (r)
		return complain(r, &e);
	journal_append(j, &record);
	return journal_close(j);
}

int real_stat(const struct desk *d, const char *rel, struct stat *st)
{
	return fstatat(d->f.real, rel, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

bool real_exists(const struct desk *d, const char *rel)
{
	struct stat st;
	return real_stat(d, rel, &st) == 0;
}

bool real_shows(const struct desk *d, const char *rel, const char *text)
{
	char *found cleanup_free = NULL;
	size_t len;
	return sys_read_file(d->f.real, rel, 1 << 20, &found, &len) == 0 && len == strlen(text) &&
	       memcmp(found, text, len) == 0;
}

int outside_write(const struct desk *d, const char *rel, const char *text)
{
	int fd cleanup_fd =
		openat(d->f.real, rel, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -errno : sys_write_full(fd, text, strlen(text));
}

static size_t count_in(int parent, const char *name)
{
	size_t count = 0;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir cleanup_dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count += 1 + count_in(dirfd(dir), entry->d_name);
	}
	return count;
}

size_t desk_count(const struct desk *d, const char *dir)
{
	return count_in(d->f.scratch, dir);
}
