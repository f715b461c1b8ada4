/* SPDX-License-Identifier: MIT */
/*
 * Danger labels: places where a file does something by itself later (at login, at git commands, in
 * an interpreter, in the agent), holds secrets, or whose loss logs the person out. The data is
 * config/labels.json, embedded in the program; rows stand there in the order of their weight.
 *
 * The policy makes default redirects of the never-write rows; the summary, status, diff and apply
 * show the words and leave labelled changes out of a bulk apply.
 *
 * Threads: a loaded table is constant and may be asked from any number of threads.
 */
#ifndef WRITFS_LABELS_H
#define WRITFS_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <writfs/err.h>

#define LABELS_ROWS_MAX 256
#define LABELS_PATTERNS_MAX 256 /* of one row */

enum label_class {
	LABEL_LOGIN, /* discarding it logs the person out */
	LABEL_PATH,  /* programs that are found by name */
	LABEL_GIT,
	LABEL_SHELL,
	LABEL_AGENT, /* settings, hooks and skills of agents */
	LABEL_INTERPRETER,
	LABEL_EDITOR,
	LABEL_SECRET,
	LABEL_AUTOSTART,
	LABEL_ENV, /* environment and version managers */
	LABEL_CLASS_MAX
};

struct label {
	const char *id;
	enum label_class class;
	bool never_write;   /* a default redirect of the policy; no workspace lies there */
	bool existing_only; /* labels a change of a file that was there before, not a new one */
	const char *label;  /* the words of the summary: "runs at every login" */
	const char *reason; /* one line: what could happen */
	const char *source; /* where that is known from */
	const char *const *patterns; /* begin with a tilde or a double star; NULL-terminated */
	const char *const *except;   /* names that the patterns do not mean, NULL-terminated */
};

struct labels;

/*
 * The embedded table. search_path is the value of $PATH (may be NULL): what lies directly in one of
 * its absolute directories gets the row "search-path".
 */
int labels_load(const char *search_path, struct labels **ret, struct err *e);
/* The same from a text; name is what errors show. */
int labels_parse(const char *name, const char *text, size_t len, const char *search_path,
	struct labels **ret, struct err *e);
void labels_free(struct labels *l);
void labels_freep(struct labels **l);

size_t labels_count(const struct labels *l);
const struct label *labels_get(const struct labels *l, size_t row);

/*
 * The weightiest label of a name, or NULL. path and home: absolute, normalised. mode: st_mode of
 * what the job left there, 0 if it is gone: set-uid and set-gid programs get a label anywhere.
 * existed: something real was there before the job.
 */
const struct label *labels_match(
	const struct labels *l, const char *path, const char *home, mode_t mode, bool existed);

/* The never-write row that names path or a directory above it, or NULL. */
const struct label *labels_never_write(const struct labels *l, const char *path, const char *home);
/* True if path is the home directory, lies above it, or in it above a place that a never-write row
 * names there: ~/.config. */
bool labels_holds_never_write(const struct labels *l, const char *path, const char *home);

/* "login", "path", ...: as in the file and in --json. */
const char *label_class_name(enum label_class class);

#endif
