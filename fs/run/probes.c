/* SPDX-License-Identifier: MIT */
/* What doctor shows beside the machine: the library, and the file system that scratch lies on. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <writfs/path.h>

#include "run_i.h"

#define SAY(field, ...) ((void)snprintf((field), sizeof(field), __VA_ARGS__))

static void probe_library(struct probe *p)
{
	*p = (struct probe){.name = "libfuse"};
	SAY(p->found, "%s", fuse_pkgversion());
	SAY(p->gives, "the kernel's requests in order; 3.14 is enough");
}

/* The state directory, or the nearest directory above it that exists; "" changes nothing. */
static int open_nearest(char *path)
{
	for (;;) {
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		char *slash = strrchr(path, '/');
		if (fd >= 0 || errno != ENOENT || !slash || slash == path)
			return fd;
		*slash = '\0';
	}
}

static int unnamed_file(int dir)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	return open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static void probe_scratch(struct probe *p)
{
	cleanup_free char *path = NULL;
	char shown[160];
	*p = (struct probe){.name = "place of scratch", .for_run = true, .for_mount = true};
	SAY(p->gives, "redirected writes, with their attributes");
	if (path_state(&path, NULL) < 0)
		return;
	(void)escape_buf(shown, sizeof(shown), path);
	cleanup_fd int dir = open_nearest(path);
	cleanup_fd int file = dir < 0 ? -1 : unnamed_file(dir);
	cleanup_fd int copy = dir < 0 ? -1 : unnamed_file(dir);
	if (file < 0 || copy < 0) {
		p->state = PROBE_MISSING;
		SAY(p->found, "%s: %s", shown, strerror(errno));
		SAY(p->cure, "export XDG_STATE_HOME=DIR on a local file system (ext4, xfs, btrfs)");
		return;
	}
	if (fsetxattr(file, "user.writfs", "1", 1, 0) < 0) {
		p->state = PROBE_MISSING;
		SAY(p->found, "%s: no user xattrs: %s", shown, strerror(errno));
		SAY(p->cure, "export XDG_STATE_HOME=DIR on a local file system (ext4, xfs, btrfs)");
		return;
	}
	bool reflink = write(file, "x", 1) == 1 && ioctl(copy, FICLONE, file) == 0;
	SAY(p->found, "%s: user xattrs, %s", shown,
		reflink ? "reflinks (a first change costs no copy)"
			: "no reflinks (files are copied)");
}

size_t run_probes(struct probe *probes, size_t max)
{
	size_t count = probe_machine(probes, max);
	if (count < max)
		probe_library(&probes[count++]);
	if (count < max)
		probe_scratch(&probes[count++]);
	return count;
}
