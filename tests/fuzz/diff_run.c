/* SPDX-License-Identifier: MIT */
/* One call in one directory, and all that can be seen of its result; see diff_op.h. */
#include "diff_op.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DATA_MAX 80000
#define NS_PER_S 1000000000

static uint64_t hash_more(uint64_t hash, const void *p, size_t len)
{
	const unsigned char *c = p;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ c[i]) * 0x100000001b3ULL;
	return hash;
}

static long result_of(long r)
{
	return r < 0 ? -errno : r;
}

void diff_side_init(struct diff_side *side, const char *root, int fd)
{
	*side = (struct diff_side){.root = root, .fd = fd};
	for (int i = 0; i < DIFF_SLOTS; i++)
		side->slots[i] = -1;
}

static void slot_close(struct diff_side *side, int slot)
{
	if (side->slots[slot] >= 0)
		(void)close(side->slots[slot]);
	side->slots[slot] = -1;
}

void diff_side_close(struct diff_side *side)
{
	for (int i = 0; i < DIFF_SLOTS; i++)
		slot_close(side, i);
}

/* What lstat and fstat say, less what two copies may differ in: times, blocks, inode numbers. */
static uint64_t hash_stat(const struct stat *st)
{
	uint64_t seen[6] = {st->st_mode, st->st_uid, st->st_gid, st->st_rdev};
	if (!S_ISDIR(st->st_mode)) {
		seen[4] = st->st_nlink;
		seen[5] = (uint64_t)st->st_size;
	}
	return hash_more(1, seen, sizeof seen);
}

static void fill_data(const struct diff_op *op, unsigned char *data)
{
	for (size_t i = 0; i < op->length; i++)
		data[i] = (unsigned char)(op->fill + i / 509);
}

static void run_read(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	static _Thread_local unsigned char data[DATA_MAX];
	int fd = side->slots[op->slot];
	ret->value = result_of(op->kind == DIFF_READ ? read(fd, data, op->length)
						     : pread(fd, data, op->length, op->offset));
	if (ret->value > 0)
		ret->hash = hash_more(2, data, (size_t)ret->value);
}

static void run_write(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	static _Thread_local unsigned char data[DATA_MAX];
	int fd = side->slots[op->slot];
	fill_data(op, data);
	ret->value = result_of(op->kind == DIFF_WRITE ? write(fd, data, op->length)
						      : pwrite(fd, data, op->length, op->offset));
}

/* A page that cannot be read or written is a signal, and a result. */
static _Thread_local sigjmp_buf bus_place;
static _Thread_local volatile sig_atomic_t bus_expected;

