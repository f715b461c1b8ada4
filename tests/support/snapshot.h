/* SPDX-License-Identifier: MIT */
/*
 * A tree on disk written down as text, one line an object in byte order of its path, so that two
 * trees, or one tree at two times, can be compared and the first difference be shown.
 */
#ifndef WRITFS_TESTS_SNAPSHOT_H
#define WRITFS_TESTS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

enum snapshot_flags {
	SNAPSHOT_OWNERS = 1,
	SNAPSHOT_MTIME = 2, /* of all but directories */
	SNAPSHOT_DIR_MTIME = 4,
	SNAPSHOT_INODES = 8, /* inode number, ctime and blocks: the very same objects, untouched */
	SNAPSHOT_EXTENTS = 16,    /* where data begins and ends (SEEK_DATA, SEEK_HOLE) */
	SNAPSHOT_ALL_XATTRS = 32, /* also system.*, security.* and trusted.* */
	SNAPSHOT_OLD_MTIME = 64,  /* of all but directories, if before 2020: set by a program */
	SNAPSHOT_SAME = SNAPSHOT_OWNERS | SNAPSHOT_MTIME | SNAPSHOT_DIR_MTIME | SNAPSHOT_INODES |
			SNAPSHOT_ALL_XATTRS,
};

struct snapshot {
	char **lines;
	size_t count;
};

/* Type, mode, names of one inode (link groups), content, link targets and user xattrs always; the
 * rest by flags. except: a path relative to dirfd that is left out with all beneath, or NULL. */
int snapshot_take(int dirfd, const char *except, unsigned flags, struct snapshot *ret);
void snapshot_free(struct snapshot *s);

/* True if equal; else the first difference as one or two lines in text. */
bool snapshot_equal(const struct snapshot *a, const struct snapshot *b, char *text, size_t size);

#endif
