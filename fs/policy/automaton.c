/* SPDX-License-Identifier: MIT */
/*
 * Interned states. A name that no pattern knows is the usual case: it leads from a state always to
 * the same one, which the state remembers (other), so that an ordinary lookup costs a hash probe a
 * node and no lock. States never move and are never freed before the policy is; they are found
 * through a table that readers walk without a lock. A writer publishes a state before its number,
 * and a grown table replaces the old one, which is kept for readers that still hold it: together
 * all old tables are smaller than the current one.
 *
 * The number of states does not depend on how many names a job makes up, only on which names of
 * patterns lie above each other. A hostile policy could still make many: beyond the limits, and
 * when memory is short, a step leads to the state that refuses everything.
 *
 * Where many wildcards hang at one node, each unknown name must try them all. Those results are
 * kept in a cache of fixed size whose slots are taken with a try-lock: under contention the step
 * is computed instead.
 */
#include "automaton.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/hash.h>

#define STATES_MAX (1U << 20)
#define STATES_BYTES_MAX (256U << 20)
#define CHUNK_STATES 256
#define TABLE_START 256
#define CACHE_SLOTS 4096
#define CACHE_NAME_MAX 52
/* From so many wildcards on, the cache is cheaper than trying them. */
#define CACHE_WILDS_MIN 16

struct state {
	struct standing standing;
	uint64_t hash;
	uint32_t reach;
	uint32_t wilds;
	_Atomic policy_state other; /* where unknown names lead, STATE_REFUSES: not known yet */
	uint32_t count;
	uint32_t nodes[];
};

struct table {
	struct table *older;
	size_t size;
	_Atomic policy_state slots[]; /* STATE_REFUSES: free, it is never looked up */
};

struct cache_slot {
	atomic_flag taken;
	unsigned char len; /* 0: empty */
	char name[CACHE_NAME_MAX];
	policy_state from;
	policy_state to;
};

struct chunk {
	struct state *states[CHUNK_STATES];
};

struct automaton {
	const struct nfa *nfa;
	const struct rules *rules;
	_Atomic(struct chunk *) chunks[STATES_MAX / CHUNK_STATES];
	_Atomic(struct table *) table;
	struct cache_slot *cache;
	pthread_mutex_t lock; /* for all below, and for writing the above */
	uint32_t count;
	size_t bytes;
};

static struct state *state_at(const struct automaton *a, policy_state id)
{
	struct chunk *chunk =
		atomic_load_explicit(&a->chunks[id / CHUNK_STATES], memory_order_acquire);
	return chunk->states[id % CHUNK_STATES];
}

/* Gives a state its number. Under the lock. The state is owned on success. */
static int state_publish(struct automaton *a, struct state *state, policy_state *ret)
{
	size_t size = sizeof *state + state->count * sizeof state->nodes[0];
	if (a->count == STATES_MAX || a->bytes + size > STATES_BYTES_MAX)
		return -ENOSPC;
	struct chunk *chunk =
		atomic_load_explicit(&a->chunks[a->count / CHUNK_STATES], memory_order_relaxed);
	if (!chunk) {
		chunk = calloc(1, sizeof *chunk);
		if (!chunk)
			return -ENOMEM;
		atomic_store_explicit(
			&a->chunks[a->count / CHUNK_STATES], chunk, memory_order_release);
	}
	chunk->states[a->count % CHUNK_STATES] = state;
	a->bytes += size;
	*ret = a->count++;
	return 0;
}

static bool state_equals(const struct state *s, const struct standing *standing,
	const uint32_t *nodes, size_t count, uint64_t hash)
{
	return s->hash == hash && s->count == count &&
	       memcmp(&s->standing, standing, sizeof *standing) == 0 &&
	       memcmp(s->nodes, nodes, count * sizeof *nodes) == 0;
}

/* The number, or STATE_REFUSES: not in this table. */
static policy_state table_find(const struct automaton *a, const struct standing *standing,
	const uint32_t *nodes, size_t count, uint64_t hash)
{
	const struct table *table = atomic_load_explicit(&a->table, memory_order_acquire);
	size_t mask = table->size - 1;
	for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
		policy_state id = atomic_load_explicit(&table->slots[slot], memory_order_acquire);
		if (id == STATE_REFUSES ||
			state_equals(state_at(a, id), standing, nodes, count, hash))
			return id;
	}
}

