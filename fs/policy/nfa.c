/* SPDX-License-Identifier: MIT */
/*
 * The graph of patterns (see nfa.h). It is built once and then only read, so stepping needs no
 * lock. Numbers instead of pointers keep it small: 20,000 patterns take a few megabytes.
 */
#include "nfa.h"

#include <assert.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

#include <writfs/cleanup.h>
#include <writfs/hash.h>

#define NFA_NODES_MAX (1U << 27) /* patterns times components is less */
#define TABLE_START 1024

struct node {
	uint32_t across; /* the loop of a double star that begins here, 0: none */
	uint32_t wilds;  /* first wild edge, 0: none */
	uint32_t wild_count;
	uint32_t tags; /* first of its accepted tags, 0: none */
	uint32_t last_tag;
	uint32_t reach;
	bool goes_on; /* has edges of its own */
	bool loops;   /* is a loop itself */
};

struct edge {
	uint64_t hash;
	uint32_t parent;
	uint32_t child;
	uint32_t at; /* literal: into names; wild: into codes */
	uint32_t len;
	uint32_t next;  /* wild: the parent's next one */
	uint32_t least; /* wild: bytes that a name has at least */
	int16_t first;  /* wild: the byte that every match begins with, -1: none */
	int16_t last;
	bool wild;
};

struct tag {
	uint32_t tag;
	uint32_t next;
};

/* An array that grows; element 0 is never used, so that 0 means none. */
struct vector {
	void *p;
	size_t len;
	size_t cap;
};

struct nfa {
	struct vector nodes, edges, tags, names, codes;
	uint32_t *table; /* of edges, by hash */
	size_t table_size;
	uint64_t seed;
};

void ids_init(struct ids *ids)
{
	ids->p = NULL;
	ids->len = 0;
	ids->cap = IDS_FIXED;
	ids->failed = false;
}

void ids_free(struct ids *ids)
{
	free(ids->p);
	ids_init(ids);
}

void ids_add(struct ids *ids, uint32_t id)
{
	if (ids->len == ids->cap) {
		size_t cap = ids->cap < IDS_FIXED ? IDS_FIXED : 2 * ids->cap;
		uint32_t *grown = realloc(ids->p, cap * sizeof *grown);
		if (!grown) {
			ids->failed = true;
			return;
		}
		if (!ids->p)
			memcpy(grown, ids->fixed, sizeof ids->fixed);
		ids->p = grown;
		ids->cap = cap;
	}
	(ids->p ? ids->p : ids->fixed)[ids->len++] = id;
}

static int ids_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void ids_sort_unique(struct ids *ids)
{
	uint32_t *p = ids->p ? ids->p : ids->fixed;
	if (ids->len < 2)
		return;
	qsort(p, ids->len, sizeof *p, ids_compare);
	size_t out = 1;
	for (size_t i = 1; i < ids->len; i++) {
		if (p[i] != p[out - 1])
			p[out++] = p[i];
	}
	ids->len = out;
}

/* Room for count more elements; the new ones are not set. Returns the first one's number. */
static int vector_grow(struct vector *v, size_t size, size_t count, uint32_t *ret)
{
	if (v->len + count > NFA_NODES_MAX)
		return -ENOMEM;
	if (v->len + count > v->cap) {
		size_t cap = v->cap ? v->cap : 64;
		while (cap < v->len + count)
			cap *= 2;
		void *grown = realloc(v->p, cap * size);
		if (!grown)
			return -ENOMEM;
		v->p = grown;
		v->cap = cap;
	}
	*ret = (uint32_t)v->len;
	v->len += count;
	return 0;
}

static struct node *node_at(const struct nfa *n, uint32_t node)
{
	return (struct node *)n->nodes.p + node;
}

static struct edge *edge_at(const struct nfa *n, uint32_t edge)
{
	return (struct edge *)n->edges.p + edge;
}

static int node_new(struct nfa *n, uint32_t *ret)
{
	int r = vector_grow(&n->nodes, sizeof(struct node), 1, ret);
	if (r == 0)
		*node_at(n, *ret) = (struct node){0};
	return r;
}

