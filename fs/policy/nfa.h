/* SPDX-License-Identifier: MIT */
/*
 * Many patterns as one graph of components. Private to fs/policy.
 *
 * Patterns with the same beginning share nodes, so the graph is a tree with, at some nodes, a loop
 * for a double star. A set of nodes is what a path has reached; a step takes one name further.
 * Literal components are found in one hash table, so a step costs one probe for each node of the
 * set and the wildcards that hang there, however many patterns there are.
 */
#ifndef POLICY_NFA_H
#define POLICY_NFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glob_i.h"

/* Where absolute patterns begin, and those that apply in every root. */
#define NFA_ABSOLUTE 1U
#define NFA_IN_ROOTS 2U

struct nfa;

/* A growing list of numbers that usually fits where it stands. */
#define IDS_FIXED 32
struct ids {
	uint32_t *p; /* NULL: fixed */
	size_t len;
	size_t cap;
	bool failed; /* out of memory: the list is not complete */
	uint32_t fixed[IDS_FIXED];
};

void ids_init(struct ids *ids);
void ids_free(struct ids *ids);
void ids_add(struct ids *ids, uint32_t id);
void ids_sort_unique(struct ids *ids);

static inline const uint32_t *ids_at(const struct ids *ids)
{
	return ids->p ? ids->p : ids->fixed;
}

/* What a step has reached. */
struct nfa_step {
	struct ids nodes; /* to go on from; sorted, unique */
	struct ids tags;  /* accepted at this very name, in the order of adding at each node */
	bool matched;     /* false: only loops went on, as for any other unknown name */
	uint64_t work;    /* nodes and wildcards looked at, for tests of the cost */
};

int nfa_create(struct nfa **ret);
void nfa_free(struct nfa *n);
void nfa_freep(struct nfa **n);

/* The pattern's end accepts tag. kinds: bits of the caller's, known to all nodes on the way. */
int nfa_add(struct nfa *n, const struct glob *g, uint32_t tag, uint32_t kinds);

/* Kinds that can still be accepted beneath a node; wildcards that a step from it tries. */
uint32_t nfa_reach(const struct nfa *n, uint32_t node);
uint32_t nfa_wild_count(const struct nfa *n, uint32_t node);

/* step is used again and again; nfa_step_end when done. Each of these begins it anew. */
void nfa_step_init(struct nfa_step *step);
void nfa_step_end(struct nfa_step *step);
/* What a start node has reached before the first name. */
void nfa_step_start(const struct nfa *n, uint32_t start, struct nfa_step *step);
void nfa_step_name(const struct nfa *n, const uint32_t *from, size_t count, const char *name,
	size_t len, struct nfa_step *step);

/*
 * Walks path (absolute, normalised) from "/" and calls fn at each name with the nodes reached and
 * the tags accepted there. At root_end (a place in path, NULL: nowhere) the patterns of every root
 * begin, which is a call of its own. fn's first result that is not 0 is returned; -ENOMEM.
 */
int nfa_walk(const struct nfa *n, const char *path, const char *root_end,
	int (*fn)(const struct ids *nodes, const struct ids *tags, size_t depth, void *arg),
	void *arg);

#endif
