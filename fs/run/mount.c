/* SPDX-License-Identifier: MIT */
/*
 * `writ mount` and `writ umount`: one root, shown at one place to everybody who may look there.
 * Its processes are not confined, so this guards against accidents only.
 *
 * The real directory is opened before it is covered. The mount is made by this process, served by
 * a daemon that it leaves behind, and only then said to be done.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <writfs/path.h>
#include <writfs/session.h>
#include <writfs/sys.h>

#include "run_i.h"

#define EXIT_DONE 0
#define EXIT_NOT_ALL 1
#define EXIT_BAD_USE 2
#define EXIT_MACHINE 3
#define JOB_END_MS 10000 /* for the daemon to close its job after the unmount */
#define POLL_MS 20

static int resolve(const char *path, char **ret, struct err *e)
{
	struct stat st;
	cleanup_free char *real = realpath(path, NULL);
	int errnum = !real || stat(real, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	if (errnum == ENOTCONN)
		return err_set(e, errnum, "%s is a mount whose daemon has died; writ umount %s",
			path, path);
	if (errnum != 0)
		return err_errno(e, errnum, "%s", path);
	*ret = steal_ptr(&real);
	return 0;
}

/* The job of the mount at target, "" if that is unknown; NULL: nothing is mounted there. */
static char *job_of_mount(const char *target)
{
	struct mount_entry *entries = NULL;
	size_t count = 0;
	char *job = NULL;
	if (mount_list(&entries, &count, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < count && !job; i++) {
		if (strcmp(entries[i].target, target) == 0)
			job = strdup(entries[i].job);
	}
	mount_list_free(entries, count);
	return job;
}

/* What could only end in a mount that looks into itself or cannot be managed. */
static int check_places(const char *root, const char *dir, struct err *e)
{
	cleanup_free char *job = job_of_mount(dir), *state = NULL;
	if (job)
		return err_set(e, EBUSY, "%s is a mount of writ already (job %s); writ umount %s",
			dir, *job ? job : "unknown", dir);
	if (strcmp(root, dir) != 0 && path_is_beneath(dir, root))
		return err_set(e, ELOOP,
			"%s lies in %s and would show itself; choose a place outside", dir, root);
	int r = path_state(&state, e);
	if (r < 0)
		return r;
	if (path_is_beneath(state, dir))
		return err_set(e, EBUSY,
			"%s holds writ's own records (%s), which must stay in reach; mount a "
			"directory beside them, or set XDG_STATE_HOME",
			dir, state);
	return 0;
}

/* In the process that serves: to the end of the mount, and of its job. */
static int serve(const struct daemon_options *o, int link, struct err *e)
{
	struct stage *stage = o->stage;
	struct err late = {0};
	stage->started = true;
	stage->job->supervisor = getpid();
	int r = job_save(stage->job, e);
	if (r == 0)
		r = daemon_serve(o, link, e);
	int end = stage_finish(stage, r < 0 ? EXIT_MACHINE : EXIT_DONE, &late);
	if (end < 0 && r == 0) {
		if (e)
			*e = late;
		r = end;
	}
	return r;
}

/* The first answer: a failure in the daemon must not look like success. */
static int wait_answer(const char *dir, int link, struct err *e)
{
	struct stat st;
	int r = daemon_wait_ready(link, e);
	if (r < 0)
		return r;
	return stat(dir, &st) < 0 ? err_errno(e, errno, "%s", dir) : 0;
}

static int serve_behind(struct stage *stage, const struct daemon_options *o, struct err *e)
{
	const int none[] = {-1};
	cleanup_fd int link = -1;
	pid_t pid = daemon_fork(o, serve, none, &link, e);
	if (pid < 0)
		return (int)pid;
	int r = wait_answer(o->mountpoint, link, e);
	if (r < 0) {
		(void)session_umount(o->mountpoint, true, NULL);
		(void)kill(pid, SIGTERM);
		(void)waitpid(pid, NULL, 0);
		return r;
	}
	stage->handed_over = true;
	return 0;
}

int mount_start(const struct mount_options *o, struct err *e)
{
	cleanup_free char *dir = NULL, *root = NULL;
	const char *id = NULL;
	struct stage stage cleanup_stage = STAGE_INIT;
	if (run_inside_job(&id)) {
		(void)err_set(e, EBUSY,
			"this is inside job %s, where writ has no records; mount from outside it",
			id);
		return EXIT_BAD_USE;
	}
	if (resolve(o->dir, &dir, e) < 0 || resolve(o->root ? o->root : o->dir, &root, e) < 0 ||
		check_places(root, dir, e) < 0 || stage_for_mount(root, dir, &stage, e) < 0)
		return EXIT_BAD_USE;
	/* From the mount on, a signal has to take it down again. */
	sigset_t end;
	daemon_block_signals(&end);
	cleanup_fd int fuse = session_mount(dir, o->options, e);
	if (fuse < 0)
		return fuse == -EINVAL ? EXIT_BAD_USE : EXIT_MACHINE;
	const struct daemon_options daemon = {
		.stage = &stage, .fuse = {fuse}, .fd_store = -1, .mountpoint = dir};
	int r;
	if (o->foreground) {
		r = serve(&daemon, -1, e);
		if (r < 0)
			(void)session_umount(dir, true, NULL);
	} else {
		r = serve_behind(&stage, &daemon, e);
	}
	return r < 0 ? EXIT_MACHINE : EXIT_DONE;
}

/* ---- umount ---- */

/* realpath() of a mount point whose daemon may be dead. */
static int resolve_target(const char *path, char **ret, struct err *e)
{
	cleanup_free char *home = NULL, *cwd = getcwd(NULL, 0), *absolute = NULL;
	*ret = realpath(path, NULL);
	if (*ret)
		return 0;
	int errnum = errno;
	if (errnum != ENOTCONN)
		return err_errno(e, errnum, "%s", path);
	int r = path_home(&home, e);
	if (r == 0)
		r = path_absolute(path, cwd ? cwd : "/", home, &absolute, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(&absolute);
	return 0;
}

/* 0 once the job is not live any more. */
static int wait_job_end(const char *id, struct err *e)
{
	const struct timespec pause = {0, POLL_MS * 1000000L};
	int64_t end = sys_time_ns(CLOCK_MONOTONIC) + JOB_END_MS * 1000000LL;
	while (sys_time_ns(CLOCK_MONOTONIC) < end) {
		struct job *job = NULL;
		if (job_open(id, &job, NULL) < 0)
			return 0;
		bool live = job->state == JOB_LIVE;
		job_free(job);
		if (!live)
			return 0;
		(void)nanosleep(&pause, NULL);
	}
	return err_set(e, ETIMEDOUT, "job %s is unmounted but has not ended after %d s", id,
		JOB_END_MS / 1000);
}

int mount_end(const char *path, bool lazy, struct err *e)
{
	cleanup_free char *dir = NULL, *job = NULL;
	if (resolve_target(path, &dir, e) < 0)
		return EXIT_BAD_USE;
	job = job_of_mount(dir);
	if (!job) {
		(void)err_set(e, EINVAL, "%s is not a mount of writ; writ mount lists them", path);
		return EXIT_BAD_USE;
	}
	int r = session_umount(dir, lazy, e);
	if (r == -EBUSY) {
		(void)err_set(e, EBUSY,
			"%s is in use (fuser -vm %s shows by whom); writ umount -l %s", path, path,
			path);
		return EXIT_NOT_ALL;
	}
	if (r < 0)
		return EXIT_MACHINE;
	if (lazy || !*job)
		return EXIT_DONE;
	return wait_job_end(job, e) < 0 ? EXIT_NOT_ALL : EXIT_DONE;
}
