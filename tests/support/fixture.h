/* SPDX-License-Identifier: MIT */
/*
 * A throw-away directory with a real tree and a scratch for the tests of the store, small builders
 * for the real tree, and the few lines that a FUSE handler runs before every operation: resolve the
 * parent, look the name up. All return 0 or -errno; builders take paths relative to the real tree.
 */
#ifndef WRITFS_TESTS_FIXTURE_H
#define WRITFS_TESTS_FIXTURE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <writfs/store.h>

struct fixture {
	char path[PATH_MAX]; /* of the throw-away directory */
	int dir;             /* it; holds real/ and scratch/ */
	int real;
	int scratch;
	struct store *store;
};

/* -ENOTSUP: no directory for temporary files whose file system keeps user xattrs. */
int fixture_open(struct fixture *f);
int fixture_start(struct fixture *f); /* opens the store */
void fixture_stop(struct fixture *f); /* frees it, as an ordinary end does */
int fixture_restart(struct fixture *f);
void fixture_close(struct fixture *f); /* removes all of it */

/* Builders for the real tree. */
int fixture_mkdir(const struct fixture *f, const char *path, mode_t mode);
int fixture_file(const struct fixture *f, const char *path, mode_t mode, const char *text);
int fixture_data(
	const struct fixture *f, const char *path, mode_t mode, const void *data, size_t len);
int fixture_symlink(const struct fixture *f, const char *path, const char *target);
int fixture_link(const struct fixture *f, const char *from, const char *to);
int fixture_node(const struct fixture *f, const char *path, mode_t mode);
int fixture_xattr(const struct fixture *f, const char *path, const char *attr, const void *value,
	size_t size);
/* A tree of some hundred objects of every kind, made from seed; groups: with hard links. */
int fixture_populate(const struct fixture *f, uint64_t seed, bool groups);

/* A name as a FUSE handler holds it. */
struct place {
	struct store_dir parent;
	struct store_object parent_object;
	char name[NAME_MAX + 1];
	struct store_object object; /* layer NONE: not there */
};

#define PLACE_INIT                                                                                 \
	{                                                                                          \
		.parent = { -1, -1 }                                                               \
	}
#define cleanup_place __attribute__((cleanup(place_close)))

/*
 * Finds path. make: the parent exists in the upper layer afterwards. 0 also when the last name is
 * missing (object.layer is STORE_NONE then); -ENOENT, -ENOTDIR and so on are the parents'.
 */
int place_open(struct store *s, const char *path, bool make, struct place *ret);
void place_close(struct place *p);

/* What the calling process is, for the store's operations. */
struct store_cred fixture_cred(mode_t umask);

/* The shown attributes of a path: -errno as lstat(2). */
int view_stat(struct store *s, const char *path, struct store_object *ret);
/* The shown content of a file; *ret_len bytes, NUL-terminated, the caller frees. */
int view_read(struct store *s, const char *path, char **ret, size_t *ret_len);
/* True if path shows exactly text. */
bool view_shows(struct store *s, const char *path, const char *text);
/* The names in a directory in byte order, each followed by '\n'; NULL on an error. */
char *view_names(struct store *s, const char *path);

/* Operations by path on the scratch side, as a handler makes them. umask 022. */
int do_create(struct store *s, const char *path, mode_t mode, const char *text);
int do_mkdir(struct store *s, const char *path, mode_t mode);
int do_write(struct store *s, const char *path, off_t offset, const void *data, size_t len);
int do_truncate(struct store *s, const char *path, off_t size);
int do_chmod(struct store *s, const char *path, mode_t mode);
int do_unlink(struct store *s, const char *path);
int do_rmdir(struct store *s, const char *path);
int do_rename(struct store *s, const char *from, const char *to, unsigned flags);
int do_link(struct store *s, const char *from, const char *to);
int do_mknod(struct store *s, const char *path, mode_t mode, dev_t rdev, const char *target);
int do_setxattr(struct store *s, const char *path, const char *attr, const void *value, size_t size,
	int flags);
int do_drop_all(struct store *s);

#endif
