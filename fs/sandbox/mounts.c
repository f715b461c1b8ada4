/* SPDX-License-Identifier: MIT */
/*
 * What the outer process mounts: FUSE over each root, and covers over what leads out of the roots.
 * All of it lies in a mount namespace of its own; the second namespace locks it. Every failure
 * ends the launch: a mask that could not be laid is never passed over, only one whose target has
 * gone meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "sandbox_i.h"

#define FUSE_DEVICE "/dev/fuse"
#define FUSE_OPTIONS_MAX 160

int step_mask_socket(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	struct stat st;
	char from_path[SYS_FD_PATH_MAX], to_path[SYS_FD_PATH_MAX];
	cleanup_fd int to = open(step->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0 && errno == ENOENT)
		return 0;
	if (to < 0 || fstat(to, &st) < 0)
		return err_errno(e, errno, "covering %s", step->path);
	if (!S_ISSOCK(st.st_mode))
		return 0;
	cleanup_fd int from = open(l->plan->options.decoy, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return err_errno(e, errno, "%s", l->plan->options.decoy);
	if (mount(sys_fd_path(from_path, from, NULL), sys_fd_path(to_path, to, NULL), NULL, MS_BIND,
		    NULL) < 0)
		return err_errno(e, errno, "covering %s", step->path);
	return 0;
}

int step_mask_dir(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	(void)l;
	if (mount("writfs", step->path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=0555,nr_inodes=2,size=4k") < 0 &&
		errno != ENOENT)
		return err_errno(e, errno, "covering %s", step->path);
	return 0;
}

int step_read_only(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	(void)l;
	/* Recursive: without what is mounted beneath, the kernel refuses a bind of locked mounts.
	 */
	if (mount(step->path, step->path, NULL, MS_BIND | MS_REC, NULL) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_errno(e, errno, "binding %s", step->path);
	}
	if (mount_setattr(AT_FDCWD, step->path, AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_errno(e, errno, "making %s read-only", step->path);
	return 0;
}

int step_mount_root(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	struct stat st;
	char options[FUSE_OPTIONS_MAX];
	if (stat(step->path, &st) < 0)
		return err_errno(e, errno, "%s", step->path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "%s is not a directory", step->path);
	/* Here and not before: the mount is refused to a descriptor from another user namespace. */
	cleanup_fd int fd = open(FUSE_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int errnum = errno;
		char cure[512];
		probe_cure_fuse(errnum, cure, sizeof(cure));
		return err_set(e, errnum, "%s: %s; %s", FUSE_DEVICE, strerror(errnum), cure);
	}
	/* allow_other: the kernel compares with the user namespace of the mount, and CMD lives in
	 * the one beneath it. */
	(void)snprintf(options, sizeof(options),
		"fd=%d,rootmode=%o,user_id=%u,group_id=%u,allow_other,default_permissions", fd,
		st.st_mode & S_IFMT, l->plan->uid, l->plan->gid);
	if (mount("writfs", step->path, "fuse.writfs", MS_NOSUID | MS_NODEV, options) < 0) {
		int errnum = errno;
		char cure[512];
		probe_cure_namespace(errnum, cure, sizeof(cure));
		return err_set(
			e, errnum, "mounting over %s: %s; %s", step->path, strerror(errnum), cure);
	}
	l->fuse[step->number] = steal_fd(&fd);
	return 0;
}

int step_hand_over(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	size_t count = 0;
	char go;
	(void)step;
	while (l->plan->options.roots[count])
		count++;
	int r = report_send(l->report, REPORT_ROOTS, (int)count, NULL, l->fuse, count);
	for (size_t i = 0; i < count; i++)
		l->fuse[i] = fd_close(l->fuse[i]);
	if (r < 0)
		return err_errno(e, -r, "handing the mounts over");
	/* End of file: the supervisor gave up, and has said why. */
	if (read(l->report, &go, 1) != 1)
		_exit(l->fail_status);
	return 0;
}

int step_proc(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	char answer = 'y';
	(void)step;
	if (l->pid_namespace &&
		mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
		/* Where parts of /proc are covered (containers), the kernel shows no second one. */
		if (errno != EPERM)
			return err_errno(e, errno, "mounting /proc");
		answer = 'n';
	}
	if (write(l->settled, &answer, 1) != 1)
		return err_errno(e, errno, "starting the job's first process");
	l->settled = fd_close(l->settled);
	if (answer == 'n')
		_exit(0);
	return 0;
}
