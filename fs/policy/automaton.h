/* SPDX-License-Identifier: MIT */
/*
 * States of paths, interned: a state is the set of graph nodes that a path has reached and its
 * standing. Private to fs/policy; the contract on threads is that of policy.h.
 */
#ifndef POLICY_AUTOMATON_H
#define POLICY_AUTOMATON_H

#include "nfa.h"
#include "rule.h"

/* The state that refuses everything; what comes when there is no memory. */
#define STATE_REFUSES 0U

struct automaton;

/* nfa and rules are borrowed and do not change any more. */
int automaton_create(const struct nfa *nfa, const struct rules *rules, struct automaton **ret);
void automaton_free(struct automaton *a);

/* The state of "/", and that of a root reached at state: patterns that apply in every root begin.
 */
policy_state automaton_start(struct automaton *a);
policy_state automaton_enter_root(struct automaton *a, policy_state state);
policy_state automaton_step(struct automaton *a, policy_state state, const char *name, size_t len);

const struct standing *automaton_standing(const struct automaton *a, policy_state state);
/* Kinds that can still be accepted beneath. */
uint32_t automaton_reach(const struct automaton *a, policy_state state);
bool automaton_same_nodes(const struct automaton *a, policy_state x, policy_state y);

/* How many states there are, and what the steps have cost: for tests. */
size_t automaton_states(struct automaton *a);

#endif
