/* SPDX-License-Identifier: MIT */
/*
 * System calls by number, with what older kernels need instead. "Unknown" is ENOSYS, and EPERM
 * from seccomp filters that were written before the call existed: the fallback is tried for both,
 * and a true EPERM comes back from the fallback as well.
 */
#include <writfs/sys.h>

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <linux/openat2.h>

#include <writfs/cleanup.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* Tries of openat2 when a rename elsewhere made it give up (EAGAIN). */
#define OPENAT2_TRIES 64

char *sys_fd_path(char buf[static SYS_FD_PATH_MAX], int fd, const char *name)
{
	/* A name too long is cut at 256 bytes: one more than any name has, so ENAMETOOLONG. */
	if (fd == AT_FDCWD)
		(void)snprintf(buf, SYS_FD_PATH_MAX, "/proc/self/cwd%s%.256s", name ? "/" : "",
			name ? name : "");
	else
		(void)snprintf(buf, SYS_FD_PATH_MAX, "/proc/self/fd/%d%s%.256s", fd,
			name ? "/" : "", name ? name : "");
	return buf;
}

static int sys_openat_retry(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd;
	do
		fd = openat(dirfd, name, flags, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* What O_PATH leaves of the other flags; openat2 answers EINVAL to the rest. */
static int sys_path_flags(int flags)
{
	return flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int sys_open_at(int dirfd, const char *name, int flags, mode_t mode)
{
	flags |= O_CLOEXEC | O_NOFOLLOW;
	if (flags & O_PATH)
		return sys_openat_retry(dirfd, name, sys_path_flags(flags), 0);
	/* A FIFO or a terminal under the name must neither stop the daemon nor become its own. */
	int fd = sys_openat_retry(dirfd, name, flags | O_NOCTTY | O_NONBLOCK, mode);
	if (fd != -EAGAIN)
		return fd;
	/* O_NONBLOCK does not wait for the holder of a lease: that wait is right for files. */
	int path cleanup_fd = sys_openat_retry(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;
	if (path < 0 || fstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -EAGAIN;
	return sys_reopen(path, flags & ~(O_NOFOLLOW | O_CREAT | O_EXCL));
}

/* openat2's rules by single steps, for kernels before 5.6. */
static int sys_open_by_steps(int dirfd, const char *relative, int flags, mode_t mode)
{
	int dir cleanup_fd = -1;
	const char *part = relative;
	for (;;) {
		size_t len = strcspn(part, "/");
		const char *next = part + len + strspn(part + len, "/");
		char name[NAME_MAX + 1];
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, part, len);
		name[len] = '\0';
		int from = dir >= 0 ? dir : dirfd;
		if (*next == '\0') {
			if (part[len] == '/')
				flags |= O_DIRECTORY;
			return sys_open_at(from, name, flags, mode);
		}
		int fd = sys_openat_retry(
			from, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
		struct stat st;
		/* openat2 says ELOOP of a link, where O_DIRECTORY says that it is no directory. */
		if (fd == -ENOTDIR && fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISLNK(st.st_mode))
			return -ELOOP;
		if (fd < 0)
			return fd;
		(void)fd_close(dir);
		dir = fd;
		part = next;
	}
}

static bool sys_goes_up(const char *relative)
{
	for (const char *p = relative; *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += len;
	}
	return false;
}

int sys_open_beneath(int dirfd, const char *relative, int flags, mode_t mode)
{
	static atomic_bool missing;
	if (relative[0] == '\0')
		return -ENOENT;
	if (relative[0] == '/' || sys_goes_up(relative))
		return -EXDEV;
	if (atomic_load_explicit(&missing, memory_order_relaxed))
		return sys_open_by_steps(dirfd, relative, flags, mode);
	struct open_how how = {
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int wanted = flags | O_CLOEXEC | O_NOFOLLOW;
	if (flags & O_PATH)
		wanted = sys_path_flags(wanted);
	else
		wanted |= O_NOCTTY | O_NONBLOCK;
	how.flags = (unsigned)wanted;
	if ((wanted & O_CREAT) || (wanted & O_TMPFILE) == O_TMPFILE)
		how.mode = mode & 07777;
	for (unsigned tries = 0; tries < OPENAT2_TRIES; tries++) {
		long fd = syscall(SYS_openat2, dirfd, relative, &how, sizeof how);
		if (fd >= 0)
			return (int)fd;
		if (errno == ENOSYS)
			atomic_store(&missing, true);
		if (errno == ENOSYS || errno == EPERM)
			return sys_open_by_steps(dirfd, relative, flags, mode);
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int sys_reopen(int fd, int flags)
{
	char path[SYS_FD_PATH_MAX];
	return sys_openat_retry(
		AT_FDCWD, sys_fd_path(path, fd, NULL), flags | O_CLOEXEC | O_NOCTTY, 0);
}

int sys_statx(int dirfd, const char *name, struct statx *stx)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
	if (name[0] == '\0')
		flags |= AT_EMPTY_PATH;
	unsigned mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
	return statx(dirfd, name, flags, mask, stx) < 0 ? -errno : 0;
}

void sys_statx_to_stat(const struct statx *stx, struct stat *st)
{
	*st = (struct stat){
		.st_dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
		.st_ino = stx->stx_ino,
		.st_mode = stx->stx_mode,
		.st_nlink = stx->stx_nlink,
		.st_uid = stx->stx_uid,
		.st_gid = stx->stx_gid,
		.st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor),
		.st_size = (off_t)stx->stx_size,
		.st_blksize = (blksize_t)stx->stx_blksize,
		.st_blocks = (blkcnt_t)stx->stx_blocks,
		.st_atim = {stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec},
		.st_mtim = {stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec},
		.st_ctim = {stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec},
	};
}

int sys_rename(int old_dir, const char *old_name, int new_dir, const char *new_name, unsigned flags)
{
	if (flags == 0)
		return renameat(old_dir, old_name, new_dir, new_name) < 0 ? -errno : 0;
	if (renameat2(old_dir, old_name, new_dir, new_name, flags) == 0)
		return 0;
	return errno == ENOSYS ? -EINVAL : -errno;
}

int sys_link_fd(int fd, int dirfd, const char *name)
{
	char path[SYS_FD_PATH_MAX];
	/* AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH; the way through /proc does not. */
	if (linkat(AT_FDCWD, sys_fd_path(path, fd, NULL), dirfd, name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return 0;
}

int sys_chmod(int dirfd, const char *name, mode_t mode)
{
	static atomic_bool missing;
	if (!atomic_load_explicit(&missing, memory_order_relaxed)) {
		if (syscall(SYS_fchmodat2, dirfd, name, mode, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		if (errno == ENOSYS)
			atomic_store(&missing, true);
		else if (errno != EPERM)
			return -errno;
	}
	int fd cleanup_fd = sys_open_at(dirfd, name, O_PATH, 0);
	if (fd < 0)
		return fd;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	char path[SYS_FD_PATH_MAX];
	return chmod(sys_fd_path(path, fd, NULL), mode) < 0 ? -errno : 0;
}

char *sys_temp_name(char buf[static SYS_TEMP_NAME_SIZE], const char *prefix)
{
	static atomic_ullong counter;
	unsigned long long random = 0;
	/* Names need to differ, not to be secret: O_EXCL decides. */
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = (unsigned long long)sys_time_ns(CLOCK_REALTIME) ^
			 (unsigned long long)getpid() << 44;
	random += atomic_fetch_add(&counter, 1);
	(void)snprintf(buf, SYS_TEMP_NAME_SIZE, "%.15s%016llx", prefix, random);
	return buf;
}

unsigned sys_raise_nofile(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = {limit.rlim_max, limit.rlim_max};
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur > UINT_MAX ? UINT_MAX : (unsigned)limit.rlim_cur;
}

int64_t sys_time_ns(clockid_t clock)
{
	struct timespec now = {0};
	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
