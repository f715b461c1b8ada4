/* SPDX-License-Identifier: MIT */
/*
 * The supervisor S of design part 6: starts the sandbox, then the daemon, then CMD, and holds what
 * must outlive the daemon: the FUSE descriptors (in the sandbox's handle), the node tables (in the
 * stage) and the descriptor store. One thread, one poll loop, all signals blocked and read from a
 * descriptor: whatever a signal is to do happens between two events.
 *
 * It is not dumpable: another process of the same user that looked into it would find the real
 * roots.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <writfs/log.h>
#include <writfs/path.h>
#include <writfs/sys.h>

#include "run_i.h"

#define DAEMON_END_MS 2000   /* for the kernel to take the mounts down once nobody uses them */
#define DAEMON_STOP_MS 30000 /* for the daemon after SIGTERM: the journal, the last replies */
#define EXIT_SIGNAL 128

struct supervisor {
	struct stage *stage;
	struct outcome *outcome;
	struct terminal terminal;
	struct sandbox *sandbox;
	struct fdstore *fds;
	int fds_socket;
	int signals; /* signalfd */
	int link;    /* to the daemon */
	pid_t daemon;
	sigset_t early; /* signals that came before CMD could take them */
	bool exited;    /* CMD's status is known */
	bool failed;    /* CMD was never executed; *error says why */
	bool gone;      /* nothing of the sandbox is left */
	struct err *error;
};

