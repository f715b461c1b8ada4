/* SPDX-License-Identifier: MIT */
/*
 * The process that serves a job's mounts: one session a root, each with its own thread, the journal
 * and the control socket. It holds no state that could not be made again: nodes lie in the tables
 * of whoever started it, pinned descriptors in the fd store, everything else on disk.
 *
 * It is not dumpable, since its descriptors lead to the real tree; it lives in a session of its
 * own, since a ^C at the terminal is not for it; and it ends when its mounts have gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <writfs/log.h>
#include <writfs/review.h>
#include <writfs/session.h>
#include <writfs/store.h>
#include <writfs/sys.h>

#include "run_i.h"

#define STOP_AGAIN_MS 50
#define UNMOUNTED_GRACE_MS 500 /* for a session to end by itself after the unmount */

/* One session's thread. */
struct worker {
	pthread_t thread;
	struct session *session;
	int ended; /* eventfd, shared by all */
	int result;
};

/* ---- words between a daemon and whoever started it ---- */

static void say(int link, enum daemon_word word, int errnum, const char *text)
{
	struct daemon_message m = {.word = word, .errnum = errnum};
	if (text)
		strncat(m.text, text, sizeof(m.text) - 1);
	if (link >= 0)
		(void)send(link, &m, sizeof(m), MSG_NOSIGNAL);
}

int daemon_read(int link, struct daemon_message *ret)
{
	ssize_t n;
	do {
		n = recv(link, ret, sizeof(*ret), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	if (n != (ssize_t)sizeof(*ret))
		return -EBADMSG;
	ret->text[sizeof(ret->text) - 1] = '\0';
	return 0;
}

int daemon_wait_ready(int link, struct err *e)
{
	struct daemon_message m;
	int r = daemon_read(link, &m);
	if (r < 0)
		return err_set(e, -r, "the daemon died before it served anything");
	if (m.word != DAEMON_READY)
		return err_set(e, m.errnum ? m.errnum : EIO, "%s", m.text);
	return 0;
}

/* ---- what is served ---- */

static void served_close(struct served *served)
{
	review_freep(&served->review);
	for (size_t i = 0; i < served->count; i++) {
		session_free(served->sessions[i]);
		store_freep(&served->stores[i]);
	}
}

static int open_root(struct served *served, const struct daemon_options *o, size_t i, struct err *e)
{
	const struct stage_root *root = &o->stage->roots[i];
	const struct store_options store = {.real = root->real, .scratch = root->scratch};
	served->count = i + 1;
	int r = store_open(&store, &served->stores[i], e);
	if (r < 0)
		return err_wrap(e, "%s", root->path);
	int fuse = fcntl(o->fuse[i], F_DUPFD_CLOEXEC, 0);
	if (fuse < 0)
		return err_errno(e, errno, "mount of %s", root->path);
	const struct session_options session = {.fuse_fd = fuse,
		.table_fd = root->table,
		.fd_store = o->fd_store,
		.store = served->stores[i],
		.policy = o->stage->policy,
		.root = i,
		.root_path = root->path,
		.journal = served->journal,
		.hidden_fd = o->stage->state,
		.map_ids = o->map_ids,
		.confined = o->confined,
		.uid = geteuid(),
		.gid = getegid(),
		.debug = log_level() >= LOG_DEBUG};
	return session_create(&session, &served->sessions[i], e);
}

static int open_all(struct served *served, const struct daemon_options *o, struct err *e)
{
	int r = journal_open(o->stage->job->dir, &served->journal, e);
	for (size_t i = 0; r == 0 && i < o->stage->root_count; i++)
		r = open_root(served, o, i, e);
	return r;
}

/* ---- threads ---- */

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t one = 1;
	w->result = session_run(w->session);
	(void)!write(w->ended, &one, sizeof(one));
	return NULL;
}

static int start_workers(struct worker *workers, struct served *served, int ended)
{
	for (size_t i = 0; i < served->count; i++) {
		workers[i] = (struct worker){.session = served->sessions[i], .ended = ended};
		int r = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (r != 0) {
			for (size_t k = 0; k < i; k++) {
				session_stop(workers[k].session);
				(void)pthread_join(workers[k].thread, NULL);
			}
			return -r;
		}
	}
	return 0;
}

/* Unmounting ends the session by itself, and writes back what programs have mapped. */
static bool unmount(const char *mountpoint)
{
	return mountpoint && (session_umount(mountpoint, false, NULL) == 0 ||
				     session_umount(mountpoint, true, NULL) == 0);
}

static void stop_all(struct served *served)
{
	for (size_t i = 0; i < served->count; i++)
		session_stop(served->sessions[i]);
}

/*
 * Is the mount still where it was made? After umount(8) a session ends by itself only when no mount
 * namespace has a copy: every container and every job that was started meanwhile may have one, and
 * would keep the session for as long as it lives. A mount that nobody has any more, but whose
 * session goes on, was taken off lazily and is in use.
 */
struct mount_watch {
	int mountinfo; /* reports an exceptional condition when the list changes; -1: not watched */
	const char *target;
	char device[MOUNT_DEVICE_SIZE];
	bool gone;
};

static void watch_open(struct mount_watch *w, const char *target)
{
	*w = (struct mount_watch){.mountinfo = -1, .target = target};
	if (target && mount_find(target, w->device))
		w->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
}

static void watch_changed(struct mount_watch *w)
{
	char device[MOUNT_DEVICE_SIZE];
	w->gone = !mount_find(w->target, device) || strcmp(device, w->device) != 0;
}

/* Until all sessions have ended; a signal makes them, and so does the end of the mount. */
static void wait_workers(struct served *served, int signals, int ended, const char *mountpoint)
{
	struct mount_watch watch;
	size_t left = served->count;
	bool stopping = false;
	watch_open(&watch, mountpoint);
	while (left > 0) {
		struct signalfd_siginfo info;
		uint64_t n;
		struct pollfd fds[] = {
			{signals, POLLIN, 0}, {ended, POLLIN, 0}, {watch.mountinfo, POLLPRI, 0}};
		int ready = poll(fds, 3,
			stopping     ? STOP_AGAIN_MS
			: watch.gone ? UNMOUNTED_GRACE_MS
				     : -1);
		if (ready < 0)
			continue;
		if (ready == 0 && !stopping)
			stopping = mount_is_elsewhere(watch.device);
		if (fds[2].revents)
			watch_changed(&watch);
		if (fds[1].revents && read(ended, &n, sizeof(n)) == sizeof(n))
			left -= n < left ? (size_t)n : left;
		if (fds[0].revents && read(signals, &info, sizeof(info)) == sizeof(info))
			stopping = stopping || !unmount(mountpoint);
		if (stopping && left > 0)
			stop_all(served);
	}
	(void)fd_close(watch.mountinfo);
}

void daemon_block_signals(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, ret, NULL);
}

