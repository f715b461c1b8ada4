/* SPDX-License-Identifier: MIT */
/*
 * mount(8) manners for `writ mount`: root mounts by itself, everybody else through fusermount3,
 * both behind libfuse's fuse_open_channel. Options are checked here against the ones that mean
 * something, because libfuse drops what it does not know without a word.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse_i.h"

#include <fuse.h>

static const char *const known_options[] = {"rw", "ro", "suid", "nosuid", "dev", "nodev", "exec",
	"noexec", "sync", "async", "dirsync", "atime", "noatime", "relatime", "norelatime",
	"strictatime", "nostrictatime", "lazytime", "nolazytime", "nodiratime", "diratime",
	"allow_other", "default_permissions", "auto_unmount", "defaults", "_netdev", "nofail",
	"user", "nouser", "users", "auto", "noauto", NULL};

/* Written in fstab for others than the kernel, or the kernel's default: accepted, not passed on. */
static const char *const silent_options[] = {"defaults", "_netdev", "nofail", "user", "nouser",
	"users", "auto", "noauto", "relatime", "norelatime", "strictatime", "nostrictatime",
	"lazytime", "nolazytime", "nodiratime", "diratime", "default_permissions", NULL};

static bool in_list(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

static int check_option(const char *word, struct str *out, bool *fsname, struct err *e)
{
	if (!strncmp(word, "fsname=", 7)) {
		*fsname = true;
	} else if (!strncmp(word, "x-", 2) || !strncmp(word, "comment=", 8)) {
		return 0;
	} else if (!in_list(word, known_options)) {
		const char *near = nearest_word(word, known_options);
		return err_set(e, EINVAL, "unknown mount option \"%s\"%s%s%s", word,
			near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
	}
	if (!in_list(word, silent_options))
		str_addf(out, ",%s", word);
	return 0;
}

int session_mount(const char *dir, const char *options, struct err *e)
{
	struct str out cleanup_str = STR_INIT;
	bool fsname = false;
	char *copy cleanup_free = strdup(options ? options : "");
	if (!copy)
		return err_set(e, ENOMEM, "out of memory");
	/* Permissions are checked by the kernel in every mount of ours; it is not a choice. */
	str_add(&out, "default_permissions,subtype=writfs");
	char *state = NULL;
	for (char *word = strtok_r(copy, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
		int r = check_option(word, &out, &fsname, e);
		if (r)
			return r;
	}
	if (!fsname)
		str_add(&out, ",fsname=writfs");
	if (out.failed)
		return err_set(e, ENOMEM, "out of memory");
	int fd = fuse_open_channel(dir, out.p);
	if (fd < 0)
		return err_set(e, EACCES,
			"cannot mount on %s: see the line above; \"writ doctor\" says what this "
			"machine needs",
			dir);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int run_fusermount(const char *dir, bool lazy)
{
	char *argv[] = {(char *)"fusermount3", (char *)"-u", (char *)"-q",
		lazy ? (char *)"-z" : (char *)"--", (char *)(uintptr_t)dir, NULL};
	pid_t pid;
	int status;
	int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (r)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EBUSY;
}

int session_umount(const char *dir, bool lazy, struct err *e)
{
	int r;
	if (geteuid() == 0)
		r = umount2(dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) < 0 ? -errno : 0;
	else
		r = run_fusermount(dir, lazy);
	if (r == -EBUSY)
		return err_set(e, EBUSY,
			"%s is in use; end the programs in it, or \"writ umount --lazy\"", dir);
	if (r == -EINVAL)
		return err_set(
			e, EINVAL, "%s is not a mount point; \"writ mount\" lists them", dir);
	return r ? err_errno(e, -r, "cannot unmount %s", dir) : 0;
}
