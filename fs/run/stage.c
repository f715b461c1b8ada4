/* SPDX-License-Identifier: MIT */
/*
 * What must be known and open before anything is mounted: after that, a path under a root leads
 * into the overlay, for this process too if the mount is everybody's. A failure here leaves
 * nothing behind, not even the job's directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <writfs/log.h>
#include <writfs/path.h>
#include <writfs/review.h>
#include <writfs/session.h>
#include <writfs/sys.h>

#include "run_i.h"

#define DECOY_NAME "decoy"
#define LOG_NAME "daemon.log"

/* Path of an open directory, as the kernel names it. */
static int path_of(int fd, char **ret)
{
	char link[SYS_FD_PATH_MAX], path[PATH_MAX];
	ssize_t n = readlink(sys_fd_path(link, fd, NULL), path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

static int find_places(struct stage *s, struct err *e)
{
	int r = path_home(&s->home, e);
	if (r < 0)
		return r;
	s->cwd = getcwd(NULL, 0);
	if (!s->cwd)
		return err_errno(e, errno, "the current directory (cd to one that exists)");
	if (s->cwd[0] != '/')
		return err_set(e, ENOENT, "the current directory is not reachable; cd elsewhere");
	r = path_state(&s->state_path, e);
	if (r == 0)
		r = path_config(&s->config_path, e);
	if (r < 0)
		return r;
	s->state = path_make_dirs(s->state_path, e);
	if (s->state < 0)
		return s->state;
	/* As the kernel names it: it is compared with real paths. */
	free(steal_ptr(&s->state_path));
	r = path_of(s->state, &s->state_path);
	return r < 0 ? err_errno(e, -r, "the state directory") : 0;
}

static int open_roots(struct stage *s, struct err *e)
{
	const char *const *paths;
	size_t count = policy_roots(s->policy, &paths);
	if (count == 0 || count > JOB_ROOTS_MAX)
		return err_set(e, EINVAL, "%zu roots; 1 to %d are possible", count, JOB_ROOTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct stage_root *root = &s->roots[i];
		*root = (struct stage_root){paths[i], -1, -1, -1};
		s->root_count = i + 1;
		root->real = open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root->real < 0)
			return err_errno(e, errno, "root %s", paths[i]);
		root->table = session_table_create();
		if (root->table < 0)
			return err_errno(e, -root->table, "node table");
	}
	return 0;
}

static int open_scratch(struct stage *s, struct err *e)
{
	for (size_t i = 0; i < s->root_count; i++) {
		s->roots[i].scratch = job_scratch(s->job, i);
		if (s->roots[i].scratch < 0)
			return err_errno(
				e, -s->roots[i].scratch, "scratch of %s", s->roots[i].path);
	}
	return 0;
}

/* policy.json: what was in force, for the record. Nothing depends on it, so that nobody waits for
 * the disk because of it. */
static int save_policy(struct stage *s, struct err *e)
{
	cJSON *dump = policy_dump(s->policy);
	char *text = dump ? cJSON_Print(dump) : NULL;
	cJSON_Delete(dump);
	if (!text)
		return err_errno(e, ENOMEM, "policy.json");
	cleanup_fd int fd = openat(s->job->dir, "policy.json",
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : sys_write_full(fd, text, strlen(text));
	cJSON_free(text);
	return r < 0 ? err_errno(e, -r, "policy.json of job %s", s->job->id) : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

/* The command line as the job's record shows it: words joined, secrets masked. */
static char *shown_command(char *const *argv)
{
	cleanup_str struct str words = STR_INIT, text = STR_INIT;
	for (size_t i = 0; argv[i]; i++)
		str_add_mem(&words, argv[i], strlen(argv[i]) + 1);
	if (!words.failed)
		journal_mask_argv(&text, words.p, words.len, JOURNAL_ARGV_MAX);
	return words.failed || text.failed ? NULL : steal_ptr(&text.p);
}

static int new_job(struct stage *s, const struct job *like, struct err *e)
{
	const char *const *paths;
	struct job wanted = *like;
	(void)policy_roots(s->policy, &paths);
	wanted.roots = (char **)(uintptr_t)paths; /* read only by job_create */
	wanted.cwd = s->cwd;
	wanted.grants = s->grants;
	int r = job_create(&wanted, &s->job, e);
	if (r == 0)
		s->is_new = true;
	return r;
}

static int open_log(struct stage *s, struct err *e)
{
	const char *level = getenv("WRIT_LOG");
	s->log = openat(s->job->dir, LOG_NAME,
		O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->log < 0)
		return err_errno(e, errno, "%s of job %s", LOG_NAME, s->job->id);
	log_setup(s->log, level && strcmp(level, "debug") == 0 ? LOG_DEBUG : LOG_INFO);
	return 0;
}

/* What every new or continued job has before it is mounted. */
static int furnish(struct stage *s, struct err *e)
{
	int r = open_log(s, e);
	if (r == 0)
		r = open_scratch(s, e);
	return r < 0 ? r : save_policy(s, e);
}

static int make_decoy(struct stage *s, struct err *e)
{
	cleanup_free char *dir = NULL;
	int r = path_of(s->job->dir, &dir);
	if (r < 0)
		return err_errno(e, -r, "the job's directory");
	if (asprintf(&s->decoy, "%s/" DECOY_NAME, dir) < 0) {
		s->decoy = NULL;
		return err_errno(e, ENOMEM, "decoy");
	}
	if (mknodat(s->job->dir, DECOY_NAME, S_IFSOCK | 0600, 0) < 0 && errno != EEXIST)
		return err_errno(e, errno, "%s", s->decoy);
	return 0;
}

/* A continued job keeps its roots and its workspace, and gets the policy of today. */
static int continue_job(
	const char *id, struct stage *s, struct policy_options *policy, struct err *e)
{
	int r = job_continue(id, &s->job, e);
	if (r == 0)
		r = review_recover(s->job, e);
	if (r < 0)
		return r;
	policy->roots = (const char *const *)s->job->roots;
	policy->roots_replace = true;
	if (s->job->workspace)
		policy->cwd = s->job->workspace;
	return 0;
}

static int same_roots(const struct stage *s, struct err *e)
{
	size_t i = 0;
	for (; i < s->root_count && s->job->roots[i]; i++) {
		if (strcmp(s->roots[i].path, s->job->roots[i]) != 0)
			break;
	}
	if (i < s->root_count || s->job->roots[i])
		return err_set(e, EINVAL,
			"job %s: its root %s is not what it was; apply or discard "
			"its changes and start a new job",
			s->job->id, s->job->roots[i] ? s->job->roots[i] : s->roots[i].path);
	return 0;
}

int stage_for_run(const struct run_options *o, struct stage *s, struct err *e)
{
	int r = find_places(s, e);
	if (r < 0)
		return r;
	struct policy_options policy = {.home = s->home,
		.cwd = s->cwd,
		.roots = o->roots,
		.allow = o->allow,
		.redirect = o->redirect,
		.refuse = o->refuse,
		.hide = o->hide,
		.files = o->files,
		.no_grants = o->no_grants};
	if (o->job)
		r = continue_job(o->job, s, &policy, e);
	if (r == 0)
		r = policy_load(&policy, &s->policy, e);
	if (r == 0)
		r = open_roots(s, e);
	if (r == 0 && o->job)
		r = same_roots(s, e);
	if (r < 0)
		return r;
	s->grants = summary_grants(s->policy, s->home, o->no_grants);
	if (!s->job) {
		const char *why;
		cleanup_free char *command = shown_command(o->argv);
		struct job like = {.program = (char *)(uintptr_t)base_name(o->argv[0]),
			.command = command,
			.workspace = (char *)(uintptr_t)policy_workspace(s->policy, &why),
			.kind = (char *)(uintptr_t) "run"};
		r = new_job(s, &like, e);
	} else {
		r = job_save(s->job, e);
	}
	if (r == 0)
		r = furnish(s, e);
	return r < 0 ? r : make_decoy(s, e);
}

int stage_for_mount(const char *root, const char *mountpoint, struct stage *s, struct err *e)
{
	const char *roots[] = {root, NULL};
	int r = find_places(s, e);
	if (r < 0)
		return r;
	struct policy_options policy = {.home = s->home,
		.cwd = root,
		.roots = roots,
		.roots_replace = true,
		.no_grants = true,
		.no_workspace = true};
	r = policy_load(&policy, &s->policy, e);
	if (r == 0)
		r = open_roots(s, e);
	if (r < 0)
		return r;
	struct job like = {.program = (char *)(uintptr_t) "mount",
		.command = (char *)(uintptr_t) "writ mount",
		.mountpoint = (char *)(uintptr_t)mountpoint,
		.kind = (char *)(uintptr_t) "mount"};
	r = new_job(s, &like, e);
	return r < 0 ? r : furnish(s, e);
}

int stage_finish(struct stage *s, int status, struct err *e)
{
	s->job->state = JOB_ENDED;
	s->job->end_ns = sys_time_ns(CLOCK_REALTIME);
	s->job->status = status;
	(void)unlinkat(s->job->dir, DECOY_NAME, 0);
	return job_save(s->job, e);
}

static void close_job(struct stage *s)
{
	if (!s->job)
		return;
	if (!s->started && !s->handed_over) {
		if (s->is_new)
			(void)job_remove(s->job, NULL);
		else
			(void)stage_finish(s, -1, NULL);
	}
	job_freep(&s->job);
}

void stage_clear(struct stage *s)
{
	close_job(s);
	for (size_t i = 0; i < s->root_count; i++) {
		s->roots[i].real = fd_close(s->roots[i].real);
		s->roots[i].scratch = fd_close(s->roots[i].scratch);
		s->roots[i].table = fd_close(s->roots[i].table);
	}
	s->state = fd_close(s->state);
	log_setup(-1, LOG_INFO);
	s->log = fd_close(s->log);
	policy_freep(&s->policy);
	free(s->home);
	free(s->cwd);
	free(s->state_path);
	free(s->config_path);
	free(s->decoy);
	free(s->grants);
	*s = (struct stage)STAGE_INIT;
}
