/* SPDX-License-Identifier: MIT */
/* Drawing, printing and parsing of calls; see diff_op.h. */
#include "diff_op.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/falloc.h>

#define DEPTH_MAX 4
#define LONG_NAME 255

static const char *const kind_names[DIFF_KINDS] = {"close", "read", "pread", "write", "pwrite",
	"ftruncate", "fallocate", "mmap-write", "mmap-read", "fsync", "fstat", "fchmod", "fchown",
	"futimens", "fsetxattr", "seek", "copy-range", "open", "stat", "access", "readlink", "list",
	"truncate", "mkdir", "rmdir", "unlink", "rename", "link", "symlink", "mknod", "chmod",
	"chown", "utimens", "setxattr", "getxattr", "listxattr", "removexattr", "setacl"};

static const unsigned char weights[DIFF_KINDS] = {[DIFF_CLOSE] = 3,
	[DIFF_READ] = 2,
	[DIFF_PREAD] = 4,
	[DIFF_WRITE] = 4,
	[DIFF_PWRITE] = 8,
	[DIFF_FTRUNCATE] = 3,
	[DIFF_FALLOCATE] = 3,
	[DIFF_MMAP_WRITE] = 3,
	[DIFF_MMAP_READ] = 2,
	[DIFF_FSYNC] = 1,
	[DIFF_FSTAT] = 4,
	[DIFF_FCHMOD] = 2,
	[DIFF_FCHOWN] = 1,
	[DIFF_FUTIMENS] = 1,
	[DIFF_FSETXATTR] = 1,
	[DIFF_SEEK] = 2,
	[DIFF_COPY_RANGE] = 2,
	[DIFF_OPEN] = 22,
	[DIFF_STAT] = 6,
	[DIFF_ACCESS] = 2,
	[DIFF_READLINK] = 1,
	[DIFF_LIST] = 4,
	[DIFF_TRUNCATE] = 3,
	[DIFF_MKDIR] = 8,
	[DIFF_RMDIR] = 6,
	[DIFF_UNLINK] = 9,
	[DIFF_RENAME] = 14,
	[DIFF_LINK] = 5,
	[DIFF_SYMLINK] = 4,
	[DIFF_MKNOD] = 3,
	[DIFF_CHMOD] = 5,
	[DIFF_CHOWN] = 2,
	[DIFF_UTIMENS] = 3,
	[DIFF_SETXATTR] = 3,
	[DIFF_GETXATTR] = 2,
	[DIFF_LISTXATTR] = 1,
	[DIFF_REMOVEXATTR] = 1,
	[DIFF_SETACL] = 2};

