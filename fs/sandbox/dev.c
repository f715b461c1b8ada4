/* SPDX-License-Identifier: MIT */
/*
 * A /dev of the harmless devices, for real root only: user id 0 keeps its rights on device nodes
 * in every user namespace, and one write to a disk's node undoes all that the roots promise.
 * What is kept is bound from the real /dev, so that terminals and shared memory stay the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "sandbox_i.h"

static const char *const dev_kept[] = {"null", "zero", "full", "random", "urandom", "tty", "fuse",
	"pts", "shm", "mqueue", "hugepages", NULL};
#define DEV_KEPT_MAX 16

static const struct {
	const char *name, *target;
} dev_links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	/* Bound by itself, the device does not find its pts directory. */
	{"ptmx", "pts/ptmx"},
};

/* One entry of the old /dev, held across the mount that covers it. */
struct dev_entry {
	int fd;
	struct stat st;
	char link[64]; /* where it is a symlink (shm -> /run/shm) */
};

static int hold(int dev, const char *name, struct dev_entry *entry)
{
	entry->fd = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (entry->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(entry->fd, &entry->st) < 0)
		return -errno;
	if (S_ISLNK(entry->st.st_mode)) {
		ssize_t n = readlinkat(entry->fd, "", entry->link, sizeof(entry->link) - 1);
		if (n < 0)
			return -errno;
		entry->link[n] = '\0';
	}
	return 0;
}

static int place(int dev, const char *name, const struct dev_entry *entry)
{
	char from[SYS_FD_PATH_MAX], to[SYS_FD_PATH_MAX];
	if (entry->fd < 0)
		return 0;
	if (S_ISLNK(entry->st.st_mode))
		return symlinkat(entry->link, dev, name) < 0 ? -errno : 0;
	if (S_ISDIR(entry->st.st_mode)) {
		if (mkdirat(dev, name, 0755) < 0)
			return -errno;
	} else if (mknodat(dev, name, S_IFREG | 0600, 0) < 0) {
		return -errno;
	}
	/* name stays a symlink-free single component of a directory that only we know. */
	if (mount(sys_fd_path(from, entry->fd, NULL), sys_fd_path(to, dev, name), NULL,
		    MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

static int fill(struct dev_entry *entries, struct err *e)
{
	cleanup_fd int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0)
		return err_errno(e, errno, "/dev");
	for (size_t i = 0; dev_kept[i]; i++) {
		int r = place(dev, dev_kept[i], &entries[i]);
		if (r < 0)
			return err_errno(e, -r, "/dev/%s", dev_kept[i]);
	}
	for (size_t i = 0; i < sizeof(dev_links) / sizeof(dev_links[0]); i++) {
		if (symlinkat(dev_links[i].target, dev, dev_links[i].name) < 0)
			return err_errno(e, errno, "/dev/%s", dev_links[i].name);
	}
	return 0;
}

static int build(struct dev_entry *entries, struct err *e)
{
	cleanup_fd int old = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0)
		return err_errno(e, errno, "/dev");
	for (size_t i = 0; dev_kept[i]; i++) {
		int r = hold(old, dev_kept[i], &entries[i]);
		if (r < 0)
			return err_errno(e, -r, "/dev/%s", dev_kept[i]);
	}
	if (mount("writfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=1m") < 0)
		return err_errno(e, errno, "covering /dev");
	return fill(entries, e);
}

int step_minimal_dev(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	struct dev_entry entries[DEV_KEPT_MAX];
	(void)l;
	(void)step;
	for (size_t i = 0; i < DEV_KEPT_MAX; i++)
		entries[i] = (struct dev_entry){.fd = -1};
	int r = build(entries, e);
	for (size_t i = 0; i < DEV_KEPT_MAX; i++)
		(void)fd_close(entries[i].fd);
	return r;
}