static void on_bus_error(int number)
{
	if (bus_expected)
		siglongjmp(bus_place, 1);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

void diff_catch_bus_errors(void)
{
	struct sigaction action = {.sa_handler = on_bus_error};
	(void)sigaction(SIGBUS, &action, NULL);
}

static void use_mapping(
	const struct diff_op *op, unsigned char *p, size_t size, struct diff_result *ret)
{
	bus_expected = 1;
	if (sigsetjmp(bus_place, 1)) {
		ret->value = -EIO;
	} else if (op->kind == DIFF_MMAP_WRITE) {
		size_t at = (size_t)op->offset % size;
		size_t n = size - at < op->length ? size - at : op->length;
		memset(p + at, (int)op->fill, n);
		if (op->fill % 2)
			ret->value = result_of(msync(p, size, MS_SYNC));
	} else {
		ret->hash = hash_more(3, p, size);
	}
	bus_expected = 0;
}

/* Through a shared mapping; read back by read(2), which must see the same bytes. */
static void run_mmap(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	struct stat st;
	int fd = side->slots[op->slot];
	bool writing = op->kind == DIFF_MMAP_WRITE;
	if (fstat(fd, &st) < 0) {
		ret->value = -errno;
		return;
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return;
	size_t size = (size_t)st.st_size < DATA_MAX ? (size_t)st.st_size : DATA_MAX;
	unsigned char *p =
		mmap(NULL, size, PROT_READ | (writing ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		ret->value = -errno;
		return;
	}
	use_mapping(op, p, size, ret);
	(void)munmap(p, size);
}

static void run_stat(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	struct stat st;
	bool by_fd = op->kind == DIFF_FSTAT;
	ret->value = result_of(
		by_fd ? fstat(side->slots[op->slot], &st)
		      : fstatat(side->fd, op->path, &st, op->flags ? AT_SYMLINK_NOFOLLOW : 0));
	if (ret->value < 0)
		return;
	ret->hash = hash_stat(&st);
	ret->broken = by_fd && st.st_ino != side->inodes[op->slot];
}

static void run_open(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	struct stat st;
	slot_close(side, op->slot);
	/* O_NONBLOCK: a FIFO must not stop the fuzzer. */
	int fd =
		openat(side->fd, op->path, op->flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, op->mode);
	if (fd < 0) {
		ret->value = -errno;
		return;
	}
	side->slots[op->slot] = fd;
	if (fstat(fd, &st) == 0) {
		side->inodes[op->slot] = st.st_ino;
		ret->hash = hash_stat(&st);
	}
}

static void list_entry(int dir, const struct dirent *e, struct diff_result *ret)
{
	struct stat st;
	if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		ret->hash += (uint64_t)errno;
		return;
	}
	if (e->d_ino != st.st_ino || (e->d_type != DT_UNKNOWN && e->d_type != IFTODT(st.st_mode)))
		ret->broken = true;
	/* A sum: the order of entries is the file system's. */
	ret->hash += hash_more(hash_stat(&st), e->d_name, strlen(e->d_name));
	ret->value++;
}

/* Half of the listings go back to a place in the middle, as seekdir(3) allows. */
static void run_list(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	int fd = openat(side->fd, op->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		ret->value = -errno;
		return;
	}
	long middle = -1;
	long after = 0;
	long total = 0;
	for (struct dirent *e = readdir(d); e; e = readdir(d), total++) {
		if (middle >= 0)
			after++;
		if (middle < 0 && op->fill % 2 && total == 3)
			middle = telldir(d);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			list_entry(dirfd(d), e, ret);
	}
	if (middle >= 0) {
		long again = 0;
		seekdir(d, middle);
		while (readdir(d))
			again++;
		ret->broken = ret->broken || again != after;
	}
	(void)closedir(d);
}

static void full_path(const struct diff_side *side, const char *path, char full[PATH_MAX])
{
	(void)snprintf(full, PATH_MAX, "%s/%s", side->root, path);
}

/* Entries of acl(5) in the form of the xattr. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entries[5];
};

static long set_acl(const char *full, int which)
{
	static const struct acl long_form = {
		2, {{1, 7, -1U}, {2, 6, 1000}, {4, 5, -1U}, {16, 6, -1U}, {32, 4, -1U}}};
	static const struct acl short_form = {2, {{1, 6, -1U}, {4, 4, -1U}, {32, 0, -1U}}};
	const char *name = which & 1 ? "system.posix_acl_default" : "system.posix_acl_access";
	return which & 2 ? setxattr(full, name, &short_form, 4 + 3 * 8, 0)
			 : setxattr(full, name, &long_form, sizeof long_form, 0);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void run_listxattr(const char *full, struct diff_result *ret)
{
	char list[4096];
	const char *names[128];
	size_t n = 0;
	ssize_t len = llistxattr(full, list, sizeof list);
	if (len < 0) {
		ret->value = -errno;
		return;
	}
	for (char *a = list; a < list + len && n < 128; a += strlen(a) + 1)
		names[n++] = a;
	qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 0; i < n; i++)
		ret->hash = hash_more(ret->hash, names[i], strlen(names[i]) + 1);
}

static void run_xattr(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	static const char *const names[] = {"user.a", "user.b", "user.writ", "user.long-name-here"};
	const char *name = names[op->fill % 4];
	char full[PATH_MAX];
	char value[256];
	memset(value, (int)op->fill, sizeof value);
	full_path(side, op->path, full);
	switch (op->kind) {
	case DIFF_SETXATTR:
		ret->value = result_of(lsetxattr(full, name, value, op->length % 200, op->flags));
		break;
	case DIFF_FSETXATTR:
		ret->value = result_of(
			fsetxattr(side->slots[op->slot], name, value, op->length % 200, op->flags));
		break;
	case DIFF_GETXATTR:
		ret->value = result_of(lgetxattr(full, name, value, op->length % 256));
		if (ret->value > 0 && op->length % 256)
			ret->hash = hash_more(4, value, (size_t)ret->value);
		break;
	case DIFF_REMOVEXATTR:
		ret->value = result_of(lremovexattr(full, name));
		break;
	case DIFF_SETACL:
		ret->value = result_of(set_acl(full, op->flags));
		break;
	default:
		run_listxattr(full, ret);
		break;
	}
}

static void run_seek(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	struct stat st;
	int fd = side->slots[op->slot];
	/* The position of a directory is the file system's own business. */
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return;
	ret->value = result_of(lseek(fd, op->offset, op->flags));
	if (op->flags != SEEK_DATA && op->flags != SEEK_HOLE)
		return;
	/* Where holes begin depends on blocks and on what was written back; that there is data, or
	 * none, at an offset within the file does not. */
	if (ret->value > 0)
		ret->value = 0;
	(void)lseek(fd, op->offset, SEEK_SET);
}

static void run_times(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	struct timespec times[2] = {{(long)op->fill * 1000003, (long)op->length * 7919 % NS_PER_S},
		{(long)op->length * 10007 % 1500000000, (long)op->fill * 104729 % NS_PER_S}};
	if (op->fill % 5 == 0)
		times[0].tv_nsec = UTIME_OMIT;
	if (op->fill % 7 == 0)
		times[1].tv_nsec = UTIME_NOW;
	ret->value = result_of(op->kind == DIFF_FUTIMENS
				       ? futimens(side->slots[op->slot], times)
				       : utimensat(side->fd, op->path, times,
						 op->fill % 3 ? AT_SYMLINK_NOFOLLOW : 0));
}

static long run_by_fd(struct diff_side *side, const struct diff_op *op)
{
	int fd = side->slots[op->slot];
	switch (op->kind) {
	case DIFF_FTRUNCATE:
		return ftruncate(fd, op->offset);
	case DIFF_FALLOCATE:
		return fallocate(fd, op->flags, op->offset, (off_t)op->length);
	case DIFF_FSYNC:
		return op->fill % 2 ? fsync(fd) : fdatasync(fd);
	case DIFF_FCHMOD:
		return fchmod(fd, op->mode);
	case DIFF_FCHOWN:
		return fchown(fd, op->fill % 3 ? (uid_t)-1 : op->fill % 4, op->fill % 3);
	default: {
		loff_t from = op->offset % 4096;
		loff_t to = (loff_t)op->fill * 100;
		return copy_file_range(fd, &from, side->slots[op->slot2], &to, op->length, 0);
	}
	}
}

static long run_by_path(struct diff_side *side, const struct diff_op *op, struct diff_result *ret)
{
	char full[PATH_MAX];
	char target[256];
	long n;
	full_path(side, op->path, full);
	switch (op->kind) {
	case DIFF_ACCESS:
		return faccessat(side->fd, op->path, op->flags, AT_EACCESS);
	case DIFF_READLINK:
		n = readlinkat(side->fd, op->path, target, sizeof target);
		if (n > 0)
			ret->hash = hash_more(5, target, (size_t)n);
		return n;
	case DIFF_TRUNCATE:
		return truncate(full, op->offset);
	case DIFF_MKDIR:
		return mkdirat(side->fd, op->path, op->mode);
	case DIFF_RMDIR:
		return unlinkat(side->fd, op->path, AT_REMOVEDIR);
	case DIFF_UNLINK:
		return unlinkat(side->fd, op->path, 0);
	case DIFF_RENAME:
		return renameat2(side->fd, op->path, side->fd, op->path2, (unsigned)op->flags);
	case DIFF_LINK:
		return linkat(
			side->fd, op->path, side->fd, op->path2, op->flags ? AT_SYMLINK_FOLLOW : 0);
	case DIFF_SYMLINK:
		return symlinkat(op->path2, side->fd, op->path);
	case DIFF_MKNOD:
		return mknodat(side->fd, op->path, op->mode, 0);
	case DIFF_CHMOD:
		return fchmodat(side->fd, op->path, op->mode, 0);
	default:
		return fchownat(side->fd, op->path, op->fill % 3 ? (uid_t)-1 : op->fill % 4,
			op->fill % 3, AT_SYMLINK_NOFOLLOW);
	}
}

struct diff_result diff_op_run(struct diff_side *side, const struct diff_op *op)
{
	struct diff_result ret = {0};
	bool other = op->uid && geteuid() == 0;
	if (other) {
		(void)setfsgid(op->uid);
		(void)setfsuid(op->uid);
	}
	errno = 0;
	switch (op->kind) {
	case DIFF_CLOSE:
		slot_close(side, op->slot);
		break;
	case DIFF_READ:
	case DIFF_PREAD:
		run_read(side, op, &ret);
		break;
	case DIFF_WRITE:
	case DIFF_PWRITE:
		run_write(side, op, &ret);
		break;
	case DIFF_MMAP_WRITE:
	case DIFF_MMAP_READ:
		run_mmap(side, op, &ret);
		break;
	case DIFF_FSTAT:
	case DIFF_STAT:
		run_stat(side, op, &ret);
		break;
	case DIFF_FUTIMENS:
	case DIFF_UTIMENS:
		run_times(side, op, &ret);
		break;
	case DIFF_SEEK:
		run_seek(side, op, &ret);
		break;
	case DIFF_OPEN:
		run_open(side, op, &ret);
		break;
	case DIFF_LIST:
		run_list(side, op, &ret);
		break;
	case DIFF_FSETXATTR:
	case DIFF_SETXATTR:
	case DIFF_GETXATTR:
	case DIFF_LISTXATTR:
	case DIFF_REMOVEXATTR:
	case DIFF_SETACL:
		run_xattr(side, op, &ret);
		break;
	default:
		ret.value = result_of(
			op->kind < DIFF_OPEN ? run_by_fd(side, op) : run_by_path(side, op, &ret));
		break;
	}
	if (other) {
		(void)setfsuid(geteuid());
		(void)setfsgid(getegid());
	}
	return ret;
}
