/* SPDX-License-Identifier: MIT */
/*
 * Private to fs/review: the reviewer's own state and what its files call in each other. Paths named
 * `rel` are relative to a root ("" is the root itself); absolute ones are for people and records.
 */
#ifndef REVIEW_I_H
#define REVIEW_I_H

#include <stdbool.h>
#include <stdint.h>

#include <writfs/cleanup.h>
#include <writfs/hash.h>
#include <writfs/json.h>
#include <writfs/review.h>
#include <writfs/sys.h>

#define IDENT_SIZE (CHANGE_ID_SIZE + 1)
#define REVIEW_NOTE_MAX 256

/* ---- memory.c: strings of one owner, freed together ---- */

struct memory_chunk;
struct memory {
	struct memory_chunk *chunks;
	bool failed; /* out of memory once: what was built is not to be trusted */
};
void *memory_get(struct memory *m, size_t size);
const char *memory_copy(struct memory *m, const char *text, size_t len);
const char *memory_string(struct memory *m, const char *text);                /* NULL stays NULL */
const char *memory_join(struct memory *m, const char *dir, const char *name); /* "dir/name" */
void memory_free(struct memory *m);
/* Grows an array to hold count + 1 elements of size bytes. */
int array_grow(void *array, size_t count, size_t *cap, size_t size);

/* ---- open.c ---- */

struct touched;
struct review_root {
	struct store *store; /* NULL: nothing was ever redirected here, or the daemon has it */
	struct store *own;   /* to be freed */
	const char *path;
	int scratch; /* O_PATH of N/ */
	int trash;   /* N/trash, opened when it is needed */
	struct touched *touched;
};

struct review {
	struct job *job;                /* borrowed */
	const struct review_live *live; /* &hooks, or NULL */
	struct review_live hooks;
	struct journal *journal; /* borrowed, the daemon's; or NULL */
	bool look;
	bool remote_act;  /* a daemon serves the job: it applies and discards */
	bool remote_look; /* ... and only it can see the real tree */
	struct review_root roots[JOB_ROOTS_MAX];
	size_t root_count;
	char *home, *path_env;
	size_t recovered; /* changes of a command that was cut off, finished at the opening */
	bool git_ready;   /* libgit2 counts its users */
};

struct changes *changes_new(void);
/* apply.c: review_recover(); *ret_finished keeps its value where nothing was cut off. */
int recover_job(struct job *job, size_t *ret_finished, struct err *e);
/* For recovery itself: opens the roots and asks nobody. */
int review_open_plain(struct job *job, struct review **ret, struct err *e);
/* The root that path lies in, and the path within it; -1 if in none. */
int review_find_root(const struct review *r, const char *path, const char **ret_rel);

/* ---- real.c: the real tree, by descriptors that no symlink can lead elsewhere ---- */

/* Splits rel into its directory ("" for the root) and its last component. */
void rel_split(const char *rel, char dir[static PATH_MAX], const char **ret_name);
/* O_PATH descriptor of a directory below the root. -ELOOP: a symlink lies in the path. */
int real_open_dir(const struct review_root *root, const char *rel);
/* Keeps the directory of the last call open: a walk asks for neighbours. */
struct real_cache {
	const struct review_root *root;
	char dir[PATH_MAX];
	int fd; /* descriptor or -errno of the directory */
	bool valid;
};
#define REAL_CACHE_INIT                                                                            \
	{                                                                                          \
		.fd = -1                                                                           \
	}
int real_cache_dir(struct real_cache *cache, const struct review_root *root, const char *rel,
	const char **ret_name);
void real_cache_drop(struct real_cache *cache);
/* The print of what is at rel: exists false also where a parent is missing. */
int real_print(struct real_cache *cache, const struct review_root *root, const char *rel,
	struct store_print *ret);

/* ---- touched.c: inodes whose ctime apply itself has changed ---- */
struct touched *touched_new(void);
void touched_free(struct touched *t);
void touched_add(const struct review_root *root, const struct store_print *was);
/* What is there now is what was: equal, or changed by nothing but an earlier apply, which takes one
 * name of a file away and so changes the ctime that its other names show. */
bool print_is(const struct review_root *root, const struct store_print *was,
	const struct store_print *now);

/* ---- compare.c ---- */

/* One name of scratch as review looks at it. Borrowed. */
struct shown_object {
	struct store *store;
	const struct store_dir *dir;
	const char *name;
	const struct store_object *object;
	int64_t since_ns; /* the job's start; 0 where times do not matter */
};

/* What differs between the shown object and the real one at real_dir/real_name: *ret_type if they
 * are different kinds of object, else the aspects. 0: nothing differs. */
int compare_object(const struct shown_object *shown, int real_dir, const char *real_name,
	bool *ret_type, unsigned *ret_aspects);
/* Identity of an object of scratch: its attributes, and its content by size, times and inode or by
 * its bytes. form 0: as fits best, which is then the identity's first byte. */
int object_ident(const struct shown_object *shown, char form, char ret[static IDENT_SIZE]);
bool ident_is(const struct shown_object *shown, const char *ident);
/* The target of a symlink in scratch, into buf of PATH_MAX bytes. */
int object_target(const struct shown_object *shown, char buf[static PATH_MAX]);

