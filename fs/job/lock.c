/* SPDX-License-Identifier: MIT */
/*
 * Locks of a job: flock(2) on small files, so that the kernel gives them up with the process,
 * however it ends. The owner's number is in the file for messages only.
 */
#include "job_i.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#define LOCK_STEP_MS 20
/* Whoever looks whether a job is live has its lock for a moment. */
#define LOCK_PATIENCE_MS 200

int job_lock_take(int dirfd, const char *name, int timeout_ms, int *ret_fd)
{
	int fd cleanup_fd = sys_open_at(dirfd, name, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return fd;
	if (timeout_ms < LOCK_PATIENCE_MS)
		timeout_ms = LOCK_PATIENCE_MS;
	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited_ms += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited_ms >= timeout_ms)
			return -EWOULDBLOCK;
		(void)usleep(LOCK_STEP_MS * 1000);
	}
	char text[32];
	int n = snprintf(text, sizeof text, "%d\n", getpid());
	/* A lock on a full disk is a lock still. */
	if (ftruncate(fd, 0) == 0)
		(void)!write(fd, text, (size_t)n);
	*ret_fd = steal_fd(&fd);
	return 0;
}

pid_t job_lock_owner(int dirfd, const char *name)
{
	char *text cleanup_free = NULL;
	if (sys_read_file(dirfd, name, 64, &text, NULL) < 0)
		return 0;
	long pid = strtol(text, NULL, 10);
	return pid > 0 ? (pid_t)pid : 0;
}

bool job_lock_is_held(int dirfd, const char *name)
{
	int fd cleanup_fd = sys_open_at(dirfd, name, O_RDONLY, 0);
	if (fd < 0)
		return false;
	/* A shared lock does not disturb another one who looks; it goes with the descriptor. */
	return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}
