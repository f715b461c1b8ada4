/* SPDX-License-Identifier: MIT */
/*
 * The plain file system that the overlay is compared with: an in-memory tree of names and inodes
 * which does what open(2), rename(2) and the others document, and nothing else. It is written from
 * the manual pages, not from the store. Permissions are not checked (the kernel does that before
 * the store is asked); ownership, set-id bits, umask, xattrs and link counts are kept.
 */
#ifndef WRITFS_TESTS_MODEL_H
#define WRITFS_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MODEL_PATH_MAX 640
#define MODEL_XATTR_MAX 64

struct model_xattr {
	struct model_xattr *next;
	char name[32];
	size_t size;
	unsigned char value[MODEL_XATTR_MAX];
};

struct model_node;

struct model_entry {
	char *name;
	struct model_node *node;
};

struct model_node {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	unsigned links;   /* names; 1 for directories */
	bool real_links;  /* a group of the real tree: the count is the real tree's business */
	bool real_dir;    /* a directory of the real tree: renaming it may be EXDEV */
	bool mtime_known; /* false: set by the system since */
	int64_t mtime_ns;
	uint64_t ino;        /* as first seen in the view; 0: not yet */
	unsigned char *data; /* content, or the symlink's target */
	size_t size;
	struct model_xattr *xattrs;
	struct model_entry *entries; /* of a directory, unordered */
	size_t count;
	struct model_node *copy; /* while cloning */
};

struct model {
	struct model_node *root;
};

/* What a caller of an operation is. */
struct model_cred {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool privileged;
};

/* An empty tree, or what lies in dirfd. NULL: out of memory or unreadable. */
struct model *model_load(int dirfd);
struct model *model_clone(const struct model *m);
void model_free(struct model *m);
void model_freep(struct model **m);
#define cleanup_model __attribute__((cleanup(model_freep)))

/* NULL and *ret_errno (ENOENT, ENOTDIR) if there is no such path. */
struct model_node *model_find(const struct model *m, const char *path, int *ret_errno);
struct model_node *model_child(const struct model_node *dir, const char *name);

/* 0 or -errno. mode with type bits; target for symlinks, rdev for devices. */
int model_make(struct model *m, const char *path, mode_t mode, dev_t rdev, const char *target,
	const struct model_cred *cred);
int model_write(struct model *m, const char *path, off_t offset, const void *data, size_t len,
	bool privileged);
int model_truncate(struct model *m, const char *path, off_t size, bool privileged);
int model_chmod(struct model *m, const char *path, mode_t mode);
int model_chown(struct model *m, const char *path, uid_t uid, gid_t gid);
int model_utimes(struct model *m, const char *path, int64_t mtime_ns);
int model_setxattr(struct model *m, const char *path, const char *attr, const void *value,
	size_t size, int flags);
int model_removexattr(struct model *m, const char *path, const char *attr);
int model_unlink(struct model *m, const char *path);
int model_rmdir(struct model *m, const char *path);
int model_rename(struct model *m, const char *from, const char *to, unsigned flags);
int model_link(struct model *m, const char *from, const char *to);

/* True if path a is b or above it. */
bool model_path_above(const char *a, const char *b);

#endif
