/* SPDX-License-Identifier: MIT */
/*
 * What apply and discard do, taken apart: each step changes one name by operations that are done or
 * not done, and can be run again after a crash without doing harm. The list is written to an
 * intent before the first step runs; the next start runs what is left of it.
 */
#ifndef REVIEW_STEPS_H
#define REVIEW_STEPS_H

#include "review_i.h"

enum step_kind {
	STEP_REMOVE, /* the real one goes to base/ */
	STEP_MKDIR,
	STEP_PUBLISH,  /* file, stub, or metadata alone */
	STEP_LINK,     /* another name of a file that is published under `from` */
	STEP_DIR,      /* a directory's attributes and its time */
	STEP_DROP,     /* the name leaves scratch */
	STEP_COLLAPSE, /* an opaque directory leaves scratch with all beneath */
	STEP_DISCARD,  /* the name moves to trash/ */
	STEP_KIND_MAX
};

struct step {
	enum step_kind kind;
	size_t root;
	size_t group; /* steps of one change; after one that failed the rest is left */
	const char *rel;
	const char *from;    /* STEP_LINK */
	const char *opaque;  /* STEP_REMOVE: rel of the directory whose manifest counts, or NULL */
	const char *content; /* STEP_REMOVE: digest of what the directory may hold, or NULL */
	struct store_print expect; /* what is real before the step */
	const char *ident;         /* of the object in scratch; NULL: not checked */
	int64_t mtime_ns;          /* STEP_DIR: INT64_MIN: left alone */
	bool metadata;             /* STEP_PUBLISH: the real file stays and gets the attributes;
				    * STEP_DISCARD: a directory whose content may stay */
	size_t drop;               /* number of the step that drops it, + 1; 0: none */
	bool done;
};

/* One change, or one thing that is done for several. */
#define GROUP_STEPS_MAX 8
struct group {
	size_t steps[GROUP_STEPS_MAX]; /* while planning: their numbers */
	size_t step_count;
	enum result_kind result; /* RESULT_KIND_MAX: nothing failed */
	char why[REVIEW_NOTE_MAX];
};

struct steps {
	struct step *items;
	size_t count, cap;
	struct group *groups;
	size_t group_count, group_cap;
	struct memory memory;
	unsigned number; /* of the intent */
	bool discard;
	bool recovering;
};
#define cleanup_steps cleanup_with(steps_free)

/* steps.c. NULL: out of memory. A pointer is good until the next one is added. */
struct step *steps_add(
	struct steps *s, enum step_kind kind, size_t group, size_t root, const char *rel);
int steps_group(struct steps *s, size_t *ret); /* a new group */
void steps_free(struct steps *s);
void step_fail(struct steps *s, const struct step *step, enum result_kind kind, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
/* Names that belong to a step: in base/ or trash/, and of what is under construction. */
void step_keep_name(const struct steps *s, const struct step *step, char buf[static 64]);
void step_temp_name(const struct steps *s, const struct step *step, char buf[static 32]);

/* intent.c */
#define INTENT_BYTES_MAX (1u << 30)
int intent_write(struct job *job, struct steps *steps, struct err *e);
/* The steps are done for the disk, what is left is taking names out of scratch. */
int intent_finish(struct job *job, const struct steps *steps);
int intent_pending(struct job *job, bool *ret, struct err *e);
/* Every intent that is not finished, oldest first. */
int intent_each(
	struct job *job, int (*fn)(struct steps *steps, void *arg), void *arg, struct err *e);

/* shown.c: forgets what has been done. */
int shown_forget(
	struct review *r, const struct changes *c, const struct steps *decided, struct err *e);

/* plan.c, plan_discard.c */
struct plan {
	struct review *review;
	struct changes *changes;
	const struct review_act *act;
	struct steps *steps;
	struct review_results *results;
	const struct change **links; /* of several names, by inode, then path */
	size_t link_count;
};
int plan_apply(struct plan *p);
int plan_discard(struct plan *p);
/* The opaque directory that rel is or lies in, NULL: none. */
const struct opaque_dir *plan_opaque(const struct changes *c, const char *path);
int plan_leave(struct plan *p, struct change *c, enum result_kind kind, const char *why);

/* run.c */
int steps_run(struct review *r, struct steps *steps, struct err *e);
/* Takes emptied containers above the steps' names out of scratch. */
void steps_prune(struct review *r, const struct steps *steps);

/* One name of scratch, held. */
struct held {
	struct store_dir dir;
	struct store_object object;
	const char *name;
	char parent[PATH_MAX];
};
#define HELD_INIT                                                                                  \
	{                                                                                          \
		.dir = { -1, -1 }                                                                  \
	}
#define cleanup_held cleanup_with(held_close)
/* -ENOENT: nothing of this name lies in scratch (a whiteout does). */
int held_open(const struct review_root *root, const char *rel, struct held *h);
void held_close(struct held *h);
bool held_is(const struct review_root *root, const struct held *h, const char *ident);

/* Taking a name out of scratch is no change of its directory's time. */
struct quiet {
	int dir; /* borrowed, -1: nothing to restore */
	struct timespec times[2];
};
struct quiet quiet_start(int dir);
void quiet_stop(const struct quiet *q);

/* step_*.c: done, or step_fail has been called. */
void step_remove(struct review *r, struct steps *all, struct step *step);
void step_mkdir(struct review *r, struct steps *all, struct step *step);
void step_dir(struct review *r, struct steps *all, struct step *step);
void step_publish(struct review *r, struct steps *all, struct step *step);
void step_link(struct review *r, struct steps *all, struct step *step);
void step_drop(struct review *r, struct steps *all, struct step *step);
void step_collapse(struct review *r, struct steps *all, struct step *step);
void step_discard(struct review *r, struct steps *all, struct step *step);

/* The real directory of a step's name; step_fail on an error, -1 then. */
int step_real_dir(struct review *r, struct steps *all, const struct step *step, const char *rel,
	const char **ret_name);
int review_trash(struct review_root *root);

/*
 * keep.c: a real object is moved to keep_dir, or copied and removed where it cannot be moved. What
 * was moved is compared with expect, and a directory's content by check; if either says no
 * (-ESTALE, check's own), it is back in its place.
 */
struct keep {
	int real_dir;
	const char *name;
	const struct store_print *expect;
	int keep_dir;
	const char *keep_name;
	int (*check)(int dir, const char *name, void *arg); /* may be NULL */
	void *arg;
};
int keep_object(const struct keep *k);
/* As store_print_equal, but for the ctime: the object has been renamed. */
bool keep_is_expected(const struct store_print *now, const struct store_print *expect);
/* Where an object lies while it is copied: a crash's is to be put back. */
void keep_hidden_name(const char *keep_name, char buf[static 80]);

#endif
