/* SPDX-License-Identifier: MIT */
/*
 * The overlay of one root: the real tree (lower) under one job's scratch (upper). Knows no FUSE,
 * no policy and no job; every operation is told by its caller which side it takes. Everything is
 * addressed by directory descriptors and single components; no path of this module leads back
 * into a mount.
 *
 * On disk (format STORE_FORMAT, N/ of a job):
 *   tree/   mirrors the names that this job changed. Only directories and regular files lie in
 *           it, so nothing in it can be followed or opened by accident: symlinks, FIFOs, sockets,
 *           devices and whiteouts are regular files ("stubs") whose meta says what they are.
 *   index/  one link per copied-up hard-link group, named by its origin key.
 *   base/   what apply replaced or removed.   kept/  what discard could not put back.
 *   work/   objects under construction; emptied at store_open.
 *
 * Meta is the xattr user.writfs of an object in tree/. An object without it is what it looks
 * like: a new file or directory with the mode, owner and inode number that the disk shows, and a
 * directory without it shows the attributes of the real one beneath, if there is one. A program's
 * own xattrs lie under user.writfs.NAME, so that no name of theirs can be mistaken for ours.
 * Scratch files are always u+rw, directories u+rwx on disk; the mode that is shown is in the meta
 * where it differs.
 *
 * Order: what a name means changes by exactly one metadata operation (linkat, renameat2, unlinkat,
 * or the setxattr that completes a copy-up in place). Never another file's data.
 *
 * Threads: functions on different names may run at once; the caller serialises those that change
 * the same name or directory (the kernel's directory locks do, for FUSE).
 */
#ifndef WRITFS_STORE_H
#define WRITFS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <writfs/err.h>

#define STORE_FORMAT 1
#define STORE_KEY_MAX 48

struct store;

struct store_options {
	int real;       /* directory descriptor of the root's real tree; duplicated */
	int scratch;    /* directory N/ of the job; duplicated; its subdirectories are made */
	bool read_only; /* for looking: nothing is made or cleaned */
};

int store_open(const struct store_options *options, struct store **ret, struct err *e);
/* The directory fd (writfs's own state) does not exist for this store, if it lies in the real tree:
 * not found, not listed, in nobody's way. */
int store_hide(struct store *s, int fd);
/* The process's umask has changed since store_open (the daemon runs with 0). */
void store_set_umask(struct store *s, mode_t umask);
void store_free(struct store *s);
void store_freep(struct store **s);
int store_real(const struct store *s); /* borrowed descriptors */
int store_tree(const struct store *s);
int store_base(const struct store *s);
int store_kept(const struct store *s);
bool store_same_mount(const struct store *s); /* rename works between real and scratch */

/* A directory as the overlay sees it: either descriptor is -1 where that layer has nothing to
 * show (no such directory, or opaque). Descriptors are O_PATH or readable, borrowed. */
struct store_dir {
	int lower;
	int upper;
};

enum store_layer { STORE_NONE, STORE_LOWER, STORE_UPPER };

/* Which inode backs a name now. Compared as a whole. */
struct store_key {
	uint64_t dev, ino, btime_ns;
};

/* What the real name was when this job first changed it: the base for conflicts. */
struct store_print {
	bool known;  /* false: nobody looked (a whiteout cut off by a crash) */
	bool exists; /* false: nothing was there */
	uint32_t mode, uid, gid;
	uint64_t ino, size;
	int64_t mtime_ns, ctime_ns;
};

/* One name resolved. Plain data, nothing to release. */
struct store_object {
	enum store_layer layer;
	struct stat st;           /* as programs see it (mode, owner, ino of the shown object) */
	struct store_key key;     /* of the backing inode */
	uint64_t attributes;      /* statx stx_attributes of a lower object */
	bool whiteout;            /* layer NONE because this job deleted the name */
	bool merged;              /* upper directory that shows a real one beneath */
	bool opaque;              /* upper directory that hides a real one beneath */
	bool data_lower;          /* upper file whose data is still the real one's */
	bool attr_own;            /* upper: attributes are the job's, not shown from beneath */
	bool times_own;           /* upper over a real one: the job set its times */
	bool stub;                /* upper: on disk a regular file that stands for st.st_mode */
	bool indexed;             /* upper: found through index/ (hard-link group) */
	bool lower_exists;        /* a real object is beneath (also under whiteout and opaque) */
	struct store_print lower; /* that real object now; .exists == lower_exists */
	struct store_print base;  /* upper or whiteout: what was there at the first change */
};

/* Looks name up: 0, or -ENOENT with *o filled (whiteout, lower_exists), or another -errno. */
int store_lookup(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o);
/* The root itself. */
int store_lookup_root(struct store *s, struct store_object *o);

/* Opens the layers of a directory child of dir (o from store_lookup, a directory). -1s are set. */
int store_dir_open(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, struct store_dir *ret);
int store_dir_root(struct store *s, struct store_dir *ret);
void store_dir_close(struct store_dir *dir);

