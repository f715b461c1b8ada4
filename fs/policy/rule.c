/* SPDX-License-Identifier: MIT */
/*
 * Precedence: refuse > redirect > allow; what nothing names is redirected.
 *
 * Built-in redirects are defaults. An allow lifts them only if it is the user's, its last component
 * is literal and it names the protected path itself or something beneath it: that is, it is
 * accepted at the same name as the default or at a later one. So a default accepted here counts
 * until a lifting allow is accepted here or beneath, and one accepted further down counts again.
 *
 * Hidden by denyRead, reopened by allowRead: the narrower wins, which is the one accepted deeper;
 * at the same name the one with fewer wildcards, then denyRead.
 */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for one more element. */
static int array_grow(void **p, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return 0;
	size_t more = *cap ? *cap * 2 : 64;
	void *grown = realloc(*p, more * size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	*cap = more;
	return 0;
}

void rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->string_count; i++)
		free(r->strings[i]);
	free(r->strings);
	free(r->rules);
	free(r->patterns);
	*r = (struct rules){0};
}

const char *rules_string(struct rules *r, const char *text)
{
	/* Rules come in runs that share a file and a reason. */
	for (size_t i = r->string_count; i > 0 && r->string_count - i < 4; i--) {
		if (strcmp(r->strings[i - 1], text) == 0)
			return r->strings[i - 1];
	}
	if (array_grow((void **)&r->strings, r->string_count, &r->string_cap, sizeof *r->strings) <
		0)
		return NULL;
	char *copy = strdup(text);
	if (copy)
		r->strings[r->string_count++] = copy;
	return copy;
}

int32_t rules_add(struct rules *r, const struct policy_rule *rule)
{
	if (array_grow((void **)&r->rules, r->count, &r->cap, sizeof *r->rules) < 0)
		return -ENOMEM;
	r->rules[r->count] = *rule;
	return (int32_t)r->count++;
}

int64_t rules_add_pattern(struct rules *r, const struct pattern *pattern)
{
	if (array_grow((void **)&r->patterns, r->pattern_count, &r->pattern_cap,
		    sizeof *r->patterns) < 0)
		return -ENOMEM;
	r->patterns[r->pattern_count] = *pattern;
	return (int64_t)r->pattern_count++;
}

uint32_t rules_kinds(const struct rules *r, const struct pattern *pattern)
{
	const struct policy_rule *rule = &r->rules[pattern->rule];
	switch (rule->kind) {
	case RULE_ALLOW:
		return pattern->lifts ? KIND_ALLOW | KIND_LIFT : KIND_ALLOW;
	case RULE_REDIRECT:
		return rule->is_default ? KIND_DEFAULT : KIND_REDIRECT;
	case RULE_REFUSE:
		return KIND_REFUSE;
	case RULE_HIDE:
		return KIND_HIDE;
	case RULE_REVEAL:
		return KIND_REVEAL;
	}
	return 0;
}

void standing_init(struct standing *s)
{
	*s = (struct standing){
		.refuse = NO_RULE,
		.redirect = NO_RULE,
		.by_default = NO_RULE,
		.allow = NO_RULE,
		.hide = NO_RULE,
	};
}

/* Of the hide and reveal patterns accepted at one name. */
struct narrowest {
	int32_t rule;
	uint16_t wild;
	bool hides;
};

static void narrowest_add(struct narrowest *n, const struct pattern *p, bool hides)
{
	if (n->rule != NO_RULE &&
		(p->wild > n->wild || (p->wild == n->wild && (n->hides || !hides))))
		return;
	*n = (struct narrowest){.rule = p->rule, .wild = p->wild, .hides = hides};
}

static void standing_add_one(struct standing *s, const struct rules *r, const struct pattern *p,
	struct narrowest *narrowest, bool *lifted)
{
	switch (rules_kinds(r, p)) {
	case KIND_REFUSE:
		s->refuse = p->rule;
		break;
	case KIND_REDIRECT:
		s->redirect = p->rule;
		break;
	case KIND_DEFAULT:
		if (p->group == EXCEPT_NONE || !(s->except >> p->group & 1))
			s->by_default = p->rule;
		break;
	case KIND_ALLOW | KIND_LIFT:
		*lifted = true;
		s->allow = p->rule;
		break;
	case KIND_ALLOW:
		if (!*lifted)
			s->allow = p->rule;
		break;
	case KIND_HIDE:
		narrowest_add(narrowest, p, true);
		break;
	case KIND_REVEAL:
		narrowest_add(narrowest, p, false);
		break;
	default:
		break;
	}
}