static void table_put(struct table *table, policy_state id, uint64_t hash)
{
	size_t mask = table->size - 1;
	size_t slot = hash & mask;
	while (atomic_load_explicit(&table->slots[slot], memory_order_relaxed) != STATE_REFUSES)
		slot = (slot + 1) & mask;
	atomic_store_explicit(&table->slots[slot], id, memory_order_release);
}

static struct table *table_new(size_t size, struct table *older)
{
	struct table *table = calloc(1, sizeof *table + size * sizeof table->slots[0]);
	if (table) {
		table->size = size;
		table->older = older;
	}
	return table;
}

/* Keeps the table at most half full. Under the lock. */
static int table_reserve(struct automaton *a)
{
	struct table *table = atomic_load_explicit(&a->table, memory_order_relaxed);
	if ((size_t)a->count * 2 < table->size)
		return 0;
	struct table *grown = table_new(table->size * 2, table);
	if (!grown)
		return -ENOMEM;
	for (policy_state id = STATE_REFUSES + 1; id < a->count; id++)
		table_put(grown, id, state_at(a, id)->hash);
	atomic_store_explicit(&a->table, grown, memory_order_release);
	return 0;
}

static struct state *state_new(const struct automaton *a, const struct standing *standing,
	const uint32_t *nodes, size_t count, uint64_t hash)
{
	struct state *s = calloc(1, sizeof *s + count * sizeof s->nodes[0]);
	if (!s)
		return NULL;
	s->standing = *standing;
	s->hash = hash;
	s->count = (uint32_t)count;
	atomic_init(&s->other, STATE_REFUSES);
	for (size_t i = 0; i < count; i++) {
		s->nodes[i] = nodes[i];
		s->reach |= nfa_reach(a->nfa, nodes[i]);
		s->wilds += nfa_wild_count(a->nfa, nodes[i]);
	}
	return s;
}

static policy_state intern(
	struct automaton *a, const struct standing *standing, const uint32_t *nodes, size_t count)
{
	uint64_t hash = hash_bytes(standing, sizeof *standing, 0);
	hash = hash_bytes(nodes, count * sizeof *nodes, hash);
	policy_state id = table_find(a, standing, nodes, count, hash);
	if (id != STATE_REFUSES)
		return id;
	(void)pthread_mutex_lock(&a->lock);
	id = table_find(a, standing, nodes, count, hash);
	if (id == STATE_REFUSES && table_reserve(a) == 0) {
		struct state *s = state_new(a, standing, nodes, count, hash);
		if (s && state_publish(a, s, &id) == 0)
			table_put(atomic_load_explicit(&a->table, memory_order_relaxed), id, hash);
		else
			free(s);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return id;
}

/* Nodes beneath which nothing can change the standing any more are let go: the fewer nodes, the
 * more paths share a state. */
static size_t drop_irrelevant(const struct automaton *a, const struct standing *standing,
	const uint32_t *nodes, size_t count, uint32_t *out)
{
	uint32_t reach = 0;
	for (size_t i = 0; i < count; i++)
		reach |= nfa_reach(a->nfa, nodes[i]);
	uint32_t relevant = standing_relevant(standing, reach);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (nfa_reach(a->nfa, nodes[i]) & relevant)
			out[kept++] = nodes[i];
	}
	return kept;
}

/* What a state becomes with a step's result. */
static policy_state advance(
	struct automaton *a, const struct standing *before, const struct nfa_step *step)
{
	uint32_t fixed[IDS_FIXED];
	uint32_t *more cleanup_free = NULL;
	uint32_t *nodes = fixed;
	if (step->nodes.failed || step->tags.failed)
		return STATE_REFUSES;
	if (step->nodes.len > IDS_FIXED) {
		more = calloc(step->nodes.len, sizeof *more);
		if (!more)
			return STATE_REFUSES;
		nodes = more;
	}
	struct standing standing = *before;
	standing_add(&standing, a->rules, ids_at(&step->tags), step->tags.len);
	size_t count = drop_irrelevant(a, &standing, ids_at(&step->nodes), step->nodes.len, nodes);
	return intern(a, &standing, nodes, count);
}

static policy_state step_compute(struct automaton *a, struct state *s, const char *name, size_t len)
{
	struct nfa_step step;
	nfa_step_init(&step);
	nfa_step_name(a->nfa, s->nodes, s->count, name, len, &step);
	policy_state to = STATE_REFUSES;
	if (!step.matched)
		to = atomic_load_explicit(&s->other, memory_order_acquire);
	if (to == STATE_REFUSES) {
		to = advance(a, &s->standing, &step);
		if (!step.matched)
			atomic_store_explicit(&s->other, to, memory_order_release);
	}
	nfa_step_end(&step);
	return to;
}

