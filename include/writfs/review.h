/* SPDX-License-Identifier: MIT */
/*
 * What a job changed, as a person decides about it: the list of changes, their diffs, apply and
 * discard (design part 5). Data comes from the stores (what is there), the journal (who, when, by
 * which rule), and the set last shown (shown.json in the job's directory).
 *
 * One handle is one reviewer of one job. The order of a command that changes something:
 *   job_lock_review -> review_open -> review_collect -> review_select -> review_apply/discard.
 * On a live job review_open finds out by itself: looking reads the scratch beside the daemon, apply
 * and discard are done by the daemon, which answers through review_control().
 *
 * Strings in a change are raw bytes, the program's, not ours: everything printed goes through
 * path_display() or str_add_escaped(). review_diff_text() and change_words() have done so.
 */
#ifndef WRITFS_REVIEW_H
#define WRITFS_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>
#include <writfs/err.h>
#include <writfs/job.h>
#include <writfs/journal.h>
#include <writfs/store.h>
#include <writfs/str.h>

#define CHANGE_ID_SIZE 33               /* 32 hexadecimal digits and NUL */
#define REVIEW_SHOWN_MAX (256u << 20)   /* bytes of shown.json */
#define REVIEW_DIFF_FILE_MAX (8u << 20) /* a larger file is not compared line by line */
#define REVIEW_DIFF_LINES_MAX 20000     /* lines printed for one file */
#define REVIEW_PATTERNS_MAX 4096

/* ---- changes ---- */

enum change_kind {
	CHANGE_ADDED,
	CHANGE_MODIFIED, /* content */
	CHANGE_DELETED,  /* files: what a directory held (and itself) */
	CHANGE_RENAMED,  /* from is the old path; content may have changed too */
	CHANGE_TYPE,     /* another kind of object: "file -> symlink" */
	CHANGE_MODE,     /* metadata only, by the most telling aspect */
	CHANGE_OWNER,
	CHANGE_XATTR,
	CHANGE_TIMES,
	CHANGE_KIND_MAX
};

/* What differs; a change has one kind and all the aspects that apply. */
#define ASPECT_DATA 1u
#define ASPECT_MODE 2u
#define ASPECT_OWNER 4u
#define ASPECT_XATTR 8u
#define ASPECT_TIMES 16u

/* Order is that of screens. */
enum change_class {
	CLASS_DANGER, /* never part of a bulk apply: only when the path itself is named */
	CLASS_LOGIN,  /* "discarding logs you out": left out of a bare discard */
	CLASS_NONE
};

struct change {
	char id[CHANGE_ID_SIZE]; /* "" for real and refused ones */
	enum change_kind kind;
	unsigned aspects;
	enum journal_verdict verdict; /* JOURNAL_REDIRECTED: lies in scratch */
	size_t root;
	size_t root_len;         /* bytes of path that are the root's */
	const char *path;        /* absolute, as on disk */
	const char *from;        /* renamed: the old absolute path; NULL */
	const char *target;      /* symlink: where it leads; NULL */
	const char *content;     /* digest of what a directory that is to go holds now; NULL */
	struct stat now;         /* as the job shows it; zero for deleted */
	struct store_print base; /* before the job's first change */
	struct store_print real; /* there now */
	size_t files;            /* names below a deleted directory, itself not counted */
	uint64_t bytes;          /* size now (deleted: size before) */
	int64_t lines_added, lines_removed; /* -1: not counted (review_count_lines) or not text */

	bool conflict;      /* the real one changed since: not applied */
	const char *why;    /* conflict in one phrase: "changed outside since"; NULL */
	bool base_unknown;  /* nobody recorded what was there: applied only as it was shown */
	bool metadata_only; /* the real object stays and is given the attributes */
	bool implied;  /* deleted with a directory that the job made again: not alone in scratch */
	bool same;     /* real one has the same bytes and metadata already: nothing to do */
	bool shown;    /* the set last shown has this path with this id */
	bool drifted;  /* ... with another id: changed since it was shown */
	bool busy;     /* live job: open for writing */
	bool selected; /* review_select; true for all after review_collect */
	bool named;    /* selected by its own path (no wildcard, no directory above) */

