/* SPDX-License-Identifier: MIT */
/*
 * What the journal says of each path, folded. Names move: a directory that is renamed takes what is
 * known of everything in it along, so paths are kept as a tree of components whose nodes can be
 * hung elsewhere. One history a verdict: what was redirected says nothing of what was real.
 */
#ifndef REVIEW_HISTORY_H
#define REVIEW_HISTORY_H

#include "review_i.h"

/* Folded effect on one path. */
enum fold {
	FOLD_NONE,
	FOLD_ADDED,
	FOLD_MODIFIED,
	FOLD_MODE,
	FOLD_OWNER,
	FOLD_XATTR,
	FOLD_TIMES,
	FOLD_RENAMED, /* was there before under another name */
	FOLD_DELETED
};

struct history_node {
	struct history_node *parent, *next; /* next: of the hash chain */
	const char *name;
	uint64_t hash;
	bool leaf; /* records name this very path */
	enum fold fold;
	bool directory;
	const char *from; /* FOLD_RENAMED */
	const char *program, *parent_program, *rule, *rule_file, *note;
	unsigned rule_line, records;
	int64_t time_ns;
};

struct history {
	struct memory *memory; /* borrowed */
	struct history_node root;
	struct history_node **buckets;
	size_t bucket_count, count;
	const char *last[5]; /* strings of the last record: records come in runs */
};

int history_init(struct history *h, struct memory *memory);
void history_free(struct history *h);
/* make: nodes are added; else NULL where nothing is known. */
struct history_node *history_find(struct history *h, const char *path, bool make);
int history_add(struct history *h, const struct journal_line *line);
/* Every node that records name. */
int history_each(struct history *h,
	int (*fn)(const struct history_node *node, const char *path, void *arg), void *arg);

#endif
