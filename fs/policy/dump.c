/* SPDX-License-Identifier: MIT */
/* The policy as it was compiled, with where each rule comes from: a job's policy.json. */
#include "policy_i.h"

#include <writfs/json.h>

#define DUMP_FORMAT 1

static const char *const kind_names[] = {
	[RULE_ALLOW] = "allowWrite",
	[RULE_REDIRECT] = "redirectWrite",
	[RULE_REFUSE] = "refuseWrite",
	[RULE_HIDE] = "denyRead",
	[RULE_REVEAL] = "allowRead",
};

static const char *const source_names[] = {
	[POLICY_BUILTIN] = "built-in",
	[POLICY_ETC] = "etc",
	[POLICY_USER] = "user",
	[POLICY_WORKSPACE] = "workspace file",
	[POLICY_FILE] = "file",
	[POLICY_COMMAND] = "command line",
	[POLICY_GRANT] = "workspace",
};

static cJSON *dump_rule(const struct policy_rule *rule)
{
	cJSON *object = cJSON_CreateObject();
	if (!object)
		return NULL;
	(void)cJSON_AddStringToObject(object, "kind", kind_names[rule->kind]);
	json_add_path(object, "pattern", rule->pattern);
	json_add_path(object, "path", rule->path);
	(void)cJSON_AddStringToObject(object, "source", source_names[rule->source]);
	json_add_path(object, "file", rule->file);
	if (rule->line)
		json_add_i64(object, "line", rule->line);
	if (rule->reason)
		(void)cJSON_AddStringToObject(object, "reason", rule->reason);
	if (rule->is_default)
		(void)cJSON_AddTrueToObject(object, "default");
	return object;
}

/* Names as a list of objects, since a name may need its exact bytes beside it. */
static void dump_paths(cJSON *top, const char *key, char *const *paths, size_t count)
{
	cJSON *list = cJSON_AddArrayToObject(top, key);
	for (size_t i = 0; list && i < count; i++) {
		cJSON *object = cJSON_CreateObject();
		if (!object)
			return;
		json_add_path(object, "path", paths[i]);
		(void)cJSON_AddItemToArray(list, object);
	}
}

cJSON *policy_dump(const struct policy *p)
{
	cJSON *top = cJSON_CreateObject();
	if (!top)
		return NULL;
	(void)cJSON_AddNumberToObject(top, "v", DUMP_FORMAT);
	dump_paths(top, "roots", p->roots, p->root_count);
	if (p->workspace)
		json_add_path(top, "workspace", p->workspace);
	else
		(void)cJSON_AddStringToObject(top, "noWorkspace", p->why);
	(void)cJSON_AddStringToObject(top, "hardLinks", p->hard_links_safe ? "safe" : "byName");
	cJSON *notes = cJSON_AddArrayToObject(top, "notes");
	for (size_t i = 0; notes && i < p->note_count; i++)
		(void)cJSON_AddItemToArray(notes, cJSON_CreateString(p->notes[i]));
	cJSON *rules = cJSON_AddArrayToObject(top, "rules");
	for (size_t i = 0; rules && i < p->rules.count; i++)
		(void)cJSON_AddItemToArray(rules, dump_rule(&p->rules.rules[i]));
	return top;
}