static void supervisor_clear(struct supervisor *s)
{
	terminal_take(&s->terminal);
	terminal_close(&s->terminal);
	sandbox_freep(&s->sandbox);
	fdstore_freep(&s->fds);
	s->fds_socket = fd_close(s->fds_socket);
	s->signals = fd_close(s->signals);
	s->link = fd_close(s->link);
	if (s->daemon > 0) {
		(void)kill(s->daemon, SIGTERM);
		while (waitpid(s->daemon, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

/* ---- the start ---- */

static bool in_a_root(const struct stage *stage, const char *path)
{
	for (size_t i = 0; i < stage->root_count; i++) {
		if (path_is_beneath(path, stage->roots[i].path))
			return true;
	}
	return false;
}

static int start_sandbox(struct supervisor *s, char *const *argv, const sigset_t *mask,
	bool ignore_child, struct err *e)
{
	const char *roots[JOB_ROOTS_MAX + 1] = {NULL}, *hidden[2] = {NULL}, *read_only[3] = {NULL};
	struct sandbox_facts facts cleanup_with(sandbox_facts_clear) = {0};
	cleanup_with(sandbox_plan_freep) struct sandbox_plan *plan = NULL;
	const struct stage *stage = s->stage;
	size_t n = 0;
	for (size_t i = 0; i < stage->root_count; i++)
		roots[i] = stage->roots[i].path;
	int r = sandbox_facts_get(&facts, e);
	if (r < 0)
		return r;
	/* Under a root, the session hides the one, and the policy redirects the other. */
	if (!in_a_root(stage, stage->state_path))
		hidden[0] = stage->state_path;
	if (!in_a_root(stage, stage->config_path))
		read_only[n++] = stage->config_path;
	if (facts.real_root)
		read_only[n++] = "/etc/writfs";
	const struct sandbox_options options = {.roots = roots,
		.decoy = stage->decoy,
		.hidden = hidden,
		.read_only = read_only,
		.cwd = stage->cwd,
		.argv = argv,
		.own_group = s->terminal.fd >= 0,
		.terminal = s->terminal.fd,
		.mask = *mask,
		.ignore_child = ignore_child};
	r = sandbox_plan_make(&options, &facts, &plan, e);
	return r < 0 ? r : sandbox_start(plan, &s->sandbox, e);
}

static int start_daemon(struct supervisor *s, struct err *e)
{
	int sockets[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_errno(e, errno, "socketpair");
	s->fds_socket = sockets[0];
	cleanup_fd int its_socket = sockets[1];
	struct daemon_options options = {.stage = s->stage,
		.fd_store = its_socket,
		.parent = getpid(),
		/* Only real root has more than one id mapped. */
		.map_ids = !sandbox_maps_all(s->sandbox),
		.confined = true};
	for (size_t i = 0; i < s->stage->root_count; i++)
		options.fuse[i] = sandbox_fuse_fd(s->sandbox, i);
	/* Not the descriptors that would keep the other end of something open. */
	const int not_its[] = {
		s->fds_socket, s->signals, sandbox_event_fd(s->sandbox), s->terminal.fd, -1};
	pid_t pid = daemon_fork(&options, daemon_with_parent, not_its, &s->link, e);
	if (pid < 0)
		return (int)pid;
	s->daemon = pid;
	return daemon_wait_ready(s->link, e);
}

/* ---- events ---- */

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

static void resume(struct supervisor *s)
{
	terminal_resume(&s->terminal, sandbox_pid(s->sandbox));
	(void)sandbox_signal(s->sandbox, SIGCONT, s->terminal.fd >= 0);
}

static void deliver_early(struct supervisor *s)
{
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigismember(&s->early, sig) == 1)
			(void)sandbox_signal(s->sandbox, sig, false);
	}
	(void)sigemptyset(&s->early);
}

static void take_event(struct supervisor *s, const struct sandbox_event *event)
{
	switch (event->kind) {
	case SANDBOX_STARTED:
		s->outcome->ran = true;
		deliver_early(s);
		break;
	case SANDBOX_STOPPED:
		if (terminal_stop(&s->terminal, sandbox_pid(s->sandbox), event->number))
			resume(s);
		break;
	case SANDBOX_CONTINUED:
		break;
	case SANDBOX_EXITED:
		terminal_take(&s->terminal);
		if (!s->failed)
			s->outcome->status = exit_code(event->number);
		s->exited = true;
		break;
	case SANDBOX_FAILED:
		s->failed = true;
		s->outcome->ran = false;
		s->outcome->status = event->number;
		(void)err_set(s->error, EPERM, "%s", event->text);
		break;
	case SANDBOX_NOTE:
		log_info("%s", event->text);
		break;
	case SANDBOX_GONE:
		s->gone = true;
		break;
	}
}

static int take_events(struct supervisor *s, struct err *e)
{
	while (!s->gone) {
		struct sandbox_event event;
		int r = sandbox_next(s->sandbox, &event);
		if (r < 0)
			return err_errno(e, -r, "the sandbox");
		if (r == 0)
			return 0;
		take_event(s, &event);
	}
	return 0;
}

static void take_signal(struct supervisor *s, const struct signalfd_siginfo *info)
{
	int sig = (int)info->ssi_signo;
	bool own_group = s->terminal.fd >= 0;
	bool from_kernel = info->ssi_code == SI_KERNEL;
	if (sandbox_pid(s->sandbox) == 0) {
		if (!s->exited)
			(void)sigaddset(&s->early, sig);
		return;
	}
	if (sig == SIGCONT) {
		resume(s);
		return;
	}
	/* What the terminal sent to our group has reached CMD already if that is its group too. */
	if (from_kernel && !own_group)
		return;
	bool group =
		own_group && (from_kernel || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU);
	(void)sandbox_signal(s->sandbox, sig, group);
}

static void take_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_signal(s, &info);
}

/* The daemon has gone. It ends by itself, with 0, when the job's last process has. */
static void reap_daemon(struct supervisor *s)
{
	int status = 0;
	while (waitpid(s->daemon, &status, 0) < 0 && errno == EINTR)
		;
	s->daemon = 0;
	s->link = fd_close(s->link);
	/* CMD's end may be waiting to be read still. */
	(void)take_events(s, NULL);
	if (status == 0 && (s->exited || s->failed || s->gone))
		return;
	s->outcome->daemon_lost = true;
	s->outcome->daemon_status = status;
	/* Nobody answers any more. Without this CMD would wait for ever; now it gets ENOTCONN. */
	sandbox_abandon(s->sandbox);
}

static void take_words(struct supervisor *s)
{
	struct daemon_message m;
	int r = daemon_read(s->link, &m);
	if (r == 0 && m.word == DAEMON_TROUBLE)
		memcpy(s->outcome->trouble, m.text, sizeof(m.text));
	if (r < 0)
		reap_daemon(s);
}

/* One turn; after CMD's end only the daemon's. */
static int turn(struct supervisor *s, bool ending, int timeout_ms, struct err *e)
{
	struct pollfd fds[] = {{s->link, POLLIN, 0}, {s->fds_socket, POLLIN, 0},
		{ending ? -1 : s->signals, POLLIN, 0},
		{ending ? -1 : sandbox_event_fd(s->sandbox), POLLIN, 0}};
	int n = poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms);
	if (n < 0)
		return errno == EINTR ? 1 : err_errno(e, errno, "poll");
	if (fds[1].revents && fdstore_receive(s->fds, s->fds_socket) < 0)
		s->fds_socket = fd_close(s->fds_socket);
	if (fds[0].revents)
		take_words(s);
	if (fds[2].revents)
		take_signals(s);
	if (fds[3].revents) {
		int r = take_events(s, e);
		if (r < 0)
			return r;
	}
	return n;
}

/* ---- the end ---- */

static void wait_daemon(struct supervisor *s, int64_t timeout_ms)
{
	int64_t end = sys_time_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000;
	while (s->daemon > 0) {
		int64_t left = (end - sys_time_ns(CLOCK_MONOTONIC)) / 1000000;
		if (left <= 0 || turn(s, true, (int)left, NULL) < 0)
			return;
	}
}

/* The mounts go when the last process of the job has gone, and the daemon with them. */
static void end_daemon(struct supervisor *s)
{
	/* Our copies do not keep a mount, but nothing needs them any more. */
	sandbox_abandon(s->sandbox);
	wait_daemon(s, DAEMON_END_MS);
	if (s->daemon > 0) {
		(void)kill(s->daemon, SIGTERM);
		wait_daemon(s, DAEMON_STOP_MS);
	}
	if (s->daemon > 0) {
		(void)kill(s->daemon, SIGKILL);
		reap_daemon(s);
	}
}

static int watch(struct supervisor *s, struct err *e)
{
	while (!s->gone) {
		int r = turn(s, false, -1, e);
		if (r < 0)
			return r;
	}
	if (!s->exited && !s->failed) {
		/* init was killed from outside, and CMD with it. */
		(void)err_set(e, ECHILD, "the job's processes were killed from outside");
		s->outcome->status = s->outcome->ran ? EXIT_SIGNAL + SIGKILL : RUN_EXIT_CANNOT;
	}
	return 0;
}

static int block_signals(struct supervisor *s, sigset_t *old, bool *ret_ignore_child, struct err *e)
{
	static const int not_ours[] = {
		SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
	struct sigaction standard = {.sa_handler = SIG_DFL}, child;
	sigset_t all;
	(void)sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, old) < 0)
		return err_errno(e, errno, "signals");
	/* Ignored by the caller, children would vanish before their status is read. */
	(void)sigaction(SIGCHLD, &standard, &child);
	*ret_ignore_child = child.sa_handler == SIG_IGN;
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		(void)sigdelset(&all, not_ours[i]);
	s->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? err_errno(e, errno, "signalfd") : 0;
}

