/* SPDX-License-Identifier: MIT */
/* A tree as sorted lines of text; see snapshot.h. Reads only, follows nothing, changes no atime
 * that it can help. */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XATTRS_MAX 65536
#define YEAR_2020 1577836800

struct seen {
	dev_t dev;
	ino_t ino;
	char *path;
};

struct taking {
	struct snapshot *out;
	const char *except;
	unsigned flags;
	struct seen *seen;
	size_t seen_count;
};

/* One line that grows while an object is described. */
struct line {
	char *p;
	size_t len;
	FILE *f;
};

static void put_escaped(FILE *f, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c <= ' ' || c >= 0x7f || c == '\\')
			(void)fprintf(f, "\\x%02x", c);
		else
			(void)fputc(c, f);
	}
}

static uint64_t hash_more(uint64_t hash, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)p[i]) * 0x100000001b3ULL;
	return hash;
}

static void put_extents(FILE *f, int fd, off_t size)
{
	(void)fprintf(f, " data");
	for (off_t at = 0; at < size;) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0)
			break;
		at = lseek(fd, data, SEEK_HOLE);
		(void)fprintf(f, " %lld-%lld", (long long)data, (long long)at);
		if (at <= data)
			break;
	}
	(void)lseek(fd, 0, SEEK_SET);
}

static int put_content(struct taking *t, FILE *f, const char *path, off_t size)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		/* Unreadable for us is the same on both sides. */
		(void)fprintf(f, " unreadable %d", errno);
		return 0;
	}
	if (t->flags & SNAPSHOT_EXTENTS)
		put_extents(f, fd, size);
	char block[16384];
	uint64_t hash = 0xcbf29ce484222325ULL;
	ssize_t n;
	while ((n = read(fd, block, sizeof block)) > 0)
		hash = hash_more(hash, block, (size_t)n);
	int r = n < 0 ? -errno : 0;
	(void)close(fd);
	(void)fprintf(f, " content %016llx", (unsigned long long)hash);
	return r;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int put_xattrs(struct taking *t, FILE *f, const char *path)
{
	static _Thread_local char list[XATTRS_MAX];
	static _Thread_local char value[XATTRS_MAX];
	const char *names[256];
	size_t count = 0;
	ssize_t len = llistxattr(path, list, sizeof list);
	for (char *a = list; len > 0 && a < list + len && count < 256; a += strlen(a) + 1)
		if ((t->flags & SNAPSHOT_ALL_XATTRS) || strncmp(a, "user.", 5) == 0)
			names[count++] = a;
	qsort(names, count, sizeof *names, compare_lines);
	for (size_t i = 0; i < count; i++) {
		ssize_t size = lgetxattr(path, names[i], value, sizeof value);
		(void)fprintf(f, " %s=", names[i]);
		if (size < 0)
			(void)fprintf(f, "(%s)", strerror(errno));
		else
			put_escaped(f, value, (size_t)size);
	}
	return 0;
}