	/* For apply and discard: */
	bool chosen; /* it is among those to be done, in this group */
	size_t group;
	const char *ident; /* of the object in scratch */

	enum change_class class;
	const char *label; /* "runs at every login"; NULL: none */

	/* From the journal; NULL or 0 where it says nothing. */
	const char *program, *parent;
	const char *rule, *rule_file;
	unsigned rule_line;
	const char *note;
	int64_t time_ns; /* last record */
	unsigned records;
	bool undoable; /* real changes: a base is kept */
};

struct change_list {
	struct change *items;
	size_t count;
};

/* One allocation owner for all strings; items are sorted: class, then path in byte order. */
struct changes {
	struct change_list scratch; /* redirected: to be decided */
	struct change_list same;    /* in scratch, but as the real ones are: nothing to decide */
	struct change_list real;    /* granted writes, one per path, from the journal */
	struct change_list refused; /* one per path, from the journal */
	size_t dangerous, login, conflicts; /* of scratch */
	size_t real_labelled;
	size_t real_files, real_deleted; /* paths of `real`: present (or changed), deleted */
	unsigned bad_lines;              /* journal lines that could not be read */
	struct changes_memory *memory;
};

void changes_free(struct changes *c);
void changes_freep(struct changes **c);

const char *change_kind_name(enum change_kind kind); /* "added" */
/* "+3 -1 lines", "1,204 files", "mode 0644 -> 0755", "4.2 MB": one phrase, escaped. Returns buf. */
char *change_words(char *buf, size_t size, const struct change *c);

/*
 * Rows of a screen: changes of one directory that nobody needs to tell apart are one row. At most
 * max rows (0: every change has its own); labelled, conflicting and drifted changes are never
 * collapsed before all others are. Order as the list.
 */
struct change_row {
	const struct change *first; /* the change, or the first of those in it */
	const char *path;           /* of the change, or the directory with a trailing '/' */
	size_t changes;             /* 1: the change itself */
	size_t files;               /* files that it stands for */
	size_t deleted;             /* of these */
	uint64_t bytes;
};
struct change_rows {
	struct change_row *items;
	size_t count;
	size_t more;        /* changes that found no row */
	size_t more_places; /* directories they lie in */
	char *names;
};
int review_rows(const struct change_list *list, size_t max, struct change_rows *ret);
void change_rows_free(struct change_rows *rows);

/* ---- the reviewer ---- */

/*
 * What a live daemon lends. All are called from the control thread. freeze and thaw bracket each
 * single change. path is relative to the root ("" is the root).
 */
struct review_live {
	void *arg;
	void (*freeze)(void *arg, size_t root);
	void (*thaw)(void *arg, size_t root);
	void (*refresh)(void *arg, size_t root, const char *path);
	/* open for writing; may be NULL */
	bool (*busy)(void *arg, size_t root, const char *path);
	void (*flush)(void *arg); /* journal_flush */
};

struct review_options {
	struct store *const *stores;    /* one per root of the job, borrowed; NULL: opened here */
	const struct review_live *live; /* copied; the daemon's own reviewer, else NULL */
	struct journal *journal;        /* the daemon's, borrowed; NULL: opened here when needed */
	bool look;                      /* nothing will be changed: scratch is opened read-only */
	const char *home;               /* for labels; NULL: path_home() */
	const char *path_env;           /* $PATH of the person, for "on $PATH"; NULL: getenv */
};

struct review;

/* job is borrowed. Not look: the caller holds job_lock_review; what a crash cut off is mended. */
int review_open(
	struct job *job, const struct review_options *options, struct review **ret, struct err *e);
void review_free(struct review *r);
void review_freep(struct review **r);

/* Every change, whole. Reads content only where nothing cheaper tells whether it is the same. */
int review_collect(struct review *r, struct changes **ret, struct err *e);

/*
 * Sets selected and named. Patterns: absolute, ~/, relative to cwd; grammar as in the policy (* ?
 * [] within a component, ** across, {a,b}); X selects X and all beneath. No patterns: everything.
 * A pattern that selects nothing in any list: -ENOENT, *e names it; -EINVAL: bad pattern.
 */
