/* SPDX-License-Identifier: MIT */
/*
 * User and mount namespaces, and their id maps.
 *
 * An ordinary user's map is one id to itself: the program keeps its name, and files of others look
 * like nobody's. Real root keeps every id, or chown, su and apt would fail; only a process of the
 * parent namespace may write such a map, so the process above does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "sandbox_i.h"

static int write_proc(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* A map must come in one write. */
	if (write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* AppArmor's restriction lets unshare pass and takes the capabilities away, so that any of the next
 * steps may be the first to fail. */
static int refused(struct err *e, int errnum, const char *what)
{
	char cure[512];
	probe_cure_namespace(errnum, cure, sizeof(cure));
	return err_set(
		e, errnum, "no user namespace (%s: %s); %s", what, probe_reason(errnum), cure);
}

int step_unshare(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)l;
	(void)step;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? refused(e, errno, "unshare") : 0;
}

int step_map_self(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	char line[64];
	(void)step;
	/* The files of a process that is not dumpable belong to root. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return err_errno(e, errno, "PR_SET_DUMPABLE");
	int r = write_proc("/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT)
		return refused(e, -r, "setgroups");
	(void)snprintf(line, sizeof(line), "%u %u 1", l->plan->uid, l->plan->uid);
	r = write_proc("/proc/self/uid_map", line);
	if (r < 0)
		return refused(e, -r, "uid_map");
	(void)snprintf(line, sizeof(line), "%u %u 1", l->plan->gid, l->plan->gid);
	r = write_proc("/proc/self/gid_map", line);
	if (r < 0)
		return refused(e, -r, "gid_map");
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_errno(e, errno, "PR_SET_DUMPABLE");
	return 0;
}

int step_map_all(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	unsigned char answer = 0;
	(void)step;
	if (write(l->maps, &answer, 1) != 1)
		return err_errno(e, errno, "id map");
	if (read(l->maps, &answer, 1) != 1)
		return err_set(e, EPIPE, "id map: the process that writes it has gone");
	l->maps = fd_close(l->maps);
	if (answer != 0)
		return err_errno(e, answer, "id map of all ids");
	return 0;
}

int map_identity(const char *own_map, char *buf, size_t size)
{
	size_t used = 0;
	const char *p = own_map;
	while (*p) {
		uint32_t inside, outside, count;
		int n = 0;
		if (sscanf(p, " %" SCNu32 " %" SCNu32 " %" SCNu32 " %n", &inside, &outside, &count,
			    &n) < 3 ||
			n == 0)
			return -EINVAL;
		int w = snprintf(buf + used, size - used, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
			inside, inside, count);
		if (w < 0 || (size_t)w >= size - used)
			return -E2BIG;
		used += (size_t)w;
		p += n;
	}
	return used > 0 ? 0 : -EINVAL;
}

static int copy_map(pid_t pid, const char *name)
{
	char path[64], text[ID_MAP_MAX];
	cleanup_free char *own = NULL;
	(void)snprintf(path, sizeof(path), "/proc/self/%s", name);
	int r = sys_read_file(AT_FDCWD, path, ID_MAP_MAX, &own, NULL);
	if (r < 0)
		return r;
	r = map_identity(own, text, sizeof(text));
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return write_proc(path, text);
}

int map_all_serve(int fd, pid_t pid)
{
	unsigned char answer = 0;
	if (read(fd, &answer, 1) != 1)
		return -EPIPE; /* it failed before, and has said why */
	int r = copy_map(pid, "uid_map");
	if (r == 0)
		r = copy_map(pid, "gid_map");
	answer = (unsigned char)-r;
	if (write(fd, &answer, 1) != 1)
		return -errno;
	return r;
}

int step_private(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)l;
	(void)step;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? refused(e, errno, "mount")
								     : 0;
}
