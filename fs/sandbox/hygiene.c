/* SPDX-License-Identifier: MIT */
/*
 * What CMD must not bring along from outside: descriptors, the working directory, capabilities.
 * And the exec itself.
 *
 * Descriptors: a directory or file of the real tree that is open is a way around the roots, so all
 * above 2 are closed, except anonymous pipes that the caller passed on: they lead to no tree, and
 * without them `cmd <(other)` and make's job server break.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <writfs/cleanup.h>

#include "sandbox_i.h"

#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define CAPS_MAX 64 /* the bounding set is a 64-bit word */

int step_group(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)step;
	if (setpgid(0, 0) < 0)
		return err_errno(e, errno, "process group");
	/* SIGTTOU is blocked still, so that a background group may do this. */
	if (l->plan->options.terminal >= 0 && tcsetpgrp(l->plan->options.terminal, getpgrp()) < 0)
		return err_errno(e, errno, "taking the terminal");
	return 0;
}

int step_chdir(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)l;
	if (chdir(step->path) < 0)
		return err_errno(e, errno, "working directory %s", step->path);
	return 0;
}

static bool is_pipe_of_caller(int fd)
{
	struct statfs fs;
	int flags = fcntl(fd, F_GETFD);
	return flags >= 0 && !(flags & FD_CLOEXEC) && fstatfs(fd, &fs) == 0 &&
	       fs.f_type == PIPEFS_MAGIC;
}

static bool in_list(int fd, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == fd)
			return true;
	}
	return false;
}

int fds_close_but(const int *keep, size_t count)
{
	cleanup_dir DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	if (!dir)
		return -errno;
	/* A closed descriptor makes no other appear, so that one pass sees them all. */
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		if (fd <= STDERR_FILENO || fd == dirfd(dir) || in_list(fd, keep, count))
			continue;
		if (!is_pipe_of_caller(fd))
			(void)close(fd);
	}
	return 0;
}

int step_close_fds(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)step;
	/* The report socket closes itself at exec; until then it tells of a failure. */
	int r = fds_close_but(&l->report, 1);
	return r < 0 ? err_errno(e, -r, "/proc/self/fd") : 0;
}

void stdio_drop(void)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null >= 0)
			(void)dup2(null, fd);
	}
}

static void cap_freep(cap_t *caps)
{
	if (*caps)
		(void)cap_free(*caps);
}

int step_drop_caps(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)l;
	(void)step;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_errno(e, errno, "ambient capabilities");
	cleanup_with(cap_freep) cap_t caps = cap_get_proc();
	if (!caps || cap_clear_flag(caps, CAP_INHERITABLE) < 0 || cap_set_proc(caps) < 0)
		return err_errno(e, errno, "inheritable capabilities");
	return 0;
}

int step_drop_bounding(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)l;
	(void)step;
	for (int cap = 0; cap < CAPS_MAX; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL) /* the kernel knows no more of them */
			return 0;
		return err_errno(e, errno, "capability bounding set");
	}
	return 0;
}

int step_no_new_privs(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)l;
	(void)step;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, errno, "no_new_privs");
	return 0;
}

/* execvp(3) says EACCES when a directory of $PATH may not be searched; the command is then still
 * one that does not exist, as shells say. */
static bool is_found(const char *name)
{
	const char *path = getenv("PATH");
	if (strchr(name, '/'))
		return true;
	for (const char *p = path ? path : ""; *p;) {
		char candidate[PATH_MAX];
		size_t len = strcspn(p, ":");
		int n = snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)len, p,
			len > 0 ? "/" : "", name);
		if (n > 0 && (size_t)n < sizeof(candidate) && access(candidate, F_OK) == 0)
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}

int step_exec(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	const struct sandbox_options *o = &l->plan->options;
	struct sigaction child = {.sa_handler = o->ignore_child ? SIG_IGN : SIG_DFL};
	(void)step;
	/* It carries this process's pid to the supervisor. */
	if (report_send(l->report, SANDBOX_STARTED, 0, NULL, NULL, 0) < 0)
		_exit(l->fail_status);
	(void)sigaction(SIGCHLD, &child, NULL);
	(void)sigprocmask(SIG_SETMASK, &o->mask, NULL);
	(void)execvp(o->argv[0], o->argv);
	int errnum = errno;
	if (errnum == EACCES && !is_found(o->argv[0]))
		errnum = ENOENT;
	l->fail_status = errnum == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	if (errnum == ENOENT && !strchr(o->argv[0], '/'))
		return err_set(e, errnum, "%s: command not found", o->argv[0]);
	return err_errno(e, errnum, "%s", o->argv[0]);
}
