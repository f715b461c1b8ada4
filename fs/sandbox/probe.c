/* SPDX-License-Identifier: MIT */
/*
 * What doctor shows of the machine: each need of writfs, whether it is met, what it gives, and the
 * line that cures it. A table of small functions; the trials are real ones (trial.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <writfs/cleanup.h>

#include "probe_i.h"

/* mount_setattr(2), which makes trees read-only for real root. */
#define KERNEL_MAJOR_MIN 5
#define KERNEL_MINOR_MIN 12

#define SAY(field, ...) ((void)snprintf((field), sizeof(field), __VA_ARGS__))

static void probe_kernel(struct probe *p)
{
	struct utsname name;
	int major = 0, minor = 0;
	*p = (struct probe){.name = "kernel", .for_run = true};
	if (uname(&name) < 0)
		return;
	if (sscanf(name.release, "%d.%d", &major, &minor) < 2)
		p->state = PROBE_LIMITED;
	SAY(p->found, "Linux %s", name.release);
	SAY(p->gives, "namespaces, FUSE, mounts made read-only as a tree");
	if (major < KERNEL_MAJOR_MIN || (major == KERNEL_MAJOR_MIN && minor < KERNEL_MINOR_MIN)) {
		p->state = PROBE_MISSING;
		SAY(p->cure, "a kernel of %d.%d or newer", KERNEL_MAJOR_MIN, KERNEL_MINOR_MIN);
	}
}

static void probe_fuse_device(struct probe *p)
{
	struct stat st;
	*p = (struct probe){.name = "FUSE device", .for_run = true, .for_mount = true};
	SAY(p->gives, "the file system that writ shows to programs");
	if (stat("/dev/fuse", &st) < 0) {
		int errnum = errno;
		p->state = PROBE_MISSING;
		SAY(p->found, "/dev/fuse: %s", strerror(errnum));
		probe_cure_fuse(errnum, p->cure, sizeof(p->cure));
		return;
	}
	cleanup_fd int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int errnum = errno;
		p->state = PROBE_MISSING;
		SAY(p->found, "/dev/fuse, mode %04o: %s", st.st_mode & 07777, strerror(errnum));
		probe_cure_fuse(errnum, p->cure, sizeof(p->cure));
		return;
	}
	SAY(p->found, "/dev/fuse, mode %04o", st.st_mode & 07777);
}

static void probe_namespace(struct probe *p)
{
	int errnum = trial_namespace();
	*p = (struct probe){.name = "user namespaces", .for_run = true};
	SAY(p->gives, "a private view of the roots, without privileges");
	if (errnum == 0) {
		SAY(p->found, "can be made");
		return;
	}
	p->state = PROBE_MISSING;
	SAY(p->found, "cannot be made: %s%s", probe_reason(errnum),
		probe_seccomp_mode() ? " (a seccomp filter is in force)" : "");
	probe_cure_namespace(errnum, p->cure, sizeof(p->cure));
}

static void probe_apparmor(struct probe *p)
{
	long restricted = probe_sysctl("kernel/apparmor_restrict_unprivileged_userns", -1);
	*p = (struct probe){.name = "AppArmor"};
	SAY(p->gives, "its restriction takes user namespaces from programs without a profile");
	if (restricted < 0)
		SAY(p->found, "no restriction of user namespaces");
	else
		SAY(p->found, "kernel.apparmor_restrict_unprivileged_userns = %ld", restricted);
}

static void probe_fuse_mount(struct probe *p)
{
	int errnum = trial_mount();
	*p = (struct probe){.name = "FUSE in a user namespace", .for_run = true};
	SAY(p->gives, "writ run mounts over the roots for one program only");
	if (errnum == 0) {
		SAY(p->found, "mounts");
		return;
	}
	p->state = PROBE_MISSING;
	SAY(p->found, "does not mount: %s", probe_reason(errnum));
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		probe_cure_fuse(errno, p->cure, sizeof(p->cure));
	else
		probe_cure_namespace(errnum, p->cure, sizeof(p->cure));
}

