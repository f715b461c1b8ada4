/* SPDX-License-Identifier: MIT */
/*
 * Cleanup attributes. A descriptor variable starts at -1 and is -1 again when it is closed; a
 * pointer starts at NULL. steal_fd() and steal_ptr() hand the value over and disarm the cleanup.
 */
#ifndef WRITFS_CLEANUP_H
#define WRITFS_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Closes fd if it is open, keeps errno, returns -1: fd = fd_close(fd). */
static inline int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;
		(void)close(fd);
		errno = saved;
	}
	return -1;
}

static inline void cleanup_fd_(int *fd)
{
	*fd = fd_close(*fd);
}

static inline void cleanup_free_(void *p)
{
	int saved = errno;
	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_dir_(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static inline void cleanup_file_(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

#define cleanup_fd __attribute__((cleanup(cleanup_fd_)))
#define cleanup_free __attribute__((cleanup(cleanup_free_)))
#define cleanup_dir __attribute__((cleanup(cleanup_dir_)))
#define cleanup_file __attribute__((cleanup(cleanup_file_)))
#define cleanup_with(fn) __attribute__((cleanup(fn)))

static inline int steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define steal_ptr(pp)                                                                              \
	(__extension__({                                                                           \
		__typeof__(*(pp)) taken_ = *(pp);                                                  \
		*(pp) = NULL;                                                                      \
		taken_;                                                                            \
	}))

#endif
