/* SPDX-License-Identifier: MIT */
/*
 * Questions by whole path, for people: the walk keeps no states and sees every rule that matches,
 * not only those that decide.
 */
#include "policy_i.h"

#include <stdlib.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>

const char *policy_root_end(const struct policy *p, const char *path)
{
	const char *root = roots_find(p, path);
	return root ? path + strlen(root) : NULL;
}

struct walking {
	const struct rules *rules;
	struct standing standing;
};

static int walk_name(const struct ids *nodes, const struct ids *tags, size_t depth, void *arg)
{
	struct walking *w = arg;
	(void)nodes;
	(void)depth;
	standing_add(&w->standing, w->rules, ids_at(tags), tags->len);
	return 0;
}

int policy_walk(
	const struct policy *p, const struct nfa *nfa, const char *path, struct standing *ret)
{
	struct walking w = {.rules = &p->rules};
	standing_init(&w.standing);
	int r = nfa_walk(nfa, path, policy_root_end(p, path), walk_name, &w);
	if (r == 0)
		*ret = w.standing;
	return r;
}

struct verdict policy_decide_path(const struct policy *p, const char *path)
{
	struct standing standing;
	if (policy_walk(p, p->nfa, path, &standing) < 0) {
		standing_init(&standing);
		standing.refuse = REFUSED_WITHOUT_RULE;
	}
	return standing_decide(&standing, &standing, true);
}

/* A rule that matched, and what it weighs: the smaller comes first. */
struct match {
	int32_t rule;
	int weight;
};

struct matches {
	const struct rules *rules;
	struct match *list;
	size_t count;
	size_t cap;
};

static int matches_add(const struct ids *nodes, const struct ids *tags, size_t depth, void *arg)
{
	struct matches *m = arg;
	(void)nodes;
	(void)depth;
	for (size_t i = 0; i < tags->len; i++) {
		const struct pattern *pattern = &m->rules->patterns[ids_at(tags)[i]];
		if (pattern->excepts)
			continue;
		if (m->count == m->cap) {
			size_t cap = m->cap ? m->cap * 2 : 16;
			struct match *grown = realloc(m->list, cap * sizeof *grown);
			if (!grown)
				return -ENOMEM;
			m->list = grown;
			m->cap = cap;
		}
		m->list[m->count++] = (struct match){.rule = pattern->rule};
	}
	return 0;
}

/* The deciding rules of each kind come before others of their kind; kinds in order of precedence,
 * then a default that was lifted, then what is about reading. */
static int weigh(const struct policy_rule *rule, int32_t number, const struct standing *s)
{
	switch (rule->kind) {
	case RULE_REFUSE:
		return number == s->refuse ? 0 : 1;
	case RULE_REDIRECT:
		if (!rule->is_default)
			return number == s->redirect ? 2 : 3;
		if (s->by_default != NO_RULE)
			return number == s->by_default ? 4 : 5;
		return 8;
	case RULE_ALLOW:
		return number == s->allow ? 6 : 7;
	case RULE_HIDE:
		if (s->hide != NO_RULE)
			return number == s->hide ? 9 : 10;
		return 12;
	case RULE_REVEAL:
		return 11;
	}
	return 12;
}

static int match_compare(const void *a, const void *b)
{
	const struct match *x = a;
	const struct match *y = b;
	if (x->weight != y->weight)
		return x->weight - y->weight;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

size_t policy_explain(const struct policy *p, const char *path, int32_t *rules, size_t max)
{
	struct matches m = {.rules = &p->rules};
	struct standing standing;
	size_t count = 0;
	if (policy_walk(p, p->nfa, path, &standing) == 0 &&
		nfa_walk(p->nfa, path, policy_root_end(p, path), matches_add, &m) == 0) {
		for (size_t i = 0; i < m.count; i++)
			m.list[i].weight =
				weigh(&p->rules.rules[m.list[i].rule], m.list[i].rule, &standing);
		if (m.count)
			qsort(m.list, m.count, sizeof m.list[0], match_compare);
		for (size_t i = 0; i < m.count && count < max; i++) {
			if (i == 0 || m.list[i].rule != m.list[i - 1].rule)
				rules[count++] = m.list[i].rule;
		}
	}
	free(m.list);
	return count;
}