/* Makes sure that the child directory exists in the upper layer (a container that shows the
 * attributes of the real one); *ret is its descriptor. dir->upper >= 0 is required. */
int store_dir_make_upper(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int *ret);

/* Walks "a/b/c" ("" is the root) from the root; make: containers are made on the way. */
int store_resolve(struct store *s, const char *path, bool make, struct store_dir *ret);

/* Opens the backing data. flags: O_RDONLY or O_RDWR. O_RDWR on a lower object is a real write;
 * on an upper object with data_lower it is -EBUSY: store_copy_up first. Verified against o->key:
 * -ESTALE if the name has another inode by now. FIFOs, sockets, devices: -ENXIO, never opened. */
int store_open_object(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int flags, int *ret_fd);

/* readlink of the object; *ret_len bytes, not terminated. */
int store_readlink(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, char *buf, size_t size, size_t *ret_len);

/* What the caller is, for ownership of what it makes. groups are not needed: the kernel has
 * checked permissions before (default_permissions). */
struct store_cred {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool privileged; /* CAP_FSETID in effect: uid 0 keeps suid and sgid bits */
};

enum store_side { STORE_REAL, STORE_SCRATCH };

/*
 * The operations. *o is what store_lookup said of the name; each updates *o to the new state.
 * STORE_REAL needs dir->lower, STORE_SCRATCH needs dir->upper (-ENOENT otherwise, a bug). For
 * STORE_REAL the thread's file-system ids are the caller's (setfsuid(2)): the kernel makes the
 * owner. dir_st: shown attributes of the parent (set-gid inheritance); default ACL is read from
 * dir.
 */
int store_create(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct stat *dir_st, mode_t mode, const struct store_cred *cred,
	struct store_object *o, int *ret_fd);
int store_mkdir(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct stat *dir_st, mode_t mode, const struct store_cred *cred,
	struct store_object *o);
int store_mknod(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct stat *dir_st, mode_t mode, dev_t rdev,
	const char *target /* symlink */, const struct store_cred *cred, struct store_object *o);

int store_unlink(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, struct store_object *o);
/* child: the layers of the directory itself, for emptiness and the manifest. */
int store_rmdir(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct store_dir *child, struct store_object *o);

/* Scratch to scratch or real to real. Files are copied up by the caller before (o_from is upper).
 * -EXDEV: a directory that shows real entries beneath (scratch side). flags: 0, RENAME_NOREPLACE,
 * RENAME_EXCHANGE. *o_from and *o_to are what the names are; updated. */
int store_rename(struct store *s, enum store_side side, const struct store_dir *from,
	const char *from_name, struct store_object *o_from, const struct store_dir *to,
	const char *to_name, struct store_object *o_to, unsigned flags);

int store_link(struct store *s, enum store_side side, const struct store_dir *from,
	const char *from_name, const struct store_object *o_from, const struct store_dir *to,
	const char *to_name, struct store_object *o_to);

/* mkdir of a granted name whose real directory lies under a whiteout: the directory is shown again,
 * attached, everything in the real one deleted, its mode set for real. */
int store_reattach(struct store *s, const struct store_dir *dir, const char *name, mode_t mode,
	struct store_object *o);

/* Copy-up. data false: attributes only (the data stays the real one's, data_lower); limit >= 0:
 * only that many bytes are wanted (truncate). Idempotent. Directories: store_dir_make_upper. */
int store_copy_up(struct store *s, const struct store_dir *dir, const char *name,
	struct store_object *o, bool data, off_t limit);

struct store_attr {
	bool set_mode, set_uid, set_gid, set_size, set_atime, set_mtime;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	off_t size;
	struct timespec atime, mtime; /* tv_nsec may be UTIME_NOW */
	bool kill_priv;       /* size or data change by an unprivileged caller: suid and sgid go */
	bool drop_capability; /* data change by anybody: file capabilities go (scratch) */
};

/* STORE_SCRATCH: copies up what the change needs. Times and ACL mask as in the kernel. */
int store_setattr(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const struct store_attr *a, struct store_object *o);

/* xattrs of what is shown: the store's own never appear; a program's may have any name, but in
 * scratch no longer than XATTR_NAME_MAX - 12 bytes (-ERANGE). Errors as in xattr(7). */
ssize_t store_getxattr(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, const char *attr, void *value, size_t size);
ssize_t store_listxattr(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, char *list, size_t size);
int store_setxattr(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const char *attr, const void *value, size_t size, int flags,
	struct store_object *o);
int store_removexattr(struct store *s, const struct store_dir *dir, const char *name,
	enum store_side side, const char *attr, struct store_object *o);

/*
 * Merged listing. Entries come in the order of `offset` (a hash of the name, > 2, never 0), which
 * means the same in any later call, whatever was added or removed between (rm -rf, seekdir).
 * No "." and "..". ino is that of lstat. Free with store_list_free.
 */
struct store_dirent {
	uint64_t offset;
	uint64_t ino;
	unsigned char type; /* DT_* */
	unsigned short name_len;
	uint32_t name; /* offset in names */
};
struct store_list {
	struct store_dirent *entries;
	size_t count;
	char *names;
	size_t names_len;
};
int store_list_dir(struct store *s, const struct store_dir *dir, struct store_list *ret);
void store_list_free(struct store_list *list);

