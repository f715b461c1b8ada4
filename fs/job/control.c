/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a live job: a thread of the daemon takes one connection after the other,
 * one JSON line in, one out. Both sides bound what they wait for, and the reply may take long
 * (apply works path by path) while the request may not.
 *
 * sun_path holds 107 bytes, a job's path can be longer: the address goes through /proc/self/fd.
 * The directory is 0700 and hidden from the job; the peer's uid is checked all the same.
 */
#include "job_i.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <writfs/cleanup.h>
#include <writfs/log.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#define CONTROL_BACKLOG 16
#define CONTROL_LINE_MAX (64u << 20) /* a reply lists every change of a job */
#define CONTROL_REQUEST_MAX (16u << 20)
#define CONTROL_REQUEST_MS 5000
#define CONTROL_REPLY_MS 600000
#define CONTROL_RETRY_MS 100

struct control {
	int listener;
	int stop; /* eventfd */
	int dir;
	control_fn fn;
	void *arg;
	pthread_t thread;
};

static struct sockaddr_un control_address(const struct job *job)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[SYS_FD_PATH_MAX];
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s",
		sys_fd_path(path, job->dir, JOB_CONTROL));
	return address;
}

/* Waits for events on fd, or for stop (-1: none). 0, -ETIMEDOUT, -ECANCELED. */
static int control_wait(int fd, short events, int stop, int timeout_ms)
{
	struct pollfd polls[2] = {{.fd = fd, .events = events}, {.fd = stop, .events = POLLIN}};
	int n;
	do
		n = poll(polls, 2, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	return polls[1].revents ? -ECANCELED : 0;
}

/* One line without its newline, at most limit bytes; each part may take timeout_ms. */
static int control_receive(int fd, int stop, size_t limit, int timeout_ms, struct str *line)
{
	for (;;) {
		char part[16384];
		int r = control_wait(fd, POLLIN, stop, timeout_ms);
		if (r < 0)
			return r;
		ssize_t n = recv(fd, part, sizeof part, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		const char *newline = memchr(part, '\n', (size_t)n);
		str_add_mem(line, part, newline ? (size_t)(newline - part) : (size_t)n);
		if (line->failed)
			return -ENOMEM;
		if (line->len > limit)
			return -EMSGSIZE;
		if (newline)
			return 0;
	}
}

static int control_send(int fd, int stop, int timeout_ms, const cJSON *json)
{
	char *text cleanup_free = cJSON_PrintUnformatted(json);
	if (!text)
		return -ENOMEM;
	size_t len = strlen(text);
	text[len++] = '\n'; /* in place of the NUL */
	for (size_t done = 0; done < len;) {
		int r = control_wait(fd, POLLOUT, stop, timeout_ms);
		if (r < 0)
			return r;
		ssize_t n = send(fd, text + done, len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static bool control_may(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static void control_answer(const struct control *c, int fd)
{
	struct str line cleanup_str = STR_INIT;
	if (!control_may(fd)) {
		log_warning("control: refused a peer of another user");
		return;
	}
	int r = control_receive(fd, c->stop, CONTROL_REQUEST_MAX, CONTROL_REQUEST_MS, &line);
	if (r < 0) {
		log_debug("control: no request: %s", strerror(-r));
		return;
	}
	cJSON *request = line.p ? cJSON_ParseWithLength(line.p, line.len) : NULL;
	cJSON *reply = NULL;
	if (cJSON_IsObject(request)) {
		reply = c->fn(request, c->arg);
	} else {
		reply = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(reply, "error", "not a JSON object");
	}
	cJSON_Delete(request);
	if (reply)
		r = control_send(fd, c->stop, CONTROL_REQUEST_MS, reply);
	if (r < 0)
		log_debug("control: no reply: %s", strerror(-r));
	cJSON_Delete(reply);
}

static void *control_loop(void *arg)
{
	const struct control *c = arg;
	while (control_wait(c->listener, POLLIN, c->stop, -1) == 0) {
		int fd cleanup_fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			control_answer(c, fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			(void)usleep(CONTROL_RETRY_MS * 1000); /* it stays in the queue */
	}
	return NULL;
}

static void control_free(struct control *c)
{
	c->listener = fd_close(c->listener);
	c->stop = fd_close(c->stop);
	c->dir = fd_close(c->dir);
	free(c);
}

static int control_listen(struct control *c, struct job *job)
{
	struct sockaddr_un address = control_address(job);
	c->dir = fcntl(job->dir, F_DUPFD_CLOEXEC, 0);
	c->stop = eventfd(0, EFD_CLOEXEC);
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->dir < 0 || c->stop < 0 || c->listener < 0)
		return -errno;
	/* The job's lock is ours: what lies there is a dead daemon's. */
	if (unlinkat(job->dir, JOB_CONTROL, 0) < 0 && errno != ENOENT)
		return -errno;
	if (bind(c->listener, (const struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	int r = sys_chmod(job->dir, JOB_CONTROL, 0600);
	if (r == 0 && listen(c->listener, CONTROL_BACKLOG) < 0)
		r = -errno;
	return r;
}

int control_serve(struct job *job, control_fn fn, void *arg, struct control **ret, struct err *e)
{
	struct control *c = calloc(1, sizeof *c);
	if (!c)
		return err_errno(e, ENOMEM, "job %s: control socket", job->id);
	*c = (struct control){.listener = -1, .stop = -1, .dir = -1, .fn = fn, .arg = arg};
	int r = control_listen(c, job);
	if (r == 0) {
		sigset_t all;
		sigset_t old;
		(void)sigfillset(&all);
		(void)pthread_sigmask(SIG_SETMASK, &all, &old);
		r = -pthread_create(&c->thread, NULL, control_loop, c);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (r < 0) {
		control_free(c);
		return err_errno(e, -r, "job %s: control socket", job->id);
	}
	*ret = c;
	return 0;
}

void control_stop(struct control *c)
{
	if (!c)
		return;
	uint64_t one = 1;
	if (write(c->stop, &one, sizeof one) != (ssize_t)sizeof one)
		log_error("control: cannot stop: errno %d", errno);
	(void)pthread_join(c->thread, NULL);
	(void)unlinkat(c->dir, JOB_CONTROL, 0);
	control_free(c);
}

int control_ask(const struct job *job, const cJSON *request, cJSON **ret, struct err *e)
{
	struct sockaddr_un address = control_address(job);
	int fd cleanup_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, errno, "job %s: control socket", job->id);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return err_errno(e, errno, "job %s: no daemon answers", job->id);
	struct str line cleanup_str = STR_INIT;
	int r = control_send(fd, -1, CONTROL_REPLY_MS, request);
	if (r == 0)
		r = control_receive(fd, -1, CONTROL_LINE_MAX, CONTROL_REPLY_MS, &line);
	if (r < 0)
		return err_errno(e, -r, "job %s: its daemon did not answer", job->id);
	cJSON *reply = line.p ? cJSON_ParseWithLength(line.p, line.len) : NULL;
	if (!reply)
		return err_set(e, EBADMSG, "job %s: its daemon's answer is not JSON", job->id);
	*ret = reply;
	return 0;
}
