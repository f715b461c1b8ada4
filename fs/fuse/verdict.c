/* SPDX-License-Identifier: MIT */
/*
 * Verdicts: the policy's word on the node's two paths, then what the object itself says. A name
 * with a version or a whiteout in scratch stays redirected (sticky), whatever the policy grants:
 * otherwise a program would see its own change go away. A real file of several names is granted
 * only if all of them are.
 */
#include <errno.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "fuse_i.h"

static struct decision from_policy(const struct session *s, const struct states *st)
{
	struct verdict v = policy_decide(s->o.policy, st->present, st->origin, !st->detached);
	return (struct decision){.kind = v.kind,
		.side = v.kind == VERDICT_GRANT ? STORE_REAL : STORE_SCRATCH,
		.hidden = v.hidden,
		.passable = v.hidden && s->has_reveal && !policy_uniform(s->o.policy, st->present),
		.rule = v.rule};
}

static void make_sticky(struct decision *d)
{
	if (d->kind != VERDICT_GRANT)
		return;
	d->kind = VERDICT_REDIRECT;
	d->side = STORE_SCRATCH;
	d->sticky = true;
}

static bool is_sticky(const struct store_object *o)
{
	if (o->whiteout)
		return o->lower_exists;
	return o->layer == STORE_UPPER && (!o->merged || o->attr_own);
}

static const struct decision no_policy = {
	.kind = VERDICT_REDIRECT, .side = STORE_SCRATCH, .rule = -1};

int verdict_node(struct session *s, slot_t slot, const struct store_object *o, struct decision *ret)
{
	struct states st;
	if (!s->o.policy) {
		*ret = no_policy;
		return 0;
	}
	int r = table_states(s->table, s->o.policy, s->root_state, slot, &st);
	if (r)
		return r;
	*ret = from_policy(s, &st);
	if (!o)
		return 0;
	if (is_sticky(o))
		make_sticky(ret);
	if (ret->kind == VERDICT_GRANT && o->layer == STORE_LOWER && S_ISREG(o->st.st_mode) &&
		o->st.st_nlink > 1 && policy_hard_links_safe(s->o.policy) &&
		!verdict_links(s, slot, o))
		make_sticky(ret);
	return 0;
}

int verdict_name(struct session *s, slot_t dir, const char *name, const struct store_object *o,
	struct decision *ret)
{
	struct states st;
	if (!s->o.policy) {
		*ret = no_policy;
		return 0;
	}
	int r = table_states(s->table, s->o.policy, s->root_state, dir, &st);
	if (r)
		return r;
	size_t len = strlen(name);
	bool moved = st.origin != st.present;
	st.present = policy_step(s->o.policy, st.present, name, len);
	st.origin = moved ? policy_step(s->o.policy, st.origin, name, len) : st.present;
	*ret = from_policy(s, &st);
	if (is_sticky(o))
		make_sticky(ret);
	return 0;
}

/* A count of remembered names proves nothing: names go, outside as well, and directories get other
 * slots. Each is looked up again, and judged by where it lies now. */
bool verdict_links(struct session *s, slot_t slot, const struct store_object *o)
{
	char name[NAME_MAX + 1];
	slot_t dir;
	nlink_t granted = 0;
	if (!s->o.policy || !policy_hard_links_safe(s->o.policy))
		return true;
	for (unsigned i = 0; aliases_any(s->aliases, slot, i, &dir, name); i++) {
		struct fd_ref ref cleanup_fd_ref = FD_REF_INIT;
		struct store_object found;
		struct decision d;
		if (node_dir(s, dir, &ref) || node_lookup_name(s, &ref, name, &found) ||
			memcmp(&found.key, &o->key, sizeof o->key) != 0)
			continue;
		if (verdict_name(s, dir, name, &found, &d) || d.kind != VERDICT_GRANT)
			return false;
		granted++;
	}
	return granted >= o->st.st_nlink;
}

char *verdict_json(struct session *s, const struct decision *d)
{
	static const char *const words[] = {[VERDICT_GRANT] = "grant",
		[VERDICT_REDIRECT] = "redirect",
		[VERDICT_REFUSE] = "refuse"};
	cJSON *json = cJSON_CreateObject();
	if (!json)
		return NULL;
	(void)cJSON_AddNumberToObject(json, "v", 1);
	(void)cJSON_AddStringToObject(json, "verdict", words[d->kind]);
	(void)cJSON_AddBoolToObject(json, "hidden", d->hidden);
	(void)cJSON_AddBoolToObject(json, "sticky", d->sticky);
	if (s->o.policy && d->rule >= 0) {
		const struct policy_rule *rule = policy_rule_get(s->o.policy, d->rule);
		(void)cJSON_AddStringToObject(json, "rule", rule->pattern);
		(void)cJSON_AddStringToObject(json, "file", rule->file);
		if (rule->line)
			(void)cJSON_AddNumberToObject(json, "line", rule->line);
	}
	char *text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}
