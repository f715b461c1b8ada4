/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's handle on a sandbox: starts it, takes its descriptors and reports, signals CMD.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <writfs/cleanup.h>

#include "sandbox_i.h"

#define EXIT_CANNOT 125

struct sandbox {
	pid_t outer;
	bool outer_reaped;
	int report;
	int fuse[SANDBOX_ROOTS_MAX];
	size_t roots;
	bool maps_all;
	pid_t command;
	int command_fd; /* pidfd: a reaped pid must not be signalled */
};

/* In the child: becomes outer. */
static void begin(const struct sandbox_plan *plan, int report, int maps, pid_t supervisor)
	__attribute__((noreturn));
static void begin(const struct sandbox_plan *plan, int report, int maps, pid_t supervisor)
{
	struct launch l = {.plan = plan,
		.report = report,
		.maps = maps,
		.settled = -1,
		.fail_status = EXIT_CANNOT};
	struct err e = {0};
	const int keep[] = {report, maps, plan->options.terminal};
	for (size_t i = 0; i < SANDBOX_ROOTS_MAX; i++)
		l.fuse[i] = -1;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(EXIT_CANNOT);
	/* The supervisor's descriptors of the real roots must not be where CMD could ever look. */
	int r = fds_close_but(keep, sizeof(keep) / sizeof(keep[0]));
	if (r < 0) {
		(void)err_errno(&e, -r, "/proc/self/fd");
		launch_fail(&l, &e);
	}
	launch_run(&l);
}

static bool plan_has(const struct sandbox_plan *plan, enum sandbox_step_kind kind)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].kind == kind)
			return true;
	}
	return false;
}

/* Waits for the descriptors of the roots. */
static int take_roots(struct sandbox *s, struct err *e)
{
	for (;;) {
		struct report report;
		pid_t pid;
		bool end;
		s->roots = SANDBOX_ROOTS_MAX;
		int r = report_receive(s->report, &report, &pid, s->fuse, &s->roots, &end);
		if (r < 0)
			return err_errno(e, -r, "starting the sandbox");
		if (end)
			return err_set(e, EPIPE, "starting the sandbox: its first process died");
		if (r == 0)
			continue;
		if (report.kind == REPORT_ROOTS && s->roots == (size_t)report.number)
			return 0;
		if (report.kind == SANDBOX_FAILED)
			return err_set(e, EPERM, "%s", report.text);
	}
}

static int open_report(int fds[2], struct err *e)
{
	int on = 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(e, errno, "socketpair");
	if (setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
		int r = err_errno(e, errno, "SO_PASSCRED");
		(void)fd_close(fds[0]);
		(void)fd_close(fds[1]);
		return r;
	}
	return 0;
}

int sandbox_start(const struct sandbox_plan *plan, struct sandbox **ret, struct err *e)
{
	int report[2], maps[2] = {-1, -1};
	cleanup_with(sandbox_freep) struct sandbox *s = calloc(1, sizeof(*s));
	if (!s)
		return err_errno(e, ENOMEM, "sandbox");
	s->report = s->command_fd = -1;
	s->outer_reaped = true;
	for (size_t i = 0; i < SANDBOX_ROOTS_MAX; i++)
		s->fuse[i] = -1;
	int r = open_report(report, e);
	if (r < 0)
		return r;
	s->report = report[0];
	cleanup_fd int child_report = report[1];
	s->maps_all = plan_has(plan, SANDBOX_MAP_ALL);
	if (s->maps_all && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, maps) < 0)
		return err_errno(e, errno, "socketpair");
	cleanup_fd int own_maps = maps[0];
	cleanup_fd int child_maps = maps[1];
	pid_t self = getpid();
	s->outer = fork();
	if (s->outer < 0)
		return err_errno(e, errno, "fork");
	if (s->outer == 0)
		begin(plan, child_report, child_maps, self);
	s->outer_reaped = false;
	child_report = fd_close(child_report);
	child_maps = fd_close(child_maps);
	/* Its result comes back as a report, too. */
	if (own_maps >= 0)
		(void)map_all_serve(own_maps, s->outer);
	r = take_roots(s, e);
	if (r < 0)
		return r;
	int flags = fcntl(s->report, F_GETFL);
	if (flags < 0 || fcntl(s->report, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(e, errno, "fcntl");
	*ret = steal_ptr(&s);
	return 0;
}

int sandbox_fuse_fd(const struct sandbox *s, size_t root)
{
	return root < s->roots ? s->fuse[root] : -1;
}

int sandbox_go(struct sandbox *s, struct err *e)
{
	if (send(s->report, "g", 1, MSG_NOSIGNAL) != 1)
		return err_errno(e, errno, "starting the command");
	return 0;
}

int sandbox_event_fd(const struct sandbox *s)
{
	return s->report;
}

static void command_started(struct sandbox *s, pid_t pid)
{
	s->command = pid;
	s->command_fd = (int)syscall(SYS_pidfd_open, pid, 0);
}

static void command_ended(struct sandbox *s)
{
	s->command = 0;
	s->command_fd = fd_close(s->command_fd);
}

int sandbox_next(struct sandbox *s, struct sandbox_event *ret)
{
	struct report report;
	pid_t pid = 0;
	size_t no_fds = 0;
	bool end = false;
	int r = report_receive(s->report, &report, &pid, NULL, &no_fds, &end);
	if (r < 0)
		return r;
	if (r == 0 && !end)
		return 0;
	if (end)
		report.kind = SANDBOX_GONE;
	if (report.kind == SANDBOX_STARTED)
		command_started(s, pid);
	if (report.kind == SANDBOX_EXITED || report.kind == SANDBOX_GONE)
		command_ended(s);
	memset(ret, 0, sizeof(*ret));
	ret->kind = (enum sandbox_event_kind)report.kind;
	ret->pid = pid;
	ret->number = report.number;
	memcpy(ret->text, report.text, sizeof(ret->text));
	return 1;
}

int sandbox_signal(struct sandbox *s, int sig, bool group)
{
	if (s->command == 0)
		return -ESRCH;
	if (group)
		return kill(-s->command, sig) < 0 ? -errno : 0;
	if (s->command_fd < 0)
		return kill(s->command, sig) < 0 ? -errno : 0;
	return syscall(SYS_pidfd_send_signal, s->command_fd, sig, NULL, 0) < 0 ? -errno : 0;
}

pid_t sandbox_pid(const struct sandbox *s)
{
	return s->command;
}

bool sandbox_maps_all(const struct sandbox *s)
{
	return s->maps_all;
}

void sandbox_abandon(struct sandbox *s)
{
	for (size_t i = 0; i < SANDBOX_ROOTS_MAX; i++)
		s->fuse[i] = fd_close(s->fuse[i]);
}

void sandbox_free(struct sandbox *s)
{
	if (!s)
		return;
	sandbox_abandon(s);
	s->report = fd_close(s->report);
	s->command_fd = fd_close(s->command_fd);
	if (!s->outer_reaped) {
		/* init dies with it, and the job with init. */
		(void)kill(s->outer, SIGKILL);
		while (waitpid(s->outer, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(s);
}

void sandbox_freep(struct sandbox **s)
{
	sandbox_free(*s);
}
