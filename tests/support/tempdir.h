/* SPDX-License-Identifier: MIT */
/*
 * A private directory for one cmocka test: tempdir_setup and tempdir_teardown as its fixtures,
 * *state is a struct tempdir. Removed with rm, not with the code under test.
 */
#ifndef WRITFS_TESTS_TEMPDIR_H
#define WRITFS_TESTS_TEMPDIR_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tempdir {
	char path[PATH_MAX / 4];
	int fd;
};

static inline int tempdir_setup(void **state)
{
	struct tempdir *dir = calloc(1, sizeof *dir);
	const char *base = getenv("TMPDIR");
	if (!dir)
		return -1;
	(void)snprintf(dir->path, sizeof dir->path, "%s/writ-unit-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(dir->path))
		return -1;
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = dir;
	return dir->fd < 0 ? -1 : 0;
}

static inline int tempdir_teardown(void **state)
{
	struct tempdir *dir = *state;
	char command[PATH_MAX];
	(void)close(dir->fd);
	(void)snprintf(command, sizeof command, "chmod -R u+rwx '%s' 2>/dev/null; rm -rf '%s'",
		dir->path, dir->path);
	int status = system(command);
	free(dir);
	return status == 0 ? 0 : -1;
}

#endif