/* The first path under which an inode of several names was met. */
static int put_group(struct taking *t, FILE *f, const struct stat *st, const char *path)
{
	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return 0;
	for (size_t i = 0; i < t->seen_count; i++) {
		if (t->seen[i].ino == st->st_ino && t->seen[i].dev == st->st_dev) {
			(void)fprintf(f, " nlink %lu same-as ", (unsigned long)st->st_nlink);
			put_escaped(f, t->seen[i].path, strlen(t->seen[i].path));
			return 0;
		}
	}
	struct seen *grown = realloc(t->seen, (t->seen_count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	t->seen = grown;
	grown[t->seen_count].dev = st->st_dev;
	grown[t->seen_count].ino = st->st_ino;
	grown[t->seen_count].path = strdup(path);
	(void)fprintf(f, " nlink %lu", (unsigned long)st->st_nlink);
	return grown[t->seen_count++].path ? 0 : -ENOMEM;
}

static void put_stat(struct taking *t, FILE *f, const struct stat *st)
{
	bool dir = S_ISDIR(st->st_mode);
	(void)fprintf(f, " %o", st->st_mode);
	if (t->flags & SNAPSHOT_OWNERS)
		(void)fprintf(f, " %u:%u", st->st_uid, st->st_gid);
	if (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode))
		(void)fprintf(f, " size %lld", (long long)st->st_size);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		(void)fprintf(f, " rdev %u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (t->flags & (dir ? SNAPSHOT_DIR_MTIME : SNAPSHOT_MTIME))
		(void)fprintf(
			f, " mtime %lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	if ((t->flags & SNAPSHOT_OLD_MTIME) && !dir && st->st_mtim.tv_sec < YEAR_2020)
		(void)fprintf(
			f, " mtime %lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	if (t->flags & SNAPSHOT_INODES)
		(void)fprintf(f, " ino %lu ctime %lld.%09ld blocks %lld", (unsigned long)st->st_ino,
			(long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
			(long long)st->st_blocks);
}

static int describe(
	struct taking *t, int dirfd, const char *name, const char *path, const struct stat *st)
{
	char full[64 + NAME_MAX];
	char target[PATH_MAX];
	struct line l = {0};
	(void)snprintf(full, sizeof full, "/proc/self/fd/%d/%s", dirfd, name);
	l.f = open_memstream(&l.p, &l.len);
	if (!l.f)
		return -ENOMEM;
	put_escaped(l.f, path, strlen(path));
	put_stat(t, l.f, st);
	int r = put_group(t, l.f, st, path);
	if (r == 0 && S_ISREG(st->st_mode))
		r = put_content(t, l.f, full, st->st_size);
	if (r == 0 && S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(dirfd, name, target, sizeof target);
		(void)fprintf(l.f, " -> ");
		put_escaped(l.f, target, n < 0 ? 0 : (size_t)n);
	}
	if (r == 0)
		r = put_xattrs(t, l.f, full);
	(void)fclose(l.f);
	char **grown = r < 0 ? NULL : realloc(t->out->lines, (t->out->count + 1) * sizeof *grown);
	if (!grown) {
		free(l.p);
		return r < 0 ? r : -ENOMEM;
	}
	t->out->lines = grown;
	grown[t->out->count++] = l.p;
	return 0;
}

static int take_dir(struct taking *t, int dirfd, const char *path);

static int take_one(struct taking *t, int dirfd, const char *name, const char *parent)
{
	char path[PATH_MAX];
	struct stat st;
	int len = snprintf(path, sizeof path, "%s%s%s", parent, *parent ? "/" : "", name);
	if (len < 0 || (size_t)len >= sizeof path)
		return -ENAMETOOLONG;
	if (t->except && strcmp(path, t->except) == 0)
		return 0;
	/* A directory that can be listed and not entered: its names are all there is to see. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != EACCES)
			return -errno;
		st = (struct stat){0};
	}
	int r = describe(t, dirfd, name, path, &st);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	r = take_dir(t, fd, path);
	(void)close(fd);
	return r;
}

static int take_dir(struct taking *t, int dirfd, const char *path)
{
	struct dirent **names;
	char here[64];
	(void)snprintf(here, sizeof here, "/proc/self/fd/%d", dirfd);
	int count = scandir(here, &names, NULL, alphasort);
	int r = count < 0 ? -errno : 0;
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		if (r == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			r = take_one(t, dirfd, name, path);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return r;
}

int snapshot_take(int dirfd, const char *except, unsigned flags, struct snapshot *ret)
{
	struct snapshot out = {0};
	struct taking t = {.out = &out, .except = except, .flags = flags};
	int r = take_dir(&t, dirfd, "");
	for (size_t i = 0; i < t.seen_count; i++)
		free(t.seen[i].path);
	free(t.seen);
	if (r < 0) {
		snapshot_free(&out);
		return r;
	}
	if (out.count)
		qsort(out.lines, out.count, sizeof *out.lines, compare_lines);
	*ret = out;
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->lines[i]);
	free(s->lines);
	*s = (struct snapshot){0};
}

bool snapshot_equal(const struct snapshot *a, const struct snapshot *b, char *text, size_t size)
{
	for (size_t i = 0; i < a->count || i < b->count; i++) {
		const char *x = i < a->count ? a->lines[i] : "(nothing)";
		const char *y = i < b->count ? b->lines[i] : "(nothing)";
		if (strcmp(x, y) != 0) {
			(void)snprintf(text, size, "first:  %s\nsecond: %s", x, y);
			return false;
		}
	}
	return true;
}
