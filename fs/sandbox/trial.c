/* SPDX-License-Identifier: MIT */
/*
 * Tries, in a child process, what `writ run` will do, with the same functions. Namespaces and
 * mounts end with the child; nothing of the machine is changed.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe_i.h"

static int wait_status(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int in_child(int (*try)(struct launch *l))
{
	struct sandbox_plan plan = {.uid = geteuid(), .gid = getegid()};
	struct launch l = {.plan = &plan, .report = -1, .maps = -1, .settled = -1};
	pid_t pid = fork();
	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(-try(&l));
	return wait_status(pid);
}

static int enter(struct launch *l)
{
	int r = step_unshare(l, NULL, NULL);
	if (r == 0)
		r = step_map_self(l, NULL, NULL);
	return r;
}

static int try_namespace(struct launch *l)
{
	int r = enter(l);
	return r < 0 ? r : step_private(l, NULL, NULL);
}

static int try_mount(struct launch *l)
{
	const struct sandbox_step step = {.kind = SANDBOX_MOUNT_ROOT, .path = "/tmp"};
	int r = try_namespace(l);
	return r < 0 ? r : step_mount_root(l, &step, NULL);
}

static int try_nested(struct launch *l)
{
	int r = try_namespace(l);
	return r < 0 ? r : try_namespace(l);
}

static int try_proc(struct launch *l)
{
	struct clone_args args = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
	int r = try_namespace(l);
	if (r < 0)
		return r;
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
				? errno
				: 0);
	return -wait_status(pid);
}

int trial_namespace(void)
{
	return in_child(try_namespace);
}

int trial_mount(void)
{
	return in_child(try_mount);
}

int trial_nested(void)
{
	return in_child(try_nested);
}

int trial_proc(void)
{
	return in_child(try_proc);
}
