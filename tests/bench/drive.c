/* SPDX-License-Identifier: MIT */
/*
 * The loops of scripts/bench that no ordinary program makes in one process:
 *
 *   drive open-read DIR N   opens, reads and closes every file below DIR, N times over
 *   drive create DIR N      N new files of 100 bytes
 *   drive save DIR N        N times: a temporary file, renamed over one of ten names
 *   drive read FILE         one file, in blocks of 1 MiB
 *
 * Ends 1 with a line where a call fails. Times are taken by the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES (1u << 20)
#define SMALL_BYTES 100
#define SAVE_NAMES 10
#define WALK_FDS 16

static char block[BLOCK_BYTES];

static int fail(const char *what)
{
	fprintf(stderr, "drive: %s: %s\n", what, strerror(errno));
	return 1;
}

static int read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return fail(path);
	do {
		n = read(fd, block, sizeof block);
	} while (n > 0);
	(void)close(fd);
	return n < 0 ? fail(path) : 0;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_F ? read_file(path) : 0;
}

static int open_read(const char *dir, long times)
{
	for (long i = 0; i < times; i++) {
		if (nftw(dir, visit, WALK_FDS, FTW_PHYS) != 0)
			return 1;
	}
	return 0;
}

static int write_file(const char *path, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

	if (fd < 0)
		return fail(path);
	if (write(fd, block, SMALL_BYTES) != SMALL_BYTES)
		return fail(path);
	return close(fd) < 0 ? fail(path) : 0;
}

static int create(const char *dir, long count)
{
	char path[PATH_MAX];

	for (long i = 0; i < count; i++) {
		(void)snprintf(path, sizeof path, "%s/file-%06ld", dir, i);
		if (write_file(path, O_EXCL) != 0)
			return 1;
	}
	return 0;
}

static int save(const char *dir, long count)
{
	char temporary[PATH_MAX], path[PATH_MAX];

	for (long i = 0; i < count; i++) {
		(void)snprintf(temporary, sizeof temporary, "%s/.tmp.%06ld", dir, i);
		(void)snprintf(path, sizeof path, "%s/saved-%ld", dir, i % SAVE_NAMES);
		if (write_file(temporary, O_EXCL) != 0)
			return 1;
		if (rename(temporary, path) < 0)
			return fail(path);
	}
	return 0;
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? strtol(argv[3], NULL, 10) : 1;

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "open-read") == 0)
		return open_read(argv[2], count);
	if (strcmp(argv[1], "create") == 0)
		return create(argv[2], count);
	if (strcmp(argv[1], "save") == 0)
		return save(argv[2], count);
	if (strcmp(argv[1], "read") == 0)
		return read_file(argv[2]);
	return 2;
}
