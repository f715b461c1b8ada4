/* SPDX-License-Identifier: MIT */
/*
 * Private to fs/store. Meta is what an object of tree/ says about itself beyond what its inode
 * shows; place is where an object lies on disk (directory descriptor and one component).
 */
#ifndef STORE_I_H
#define STORE_I_H

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <linux/stat.h>

#include <writfs/cleanup.h>
#include <writfs/store.h>
#include <writfs/str.h>
#include <writfs/sys.h>

#define META_XATTR "user.writfs"
#define META_PREFIX "user.writfs."   /* + a program's own attribute name */
#define META_FROM "user.writfs-from" /* a file that came out of a grant: "basename\0path" */
#define META_VERSION 1
#define META_MAX 192

/* Longest list of attribute names and longest value that the kernel hands out (xattr(7)). */
#define XATTR_LIST_BYTES 65536
#define XATTR_VALUE_BYTES 65536

enum {
	META_WHITEOUT = 1 << 0,
	META_OPAQUE = 1 << 1,
	META_DATA_LOWER = 1 << 2,
	META_TIMES = 1 << 3, /* times are the disk's, not those of the real object beneath */
	META_ATTR = 1 << 4,  /* mode, uid, gid (and xattrs) are here */
	META_RDEV = 1 << 5,
	META_INO = 1 << 6,
	META_PRINT = 1 << 7,
	META_KEY = 1 << 8,
	META_NLINK = 1 << 9,
};

struct store_meta {
	unsigned flags; /* 0: there is no meta on disk */
	uint32_t mode, uid, gid;
	uint32_t rdev_major, rdev_minor;
	uint64_t ino;
	uint32_t nlink;
	struct store_print print;
	unsigned char key[STORE_KEY_MAX];
	unsigned key_len;
};

struct store {
	int real, scratch, tree, index, base, kept, work;
	bool read_only;
	bool same_mount;
	uint64_t real_dev, scratch_dev;
	uint64_t hidden_dev, hidden_ino; /* 0: none */
	uid_t euid;
	gid_t egid;
	mode_t umask; /* this process's: 0 in the daemon, the person's in the command */
	atomic_bool index_used;
	pthread_mutex_t group_lock; /* copy-up of link groups */
};

/* Where an object lies. name points to the caller's name or to index_name. */
struct place {
	int dir;
	const char *name;
	char index_name[2 * STORE_KEY_MAX + 2];
};

/* meta.c */
int meta_load(int dir, const char *name, struct store_meta *m); /* name NULL: dir itself */
int meta_store(int dir, const char *name, const struct store_meta *m);
bool meta_is_whiteout(const struct store_meta *m, const struct statx *stx);
bool meta_is_stub(const struct store_meta *m);
/* Disk mode for a shown mode: never less than the daemon needs, never a special bit. */
mode_t meta_disk_mode(mode_t mode);
/* Adds META_ATTR if disk (mode, owner) does not show mode, uid, gid by itself. */
void meta_set_attr(struct store_meta *m, uint32_t mode, uint32_t uid, uint32_t gid, bool force,
	const struct statx *disk);

/* object.c */
bool is_hidden(const struct store *s, uint64_t dev, uint64_t ino, mode_t mode);
void object_from_upper(const struct store *s, struct store_object *o, const struct statx *stx,
	const struct store_meta *m, const struct statx *lower);
void object_from_lower(const struct store *s, struct store_object *o, const struct statx *stx);
uint64_t shown_ino(const struct store *s, uint64_t dev, uint64_t ino);
void print_from_statx(const struct statx *stx, struct store_print *p);
void key_from_statx(const struct statx *stx, struct store_key *k);
int64_t statx_ns(struct statx_timestamp t);
bool key_equal(const struct store_key *a, const struct store_key *b);
int object_place(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, struct place *p);
/* The layer that shows a directory's own attributes: its descriptor; *ret_upper says which. */
int dir_attr_fd(const struct store_dir *dir, bool *ret_upper);