void standing_add(struct standing *s, const struct rules *r, const uint32_t *patterns, size_t count)
{
	struct narrowest narrowest = {.rule = NO_RULE};
	bool lifted = false;
	for (size_t i = 0; i < count; i++) {
		const struct pattern *p = &r->patterns[patterns[i]];
		if (p->excepts)
			s->except |= UINT64_C(1) << p->group;
	}
	for (size_t i = 0; i < count; i++) {
		const struct pattern *p = &r->patterns[patterns[i]];
		if (!p->excepts)
			standing_add_one(s, r, p, &narrowest, &lifted);
	}
	if (lifted)
		s->by_default = NO_RULE;
	if (narrowest.rule != NO_RULE)
		s->hide = narrowest.hides ? narrowest.rule : NO_RULE;
}

/* Kinds that matter for hidden, when those in reach can come. */
static uint32_t hide_relevant(const struct standing *s, uint32_t reach)
{
	bool hidden = s->hide != NO_RULE;
	if (hidden && !(reach & KIND_REVEAL))
		return 0;
	if (!hidden && !(reach & KIND_HIDE))
		return 0;
	return KIND_HIDE | KIND_REVEAL;
}

uint32_t standing_relevant(const struct standing *s, uint32_t reach)
{
	uint32_t hide = hide_relevant(s, reach);
	if (s->refuse != NO_RULE)
		return hide;
	if (s->redirect != NO_RULE)
		return hide | KIND_REFUSE;
	return hide | KIND_REFUSE | KIND_REDIRECT | KIND_DEFAULT | KIND_ALLOW | KIND_LIFT;
}

uint32_t standing_decisive(const struct standing *s)
{
	uint32_t hide = s->hide != NO_RULE ? KIND_REVEAL : KIND_HIDE;
	if (s->refuse != NO_RULE)
		return hide;
	if (s->redirect != NO_RULE)
		return hide | KIND_REFUSE;
	if (s->by_default != NO_RULE)
		return hide | KIND_REFUSE | KIND_LIFT;
	if (s->allow != NO_RULE)
		return hide | KIND_REFUSE | KIND_REDIRECT | KIND_DEFAULT;
	return hide | KIND_REFUSE | KIND_ALLOW;
}

bool standing_same_kind(const struct standing *a, const struct standing *b)
{
	if ((a->hide == NO_RULE) != (b->hide == NO_RULE) ||
		(a->refuse == NO_RULE) != (b->refuse == NO_RULE))
		return false;
	if (a->refuse != NO_RULE)
		return true;
	if ((a->redirect == NO_RULE) != (b->redirect == NO_RULE))
		return false;
	if (a->redirect != NO_RULE)
		return true;
	return (a->by_default == NO_RULE) == (b->by_default == NO_RULE) &&
	       (a->allow == NO_RULE) == (b->allow == NO_RULE) && a->except == b->except;
}

static int32_t first_rule(int32_t present, int32_t origin)
{
	return present != NO_RULE ? present : origin;
}

struct verdict standing_decide(
	const struct standing *present, const struct standing *origin, bool attached)
{
	struct verdict v = {.kind = VERDICT_REDIRECT, .rule = NO_RULE};
	v.hide_rule = first_rule(present->hide, origin->hide);
	v.hidden = v.hide_rule != NO_RULE;
	int32_t refuse = first_rule(present->refuse, origin->refuse);
	int32_t redirect = first_rule(present->redirect, origin->redirect);
	int32_t by_default = first_rule(present->by_default, origin->by_default);
	if (refuse != NO_RULE) {
		v.kind = VERDICT_REFUSE;
		v.rule = refuse == REFUSED_WITHOUT_RULE ? NO_RULE : refuse;
	} else if (redirect != NO_RULE) {
		v.rule = redirect;
	} else if (by_default != NO_RULE) {
		v.rule = by_default;
	} else if (present->allow != NO_RULE && attached) {
		v.kind = VERDICT_GRANT;
		v.rule = present->allow;
	}
	return v;
}
