/* SPDX-License-Identifier: MIT */
/* What a loaded policy answers. All of it is safe from any number of threads. */
#include "policy_i.h"

#include <string.h>

size_t policy_roots(const struct policy *p, const char *const **ret)
{
	*ret = (const char *const *)p->roots;
	return p->root_count;
}

const char *policy_workspace(const struct policy *p, const char **why)
{
	if (why)
		*why = p->why;
	return p->workspace;
}

size_t policy_notes(const struct policy *p, const char *const **ret)
{
	*ret = (const char *const *)p->notes;
	return p->note_count;
}

bool policy_hard_links_safe(const struct policy *p)
{
	return p->hard_links_safe;
}

size_t policy_rule_count(const struct policy *p)
{
	return p->rules.count;
}

const struct policy_rule *policy_rule_get(const struct policy *p, int32_t rule)
{
	return rule >= 0 && (size_t)rule < p->rules.count ? &p->rules.rules[rule] : NULL;
}

policy_state policy_root_state(const struct policy *p, size_t root)
{
	return root < p->root_count ? p->root_states[root] : STATE_REFUSES;
}

policy_state policy_step(const struct policy *p, policy_state state, const char *name, size_t len)
{
	return automaton_step(p->automaton, state, name, len);
}

struct verdict policy_decide(
	const struct policy *p, policy_state present, policy_state origin, bool attached)
{
	return standing_decide(automaton_standing(p->automaton, present),
		automaton_standing(p->automaton, origin), attached);
}

bool policy_uniform(const struct policy *p, policy_state state)
{
	return !(automaton_reach(p->automaton, state) &
		 standing_decisive(automaton_standing(p->automaton, state)));
}

bool policy_same_beneath(const struct policy *p, policy_state a, policy_state b)
{
	return a == b || (automaton_same_nodes(p->automaton, a, b) &&
				 standing_same_kind(automaton_standing(p->automaton, a),
					 automaton_standing(p->automaton, b)));
}

bool policy_refuses_beneath(const struct policy *p, policy_state state)
{
	const struct standing *s = automaton_standing(p->automaton, state);
	return s->refuse != NO_RULE || s->hide != NO_RULE ||
	       (automaton_reach(p->automaton, state) & (KIND_REFUSE | KIND_HIDE));
}