static policy_state step_cached(
	struct automaton *a, struct state *s, policy_state from, const char *name, size_t len)
{
	if (len > CACHE_NAME_MAX)
		return step_compute(a, s, name, len);
	uint64_t hash = hash_bytes(name, len, from);
	struct cache_slot *slot = &a->cache[hash % CACHE_SLOTS];
	if (atomic_flag_test_and_set_explicit(&slot->taken, memory_order_acquire))
		return step_compute(a, s, name, len);
	policy_state to = STATE_REFUSES;
	if (slot->len == len && slot->from == from && memcmp(slot->name, name, len) == 0)
		to = slot->to;
	if (to == STATE_REFUSES) {
		to = step_compute(a, s, name, len);
		slot->len = (unsigned char)len;
		slot->from = from;
		slot->to = to;
		memcpy(slot->name, name, len);
	}
	atomic_flag_clear_explicit(&slot->taken, memory_order_release);
	return to;
}

policy_state automaton_step(struct automaton *a, policy_state state, const char *name, size_t len)
{
	struct state *s = state_at(a, state);
	if (s->count == 0)
		return state;
	if (s->wilds < CACHE_WILDS_MIN)
		return step_compute(a, s, name, len);
	return step_cached(a, s, state, name, len);
}

policy_state automaton_start(struct automaton *a)
{
	struct standing standing;
	struct nfa_step step;
	standing_init(&standing);
	nfa_step_init(&step);
	nfa_step_start(a->nfa, NFA_ABSOLUTE, &step);
	policy_state state = advance(a, &standing, &step);
	nfa_step_end(&step);
	return state;
}

policy_state automaton_enter_root(struct automaton *a, policy_state state)
{
	const struct state *s = state_at(a, state);
	if (state == STATE_REFUSES)
		return state;
	struct nfa_step step;
	nfa_step_init(&step);
	nfa_step_start(a->nfa, NFA_IN_ROOTS, &step);
	for (uint32_t i = 0; i < s->count; i++)
		ids_add(&step.nodes, s->nodes[i]);
	ids_sort_unique(&step.nodes);
	policy_state entered = advance(a, &s->standing, &step);
	nfa_step_end(&step);
	return entered;
}

const struct standing *automaton_standing(const struct automaton *a, policy_state state)
{
	return &state_at(a, state)->standing;
}

uint32_t automaton_reach(const struct automaton *a, policy_state state)
{
	return state_at(a, state)->reach;
}

bool automaton_same_nodes(const struct automaton *a, policy_state x, policy_state y)
{
	const struct state *one = state_at(a, x);
	const struct state *other = state_at(a, y);
	return one->count == other->count &&
	       memcmp(one->nodes, other->nodes, one->count * sizeof one->nodes[0]) == 0;
}

size_t automaton_states(struct automaton *a)
{
	(void)pthread_mutex_lock(&a->lock);
	size_t count = a->count;
	(void)pthread_mutex_unlock(&a->lock);
	return count;
}

void automaton_free(struct automaton *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < STATES_MAX / CHUNK_STATES; i++) {
		struct chunk *chunk = atomic_load_explicit(&a->chunks[i], memory_order_relaxed);
		for (size_t k = 0; chunk && k < CHUNK_STATES; k++)
			free(chunk->states[k]);
		free(chunk);
	}
	struct table *table = atomic_load_explicit(&a->table, memory_order_relaxed);
	while (table) {
		struct table *older = table->older;
		free(table);
		table = older;
	}
	free(a->cache);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

static void automaton_freep(struct automaton **a)
{
	automaton_free(*a);
}

int automaton_create(const struct nfa *nfa, const struct rules *rules, struct automaton **ret)
{
	struct automaton *a cleanup_with(automaton_freep) = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	a->nfa = nfa;
	a->rules = rules;
	(void)pthread_mutex_init(&a->lock, NULL);
	a->cache = calloc(CACHE_SLOTS, sizeof *a->cache);
	struct table *table = table_new(TABLE_START, NULL);
	atomic_init(&a->table, table);
	if (!a->cache || !table)
		return -ENOMEM;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		atomic_flag_clear(&a->cache[i].taken);
	struct standing refused;
	standing_init(&refused);
	refused.refuse = REFUSED_WITHOUT_RULE;
	struct state *state = state_new(a, &refused, NULL, 0, 0);
	policy_state id;
	if (!state || state_publish(a, state, &id) < 0) {
		free(state);
		return -ENOMEM;
	}
	*ret = steal_ptr(&a);
	return 0;
}
