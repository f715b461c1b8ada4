/* SPDX-License-Identifier: MIT */
/*
 * All jobs: listing, choosing the one that a command means, removing. A job that cannot be read is
 * skipped with a line in the log, so that one damaged directory costs no other job anything.
 */
#include "job_i.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/log.h>
#include <writfs/path.h>
#include <writfs/str.h>
#include <writfs/sys.h>

/* Ids that a message lists before it says "and N more". */
#define SHOWN_IDS_MAX 8
#define DAY_NS (INT64_C(86400) * 1000000000)

#define cleanup_job cleanup_with(job_freep)

struct job_array {
	struct job **items; /* NULL-terminated */
	size_t count, cap;
};

void job_list_free(struct job **list)
{
	for (size_t i = 0; list && list[i]; i++)
		job_free(list[i]);
	free(list);
}

static int array_add(struct job_array *array, struct job *job)
{
	if (array->count + 1 >= array->cap) {
		size_t cap = array->cap ? array->cap * 2 : 16;
		struct job **more = realloc(array->items, cap * sizeof(struct job *));
		if (!more)
			return -ENOMEM;
		array->items = more;
		array->cap = cap;
	}
	array->items[array->count++] = job;
	array->items[array->count] = NULL;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a;
	const struct job *y = *(struct job *const *)b;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? 1 : -1;
	return strcmp(x->id, y->id);
}

static DIR *open_listing(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		(void)fd_close(fd);
	return dir;
}

/* Opens jobs/id for the list; what is no job is passed over. */
static int list_add(struct job_array *array, int jobs, const char *id)
{
	struct err why = {0};
	struct job *job = NULL;
	int r = job_open_at(jobs, id, &job, &why);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0; /* just now made or removed, or no directory */
	if (r < 0) {
		log_warning("job skipped: %s", why.text);
		return 0;
	}
	r = array_add(array, job);
	if (r < 0)
		job_free(job);
	return r;
}

int job_list(struct job ***ret, size_t *ret_count, struct err *e)
{
	struct job_array array = {0};
	struct err why = {0};
	int jobs cleanup_fd = jobs_dir(false, &why);
	if (jobs < 0 && jobs != -ENOENT) {
		if (e)
			*e = why;
		return jobs;
	}
	DIR *dir cleanup_dir = jobs < 0 ? NULL : open_listing(jobs);
	int r = jobs >= 0 && !dir ? -errno : 0;
	const struct dirent *entry;
	while (r == 0 && dir && (entry = readdir(dir))) {
		if (job_id_valid(entry->d_name))
			r = list_add(&array, jobs, entry->d_name);
	}
	if (r == 0 && !array.items) {
		array.items = calloc(1, sizeof(struct job *));
		r = array.items ? 0 : -ENOMEM;
	}
	if (r < 0) {
		job_list_free(array.items);
		return err_errno(e, -r, "cannot list the jobs");
	}
	if (array.count)
		qsort(array.items, array.count, sizeof(struct job *), newest_first);
	*ret = array.items;
	if (ret_count)
		*ret_count = array.count;
	return 0;
}

static int no_such_job(const char *id, struct err *e)
{
	struct job **list = NULL;
	size_t count = 0;
	if (job_list(&list, &count, e) < 0)
		return -e->errnum;
	const char **ids = calloc(count + 1, sizeof(const char *));
	for (size_t i = 0; ids && i < count; i++)
		ids[i] = list[i]->id;
	const char *nearest = ids ? nearest_word(id, ids) : NULL;
	if (nearest)
		(void)err_set(e, ENOENT, "no job %s (did you mean %s?)", id, nearest);
	else if (count)
		(void)err_set(e, ENOENT, "no job %s: writ jobs lists them", id);
	else
		(void)err_set(e, ENOENT, "no job %s: there are none yet", id);
	free(ids);
	job_list_free(list);
	return -ENOENT;
}

int job_open(const char *id, struct job **ret, struct err *e)
{
	struct err local = {0};
	struct err *why = e ? e : &local;
	if (!job_id_valid(id))
		return no_such_job(id, why);
	int jobs cleanup_fd = jobs_dir(false, why);
	if (jobs == -ENOENT)
		return no_such_job(id, why);
	if (jobs < 0)
		return jobs;
	int r = job_open_at(jobs, id, ret, why);
	return r == -ENOENT || r == -ENOTDIR ? no_such_job(id, why) : r;
}

/* "several jobs: a, b and 3 more": the candidates of list that are marked. */
static int several_jobs(struct job *const *list, size_t count, const bool *marked, struct err *e)
{
	struct str text cleanup_str = STR_INIT;
	size_t shown = 0;
	size_t all = 0;
	for (size_t i = 0; i < count; i++) {
		if (!marked[i])
			continue;
		if (all++ >= SHOWN_IDS_MAX)
			continue;
		str_addf(&text, "%s%s (%s)", shown++ ? ", " : "", list[i]->id,
			list[i]->command ? list[i]->command : "?");
		/* Commands can be long; ids must not fall off the end. */
		if (text.len > ERR_TEXT_MAX / 2)
			break;
	}
	if (all > shown)
		str_addf(&text, " and %zu more", all - shown);
	return err_set(e, EEXIST, "several jobs, name one with -j: %s", text.p ? text.p : "");
}

