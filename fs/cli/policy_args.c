/* SPDX-License-Identifier: MIT */
/*
 * The options that make a policy, and how a rule is shown. `explain` and `policy` take the options
 * of `run`, so that a person can ask first what a run would do.
 */
#include "cli.h"

#include <writfs/json.h>
#include <writfs/str.h>

void cli_policy_args_free(struct cli_policy_args *args)
{
	opt_list_free(&args->allow);
	opt_list_free(&args->redirect);
	opt_list_free(&args->refuse);
	opt_list_free(&args->hide);
	opt_list_free(&args->files);
	opt_list_free(&args->roots);
}

int cli_policy_load(
	const struct command *self, const struct cli_policy_args *args, struct policy **ret)
{
	struct err e = {0};
	struct policy_options options = {
		.home = cli_home(self),
		.cwd = cli_cwd(self),
		.roots = args->roots.items,
		.allow = args->allow.items,
		.redirect = args->redirect.items,
		.refuse = args->refuse.items,
		.hide = args->hide.items,
		.files = args->files.items,
		.no_grants = args->no_grants,
	};

	if (!options.home || !options.cwd)
		return CLI_MACHINE;
	return policy_load(&options, ret, &e) < 0 ? cli_fail(self, &e) : CLI_GO_ON;
}

const char *cli_rule_kind_name(enum rule_kind kind)
{
	static const char *const names[] = {
		[RULE_ALLOW] = "allow",
		[RULE_REDIRECT] = "redirect",
		[RULE_REFUSE] = "refuse",
		[RULE_HIDE] = "hide",
		[RULE_REVEAL] = "reveal",
	};

	return names[kind];
}

void cli_rule_place(struct str *out, const struct policy_rule *rule)
{
	str_add(out, cli_path(rule->file));
	if (rule->line)
		str_addf(out, ":%u", rule->line);
}

/* The words are those of a job's policy.json (policy_dump): one vocabulary for all documents. */
cJSON *cli_rule_json(const struct policy_rule *rule)
{
	static const char *const kinds[] = {
		[RULE_ALLOW] = "allowWrite",
		[RULE_REDIRECT] = "redirectWrite",
		[RULE_REFUSE] = "refuseWrite",
		[RULE_HIDE] = "denyRead",
		[RULE_REVEAL] = "allowRead",
	};
	static const char *const sources[] = {
		[POLICY_BUILTIN] = "built-in",
		[POLICY_ETC] = "etc",
		[POLICY_USER] = "user",
		[POLICY_WORKSPACE] = "workspace file",
		[POLICY_FILE] = "file",
		[POLICY_COMMAND] = "command line",
		[POLICY_GRANT] = "workspace",
	};
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "kind", kinds[rule->kind]);
	json_add_path(json, "pattern", rule->pattern);
	json_add_path(json, "path", rule->path);
	cJSON_AddStringToObject(json, "source", sources[rule->source]);
	json_add_path(json, "file", rule->file);
	if (rule->line)
		json_add_i64(json, "line", rule->line);
	if (rule->reason)
		cJSON_AddStringToObject(json, "reason", rule->reason);
	if (rule->is_default)
		cJSON_AddTrueToObject(json, "default");
	return json;
}