void nfa_free(struct nfa *n)
{
	if (!n)
		return;
	free(n->nodes.p);
	free(n->edges.p);
	free(n->tags.p);
	free(n->names.p);
	free(n->codes.p);
	free(n->table);
	free(n);
}

void nfa_freep(struct nfa **n)
{
	nfa_free(*n);
}

int nfa_create(struct nfa **ret)
{
	struct nfa *n cleanup_with(nfa_freep) = calloc(1, sizeof *n);
	uint32_t none;
	if (!n)
		return -ENOMEM;
	/* Patterns may come from a stranger's repository: they shall not choose the collisions. */
	if (getrandom(&n->seed, sizeof n->seed, GRND_NONBLOCK) != (ssize_t)sizeof n->seed)
		n->seed = (uint64_t)(uintptr_t)n;
	n->table_size = TABLE_START;
	n->table = calloc(n->table_size, sizeof *n->table);
	if (!n->table || node_new(n, &none) < 0 || node_new(n, &none) < 0 ||
		node_new(n, &none) < 0 ||
		vector_grow(&n->edges, sizeof(struct edge), 1, &none) < 0 ||
		vector_grow(&n->tags, sizeof(struct tag), 1, &none) < 0)
		return -ENOMEM;
	static_assert(NFA_ABSOLUTE == 1 && NFA_IN_ROOTS == 2, "the first two nodes");
	*ret = steal_ptr(&n);
	return 0;
}

static uint64_t edge_hash(
	const struct nfa *n, uint32_t parent, bool wild, const void *text, size_t size)
{
	return hash_bytes(text, size, n->seed ^ hash_u64((uint64_t)parent << 1 | wild));
}

static const void *edge_text(const struct nfa *n, const struct edge *edge, size_t *ret_size)
{
	*ret_size = edge->wild ? edge->len * sizeof(uint16_t) : edge->len;
	return edge->wild ? (const void *)((const uint16_t *)n->codes.p + edge->at)
			  : (const void *)((const char *)n->names.p + edge->at);
}

/* The edge, or 0. */
static uint32_t edge_find(const struct nfa *n, uint32_t parent, bool wild, const void *text,
	size_t size, uint64_t hash)
{
	size_t mask = n->table_size - 1;
	for (size_t slot = hash & mask; n->table[slot]; slot = (slot + 1) & mask) {
		const struct edge *edge = edge_at(n, n->table[slot]);
		if (edge->hash != hash || edge->parent != parent || edge->wild != wild)
			continue;
		size_t have;
		const void *its = edge_text(n, edge, &have);
		if (have == size && memcmp(its, text, size) == 0)
			return n->table[slot];
	}
	return 0;
}

static void table_put(struct nfa *n, uint32_t edge)
{
	size_t mask = n->table_size - 1;
	size_t slot = edge_at(n, edge)->hash & mask;
	while (n->table[slot])
		slot = (slot + 1) & mask;
	n->table[slot] = edge;
}