int review_select(struct changes *c, const char *const *patterns, size_t count, const char *cwd,
	const char *home, struct err *e);

/* The selected changes have been shown to the person. Works on a look handle. */
int review_mark_shown(struct review *r, const struct changes *c, struct err *e);

/* Cheap: something in scratch that is a change. For job_select and prune. Errors count as true. */
bool review_has_changes(struct job *job);

/* ---- diff ---- */

/*
 * Lines of one change. kind: 'h' header ("modified ~/.bashrc"), 'w' words (mode, owner, xattr,
 * binary, limits): both escaped; '@' hunk header, '+' '-' ' ' lines with their newline if they have
 * one (raw), '\\' no newline at the end. fn returns 0 to go on.
 */
typedef int (*review_diff_fn)(char kind, const char *text, size_t len, void *arg);
int review_diff(struct review *r, struct change *c, review_diff_fn fn, void *arg, struct err *e);
/* Escaped, ready to print, each line ended by \n; colour: ANSI. */
int review_diff_text(struct review *r, struct change *c, const char *home, bool colour,
	struct str *out, struct err *e);
/* Fills lines_added and lines_removed where content is text and within the limit. */
int review_count_lines(struct review *r, struct change *c);

/* ---- apply, discard ---- */

enum result_kind {
	RESULT_APPLIED,
	RESULT_DISCARDED,
	RESULT_SAME,      /* was there already; taken out of scratch */
	RESULT_DANGEROUS, /* left out: name the path to apply it */
	RESULT_LOGIN,     /* left out of a bare discard */
	RESULT_CONFLICT,
	RESULT_DRIFTED, /* not what was last shown */
	RESULT_BUSY,    /* open for writing in the job */
	RESULT_FAILED,
	RESULT_KIND_MAX
};

struct review_result {
	enum result_kind kind;
	enum change_kind change;
	char *path;
	char *from;
	char *why;    /* one phrase; NULL */
	bool unshown; /* applied although never shown: to be listed */
};

struct review_results {
	struct review_result *items; /* in the order of the changes */
	size_t count;
	size_t done; /* applied, discarded, same */
	size_t left; /* all others: exit 1 if > 0 */
	size_t unshown;
};

void review_results_free(struct review_results *results);
void review_results_freep(struct review_results **results);
const char *result_kind_name(enum result_kind kind); /* "applied", "dangerous" */

/*
 * Applies (discards) what is selected in c, in the order of design part 5. Each change is looked at
 * again under the lock (live: under freeze). bulk: the person named nothing, so dangerous
 * (discard: login) changes are left out; else they are left out unless `named`. all: left out
 * never. 0 also when something was left: see *ret. Records apply and discard in the journal and
 * the job's review state in job.json. An error means that the work stopped; *ret is set then too
 * if some of it was done.
 */
struct review_act {
	bool bulk;
	bool all;
};
int review_apply(struct review *r, struct changes *c, const struct review_act *act,
	struct review_results **ret, struct err *e);
/* What is discarded moves to trash/ in the root's scratch, as it was. */
int review_discard(struct review *r, struct changes *c, const struct review_act *act,
	struct review_results **ret, struct err *e);

/*
 * Finishes or takes back what a crash cut off (jobs/ID/intents/). Before anything else touches the
 * job's scratch: review_open calls it (not look, not live), job_continue's caller must. Idempotent;
 * 0 also when there was nothing to do.
 */
int review_recover(struct job *job, struct err *e);
/* How many changes review_open has finished so. */
size_t review_recovered(const struct review *r);

/* ---- live jobs ---- */

/*
 * The daemon's side: answers {"v":1,"cmd":"review.…"} requests, NULL for any other. r is a handle
 * opened with stores and live. Calls must not overlap (the control thread is one).
 */
cJSON *review_control(struct review *r, const cJSON *request);

/* ---- JSON documents (config/schema/{status,diff,apply,discard}.schema.json) ---- */

cJSON *review_status_json(const struct job *job, const struct changes *c);
cJSON *review_diff_json(struct review *r, struct changes *c, struct err *e);
/* verb: "apply" or "discard". */
cJSON *review_results_json(
	const struct job *job, const char *verb, const struct review_results *results);

#endif