static void add(char *path, const char *name)
{
	size_t len = strlen(path);
	if (len + strlen(name) + 2 < DIFF_PATH_MAX)
		(void)snprintf(path + len, DIFF_PATH_MAX - len, "%s%s", len ? "/" : "", name);
}

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* Appends a random entry of path to it; false: there is none, or it cannot be listed. */
static bool descend(struct random *r, const struct diff_side *side, char *path)
{
	struct dirent **names;
	int fd = openat(side->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	int n = scandirat(fd, ".", &names, not_dots, alphasort);
	(void)close(fd);
	if (n <= 0) {
		if (n == 0)
			free(names);
		return false;
	}
	add(path, names[random_below(r, (unsigned)n)]->d_name);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return true;
}

static void draw_existing(
	struct random *r, unsigned worker, const struct diff_side *side, char *path)
{
	(void)snprintf(path, DIFF_PATH_MAX, "w%u", worker);
	for (int depth = 0; depth < DEPTH_MAX; depth++)
		if ((depth > 0 && random_below(r, 10) < 3) || !descend(r, side, path))
			break;
}

static void draw_new(struct random *r, unsigned worker, const struct diff_side *side, char *path)
{
	char name[LONG_NAME + 1];
	struct stat st;
	unsigned which = random_below(r, RANDOM_NAMES + 1);
	if (which < RANDOM_NAMES) {
		(void)snprintf(name, sizeof name, "%s", random_names[which]);
	} else {
		memset(name, 'L', LONG_NAME);
		name[LONG_NAME] = '\0';
	}
	/* One in ten in the directory that all workers share, where the names are the worker's. */
	if (random_below(r, 10) == 0) {
		(void)snprintf(path, DIFF_PATH_MAX, "s/%u-%.200s", worker, name);
		return;
	}
	draw_existing(r, worker, side, path);
	bool dir = fstatat(side->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	char *slash = strrchr(path, '/');
	if (!dir && slash && random_below(r, 20))
		*slash = '\0';
	add(path, name);
}

static void draw_path(struct random *r, unsigned worker, const struct diff_side *side, char *path,
	unsigned new_percent)
{
	if (random_below(r, 100) < new_percent)
		draw_new(r, worker, side, path);
	else
		draw_existing(r, worker, side, path);
}

static void draw_open(
	struct random *r, unsigned worker, const struct diff_side *side, struct diff_op *op)
{
	static const int extra[] = {0, 0, O_CREAT, O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC,
		O_TRUNC, O_APPEND, O_CREAT | O_APPEND, O_NOFOLLOW, O_DIRECTORY};
	static const int access_modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR};
	op->flags = extra[random_below(r, 11)] | access_modes[random_below(r, 4)];
	draw_path(r, worker, side, op->path, op->flags & O_CREAT ? 60 : 5);
	/* A link there could lead to a name that another worker makes, too. */
	if (strncmp(op->path, "s/", 2) == 0)
		op->flags |= O_NOFOLLOW;
}

static int draw_flags(struct random *r, unsigned kind)
{
	static const int renames[] = {0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	static const int falls[] = {0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};
	static const int seeks[] = {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE};
	static const int xattrs[] = {0, 0, XATTR_CREATE, XATTR_REPLACE};
	switch (kind) {
	case DIFF_RENAME:
		return renames[random_below(r, 6)];
	case DIFF_FALLOCATE:
		return falls[random_below(r, 4)];
	case DIFF_SEEK:
		return seeks[random_below(r, 5)];
	case DIFF_SETXATTR:
	case DIFF_FSETXATTR:
		return xattrs[random_below(r, 4)];
	case DIFF_SETACL:
		return (int)random_below(r, 4);
	case DIFF_ACCESS:
		return (int)random_below(r, 8);
	case DIFF_STAT:
	case DIFF_LINK:
		return (int)random_below(r, 2);
	default:
		return 0;
	}
}

static unsigned draw_mode(struct random *r, unsigned kind)
{
	static const unsigned modes[] = {
		0644, 0755, 0600, 0666, 0777, 0444, 0700, 0, 04755, 02755, 01777, 0640};
	/* No devices: a job's mounts are nodev, where opening one is EACCES. */
	static const unsigned kinds[] = {S_IFIFO, S_IFSOCK, S_IFREG, S_IFREG};
	unsigned mode = modes[random_below(r, 12)];
	/* Mostly directories that one can go on working in. */
	if (kind == DIFF_MKDIR && random_below(r, 8))
		mode |= 0700;
	return kind == DIFF_MKNOD ? mode | kinds[random_below(r, 4)] : mode;
}

static unsigned draw_kind(struct random *r)
{
	unsigned total = 0;
	for (unsigned i = 0; i < DIFF_KINDS; i++)
		total += weights[i];
	unsigned n = random_below(r, total);
	unsigned kind = 0;
	while (n >= weights[kind])
		n -= weights[kind++];
	return kind;
}

void diff_op_draw(
	struct random *r, unsigned worker, const struct diff_side *side, struct diff_op *ret)
{
	static const char *const targets[] = {"a", "b/c", "a/../b", "nowhere", "."};
	struct diff_op op = {.worker = worker, .kind = draw_kind(r)};
	op.slot = (int)random_below(r, DIFF_SLOTS);
	op.slot2 = (int)random_below(r, DIFF_SLOTS);
	op.flags = draw_flags(r, op.kind);
	op.mode = draw_mode(r, op.kind);
	op.uid = random_below(r, 4) ? 0 : 1000 + random_below(r, 2);
	op.offset = random_below(r, 4) ? random_below(r, 3000) : random_below(r, 200000);
	op.length = random_below(r, 8) ? random_below(r, 3000) + 1 : random_below(r, 70000) + 1;
	op.fill = random_below(r, 255) + 1;
	switch (op.kind) {
	case DIFF_OPEN:
		draw_open(r, worker, side, &op);
		break;
	case DIFF_MKDIR:
	case DIFF_MKNOD:
		draw_path(r, worker, side, op.path, 90);
		break;
	case DIFF_SYMLINK:
		draw_path(r, worker, side, op.path, 90);
		(void)snprintf(op.path2, sizeof op.path2, "%s", targets[random_below(r, 5)]);
		break;
	case DIFF_RENAME:
		draw_path(r, worker, side, op.path, 3);
		draw_path(r, worker, side, op.path2, 60);
		break;
	case DIFF_LINK:
		draw_path(r, worker, side, op.path, 3);
		draw_path(r, worker, side, op.path2, 90);
		break;
	default:
		if (op.kind > DIFF_OPEN)
			draw_path(r, worker, side, op.path, 5);
		break;
	}
	*ret = op;
}

static void put_path(FILE *out, const char *path)
{
	(void)fputc(' ', out);
	if (!*path)
		(void)fputc('-', out);
	for (const char *c = path; *c; c++) {
		if (*c <= ' ' || *c >= 0x7f || *c == '%' || (c == path && *c == '-'))
			(void)fprintf(out, "%%%02x", (unsigned char)*c);
		else
			(void)fputc(*c, out);
	}
}

void diff_op_print(FILE *out, const struct diff_op *op)
{
	(void)fprintf(out, "%u %s %d %d %#x %o %u %ld %zu %u", op->worker, kind_names[op->kind],
		op->slot, op->slot2, (unsigned)op->flags, op->mode, op->uid, op->offset, op->length,
		op->fill);
	put_path(out, op->path);
	put_path(out, op->path2);
	(void)fputc('\n', out);
}

static void get_path(const char *text, char *path)
{
	size_t n = 0;
	if (strcmp(text, "-") == 0)
		text = "";
	for (; *text && n < DIFF_PATH_MAX - 1; text++) {
		unsigned byte;
		if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
			path[n++] = (char)byte;
			text += 2;
		} else {
			path[n++] = *text;
		}
	}
	path[n] = '\0';
}

bool diff_op_parse(const char *line, struct diff_op *ret)
{
	struct diff_op op = {0};
	char kind[16];
	char path[3 * DIFF_PATH_MAX];
	char path2[3 * DIFF_PATH_MAX];
	unsigned flags;
	if (sscanf(line, "%u %15s %d %d %x %o %u %ld %zu %u %2099s %2099s", &op.worker, kind,
		    &op.slot, &op.slot2, &flags, &op.mode, &op.uid, &op.offset, &op.length,
		    &op.fill, path, path2) != 12)
		return false;
	op.flags = (int)flags;
	while (op.kind < DIFF_KINDS && strcmp(kind, kind_names[op.kind]) != 0)
		op.kind++;
	if (op.kind == DIFF_KINDS || op.slot < 0 || op.slot >= DIFF_SLOTS || op.slot2 < 0 ||
		op.slot2 >= DIFF_SLOTS)
		return false;
	get_path(path, op.path);
	get_path(path2, op.path2);
	*ret = op;
	return true;
}
