/* SPDX-License-Identifier: MIT */
/*
 * The two filters on CMD.
 *
 * Landlock, scopes only: no signal to a process outside, no connection to an abstract socket that
 * was bound outside. No file rules: with any, the kernel refuses every mount, and bubblewrap inside
 * the job with it.
 *
 * seccomp: TIOCSTI and TIOCLINUX put characters into the input of the terminal that CMD shares with
 * the user's shell, which would run them outside. Everything else is allowed.
 */
#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <writfs/cleanup.h>

#include "sandbox_i.h"

/* linux/landlock.h of 6.1 does not know scopes. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};
#define SCOPE_ABSTRACT_UNIX_SOCKET (1u << 0)
#define SCOPE_SIGNAL (1u << 1)

int landlock_abi(void)
{
	long abi = syscall(
		SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
	return abi > 0 ? (int)abi : 0;
}

int step_landlock(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	struct ruleset_attr attr = {.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET};
	(void)l;
	(void)step;
	cleanup_fd int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return err_errno(e, errno, "Landlock rules");
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_errno(e, errno, "Landlock");
	return 0;
}

/*
 * The number of ioctl(2) depends on the architecture, and a process may call the kernel by more
 * than one: each that this machine can run has its pair of (architecture, number).
 */
#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#define OTHER_IOCTL 54
#define X32_IOCTL (0x40000000u | 514u)
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#define OTHER_IOCTL 54
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#define OTHER_ARCH AUDIT_ARCH_S390
#define OTHER_IOCTL 54
#elif defined(__powerpc64__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__i386__)
#define NATIVE_ARCH AUDIT_ARCH_I386
#elif defined(__arm__)
#define NATIVE_ARCH AUDIT_ARCH_ARM
#else
#error "fs/sandbox/confine.c does not know this architecture's audit number"
#endif

/* The kernel takes the request as 32 bits; the upper half of the argument is whatever it is. */
#if __BYTE_ORDER == __LITTLE_ENDIAN
#define REQUEST_OFFSET (offsetof(struct seccomp_data, args) + sizeof(uint64_t))
#else
#define REQUEST_OFFSET (offsetof(struct seccomp_data, args) + sizeof(uint64_t) + sizeof(uint32_t))
#endif

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define JUMP_IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))

/* With A the system call's number: if it is nr, the verdict on the request; else goes on. */
#define CHECK_IOCTL(nr)                                                                            \
	JUMP_IF((nr), 0, 5), LOAD(REQUEST_OFFSET), JUMP_IF(TIOCSTI, 1, 0),                         \
		JUMP_IF(TIOCLINUX, 0, 1), RETURN(SECCOMP_RET_ERRNO | EPERM),                       \
		RETURN(SECCOMP_RET_ALLOW)

static struct sock_filter filter[] = {
	LOAD(offsetof(struct seccomp_data, arch)),
#ifdef OTHER_ARCH
	JUMP_IF(OTHER_ARCH, 0, 8),
	LOAD(offsetof(struct seccomp_data, nr)),
	CHECK_IOCTL(OTHER_IOCTL),
	RETURN(SECCOMP_RET_ALLOW),
#endif
	/* An architecture that this program does not know: no system call of it. */
	JUMP_IF(NATIVE_ARCH, 1, 0),
	RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	LOAD(offsetof(struct seccomp_data, nr)),
	CHECK_IOCTL(__NR_ioctl),
#ifdef X32_IOCTL
	CHECK_IOCTL(X32_IOCTL),
#endif
	RETURN(SECCOMP_RET_ALLOW),
};

int step_seccomp(struct launch *l, const struct sandbox_step *step, struct err *e)
{
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	(void)l;
	(void)step;
	/* SPEC_ALLOW: the filter guards no secret, and older kernels would slow CMD down for it. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		    &program) < 0)
		return err_errno(e, errno, "seccomp");
	return 0;
}
