/* SPDX-License-Identifier: MIT */
/*
 * From a refused system call to the one line that helps on this machine. The kernel says EPERM for
 * a sysctl, an AppArmor profile, a container's seccomp filter and a chroot alike; what is set here
 * tells which it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/sys.h>

#include "probe_i.h"

#define SYSCTL_MAX 64
#define STATUS_MAX 16384
#define PROFILE "apparmor/writ"

#define DOCKER_FLAGS                                                                               \
	"docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt seccomp=unconfined "     \
	"--security-opt apparmor=unconfined --security-opt systempaths=unconfined ..."

long probe_sysctl(const char *name, long missing)
{
	char path[128];
	cleanup_free char *text = NULL;
	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (sys_read_file(AT_FDCWD, path, SYSCTL_MAX, &text, NULL) < 0)
		return missing;
	return strtol(text, NULL, 10);
}

bool probe_seccomp_mode(void)
{
	cleanup_free char *text = NULL;
	if (sys_read_file(AT_FDCWD, "/proc/self/status", STATUS_MAX, &text, NULL) < 0)
		return false;
	const char *line = strstr(text, "\nSeccomp:");
	return line && strtol(line + strlen("\nSeccomp:"), NULL, 10) != 0;
}

const char *probe_container(void)
{
	if (access("/.dockerenv", F_OK) == 0)
		return "docker";
	if (access("/run/.containerenv", F_OK) == 0)
		return "podman";
	const char *name = getenv("container");
	if (name && name[0])
		return name;
	return access("/run/systemd/container", F_OK) == 0 ? "systemd-nspawn" : NULL;
}

static bool in_chroot(void)
{
	struct stat own, init;
	return stat("/", &own) == 0 && stat("/proc/1/root/.", &init) == 0 &&
	       (own.st_dev != init.st_dev || own.st_ino != init.st_ino);
}

static void cure_apparmor(char *buf, size_t size)
{
	const char *installed = WRIT_DATADIR "/" PROFILE;
	(void)snprintf(buf, size,
		"sudo cp %s /etc/apparmor.d/writ && sudo apparmor_parser -r /etc/apparmor.d/writ",
		access(installed, R_OK) == 0 ? installed : "config/" PROFILE);
}

const char *probe_reason(int errnum)
{
	return errnum == ENOSPC || errnum == EUSERS ? "the limit of namespaces is reached"
						    : strerror(errnum);
}

void probe_cure_namespace(int errnum, char *buf, size_t size)
{
	bool user = geteuid() != 0;
	if (user && probe_sysctl("kernel/apparmor_restrict_unprivileged_userns", 0) == 1)
		cure_apparmor(buf, size);
	else if (user && probe_sysctl("kernel/unprivileged_userns_clone", 1) == 0)
		(void)snprintf(buf, size, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
	else if (probe_sysctl("user/max_user_namespaces", 1) == 0)
		(void)snprintf(buf, size, "sudo sysctl -w user.max_user_namespaces=15000");
	else if (probe_sysctl("user/max_mnt_namespaces", 1) == 0)
		(void)snprintf(buf, size, "sudo sysctl -w user.max_mnt_namespaces=15000");
	else if (probe_container() || probe_seccomp_mode())
		(void)snprintf(buf, size, "start the container with: %s", DOCKER_FLAGS);
	else if (errnum == EPERM && in_chroot())
		(void)snprintf(buf, size,
			"the kernel makes no user namespace in a chroot; run writ outside of it");
	else if (errnum == EINVAL)
		(void)snprintf(buf, size, "a kernel with CONFIG_USER_NS=y");
	else if (errnum == ENOSPC || errnum == EUSERS)
		(void)snprintf(buf, size,
			"too many user namespaces, or too deep; sudo sysctl -w "
			"user.max_user_namespaces=15000");
	else
		(void)snprintf(buf, size, "writ doctor shows what this machine allows");
}

void probe_cure_fuse(int errnum, char *buf, size_t size)
{
	bool container = probe_container() != NULL;
	if (errnum == EPERM || (errnum == ENOENT && container))
		(void)snprintf(buf, size, "start the container with: %s", DOCKER_FLAGS);
	else if (errnum == ENOENT || errnum == ENODEV || errnum == ENXIO)
		(void)snprintf(buf, size, "sudo modprobe fuse");
	else if (errnum == EACCES)
		(void)snprintf(buf, size, "%schmod 0666 /dev/fuse", container ? "" : "sudo ");
	else
		(void)snprintf(buf, size, "writ doctor shows what this machine allows");
}
