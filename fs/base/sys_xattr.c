/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes by directory descriptor and name. Linux 6.13 has the *xattrat(2) calls;
 * before, the l*xattr(2) calls reach the same object through /proc/self/fd/DIRFD/NAME, where only
 * the last component could be a link and is not followed.
 *
 * For the descriptor itself f*xattr(2) is tried first; an O_PATH descriptor (EBADF) goes through
 * its /proc link, which leads to the object and not further, even if that is a symlink.
 */
#include <writfs/sys.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

/* The kernel's struct xattr_args. */
struct sys_xattr_args {
	uint64_t value __attribute__((aligned(8)));
	uint32_t size;
	uint32_t flags;
};
_Static_assert(sizeof(struct sys_xattr_args) == 16, "layout of struct xattr_args");

/* Asked once, with a descriptor that cannot exist: EBADF says that the call is known. */
static bool xattrat_known(void)
{
	enum { UNASKED, KNOWN, UNKNOWN };
	static atomic_int state;
	int now = atomic_load_explicit(&state, memory_order_relaxed);
	if (now == UNASKED) {
		struct sys_xattr_args args = {0};
		long r = syscall(
			SYS_getxattrat, -1, "x", AT_SYMLINK_NOFOLLOW, "user.x", &args, sizeof args);
		now = r < 0 && errno == EBADF ? KNOWN : UNKNOWN;
		atomic_store(&state, now);
	}
	return now == KNOWN;
}

static ssize_t xattr_result(ssize_t r)
{
	return r < 0 ? -errno : r;
}

ssize_t sys_getxattr(int dirfd, const char *name, const char *attr, void *value, size_t size)
{
	char path[SYS_FD_PATH_MAX];
	if (!name) {
		ssize_t r = fgetxattr(dirfd, attr, value, size);
		if (r < 0 && errno == EBADF && dirfd >= 0)
			r = getxattr(sys_fd_path(path, dirfd, NULL), attr, value, size);
		return xattr_result(r);
	}
	if (xattrat_known()) {
		struct sys_xattr_args args = {
			.value = (uint64_t)(uintptr_t)value,
			.size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
		};
		return xattr_result(syscall(SYS_getxattrat, dirfd, name, AT_SYMLINK_NOFOLLOW, attr,
			&args, sizeof args));
	}
	return xattr_result(lgetxattr(sys_fd_path(path, dirfd, name), attr, value, size));
}

ssize_t sys_listxattr(int dirfd, const char *name, char *list, size_t size)
{
	char path[SYS_FD_PATH_MAX];
	if (!name) {
		ssize_t r = flistxattr(dirfd, list, size);
		if (r < 0 && errno == EBADF && dirfd >= 0)
			r = listxattr(sys_fd_path(path, dirfd, NULL), list, size);
		return xattr_result(r);
	}
	if (xattrat_known())
		return xattr_result(
			syscall(SYS_listxattrat, dirfd, name, AT_SYMLINK_NOFOLLOW, list, size));
	return xattr_result(llistxattr(sys_fd_path(path, dirfd, name), list, size));
}

int sys_setxattr(
	int dirfd, const char *name, const char *attr, const void *value, size_t size, int flags)
{
	char path[SYS_FD_PATH_MAX];
	if (!name) {
		int r = fsetxattr(dirfd, attr, value, size, flags);
		if (r < 0 && errno == EBADF && dirfd >= 0)
			r = setxattr(sys_fd_path(path, dirfd, NULL), attr, value, size, flags);
		return (int)xattr_result(r);
	}
	if (size > UINT32_MAX)
		return -E2BIG;
	if (xattrat_known()) {
		struct sys_xattr_args args = {
			.value = (uint64_t)(uintptr_t)value,
			.size = (uint32_t)size,
			.flags = (uint32_t)flags,
		};
		return (int)xattr_result(syscall(SYS_setxattrat, dirfd, name, AT_SYMLINK_NOFOLLOW,
			attr, &args, sizeof args));
	}
	return (int)xattr_result(
		lsetxattr(sys_fd_path(path, dirfd, name), attr, value, size, flags));
}

int sys_removexattr(int dirfd, const char *name, const char *attr)
{
	char path[SYS_FD_PATH_MAX];
	if (!name) {
		int r = fremovexattr(dirfd, attr);
		if (r < 0 && errno == EBADF && dirfd >= 0)
			r = removexattr(sys_fd_path(path, dirfd, NULL), attr);
		return (int)xattr_result(r);
	}
	if (xattrat_known())
		return (int)xattr_result(
			syscall(SYS_removexattrat, dirfd, name, AT_SYMLINK_NOFOLLOW, attr));
	return (int)xattr_result(lremovexattr(sys_fd_path(path, dirfd, name), attr));
}
