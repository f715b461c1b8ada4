/* SPDX-License-Identifier: MIT */
/*
 * The processes between the supervisor and CMD.
 *
 * outer waits for init and holds nothing. init is pid 1 of the job where there is a pid namespace,
 * else a subreaper: it forks CMD's process, reports its stops and its end, reaps everything else,
 * and when CMD has ended, ends what CMD left behind: first SIGTERM, after SANDBOX_GRACE_MS the rest
 * (the pid namespace does that by itself when its init goes). The supervisor signals CMD directly.
 *
 * All signals are blocked in both, as they were in the supervisor: they share the terminal's
 * process group with it, and a ^C is for CMD.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "sandbox_i.h"

#define CHILDREN_MAX 65536 /* bytes of /proc/PID/task/TID/children */

/* fork(2) into a new pid namespace, without changing the caller's own as unshare(2) would: a
 * second try needs the first one undone. */
static pid_t fork_pid_namespace(void)
{
	struct clone_args args = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void begin_init(struct launch *l)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!l->pid_namespace)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* In outer: true if init settled with the /proc that it wanted and is now running the job. */
static bool wait_settled(int fd)
{
	char answer = 'n';
	ssize_t n;
	do {
		n = read(fd, &answer, 1);
	} while (n < 0 && errno == EINTR);
	/* End of file: it failed, and has said why. */
	return n != 1 || answer == 'y';
}

int step_pid(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)step;
	l->pid_namespace = true;
	for (;;) {
		int pipe_fds[2];
		if (pipe2(pipe_fds, O_CLOEXEC) < 0)
			return err_errno(e, errno, "pipe");
		pid_t pid = l->pid_namespace ? fork_pid_namespace() : fork();
		if (pid == 0) {
			(void)close(pipe_fds[0]);
			l->settled = pipe_fds[1];
			begin_init(l);
			return 0;
		}
		int errnum = errno;
		(void)close(pipe_fds[1]);
		bool settled = pid > 0 && wait_settled(pipe_fds[0]);
		(void)close(pipe_fds[0]);
		if (settled) {
			stdio_drop();
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
			_exit(0);
		}
		if (pid < 0 && !l->pid_namespace)
			return err_errno(e, errnum, "fork");
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		l->pid_namespace = false;
		(void)report_send(l->report, SANDBOX_NOTE, 0,
			"no pid namespace: a new /proc cannot be mounted here", NULL, 0);
	}
}

/* ---- the end of a job ---- */

/* Signals all children of this process; returns how many there are. */
static size_t signal_children(int sig)
{
	cleanup_free char *text = NULL;
	char path[64];
	size_t count = 0;
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	if (sys_read_file(AT_FDCWD, path, CHILDREN_MAX, &text, NULL) < 0)
		return 0;
	for (char *end, *p = text; *p; p = end) {
		long pid = strtol(p, &end, 10);
		if (end == p || pid <= 1)
			break;
		(void)kill((pid_t)pid, sig);
		count++;
	}
	return count;
}

/* True when no child is left; waits for one to end until deadline_ns. */
static bool reap_until(int64_t deadline_ns)
{
	sigset_t child;
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
		if (pid > 0)
			continue;
		if (pid < 0)
			return true;
		int64_t left = deadline_ns - sys_time_ns(CLOCK_MONOTONIC);
		if (left <= 0)
			return false;
		struct timespec timeout = {left / 1000000000, left % 1000000000};
		(void)sigtimedwait(&child, NULL, &timeout);
	}
}

static void end_others(const struct launch *l)
{
	int64_t deadline = sys_time_ns(CLOCK_MONOTONIC) + SANDBOX_GRACE_MS * 1000000LL;
	if (reap_until(0))
		return;
	if (l->pid_namespace) {
		(void)kill(-1, SIGTERM);
		(void)kill(-1, SIGCONT);
		(void)reap_until(deadline);
		return;
	}
	(void)signal_children(SIGTERM);
	(void)signal_children(SIGCONT);
	if (reap_until(deadline))
		return;
	/* Each round adopts the children of those that it killed. */
	while (signal_children(SIGKILL) > 0 &&
		!reap_until(sys_time_ns(CLOCK_MONOTONIC) + 100000000LL))
		;
}

static void report_status(const struct launch *l, int status)
{
	if (WIFSTOPPED(status))
		(void)report_send(l->report, SANDBOX_STOPPED, WSTOPSIG(status), NULL, NULL, 0);
	else if (WIFCONTINUED(status))
		(void)report_send(l->report, SANDBOX_CONTINUED, 0, NULL, NULL, 0);
	else
		(void)report_send(l->report, SANDBOX_EXITED, status, NULL, NULL, 0);
}

static void watch(const struct launch *l, pid_t command) __attribute__((noreturn));
static void watch(const struct launch *l, pid_t command)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WUNTRACED | WCONTINUED | __WALL);
		if (pid < 0 && errno != EINTR)
			break;
		if (pid != command)
			continue;
		report_status(l, status);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
	}
	end_others(l);
	_exit(0);
}

static bool wants_map(const struct launch *l)
{
	for (size_t i = l->next; i < l->plan->count; i++) {
		if (l->plan->steps[i].kind == SANDBOX_MAP_ALL)
			return true;
	}
	return false;
}

int step_fork(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	int maps[2] = {-1, -1};
	(void)step;
	if (wants_map(l) && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, maps) < 0)
		return err_errno(e, errno, "socketpair");
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "fork");
	if (pid == 0) {
		(void)fd_close(maps[0]);
		l->maps = maps[1];
		/* With a pid namespace it goes with its init anyhow. */
		if (!l->pid_namespace)
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		return 0;
	}
	(void)fd_close(maps[1]);
	stdio_drop();
	if (maps[0] >= 0)
		(void)map_all_serve(maps[0], pid);
	(void)fd_close(maps[0]);
	watch(l, pid);
}