/* ---- xattrs.c: sorted "name\0length value" of the attributes that belong to the program ---- */
int xattrs_of_shown(const struct shown_object *shown, struct str *ret);
int xattrs_of_real(int dir, const char *name, struct str *ret);
struct xattr_row {
	const char *name, *value;
	ssize_t len;
};
bool xattr_next(const struct str *list, size_t *at, struct xattr_row *row);
int xattrs_reset(
	struct store *s, const struct store_dir *dir, const char *name, struct store_object *o);

void hash_print(struct sha256 *hash, const struct store_print *p);
void hash_hex(struct sha256 *hash, char ret[static CHANGE_ID_SIZE]);
/* shown NULL: nothing of the change lies in scratch. */
int change_make_id(const struct shown_object *shown, struct memory *m, struct change *c);

/* ---- manifest.c: what a deleted directory held ---- */

struct manifest_row {
	const char *rel; /* relative to the directory */
	struct store_print print;
};
struct manifest {
	struct manifest_row *rows; /* sorted by rel */
	size_t count, cap;
	struct memory memory;
	bool known;
};
#define cleanup_manifest cleanup_with(manifest_free)
int manifest_load(
	struct store *s, const struct store_dir *dir, const char *name, struct manifest *m);
void manifest_free(struct manifest *m);
struct manifest_row *manifest_find(const struct manifest *m, const char *rel);
/* What is below real_dir/name now, as a manifest. */
int manifest_of_real(int real_dir, const char *name, struct manifest *m);
void manifest_digest(const struct manifest *m, char ret[static CHANGE_ID_SIZE]);
size_t manifest_count_below(const struct manifest *m, const char *rel);
/* 0: everything below real_dir/name is in the manifest (there below prefix) and unchanged;
 * -EEXIST: ret_rel is not. */
int manifest_check(const struct manifest *m, const struct review_root *root, const char *prefix,
	int real_dir, const char *name, char ret_rel[static PATH_MAX]);

/* ---- collect.c, opaque.c, pair.c ---- */

/* A directory that the job removed and made again: hides a real one beneath. */
struct opaque_dir {
	size_t root;
	const char *rel;
	const char *path;
};

struct changes_memory {
	struct memory memory;
	size_t cap, same_cap, opaque_cap, real_cap, refused_cap;
	struct opaque_dir *opaques;
	size_t opaque_count;
	struct change **by_path; /* scratch changes in byte order of their paths */
};

struct collect {
	struct review *review;
	struct changes *changes;
	size_t root;
	struct real_cache real;
	struct manifest manifest; /* of the opaque directory that the walk is in */
	const char *opaque;       /* its rel, NULL: in none */
	const char *replaced;     /* rel of a directory that takes another object's place, NULL */
	bool stop_at_first;
};

int change_add(struct change_list *list, size_t *cap, const struct change *c);
const char *change_rel(const struct review *r, const struct change *c);
/* Everything in the scratch of all roots, without journal and labels. stop_at_first: 1 as soon as
 * there is a change. */
int collect_scratch(struct review *r, bool stop_at_first, struct changes *c);
int collect_opaque(struct collect *x, const struct store_entry *entry);
int collect_removed_dir(struct collect *x, const struct manifest *m, const char *prefix,
	int real_dir, const char *real_name, struct change *c);
void change_conflict(struct change *c, const char *why);
int collect_add(struct collect *x, struct change *c, const struct shown_object *shown);
int pair_renames(struct review *r, struct changes *c);
/* Sorts, counts, fills by_path: after labels and conflicts are known. */
int changes_finish(struct changes *c);
struct change *changes_find(const struct changes *c, const char *path);
/* The changes below path (not at it), in byte order. */
struct change **changes_below(const struct changes *c, const char *path, size_t *ret_count);

/* ---- who.c: the journal, folded ---- */
int who_fill(struct review *r, struct changes *c, struct err *e);

/* ---- label.c ---- */
int label_changes(struct review *r, struct changes *c, struct err *e);

/* ---- words.c ---- */
const char *mode_type_name(mode_t mode); /* "file", "directory" */

/* ---- diff.c, diff_xattr.c ---- */
int diff_lines(struct review *r, const struct change *c, const char *home, review_diff_fn fn,
	void *arg, struct err *e);
int diff_xattrs(struct review *r, const struct change *c, struct str *out);

/* ---- shown.c ---- */
int shown_mark(struct review *r, struct changes *c);

/* ---- results.c ---- */
int results_add_path(struct review_results *results, enum result_kind kind, enum change_kind change,
	const char *path, const char *from, const char *why);
int results_add(struct review_results *results, enum result_kind kind, const struct change *c,
	const char *why);

/* ---- text.c: any path as printable ASCII, unusual bytes as %XX ---- */
void path_escape(struct str *s, const char *path);
const char *path_unescape(struct memory *m, const char *text); /* NULL: out of memory */

/* ---- change_json.c, json.c ---- */
cJSON *change_to_json(const struct change *c);
int change_from_json(const cJSON *json, struct memory *m, struct change *c);
cJSON *changes_to_json(const struct changes *c, bool selected);
/* As review_diff says it, for a reviewer elsewhere. */
cJSON *change_wire_diff(struct review *r, struct change *c, struct err *e);

/* ---- remote.c ---- */
int remote_collect(struct review *r, struct changes **ret, struct err *e);
int remote_diff(
	struct review *r, const struct change *c, review_diff_fn fn, void *arg, struct err *e);
int remote_act(struct review *r, const char *verb, struct changes *c, const struct review_act *act,
	struct review_results **ret, struct err *e);

/* A seam for the crash tests: called before each thing that changes something on disk. */
extern void (*review_before_change)(void);

#endif
