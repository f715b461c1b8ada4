/* SPDX-License-Identifier: MIT */
/* See faults.h. Needs no privilege: no_new_privs and a filter that only notifies. */
#include "faults.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <writfs/cleanup.h>

#define POLL_MS 20
#define CALLS_MAX 100000

/* What can change a file system, by any name. Opening is among them for O_CREAT; plain opens are
 * counted, too, which only adds points. */
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466
static const int changing[] = {NR_SETXATTRAT, NR_REMOVEXATTRAT, SYS_openat, SYS_openat2, SYS_linkat,
	SYS_unlinkat, SYS_renameat2, SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_write,
	SYS_pwrite64, SYS_ftruncate, SYS_copy_file_range, SYS_fallocate, SYS_fsetxattr,
	SYS_setxattr, SYS_lsetxattr, SYS_fremovexattr, SYS_removexattr, SYS_lremovexattr,
	SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_fsync, SYS_fdatasync
#ifdef SYS_renameat
	,
	SYS_renameat
#endif
#ifdef SYS_chmod
	,
	SYS_chmod
#endif
};
#define CHANGING (sizeof changing / sizeof *changing)

static int install_filter(void)
{
	struct sock_filter code[CHANGING + 4];
	size_t n = 0;
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CHANGING; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			(unsigned)changing[i], (unsigned char)(CHANGING - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	int fd = (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return fd < 0 ? -errno : fd;
}

static int send_fd(int socket, int fd)
{
	char byte = 'f';
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {&byte, 1};
	struct msghdr m = {.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	return sendmsg(socket, &m, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	char byte;
	int fd = -1;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {&byte, 1};
	struct msghdr m = {.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space};
	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != 1)
		return -ENOSYS;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -ENOSYS;
	memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

__attribute__((noreturn)) static void child(
	int socket, int (*setup)(void *arg), int (*fn)(void *arg), void *arg)
{
	if (setup && setup(arg) < 0)
		_exit(1);
	int fd = install_filter();
	if (fd < 0 || send_fd(socket, fd) < 0)
		_exit(1);
	(void)close(fd);
	int r = fn(arg);
	/* send(2) is not among the calls that are held. */
	_exit(send(socket, &r, sizeof r, 0) == sizeof r ? 0 : 1);
}

/* One held call: 1 to go on, 0 when the child was killed. */
static int answer(int listener, const struct faults *f, pid_t pid, struct faults_result *ret)
{
	struct seccomp_notif request = {0};
	struct seccomp_notif_resp response = {0};
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return errno == EINTR || errno == ENOENT ? 1 : -errno;
	ret->calls++;
	if (ret->calls == f->kill_at || ret->calls > CALLS_MAX) {
		ret->killed = true;
		ret->last = request.data.nr;
		(void)kill(pid, SIGKILL);
		return 0;
	}
	response.id = request.id;
	response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (ret->calls == f->error_at) {
		ret->last = request.data.nr;
		response.flags = 0;
		response.error = -f->error;
	}
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 && errno != ENOENT ? -errno
											   : 1;
}

static int supervise(
	int listener, int socket, const struct faults *f, pid_t pid, struct faults_result *ret)
{
	for (;;) {
		struct pollfd fds[2] = {
			{.fd = listener, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
		if (poll(fds, 2, POLL_MS) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents & POLLIN) {
			int r = answer(listener, f, pid, ret);
			if (r <= 0)
				return r;
			continue;
		}
		if (fds[1].revents & POLLIN) {
			ssize_t n = recv(socket, &ret->result, sizeof ret->result, 0);
			return n == sizeof ret->result ? 0 : -EIO;
		}
		if (fds[1].revents & POLLHUP)
			return -EIO;
	}
}

int faults_run(const struct faults *f, int (*setup)(void *arg), int (*fn)(void *arg), void *arg,
	struct faults_result *ret)
{
	int pair[2];
	*ret = (struct faults_result){0};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)close(pair[0]);
		child(pair[1], setup, fn, arg);
	}
	(void)close(pair[1]);
	cleanup_fd int socket = pair[0];
	cleanup_fd int listener = receive_fd(socket);
	int r = listener < 0 ? -ENOSYS : supervise(listener, socket, f, pid, ret);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return r;
}
