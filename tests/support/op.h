/* SPDX-License-Identifier: MIT */
/*
 * Random operations: drawn from a model's present tree so that most of them succeed, applied to the
 * model and to a store, and printed when a seed fails. The store's side is driven as a FUSE handler
 * drives it: the kernel's own checks first, copy-up before a write, rename or link.
 */
#ifndef WRITFS_TESTS_OP_H
#define WRITFS_TESTS_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <writfs/store.h>

#include "model.h"
#include "random.h"

enum op_kind {
	OP_MAKE, /* create, mkdir, symlink, mknod: by mode */
	OP_WRITE,
	OP_TRUNCATE,
	OP_CHMOD,
	OP_CHOWN,
	OP_UTIMES,
	OP_SETXATTR,
	OP_REMOVEXATTR,
	OP_UNLINK,
	OP_RMDIR,
	OP_RENAME,
	OP_LINK,
	OP_COPY_UP, /* shows nothing */
	OP_REOPEN,  /* the store is closed and opened again; shows nothing */
	OP_KINDS
};

struct op {
	enum op_kind kind;
	char path[MODEL_PATH_MAX];
	char path2[MODEL_PATH_MAX]; /* rename, link: to; symlink: target */
	mode_t mode;
	mode_t umask;
	dev_t rdev;
	uid_t uid;
	gid_t gid;
	off_t offset;
	size_t len;
	unsigned char fill;
	unsigned flags;
	int64_t mtime_ns;
	bool privileged;
	bool data; /* copy-up: with the data */
	char attr[16];
};

struct op_limits {
	const char *grant; /* what lies in it is done on the real side; NULL: all in scratch */
	bool reopen;       /* OP_REOPEN may come */
	size_t write_max;  /* longest write */
};

/* What path means for the caller: STORE_REAL beneath the grant. */
enum store_side op_side(const struct op_limits *limits, const char *path);

void op_draw(
	struct random *r, const struct model *m, const struct op_limits *limits, struct op *ret);
void op_print(FILE *out, size_t number, const struct op *op);

/* A directory that shows real entries cannot be moved in scratch yet: EXDEV, and mv(1) copies. */
bool op_may_be_exdev(const struct model *m, const struct op_limits *limits, const struct op *op);

int op_on_model(struct model *m, const struct op *op);
/* OP_REOPEN is the caller's. */
int op_on_store(struct store *s, const struct op_limits *limits, const struct op *op);

/*
 * Compares all that the store shows with the model. 0, or -1 with one line in text. Inode numbers
 * are remembered in the model at first sight and must stay. dir_times: also the mtimes of
 * directories that no operation should have moved.
 */
int op_compare(struct store *s, struct model *m, bool dir_times, char *text, size_t size);

#endif
