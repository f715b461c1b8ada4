/* SPDX-License-Identifier: MIT */
/*
 * System calls that glibc 2.36 lacks or whose absence on older kernels needs a fallback, and small
 * compositions that every module needs. All return >= 0 or -errno and never touch errno's meaning
 * for the caller. Every descriptor is O_CLOEXEC.
 */
#ifndef WRITFS_SYS_H
#define WRITFS_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <linux/stat.h>

/* "/proc/self/fd/N[/name]" is at most this long. */
#define SYS_FD_PATH_MAX (sizeof "/proc/self/fd/" + 12 + 256)

/* Writes "/proc/self/fd/FD" or, with name, "/proc/self/fd/FD/NAME". name is one component. */
char *sys_fd_path(char buf[static SYS_FD_PATH_MAX], int fd, const char *name);

/* openat(2) with O_CLOEXEC|O_NOFOLLOW|O_NOCTTY|O_NONBLOCK added where that is harmless. One
 * component. */
int sys_open_at(int dirfd, const char *name, int flags, mode_t mode);

/* openat2(2) RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS; walks by component on
 * ENOSYS. */
int sys_open_beneath(int dirfd, const char *relative, int flags, mode_t mode);

/* An O_PATH descriptor made usable: open("/proc/self/fd/N", flags). */
int sys_reopen(int fd, int flags);

/* statx(2), AT_SYMLINK_NOFOLLOW, basic stats + btime + mnt_id; name "" means fd itself. */
int sys_statx(int dirfd, const char *name, struct statx *stx);
void sys_statx_to_stat(const struct statx *stx, struct stat *st);

/* renameat2(2). -EINVAL where the file system lacks the flag. */
int sys_rename(
	int old_dir, const char *old_name, int new_dir, const char *new_name, unsigned flags);

/* Gives an O_TMPFILE or other open file the name dirfd/name (linkat through /proc). */
int sys_link_fd(int fd, int dirfd, const char *name);

/*
 * Extended attributes of dirfd/name without following a symlink (getxattrat(2) family, else
 * l*xattr on /proc/self/fd/DIRFD/NAME); name NULL: of the descriptor itself, O_PATH allowed.
 */
ssize_t sys_getxattr(int dirfd, const char *name, const char *attr, void *value, size_t size);
ssize_t sys_listxattr(int dirfd, const char *name, char *list, size_t size);
int sys_setxattr(
	int dirfd, const char *name, const char *attr, const void *value, size_t size, int flags);
int sys_removexattr(int dirfd, const char *name, const char *attr);

/* fchmodat(2) without following; works on O_PATH parents for all but symlinks (-EOPNOTSUPP). */
int sys_chmod(int dirfd, const char *name, mode_t mode);

/* read/write all, EINTR-safe. sys_read_file: whole file up to limit (-EFBIG), NUL-terminated,
 * caller frees. */
ssize_t sys_read_full(int fd, void *p, size_t len);
int sys_write_full(int fd, const void *p, size_t len);
int sys_read_file(int dirfd, const char *name, size_t limit, char **ret, size_t *ret_len);

/* Writes name in dirfd atomically: hidden temporary, fsync, rename, fsync of the directory. */
int sys_write_file(int dirfd, const char *name, const void *p, size_t len, mode_t mode);

/* Removes name and all beneath it; never crosses a mount, never follows. 0 or the first -errno. */
int sys_remove_tree(int dirfd, const char *name);

/* Bytes of a random hexadecimal name, NUL-terminated: for temporary names. */
#define SYS_TEMP_NAME_SIZE 32
char *sys_temp_name(char buf[static SYS_TEMP_NAME_SIZE], const char *prefix);

/* Raises the soft limit of open files to the hard one; returns the limit. */
unsigned sys_raise_nofile(void);

int64_t sys_time_ns(clockid_t clock);

#endif
