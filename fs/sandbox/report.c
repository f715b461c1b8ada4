/* SPDX-License-Identifier: MIT */
/*
 * Packets from the sandbox's processes to the supervisor. The kernel adds the sender's pid as the
 * receiver's pid namespace numbers it, which is the only way in which the supervisor learns it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sandbox_i.h"

int report_send(int fd, int kind, int number, const char *text, const int *fds, size_t fd_count)
{
	struct report report = {.kind = kind, .number = number};
	if (text)
		strncat(report.text, text, sizeof(report.text) - 1);
	struct iovec iov = {&report, offsetof(struct report, text) + strlen(report.text) + 1};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(SANDBOX_ROOTS_MAX * sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd_count > SANDBOX_ROOTS_MAX)
		return -EINVAL;
	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	for (;;) {
		if (sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

static void take_control(struct msghdr *msg, pid_t *ret_pid, int *fds, size_t *fd_count)
{
	size_t max = *fd_count;
	*fd_count = 0;
	*ret_pid = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred cred;
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			*ret_pid = cred.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (size_t i = 0; i < n; i++) {
				int fd;
				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
				if (*fd_count < max)
					fds[(*fd_count)++] = fd;
				else
					(void)close(fd);
			}
		}
	}
}

int report_receive(
	int fd, struct report *ret, pid_t *ret_pid, int *fds, size_t *fd_count, bool *ret_end)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(SANDBOX_ROOTS_MAX * sizeof(int)) +
			 CMSG_SPACE(sizeof(struct ucred))];
	} control;
	memset(ret, 0, sizeof(*ret));
	struct iovec iov = {ret, sizeof(*ret)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n;
	*ret_end = false;
	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	take_control(&msg, ret_pid, fds, fd_count);
	if (n == 0) {
		*ret_end = true;
		return 0;
	}
	if ((size_t)n <= offsetof(struct report, text))
		return -EBADMSG;
	ret->text[sizeof(ret->text) - 1] = '\0';
	return 1;
}