/* index.c */
int origin_key(int dir, const char *name, const struct statx *stx,
	unsigned char key[static STORE_KEY_MAX], unsigned *len);
void index_name(const unsigned char *key, unsigned len, char out[static 2 * STORE_KEY_MAX + 2]);
int index_find(
	struct store *s, int dir, const char *name, const struct statx *stx, struct place *p);
void index_forget(struct store *s, const struct store_meta *m, uint64_t ino);
int index_adjust_nlink(struct place *p, int delta);
void manifest_name(uint64_t ino, char out[static 24]);

/* construct.c: objects are built in work/ or without a name, then take their name at once */
struct build {
	int fd;                        /* open file, -1 for a directory under construction */
	char temp[SYS_TEMP_NAME_SIZE]; /* name in work/, "" while nameless */
};
#define BUILD_INIT                                                                                 \
	{                                                                                          \
		-1, ""                                                                             \
	}
int build_file(struct store *s, mode_t disk_mode, struct build *b);
int build_dir(struct store *s, mode_t disk_mode, struct build *b);
/* Gives the file the name: over_file replaces a non-directory that is there (whiteout, old file).
 */
int build_place(struct store *s, struct build *b, int dir, const char *name, bool over_file);
void build_drop(struct store *s, struct build *b);
int build_chown(struct store *s, int fd, uid_t uid, gid_t gid);
/* The dir's mtime stays what it was: for copy-up, which changes no name. */
void quiet_begin(int dir, struct timespec times[2]);
void quiet_end(int dir, const struct timespec times[2]);

/* whiteout.c */
int whiteout_make(struct store *s, int dir, const char *name, const struct store_print *print,
	const struct str *manifest, bool over_file);
int whiteout_over_dir(struct store *s, int dir, const char *name, const struct store_print *print,
	const struct str *manifest);
/* What a deleted child leaves in its parent's manifest. */
void manifest_add(struct str *manifest, const char *prefix, const char *name,
	const struct store_print *print);
int manifest_gather(struct store *s, const struct store_dir *child, struct str *manifest);
/* The part of a parent's manifest that lies beneath name, prefix taken off. */
int manifest_below(const struct str *manifest, const char *name, struct str *ret);
int manifest_read(int dir, const char *name, struct str *ret);

/* list.c: calls fn for every entry but "." and ".."; a value other than 0 ends it and is returned
 */
int dir_each(int dir, int (*fn)(const struct dirent *entry, void *arg), void *arg);

/* xattr.c */
/* Copies every attribute of from_dir/from_name to to_dir/to_name: into scratch (META_PREFIX put
 * before), out of it (taken off, others ignored), or as it is. */
enum xattr_way { XATTR_INTO, XATTR_OUT_OF, XATTR_AS_IS };
int xattr_copy(
	int from_dir, const char *from_name, int to_dir, const char *to_name, enum xattr_way way);
ssize_t xattr_raw_get(const struct store_object *o, const struct place *p, const char *attr,
	void *value, size_t size);

/* acl.c: values of system.posix_acl_* (acl(5), linux/posix_acl_xattr.h) */
#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define ACL_ENTRIES_MAX 1024
/* Inheritance: value is the parent's default ACL and becomes the child's access ACL; *mode is
 * masked. Returns 1 if the result is more than mode bits, 0 if not, -EINVAL. */
int acl_inherit(void *value, size_t size, mode_t *mode);
/* chmod on an object with an access ACL. */
int acl_chmod(void *value, size_t size, mode_t mode);
/* setxattr of an access ACL: the mode bits that it means. 1: needs to be kept, 0: equal to mode. */
int acl_to_mode(const void *value, size_t size, mode_t *mode);

/* publish.c: a real object copied aside with all that it is, for undo across mounts. */
int copy_aside(struct store *s, int dir, const char *name, int to_dir, const char *to_name);
/* Mode, owner, xattrs, times of what is shown onto a real object */
int publish_attr_to(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int real_dir, const char *real_name, bool times);

/* attr.c: an upper object of its own attributes (files: at least metadata copied up) */
int attr_own(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o);

#endif
