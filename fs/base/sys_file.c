/* SPDX-License-Identifier: MIT */
/*
 * Whole files and whole trees: small files read with a limit, written so that a reader sees the
 * old or the new content and nothing between, and trees removed without following anything.
 */
#include <writfs/sys.h>

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include <writfs/cleanup.h>

#define READ_FIRST_BYTES 4096u

/*
 * Directories deeper than this are moved up to the top of the tree that is removed, so that
 * neither descriptors nor the stack grow with a depth that a program chose.
 */
#define REMOVE_DEPTH_MAX 48

ssize_t sys_read_full(int fd, void *p, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = read(fd, (char *)p + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int sys_write_full(int fd, const void *p, size_t len)
{
	const char *at = p;
	while (len) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int sys_read_file(int dirfd, const char *name, size_t limit, char **ret, size_t *ret_len)
{
	/* O_NONBLOCK: a FIFO under the name must not stop us before its type is known. */
	int fd cleanup_fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > 0 && (uint64_t)st.st_size > limit)
		return -EFBIG;
	/* The size is a guess only: files of /proc say 0, others may grow. */
	size_t cap = st.st_size > 0 ? (size_t)st.st_size + 1 : READ_FIRST_BYTES;
	size_t len = 0;
	char *buffer cleanup_free = malloc(cap + 1);
	if (!buffer)
		return -ENOMEM;
	for (;;) {
		ssize_t n = sys_read_full(fd, buffer + len, cap - len);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (len > limit)
			return -EFBIG;
		if (len < cap)
			break;
		cap *= 2;
		char *more = realloc(buffer, cap + 1);
		if (!more)
			return -ENOMEM;
		buffer = more;
	}
	buffer[len] = '\0';
	*ret = steal_ptr(&buffer);
	if (ret_len)
		*ret_len = len;
	return 0;
}

static int sys_sync_dir(int dirfd)
{
	int fd cleanup_fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* EINVAL: a file system without such a thing. */
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int sys_write_file(int dirfd, const char *name, const void *p, size_t len, mode_t mode)
{
	char temp[SYS_TEMP_NAME_SIZE];
	(void)sys_temp_name(temp, ".writ-");
	int fd cleanup_fd = sys_open_at(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return fd;
	int r = sys_write_full(fd, p, len);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temp, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, temp, 0);
		return r;
	}
	return sys_sync_dir(dirfd);
}

struct remover {
	int top;    /* the outermost directory that is being emptied */
	int error;  /* the first one */
	bool moved; /* deep directories wait in top */
	uint64_t mount;
};

static void remover_note(struct remover *rm, int r)
{
	if (r < 0 && r != -ENOENT && rm->error == 0)
		rm->error = r;
}

static uint64_t statx_mount(const struct statx *stx)
{
	if (stx->stx_mask & STATX_MNT_ID)
		return stx->stx_mnt_id;
	return (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor;
}

/* Opens a directory to be emptied; one that its owner locked is unlocked first. */
static int remover_open(struct remover *rm, int dirfd, const char *name)
{
	int fd = sys_open_at(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -EACCES && sys_chmod(dirfd, name, 0700) == 0)
		fd = sys_open_at(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	struct statx stx;
	int r = sys_statx(fd, "", &stx);
	if (r == 0 && rm->mount == 0)
		rm->mount = statx_mount(&stx);
	if (r == 0 && statx_mount(&stx) != rm->mount)
		r = -EBUSY;
	/* Unlinking needs u+wx as well; failure shows in the unlinking. */
	if (r == 0 && (stx.stx_mode & 0700) != 0700)
		(void)fchmod(fd, 0700);
	if (r < 0) {
		(void)fd_close(fd);
		return r;
	}
	return fd;
}

static void remover_empty(struct remover *rm, int fd, unsigned depth);

static void remover_child(struct remover *rm, int dirfd, const char *name, unsigned depth)
{
	int r = unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
	if (r != -EISDIR && r != -EPERM) {
		remover_note(rm, r);
		return;
	}
	int fd = remover_open(rm, dirfd, name);
	if (fd == -ENOTDIR) {
		remover_note(rm, r);
		return;
	}
	if (fd < 0) {
		remover_note(rm, fd);
		return;
	}
	if (depth >= REMOVE_DEPTH_MAX) {
		char temp[SYS_TEMP_NAME_SIZE];
		(void)fd_close(fd);
		r = sys_rename(dirfd, name, rm->top, sys_temp_name(temp, ".writ-"), 0);
		rm->moved |= r == 0;
		remover_note(rm, r);
		return;
	}
	remover_empty(rm, fd, depth + 1);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		remover_note(rm, -errno);
}

/* Takes fd over. */
static void remover_empty(struct remover *rm, int fd, unsigned depth)
{
	DIR *dir cleanup_dir = fdopendir(fd);
	if (!dir) {
		remover_note(rm, -errno);
		(void)fd_close(fd);
		return;
	}
	const struct dirent *entry;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		remover_child(rm, fd, entry->d_name, depth);
	}
}

int sys_remove_tree(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	int not_file = -errno;
	struct remover rm = {.top = -1};
	int top cleanup_fd = remover_open(&rm, dirfd, name);
	if (top == -ENOTDIR)
		return not_file;
	if (top < 0)
		return top;
	rm.top = top;
	do {
		rm.moved = false;
		int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		remover_empty(&rm, fd, 0);
	} while (rm.moved && rm.error == 0);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		remover_note(&rm, -errno);
	return rm.error;
}