static int start(struct supervisor *s, char *const *argv, const sigset_t *mask, bool ignore_child,
	struct err *e)
{
	if (setenv("WRIT_JOB", s->stage->job->id, 1) < 0)
		return err_errno(e, errno, "WRIT_JOB");
	(void)prctl(PR_SET_DUMPABLE, 0);
	int r = start_sandbox(s, argv, mask, ignore_child, e);
	if (r < 0)
		return r;
	/* CMD's alone now: a reader at the other end of a pipe must not wait for us. */
	null_stdio(STDIN_FILENO, STDOUT_FILENO);
	drop_inherited();
	(void)sys_raise_nofile();
	r = fdstore_new(&s->fds);
	if (r < 0)
		return err_errno(e, -r, "descriptor store");
	r = start_daemon(s, e);
	if (r < 0)
		return r;
	r = sandbox_go(s->sandbox, e);
	if (r == 0)
		s->stage->started = true;
	return r;
}

/* Those that came for a job that has ended mean nothing: they must not end this process now. */
static void drain_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;
	while (s->signals >= 0 && read(s->signals, &info, sizeof(info)) > 0)
		;
}

int supervise(struct stage *stage, char *const *argv, struct outcome *ret, struct err *e)
{
	struct supervisor s = {.stage = stage,
		.outcome = ret,
		.fds_socket = -1,
		.signals = -1,
		.link = -1,
		.error = e};
	sigset_t mask;
	bool ignore_child = false;
	(void)sigemptyset(&mask);
	*ret = (struct outcome){.status = RUN_EXIT_CANNOT};
	(void)sigemptyset(&s.early);
	terminal_open(&s.terminal);
	int r = block_signals(&s, &mask, &ignore_child, e);
	if (r == 0)
		r = start(&s, argv, &mask, ignore_child, e);
	if (r == 0)
		r = watch(&s, e);
	if (r == 0)
		end_daemon(&s);
	drain_signals(&s);
	supervisor_clear(&s);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}