/* Marks the jobs that the rule of design part 2 leaves; returns how many. */
static size_t mark_candidates(struct job *const *list, size_t count, const char *cwd,
	bool (*has_changes)(struct job *job), bool *marked)
{
	size_t here = 0;
	size_t changed = 0;
	bool *changes = marked + count;
	for (size_t i = 0; i < count; i++) {
		changes[i] = has_changes(list[i]);
		changed += changes[i];
		marked[i] = changes[i] && cwd && list[i]->workspace &&
			    path_is_beneath(cwd, list[i]->workspace);
		here += marked[i];
	}
	if (here)
		return here;
	/* None here: those with changes anywhere, else all. */
	for (size_t i = 0; i < count; i++)
		marked[i] = changed ? changes[i] : true;
	return changed ? changed : count;
}

static int select_from(struct job **list, size_t count, const char *cwd, bool changes_something,
	bool (*has_changes)(struct job *job), struct job **ret, size_t *ret_others, struct err *e)
{
	if (count == 0)
		return err_set(e, ENOENT, "there are no jobs yet: writ run -- CMD makes one");
	bool *marked cleanup_free = calloc(2 * count, sizeof *marked);
	if (!marked)
		return err_errno(e, ENOMEM, "jobs");
	size_t left = mark_candidates(list, count, cwd, has_changes, marked);
	if (left > 1 && changes_something)
		return several_jobs(list, count, marked, e);
	size_t chosen = 0;
	while (!marked[chosen])
		chosen++;
	*ret = list[chosen];
	if (ret_others)
		*ret_others = left - 1;
	/* The caller gets this one, the list keeps the others. */
	memmove(list + chosen, list + chosen + 1, (count - chosen) * sizeof(struct job *));
	return 0;
}

int job_select(const char *id, const char *cwd, bool changes_something,
	bool (*has_changes)(struct job *job), struct job **ret, size_t *ret_others, struct err *e)
{
	const char *named = id ? id : getenv("WRIT_JOB");
	if (named && named[0]) {
		int r = job_open(named, ret, e);
		if (r == 0 && ret_others)
			*ret_others = 0;
		if (r < 0 && !id)
			(void)err_wrap(e, "$WRIT_JOB");
		return r;
	}
	struct job **list = NULL;
	size_t count = 0;
	int r = job_list(&list, &count, e);
	if (r < 0)
		return r;
	r = select_from(list, count, cwd, changes_something, has_changes, ret, ret_others, e);
	job_list_free(list);
	return r;
}

int job_remove(struct job *job, struct err *e)
{
	int jobs cleanup_fd = jobs_dir(false, e);
	if (jobs < 0)
		return jobs == -ENOENT ? err_set(e, ENOENT, "job %s is gone", job->id) : jobs;
	int lock cleanup_fd = -1;
	int r = job->lock >= 0 ? 0 : job_lock_take(job->dir, JOB_LOCK, 0, &lock);
	if (r == -EWOULDBLOCK)
		return err_set(e, EBUSY, "job %s is live (process %d): end it first", job->id,
			job_lock_owner(job->dir, JOB_LOCK));
	if (r < 0)
		return err_errno(e, -r, "job %s: cannot lock it", job->id);
	r = job_lock_review(job, 0, e);
	if (r < 0)
		return r;
	char gone[SYS_TEMP_NAME_SIZE];
	r = sys_rename(jobs, job->id, jobs, sys_temp_name(gone, JOB_GONE_PREFIX), 0);
	if (r == 0)
		r = sys_remove_tree(jobs, gone);
	return r < 0 ? err_errno(e, -r, "job %s: cannot remove it", job->id) : 0;
}

bool job_prunable(struct job *job, bool (*has_changes)(struct job *job), int64_t now_ns)
{
	if (job->state == JOB_LIVE || has_changes(job))
		return false;
	int64_t since = job->end_ns > job->saved_ns ? job->end_ns : job->saved_ns;
	if (since == 0)
		since = job->start_ns;
	int days = job->review == JOB_UNDECIDED ? JOB_EMPTY_DAYS : JOB_DECIDED_DAYS;
	return now_ns - since >= days * DAY_NS;
}

/* What a kill left of making or removing a job. */
static void prune_leftovers(int jobs, int64_t now_ns)
{
	DIR *dir cleanup_dir = open_listing(jobs);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		struct stat st;
		if (strncmp(entry->d_name, JOB_NEW_PREFIX, sizeof JOB_NEW_PREFIX - 1) != 0 &&
			strncmp(entry->d_name, JOB_GONE_PREFIX, sizeof JOB_GONE_PREFIX - 1) != 0)
			continue;
		if (fstatat(jobs, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			now_ns - (int64_t)st.st_ctim.tv_sec * 1000000000 < DAY_NS)
			continue;
		int r = sys_remove_tree(jobs, entry->d_name);
		if (r < 0)
			log_warning("jobs/%s: cannot remove it: %s", entry->d_name, strerror(-r));
	}
}

int job_prune(bool (*has_changes)(struct job *job), unsigned *ret_removed, struct err *e)
{
	struct job **list = NULL;
	size_t count = 0;
	int r = job_list(&list, &count, e);
	if (r < 0)
		return r;
	int64_t now_ns = sys_time_ns(CLOCK_REALTIME);
	unsigned removed = 0;
	for (size_t i = 0; i < count; i++) {
		struct err why = {0};
		/* Looked at again under the lock: it may have been continued meanwhile. */
		if (!job_prunable(list[i], has_changes, now_ns) ||
			job_lock_review(list[i], 0, &why) < 0 ||
			!job_prunable(list[i], has_changes, now_ns))
			continue;
		if (job_remove(list[i], &why) == 0)
			removed++;
		else
			log_warning("%s", why.text);
	}
	job_list_free(list);
	int jobs cleanup_fd = jobs_dir(false, NULL);
	if (jobs >= 0)
		prune_leftovers(jobs, now_ns);
	if (ret_removed)
		*ret_removed = removed;
	return 0;
}
