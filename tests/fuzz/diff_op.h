/* SPDX-License-Identifier: MIT */
/*
 * One system call of the differential fuzzer, as plain data: drawn from a seed and from what lies
 * in a directory now, written as a line of text, and run in any directory. The same call in two
 * equal directories must give the same result.
 */
#ifndef WRITFS_TESTS_DIFF_OP_H
#define WRITFS_TESTS_DIFF_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../support/random.h"

#define DIFF_PATH_MAX 700
#define DIFF_SLOTS 6

enum diff_kind {
	/* by descriptor: slot */
	DIFF_CLOSE,
	DIFF_READ,
	DIFF_PREAD,
	DIFF_WRITE,
	DIFF_PWRITE,
	DIFF_FTRUNCATE,
	DIFF_FALLOCATE,
	DIFF_MMAP_WRITE,
	DIFF_MMAP_READ,
	DIFF_FSYNC,
	DIFF_FSTAT,
	DIFF_FCHMOD,
	DIFF_FCHOWN,
	DIFF_FUTIMENS,
	DIFF_FSETXATTR,
	DIFF_SEEK,
	DIFF_COPY_RANGE,
	/* by path */
	DIFF_OPEN,
	DIFF_STAT,
	DIFF_ACCESS,
	DIFF_READLINK,
	DIFF_LIST,
	DIFF_TRUNCATE,
	DIFF_MKDIR,
	DIFF_RMDIR,
	DIFF_UNLINK,
	DIFF_RENAME,
	DIFF_LINK,
	DIFF_SYMLINK,
	DIFF_MKNOD,
	DIFF_CHMOD,
	DIFF_CHOWN,
	DIFF_UTIMENS,
	DIFF_SETXATTR,
	DIFF_GETXATTR,
	DIFF_LISTXATTR,
	DIFF_REMOVEXATTR,
	DIFF_SETACL,
	DIFF_KINDS
};

struct diff_op {
	unsigned worker;
	unsigned kind;
	int slot, slot2;
	int flags;
	unsigned mode;
	unsigned uid; /* 0: as the caller is; else also as that user, where the caller is root */
	long offset;
	size_t length;
	unsigned fill;
	char path[DIFF_PATH_MAX];
	char path2[DIFF_PATH_MAX];
};

/* One of the two directories, with what a worker has open in it. */
struct diff_side {
	const char *root; /* absolute path, for the calls that have no *at() form */
	int fd;
	int slots[DIFF_SLOTS];
	uint64_t inodes[DIFF_SLOTS]; /* of the open ones: must not change */
};

struct diff_result {
	long value;    /* what the call returned, or -errno */
	uint64_t hash; /* of the data and attributes that came back */
	bool broken;   /* wrong by itself: an inode number that changed, d_ino unlike st_ino */
};

void diff_side_init(struct diff_side *side, const char *root, int fd);
void diff_side_close(struct diff_side *side);

/* Draws a call of worker below its directory w<worker> (or its own names in s), as side has it. */
void diff_op_draw(
	struct random *r, unsigned worker, const struct diff_side *side, struct diff_op *ret);
/* Once for the process: what a mapping cannot give is a result then. */
void diff_catch_bus_errors(void);
struct diff_result diff_op_run(struct diff_side *side, const struct diff_op *op);

void diff_op_print(FILE *out, const struct diff_op *op);
/* False: not a line of diff_op_print. */
bool diff_op_parse(const char *line, struct diff_op *ret);

/* Fills an empty directory; equal trees for equal seeds. Exit statuses as diff_fuzz.c says. */
int diff_populate(uint64_t seed, const char *path);
/* Leaves lines out of file as long as "command file" says 1. */
int diff_shrink(const char *file, const char *command);

#endif
