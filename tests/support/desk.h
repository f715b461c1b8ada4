/* SPDX-License-Identifier: MIT */
/*
 * A job as a reviewer finds it, without a mount: a fixture whose real tree is the job's only root
 * and $HOME, and whose scratch is the job's. Programs' work is done by the do_*() operations; the
 * journal is written by desk_record.
 */
#ifndef WRITFS_TESTS_DESK_H
#define WRITFS_TESTS_DESK_H

#include <writfs/review.h>

#include "fixture.h"

struct desk {
	struct fixture f;
	struct job job;
	char *roots[2];
	char root[PATH_MAX];
	bool apart;
	struct review *review;
	struct changes *changes;
	struct review_results *results;
};

int desk_open(struct desk *d);
/* The real tree on another file system than scratch. -ENOTSUP: this machine has no two. */
int desk_open_apart(struct desk *d);
void desk_close(struct desk *d);

/* Opens the reviewer and collects, both afresh. The first recovers. */
int desk_look(struct desk *d);
/* The same as another writ: after a crash, or for looking. */
void desk_leave(struct desk *d);

/* The change of a path relative to the root, in the list to be decided; NULL: none. */
struct change *desk_change(const struct desk *d, const char *rel);
const struct change *desk_find(
	const struct desk *d, const struct change_list *list, const char *rel);
/* Selects paths relative to the root (NULL-terminated; none: everything). */
int desk_select(struct desk *d, const char *const *rels);
int desk_shown(struct desk *d);
/* Looks, selects (NULL: bulk), applies or discards; results are in d->results. */
int desk_apply(struct desk *d, const char *const *rels);
int desk_discard(struct desk *d, const char *const *rels);
/* What became of a path in d->results; RESULT_KIND_MAX: it is not mentioned. */
enum result_kind desk_result(const struct desk *d, const char *rel);

/* One record: path and path2 (may be NULL) relative to the root. */
int desk_record(struct desk *d, enum journal_op op, enum journal_verdict verdict, const char *path,
	const char *path2, const char *program);

/* Somebody outside writes the real file, which may be there. */
int outside_write(const struct desk *d, const char *rel, const char *text);
/* The real file at rel has exactly this text. */
bool real_shows(const struct desk *d, const char *rel, const char *text);
bool real_exists(const struct desk *d, const char *rel);
int real_stat(const struct desk *d, const char *rel, struct stat *st);
/* Names in base/ (trash/), however deep. */
size_t desk_count(const struct desk *d, const char *dir);

#endif