/* The newest edge becomes findable. */
static int table_add_last(struct nfa *n)
{
	uint32_t last = (uint32_t)n->edges.len - 1;
	if (n->edges.len * 2 < n->table_size) {
		table_put(n, last);
		return 0;
	}
	uint32_t *grown = calloc(n->table_size * 2, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	free(n->table);
	n->table = grown;
	n->table_size *= 2;
	for (uint32_t edge = 1; edge <= last; edge++)
		table_put(n, edge);
	return 0;
}

/* The quick tests of a wild edge: least length, first and last byte. */
static void edge_measure(struct edge *edge, const uint16_t *code)
{
	edge->first = code[0] < GLOB_CODE_ANY ? (int16_t)code[0] : -1;
	edge->last = -1;
	for (uint32_t i = 0; i < edge->len; i++) {
		edge->last = code[i] < GLOB_CODE_ANY ? (int16_t)code[i] : -1;
		edge->least += code[i] != GLOB_CODE_STAR;
		if (code[i] == GLOB_CODE_CLASS)
			i += GLOB_CLASS_WORDS;
	}
}

/* Adds the edge of a part below parent and its child node. */
static int edge_new(struct nfa *n, uint32_t parent, bool wild, const void *text, uint32_t len,
	uint64_t hash, uint32_t *ret)
{
	struct vector *store = wild ? &n->codes : &n->names;
	size_t size = wild ? sizeof(uint16_t) : 1;
	uint32_t at;
	uint32_t child;
	uint32_t edge;
	if (vector_grow(store, size, len, &at) < 0 || node_new(n, &child) < 0 ||
		vector_grow(&n->edges, sizeof(struct edge), 1, &edge) < 0)
		return -ENOMEM;
	memcpy((char *)store->p + at * size, text, len * size);
	*edge_at(n, edge) = (struct edge){
		.hash = hash, .parent = parent, .child = child, .at = at, .len = len, .wild = wild};
	struct node *from = node_at(n, parent);
	from->goes_on = true;
	if (wild) {
		edge_measure(edge_at(n, edge), text);
		edge_at(n, edge)->next = from->wilds;
		from->wilds = edge;
		from->wild_count++;
	}
	*ret = child;
	return table_add_last(n);
}

/* The node behind one part of a pattern, made if it is not there. */
static int node_behind(
	struct nfa *n, uint32_t parent, const struct glob *g, size_t part, uint32_t *ret)
{
	const struct glob_part *p = &g->parts[part];
	if (p->kind == GLOB_ACROSS) {
		uint32_t loop = node_at(n, parent)->across;
		if (!loop) {
			if (node_new(n, &loop) < 0)
				return -ENOMEM;
			node_at(n, parent)->across = loop;
			node_at(n, loop)->loops = true;
		}
		*ret = loop;
		return 0;
	}
	char name[NAME_MAX];
	bool wild = p->kind == GLOB_WILD;
	const void *text = g->code + p->at;
	if (!wild) {
		if (p->len > sizeof name)
			return -ENAMETOOLONG;
		for (uint32_t i = 0; i < p->len; i++)
			name[i] = (char)g->code[p->at + i];
		text = name;
	}
	size_t size = wild ? p->len * sizeof(uint16_t) : p->len;
	uint64_t hash = edge_hash(n, parent, wild, text, size);
	uint32_t edge = edge_find(n, parent, wild, text, size, hash);
	if (!edge)
		return edge_new(n, parent, wild, text, p->len, hash, ret);
	*ret = edge_at(n, edge)->child;
	return 0;
}

int nfa_add(struct nfa *n, const struct glob *g, uint32_t tag, uint32_t kinds)
{
	uint32_t node = g->in_roots ? NFA_IN_ROOTS : NFA_ABSOLUTE;
	for (size_t i = 0; i < g->count; i++) {
		node_at(n, node)->reach |= kinds;
		int r = node_behind(n, node, g, i, &node);
		if (r < 0)
			return r;
	}
	uint32_t entry;
	if (vector_grow(&n->tags, sizeof(struct tag), 1, &entry) < 0)
		return -ENOMEM;
	struct tag *tags = n->tags.p;
	tags[entry] = (struct tag){.tag = tag};
	struct node *end = node_at(n, node);
	if (end->last_tag)
		tags[end->last_tag].next = entry;
	else
		end->tags = entry;
	end->last_tag = entry;
	return 0;
}

uint32_t nfa_reach(const struct nfa *n, uint32_t node)
{
	return node_at(n, node)->reach;
}

uint32_t nfa_wild_count(const struct nfa *n, uint32_t node)
{
	return node_at(n, node)->wild_count;
}

void nfa_step_init(struct nfa_step *step)
{
	ids_init(&step->nodes);
	ids_init(&step->tags);
	step->matched = false;
	step->work = 0;
}

void nfa_step_end(struct nfa_step *step)
{
	ids_free(&step->nodes);
	ids_free(&step->tags);
}

static void step_begin(struct nfa_step *step)
{
	step->nodes.len = 0;
	step->nodes.failed = false;
	step->tags.len = 0;
	step->tags.failed = false;
	step->matched = false;
}

/* A double star also stands for nothing, so its loop is entered with the node it begins at. */
static void step_enter(const struct nfa *n, uint32_t node, struct nfa_step *step)
{
	const struct node *to = node_at(n, node);
	const struct tag *tags = n->tags.p;
	if (to->goes_on)
		ids_add(&step->nodes, node);
	if (to->across)
		ids_add(&step->nodes, to->across);
	for (uint32_t t = to->tags; t; t = tags[t].next)
		ids_add(&step->tags, tags[t].tag);
}

void nfa_step_start(const struct nfa *n, uint32_t start, struct nfa_step *step)
{
	step_begin(step);
	step_enter(n, start, step);
	ids_sort_unique(&step->nodes);
}

static bool edge_takes(const struct nfa *n, const struct edge *edge, const char *name, size_t len)
{
	if (len < edge->least || (edge->first >= 0 && (unsigned char)name[0] != edge->first) ||
		(edge->last >= 0 && (unsigned char)name[len - 1] != edge->last))
		return false;
	return glob_code_match((const uint16_t *)n->codes.p + edge->at, edge->len, name, len);
}

void nfa_step_name(const struct nfa *n, const uint32_t *from, size_t count, const char *name,
	size_t len, struct nfa_step *step)
{
	step_begin(step);
	if (len == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct node *node = node_at(n, from[i]);
		step->work += 1 + node->wild_count;
		if (node->loops)
			ids_add(&step->nodes, from[i]);
		uint64_t hash = edge_hash(n, from[i], false, name, len);
		uint32_t literal = edge_find(n, from[i], false, name, len, hash);
		if (literal) {
			step->matched = true;
			step_enter(n, edge_at(n, literal)->child, step);
		}
		for (uint32_t w = node->wilds; w; w = edge_at(n, w)->next) {
			if (!edge_takes(n, edge_at(n, w), name, len))
				continue;
			step->matched = true;
			step_enter(n, edge_at(n, w)->child, step);
		}
	}
	if (step->matched)
		ids_sort_unique(&step->nodes);
}

struct walk {
	const struct nfa *nfa;
	struct nfa_step step;
	struct ids nodes; /* where the next name starts */
	int (*fn)(const struct ids *nodes, const struct ids *tags, size_t depth, void *arg);
	void *arg;
};

/* Takes the nodes of a step in and shows what it has accepted. */
static int walk_report(struct walk *w, size_t depth)
{
	for (size_t i = 0; i < w->step.nodes.len; i++)
		ids_add(&w->nodes, ids_at(&w->step.nodes)[i]);
	ids_sort_unique(&w->nodes);
	if (w->step.nodes.failed || w->step.tags.failed || w->nodes.failed)
		return -ENOMEM;
	return w->fn(&w->nodes, &w->step.tags, depth, w->arg);
}

static int walk_names(struct walk *w, const char *path, const char *root_end)
{
	size_t depth = 0;
	nfa_step_start(w->nfa, NFA_ABSOLUTE, &w->step);
	int r = walk_report(w, depth);
	for (const char *p = path; r == 0;) {
		if (p == root_end) {
			nfa_step_start(w->nfa, NFA_IN_ROOTS, &w->step);
			r = walk_report(w, depth);
		}
		p += strspn(p, "/");
		size_t len = strcspn(p, "/");
		if (r || len == 0)
			break;
		nfa_step_name(w->nfa, ids_at(&w->nodes), w->nodes.len, p, len, &w->step);
		w->nodes.len = 0;
		r = walk_report(w, ++depth);
		p += len;
	}
	return r;
}

int nfa_walk(const struct nfa *n, const char *path, const char *root_end,
	int (*fn)(const struct ids *nodes, const struct ids *tags, size_t depth, void *arg),
	void *arg)
{
	struct walk w = {.nfa = n, .fn = fn, .arg = arg};
	nfa_step_init(&w.step);
	ids_init(&w.nodes);
	int r = walk_names(&w, path, root_end);
	ids_free(&w.nodes);
	nfa_step_end(&w.step);
	return r;
}
