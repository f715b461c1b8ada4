/* SPDX-License-Identifier: MIT */
/* writ policy: the effective policy with the place of every rule, and the check of files. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/str.h>

#include "table.h"
#include "terminal.h"

struct policy_args {
	struct cli_policy_args policy;
	bool json;
};

static void policy_args_free(struct policy_args *args)
{
	cli_policy_args_free(&args->policy);
}

/* ---- show ---- */

/* Of one pattern with {a,b} each expansion is a rule; the person wrote one. */
static bool policy_same_line(const struct policy_rule *a, const struct policy_rule *b)
{
	return a->kind == b->kind && a->source == b->source && a->line == b->line &&
	       !strcmp(a->pattern, b->pattern) && !strcmp(a->file, b->file);
}

/* Built-in rules apart from the others, which are those that a person can change. */
static void policy_print_rules(const struct policy *policy, bool builtin)
{
	struct table table cleanup_with(table_free) = {.columns = 4, .indent = 2};
	const struct policy_rule *last = NULL;
	size_t count = policy_rule_count(policy);

	for (size_t i = 0; i < count; i++) {
		const struct policy_rule *rule = policy_rule_get(policy, (int32_t)i);
		cleanup_str struct str place = STR_INIT;

		if ((rule->source == POLICY_BUILTIN) != builtin ||
			(last && policy_same_line(last, rule)))
			continue;
		last = rule;
		cli_rule_place(&place, rule);
		table_add(&table, cli_rule_kind_name(rule->kind), terminal_style(STYLE_BOLD));
		table_add(&table, cli_path(rule->pattern), NULL);
		table_add(&table, builtin ? "" : place.p, terminal_style(STYLE_DIM));
		table_add(&table, rule->reason ? cli_text(rule->reason) : "", NULL);
	}
	if (table.count)
		(void)puts(builtin ? "\nbuilt-in rules:" : "\nrules:");
	table_print(&table);
}

static void policy_print_notes(const struct policy *policy)
{
	const char *const *notes;
	size_t count = policy_notes(policy, &notes);

	for (size_t i = 0; i < count; i++)
		(void)printf("note       %s\n", cli_text(notes[i]));
}

static int policy_show(const struct command *self, const struct policy *policy, bool json)
{
	const char *const *roots;
	const char *why = NULL;
	const char *workspace = policy_workspace(policy, &why);
	size_t count = policy_roots(policy, &roots);

	if (json)
		return cli_print_json(self, policy_dump(policy));
	terminal_pager();
	for (size_t i = 0; i < count; i++)
		(void)printf("%s %s\n", i ? "          " : "roots     ", cli_path(roots[i]));
	if (workspace)
		(void)printf("workspace  %s, granted\n", cli_path(workspace));
	else
		(void)printf(
			"workspace  none: %s\n", why ? cli_text(why) : "nothing is granted here");
	policy_print_notes(policy);
	(void)puts("otherwise  what no rule names is redirected");
	policy_print_rules(policy, false);
	policy_print_rules(policy, true);
	return CLI_DONE;
}

/* ---- check ---- */

static int policy_check_result(
	const struct command *self, const struct policy *policy, const struct err *e, bool json)
{
	const char *const *notes;
	size_t count = policy ? policy_notes(policy, &notes) : 0;
	cJSON *document, *list;

	if (!json) {
		if (!policy)
			return cli_fail(self, e);
		(void)printf("no error, %zu rules\n", policy_rule_count(policy));
		policy_print_notes(policy);
		return CLI_DONE;
	}
	document = cli_json_new();
	cJSON_AddBoolToObject(document, "ok", policy != NULL);
	if (policy)
		json_add_i64(document, "rules", (int64_t)policy_rule_count(policy));
	else
		json_add_path(document, "error", e->text);
	list = cJSON_AddArrayToObject(document, "notes");
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(cli_text(notes[i])));

	int status = cli_print_json(self, document);

	return policy || status ? status : CLI_BAD_USE;
}

/* A file alone, or with no file everything that a run here would read. */
static int policy_check(
	const struct command *self, const struct policy_args *args, const struct opt_list *words)
{
	struct policy *policy cleanup_with(policy_freep) = NULL;
	struct policy_options options = {
		.home = cli_home(self),
		.cwd = cli_cwd(self),
		.roots = args->policy.roots.items,
		.allow = args->policy.allow.items,
		.redirect = args->policy.redirect.items,
		.refuse = args->policy.refuse.items,
		.hide = args->policy.hide.items,
		.files = args->policy.files.items,
		.no_grants = args->policy.no_grants,
	};
	struct err e = {0};

	if (!options.home || !options.cwd)
		return CLI_MACHINE;
	if (words->count > 1) {
		options.files = words->items + 1;
		options.no_files = true;
	}
	(void)policy_load(&options, &policy, &e);
	return policy_check_result(self, policy, &e, args->json);
}

/* ---- the command ---- */

static int policy_run(const struct command *self, char **argv)
{
	struct policy_args args cleanup_with(policy_args_free) = {0};
	cleanup_opt_list struct opt_list words = {0};
	struct policy *policy cleanup_with(policy_freep) = NULL;
	int status = cli_parse(self, argv, &args, &words);
	const char *word;

	if (status != CLI_GO_ON)
		return status;
	word = words.count ? words.items[0] : "show";
	if (!strcmp(word, "check"))
		return policy_check(self, &args, &words);
	if (strcmp(word, "show") != 0 || words.count > 1)
		return cli_error(self, EINVAL,
			"policy: unknown word \"%s\"; writ policy show, or writ policy check "
			"[FILE]",
			cli_text(words.items[words.count > 1 && !strcmp(word, "show")]));
	status = cli_policy_load(self, &args.policy, &policy);
	return status == CLI_GO_ON ? policy_show(self, policy, args.json) : status;
}

static const struct opt policy_options[] = {
	CLI_POLICY_OPTIONS(policy_args),
	CLI_JSON_OPTION(policy_args),
	{0},
};

static const struct example policy_examples[] = {
	{"policy show", "what `writ run` would do here, and which line of which file says so"},
	{"policy check policy.json", "is this file right? The first error, with line and column"},
	{"policy show -n --allow ~/out", "the policy of `writ run -n --allow ~/out`"},
	{NULL, NULL},
};

const struct command command_policy = {
	.name = "policy",
	.summary = "show the effective policy, check policy files",
	.usage =
		(const char *const[]){
			"[show] [-n] [--allow|--redirect|--refuse|--hide GLOB]... [-p FILE]... "
			"[--root DIR]... [--json]",
			"check [--json] [FILE]...", NULL},
	.words = (const char *const[]){"show", "check", NULL},
	.options = policy_options,
	.help = "`show` prints the roots, the workspace and every rule with the place where it "
		"stands: in the order in which the sources are read, built-in ones last. The "
		"options are those of `writ run`.\n"
		"`check` reads FILE, or without FILE everything that a run here would read, and "
		"says file:line:column of the first error. A policy that cannot be read never "
		"means \"allow\": `writ run` does not start then.\n"
		"How a policy file is written is in writ-policy(5) and `writ help policy`.\n",
	.examples = policy_examples,
	.see = "writ-explain(1), writ-run(1), writ-policy(5)",
	.first = true,
	.run = policy_run,
};