/*
 * Between the sides. rekey tells the caller which inode stands for which from now on.
 */
typedef void (*store_rekey_fn)(const struct store_key *was, const struct store_key *is, void *arg);

/* A scratch-only directory (attached: nothing real beneath) is made for real where it is; what is
 * in it stays in scratch. dir has both layers. Its inode number stays what was shown. */
int store_promote_dir(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o);
/* A scratch-only directory with all it holds becomes real_dir/real_name (which must not exist, or
 * be an empty directory): built beside under a hidden name, one rename; then scratch drops it. */
int store_promote_tree(struct store *s, const struct store_dir *dir, const char *name,
	struct store_object *o, int real_dir, const char *real_name, store_rekey_fn rekey,
	void *arg);
/* A real (granted) file moves into scratch: copied with all it is, then the real one is renamed
 * into base/, from where discard can put it back: store_moved_from. */
int store_demote(struct store *s, const struct store_dir *from, const char *from_name,
	struct store_object *o_from, const struct store_dir *to, const char *to_name,
	struct store_object *o_to, const char *from_path);
/* Where an upper object came from by store_demote: its name in base/, its path relative to the root
 * and its birth time. -ENODATA: it did not. */
int store_moved_from(struct store *s, const struct store_dir *dir, const char *name,
	char base_name[static 64], char path[static 4096], int64_t *ret_btime_ns);

/* Objects without a name (unlinked, still open): by a descriptor, readable or O_PATH. upper: it is
 * a scratch object. Semantics as above. */
int store_fd_lookup(struct store *s, int fd, bool upper, struct store_object *o);
int store_fd_setattr(
	struct store *s, int fd, bool upper, const struct store_attr *a, struct store_object *o);
ssize_t store_fd_getxattr(
	struct store *s, int fd, bool upper, const char *attr, void *value, size_t size);
int store_fd_setxattr(struct store *s, int fd, bool upper, const char *attr, const void *value,
	size_t size, int flags);
int store_fd_removexattr(struct store *s, int fd, bool upper, const char *attr);
/* A nameless scratch copy of a nameless real file, so that a redirected write has a place. */
int store_fd_copy(struct store *s, int fd, const struct store_object *o, int *ret_fd);

/* ---- for review: by path, offline or under the session's freeze ---- */

/* One name of tree/. Borrowed for the callback. */
struct store_entry {
	const char *path; /* relative to the root, "a/b"; the root's own change is "" */
	const struct store_object *object; /* layer NONE + whiteout: deleted */
	const struct store_dir *dir;       /* its directory */
	const char *name;
};

/* Depth first, a directory before what is in it, names in byte order. Containers that change
 * nothing themselves are reported too (merged && !attr_own). fn != 0 stops and is returned.
 * -ENOENT: path has nothing in tree/. */
int store_walk(struct store *s, const char *path,
	int (*fn)(const struct store_entry *entry, void *arg), void *arg);

/* The names that a deleted directory held, deepest last: relative paths with their prints. */
int store_whiteout_manifest(struct store *s, const struct store_dir *dir, const char *name,
	int (*fn)(const char *path, const struct store_print *print, void *arg), void *arg);

/* The print of dirfd/name as it is now (exists false: nothing there). */
int store_print_of(int dirfd, const char *name, struct store_print *ret);
/* Same object, content and metadata unchanged (atime and, for directories, times do not count). */
bool store_print_equal(const struct store_print *a, const struct store_print *b);

struct store_publish {
	int real_dir; /* where */
	const char *real_name;
	const struct store_print *expect; /* what must be there; NULL: whatever is there */
	int keep_dir; /* the replaced object is kept here as keep_name; -1: not kept */
	const char *keep_name;
	const char *temp; /* name of the hidden temporary, so that what a crash leaves is found;
			   * NULL: a random one */
	bool move;        /* the scratch inode itself may be moved (it is gone from tree/ then) */
};

/*
 * Makes an upper non-directory real under real_dir/real_name, with its mode, owner, xattrs and
 * times: written as a hidden temporary, fsynced, checked against expect once more, put in place by
 * one rename. Metadata-only objects whose real file is in place change only the metadata.
 * -ESTALE: not what was expected, nothing was changed. The entry in tree/ stays unless moved.
 */
int store_publish_object(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, const struct store_publish *p);
/* mode, owner, xattrs (and times if it has its own) of an upper directory onto a real one. */
int store_publish_dir_attr(struct store *s, const struct store_dir *dir, const char *name,
	const struct store_object *o, int real_dir, const char *real_name);

/* Takes an entry out of tree/ (file, stub, whiteout, or directory without entries): the name shows
 * the real tree again. With to_dir >= 0 it is moved there as to_name instead of removed. */
int store_drop(struct store *s, const struct store_dir *dir, const char *name, int to_dir,
	const char *to_name);

#endif