static int run_sessions(
	struct served *served, const struct daemon_options *o, int signals, int link, struct err *e)
{
	struct worker workers[JOB_ROOTS_MAX];
	struct control *control = NULL;
	cleanup_fd int ended = eventfd(0, EFD_CLOEXEC);
	if (signals < 0 || ended < 0)
		return err_errno(e, errno, "signalfd");
	int r = control_serve(o->stage->job, control_answer, served, &control, e);
	if (r < 0)
		return r;
	r = start_workers(workers, served, ended);
	if (r < 0) {
		control_stop(control);
		return err_errno(e, -r, "thread");
	}
	say(link, DAEMON_READY, 0, NULL);
	wait_workers(served, signals, ended, o->mountpoint);
	for (size_t i = 0; i < served->count; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		if (workers[i].result < 0 && r == 0)
			r = err_errno(e, -workers[i].result, "serving %s", o->stage->roots[i].path);
	}
	control_stop(control);
	return r;
}

int daemon_serve(const struct daemon_options *o, int link, struct err *e)
{
	struct served served = {.stage = o->stage};
	sigset_t end;
	/* Before the first thread: one that takes them would end the process half way. */
	daemon_block_signals(&end);
	cleanup_fd int signals = signalfd(-1, &end, SFD_CLOEXEC);
	(void)sys_raise_nofile();
	/* Modes come from programs, each with its own umask applied already. */
	(void)umask(0);
	int r = open_all(&served, o, e);
	if (r < 0)
		say(link, DAEMON_FAILED, -r, e->text);
	bool opened = r == 0;
	if (opened) {
		/* Before it said that it is ready, its failure is the start's. */
		r = run_sessions(&served, o, signals, link, e);
		if (r < 0)
			say(link, DAEMON_TROUBLE, -r, e->text);
	}
	served_close(&served);
	int closed = served.journal ? journal_close(served.journal) : 0;
	if (closed < 0 && r == 0) {
		r = err_errno(e, -closed, "the journal of %s is not complete", o->stage->job->id);
		say(link, DAEMON_TROUBLE, -closed, e->text);
	}
	return r;
}

/* ---- the process ---- */

void drop_inherited(void)
{
	cleanup_dir DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;
		/* Everything that this program opens is close-on-exec. */
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			(void)close(fd);
	}
}

void null_stdio(int from, int to)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = from; null >= 0 && fd <= to; fd++)
		(void)dup2(null, fd);
}

int daemon_with_parent(const struct daemon_options *o, int link, struct err *e)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != o->parent)
		return err_set(e, ECHILD, "the supervisor has died");
	return daemon_serve(o, link, e);
}

static void become_daemon(const struct daemon_options *o, daemon_fn fn, const int *close_fds,
	int link) __attribute__((noreturn));
static void become_daemon(
	const struct daemon_options *o, daemon_fn fn, const int *close_fds, int link)
{
	struct err e = {0};
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setsid();
	for (size_t i = 0; close_fds[i] >= 0; i++)
		(void)close(close_fds[i]);
	drop_inherited();
	null_stdio(STDIN_FILENO, STDERR_FILENO);
	int r = chdir("/") < 0 ? err_errno(&e, errno, "/") : fn(o, link, &e);
	if (r < 0)
		log_error("%s", e.text);
	_exit(r < 0 ? 1 : 0);
}

pid_t daemon_fork(const struct daemon_options *options, daemon_fn fn, const int *close_fds,
	int *ret_link, struct err *e)
{
	int link[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) < 0)
		return err_errno(e, errno, "socketpair");
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(link[0]);
		become_daemon(options, fn, close_fds, link[1]);
	}
	(void)close(link[1]);
	if (pid < 0) {
		int errnum = errno;
		(void)close(link[0]);
		return err_errno(e, errnum, "fork");
	}
	*ret_link = link[0];
	return pid;
}