static void probe_nested(struct probe *p)
{
	int errnum = trial_nested();
	*p = (struct probe){.name = "nested user namespace", .for_run = true};
	SAY(p->gives, "locks the mounts: nothing inside can take them off");
	if (errnum == 0) {
		SAY(p->found, "can be made");
		return;
	}
	p->state = PROBE_MISSING;
	SAY(p->found, "cannot be made: %s", probe_reason(errnum));
	probe_cure_namespace(errnum, p->cure, sizeof(p->cure));
}

static void probe_proc(struct probe *p)
{
	int errnum = trial_proc();
	*p = (struct probe){.name = "pid namespace and /proc"};
	SAY(p->gives, "processes outside are not seen and not signalled");
	if (errnum == 0) {
		SAY(p->found, "can be made");
		return;
	}
	p->state = PROBE_LIMITED;
	SAY(p->found, "no new /proc: %s; writ run goes on without", probe_reason(errnum));
	if (errnum == EPERM && probe_container())
		SAY(p->cure, "docker run --security-opt systempaths=unconfined ...");
}

static void probe_landlock(struct probe *p)
{
	int abi = landlock_abi();
	*p = (struct probe){.name = "Landlock"};
	SAY(p->gives, "no signals to processes outside, no abstract sockets of theirs");
	if (abi >= LANDLOCK_ABI_SCOPE) {
		SAY(p->found, "ABI %d", abi);
		return;
	}
	p->state = PROBE_LIMITED;
	if (abi > 0)
		SAY(p->found, "ABI %d, without scopes", abi);
	else
		SAY(p->found, "not active");
	SAY(p->cure, "%s",
		abi > 0 ? "a kernel of 6.12 or newer"
			: "a kernel of 6.12 or newer, with landlock in its lsm= list");
}

static void probe_seccomp(struct probe *p)
{
	uint32_t action = SECCOMP_RET_ERRNO;
	*p = (struct probe){.name = "seccomp filters", .for_run = true};
	SAY(p->gives, "programs cannot type into your terminal");
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
		SAY(p->found, "available");
		return;
	}
	p->state = PROBE_MISSING;
	SAY(p->found, "%s", strerror(errno));
	SAY(p->cure, "a kernel with CONFIG_SECCOMP_FILTER=y");
}

/* Finds a program in $PATH; false if there is none. */
static bool find_program(const char *name, char *buf, size_t size, struct stat *st)
{
	const char *path = getenv("PATH");
	for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
		size_t len = strcspn(p, ":");
		int n = snprintf(buf, size, "%.*s/%s", (int)len, p, name);
		if (n > 0 && (size_t)n < size && stat(buf, st) == 0 && S_ISREG(st->st_mode))
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}

static void probe_fusermount(struct probe *p)
{
	struct stat st;
	char path[200];
	bool found = find_program("fusermount3", path, sizeof(path), &st);
	*p = (struct probe){.name = "fusermount3"};
	SAY(p->gives, "writ mount as an ordinary user");
	if (found && st.st_uid == 0 && (st.st_mode & S_ISUID)) {
		SAY(p->found, "%s", path);
		return;
	}
	if (geteuid() == 0) { /* root mounts by itself */
		SAY(p->found, "%s", found ? path : "not installed, not needed by root");
		return;
	}
	p->for_mount = true;
	p->state = PROBE_MISSING;
	if (found) {
		SAY(p->found, "%s is not set-user-id root", path);
		SAY(p->cure, "sudo chmod u+s %s", path);
	} else {
		SAY(p->found, "not installed");
		SAY(p->cure, "sudo apt-get install fuse3");
	}
}

static void probe_where(struct probe *p)
{
	const char *container = probe_container();
	*p = (struct probe){.name = "container"};
	SAY(p->gives, "containers often refuse namespaces, mounts and /dev/fuse");
	SAY(p->found, "%s%s", container ? container : "none",
		probe_seccomp_mode() ? ", a seccomp filter is in force" : "");
}

size_t probe_machine(struct probe *probes, size_t max)
{
	static void (*const all[])(struct probe *) = {probe_kernel, probe_fuse_device,
		probe_namespace, probe_fuse_mount, probe_nested, probe_proc, probe_landlock,
		probe_seccomp, probe_apparmor, probe_where, probe_fusermount};
	size_t count = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && count < max; i++)
		all[i](&probes[count++]);
	return count;
}
