/* SPDX-License-Identifier: MIT */
/*
 * writ explain: what the policy does with a path, and why: the rule that decides, all others that
 * match, in the order of their weight. The kernel follows links before it asks the policy, so a
 * path is explained where it really lies, and a link's target after the link.
 */
#include "commands.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/json.h>
#include <writfs/path.h>
#include <writfs/run.h>
#include <writfs/str.h>

#include "inside.h"
#include "table.h"
#include "terminal.h"

#define EXPLAIN_RULES_MAX 64
/* Stands for a name that no rule spells out. */
#define EXPLAIN_NEW_NAME "new name"

struct explain_args {
	struct cli_policy_args policy;
	bool json;
};

/* Everything that is said about one path. */
struct explained {
	char *path;   /* where it really lies; owned */
	char *target; /* of a symlink, where it leads in the end; owned, NULL */
	bool exists;
	struct stat st;
	bool outside; /* every root */
	struct verdict verdict;
	struct verdict below; /* directories: of a new name in it */
	bool uniform;         /* ... and of every other name */
	int32_t rules[EXPLAIN_RULES_MAX];
	size_t rule_count;
};

static void explained_free(struct explained *x)
{
	free(x->path);
	free(x->target);
}

static const char *explain_verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {
		[VERDICT_GRANT] = "granted",
		[VERDICT_REDIRECT] = "redirected",
		[VERDICT_REFUSE] = "refused",
	};

	return names[kind];
}

static const char *explain_type(const struct explained *x)
{
	if (!x->exists)
		return "missing";
	if (S_ISDIR(x->st.st_mode))
		return "directory";
	if (S_ISLNK(x->st.st_mode))
		return "symlink";
	return S_ISREG(x->st.st_mode) ? "file" : "special";
}

/* The path with links in all but its last component followed, as far as it exists. */
static char *explain_real_path(const char *path)
{
	const char *cut = strrchr(path, '/');

	while (cut && cut > path) {
		cleanup_free char *head = strndup(path, (size_t)(cut - path));
		char real[PATH_MAX];
		char *joined = NULL;

		if (!head)
			return NULL;
		if (realpath(head, real))
			return asprintf(&joined, "%s%s", real[1] ? real : "", cut) < 0 ? NULL
										       : joined;
		cut = memrchr(path, '/', (size_t)(cut - path));
	}
	return strdup(path);
}

static void explain_below(const struct policy *policy, struct explained *x)
{
	const char *const *roots;
	size_t count = policy_roots(policy, &roots);
	cleanup_free char *child = NULL;

	if (asprintf(&child, "%s/" EXPLAIN_NEW_NAME, x->path) < 0) {
		child = NULL;
		return;
	}
	x->below = policy_decide_path(policy, child);
	for (size_t i = 0; i < count; i++) {
		const char *rest = path_relative(x->path, roots[i]);
		policy_state state = policy_root_state(policy, i);

		if (!rest)
			continue;
		while (*rest) {
			size_t len = strcspn(rest, "/");

			state = policy_step(policy, state, rest, len);
			rest += len;
			rest += *rest == '/';
		}
		x->uniform = policy_uniform(policy, state);
		return;
	}
}

static int explain_path(const struct policy *policy, const char *given, struct explained *x)
{
	const char *const *roots;
	size_t count = policy_roots(policy, &roots);

	x->path = explain_real_path(given);
	if (!x->path)
		return -ENOMEM;
	x->exists = lstat(x->path, &x->st) == 0;
	if (x->exists && S_ISLNK(x->st.st_mode))
		x->target = realpath(x->path, NULL);
	x->outside = true;
	for (size_t i = 0; i < count; i++)
		x->outside &= !path_is_beneath(x->path, roots[i]);
	x->verdict = policy_decide_path(policy, x->path);
	x->rule_count = policy_explain(policy, x->path, x->rules, EXPLAIN_RULES_MAX);
	if (x->exists && S_ISDIR(x->st.st_mode) && !x->outside)
		explain_below(policy, x);
	return 0;
}

/* ---- text ---- */

static void explain_add_rule(struct table *table, const struct policy *policy, int32_t number)
{
	const struct policy_rule *rule = number < 0 ? NULL : policy_rule_get(policy, number);
	cleanup_str struct str place = STR_INIT;

	if (!rule) {
		table_add(table, "no rule names it", NULL);
		return;
	}
	cli_rule_place(&place, rule);
	table_addf(table, NULL, "%s %s (%s)%s%s", cli_rule_kind_name(rule->kind),
		cli_path(rule->pattern), place.p ? place.p : "", rule->reason ? ": " : "",
		rule->reason ? cli_text(rule->reason) : "");
}

static void explain_add(struct table *table, const char *what, const char *verdict)
{
	table_add(table, what, NULL);
	table_add(table, verdict, terminal_style(STYLE_BOLD));
}

static void explain_print_verdicts(const struct policy *policy, const struct explained *x)
{
	struct table table cleanup_with(table_free) = {.columns = 3, .indent = 2};
	bool dir = x->exists && S_ISDIR(x->st.st_mode);

	explain_add(&table, x->exists ? "write" : "create, write",
		explain_verdict_name(x->verdict.kind));
	explain_add_rule(&table, policy, x->verdict.rule);
	explain_add(&table, "read", x->verdict.hidden ? "hidden" : "real");
	if (x->verdict.hidden)
		explain_add_rule(&table, policy, x->verdict.hide_rule);
	else
		table_add(&table, "", NULL);
	if (dir) {
		explain_add(&table, "new names in it", explain_verdict_name(x->below.kind));
		if (x->uniform)
			table_add(&table, "and all other names beneath", NULL);
		else
			table_add(&table, "unless a rule names them", NULL);
	}
	for (size_t i = 0; i < x->rule_count; i++) {
		if (x->rules[i] == x->verdict.rule || x->rules[i] == x->verdict.hide_rule)
			continue;
		explain_add(&table, "also matches", "");
		explain_add_rule(&table, policy, x->rules[i]);
	}
	table_print(&table);
	if (x->exists && S_ISREG(x->st.st_mode) && x->st.st_nlink > 1 &&
		x->verdict.kind == VERDICT_GRANT && policy_hard_links_safe(policy))
		(void)printf(
			"  the file has %lu names: if not all are known to lie in the grant, a "
			"write is redirected\n",
			(unsigned long)x->st.st_nlink);
}

static void explain_print(const struct policy *policy, const struct explained *x, const char *given)
{
	(void)printf("%s%s%s · %s", terminal_style(STYLE_BOLD), cli_path(given),
		terminal_style(STYLE_OFF), explain_type(x));
	if (strcmp(given, x->path) != 0)
		(void)printf(", is %s", cli_path(x->path));
	if (x->target)
		(void)printf(", leads to %s", cli_path(x->target));
	(void)putchar('\n');
	if (x->outside)
		(void)puts("  outside every root: writes are real and not recorded");
	else
		explain_print_verdicts(policy, x);
}

/* ---- JSON ---- */

static void explain_add_rule_json(
	cJSON *json, const char *key, const struct policy *policy, int32_t number)
{
	const struct policy_rule *rule = number < 0 ? NULL : policy_rule_get(policy, number);

	cJSON_AddItemToObject(json, key, rule ? cli_rule_json(rule) : cJSON_CreateNull());
}

static cJSON *explain_json(
	const struct policy *policy, const struct explained *x, const char *given)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *matches;

	json_add_path(json, "path", given);
	json_add_path(json, "real_path", x->path);
	if (x->target)
		json_add_path(json, "target", x->target);
	cJSON_AddStringToObject(json, "type", explain_type(x));
	cJSON_AddBoolToObject(json, "outside", x->outside);
	if (x->outside)
		return json;
	cJSON_AddStringToObject(json, "write", explain_verdict_name(x->verdict.kind));
	explain_add_rule_json(json, "rule", policy, x->verdict.rule);
	cJSON_AddBoolToObject(json, "hidden", x->verdict.hidden);
	if (x->verdict.hidden)
		explain_add_rule_json(json, "hide_rule", policy, x->verdict.hide_rule);
	if (x->exists && S_ISDIR(x->st.st_mode)) {
		cJSON_AddStringToObject(json, "new_names", explain_verdict_name(x->below.kind));
		cJSON_AddBoolToObject(json, "uniform", x->uniform);
	}
	matches = cJSON_AddArrayToObject(json, "matches");
	for (size_t i = 0; i < x->rule_count; i++)
		cJSON_AddItemToArray(matches, cli_rule_json(policy_rule_get(policy, x->rules[i])));
	return json;
}

/* ---- the command ---- */

/* Says it of path, and of what it leads to if it is a link. */
static int explain_one(
	const struct command *self, const struct policy *policy, const char *path, cJSON *rows)
{
	struct explained x cleanup_with(explained_free) = {0};

	if (explain_path(policy, path, &x) < 0)
		return cli_error(self, ENOMEM, "explain: out of memory");
	if (rows)
		cJSON_AddItemToArray(rows, explain_json(policy, &x, path));
	else
		explain_print(policy, &x, path);
	return x.target ? explain_one(self, policy, x.target, rows) : CLI_GO_ON;
}

static int explain_all(const struct command *self, const struct policy *policy,
	const struct opt_list *words, bool json)
{
	cJSON *document = json ? cli_json_new() : NULL;
	cJSON *rows = json ? cJSON_AddArrayToObject(document, "paths") : NULL;

	for (size_t i = 0; i < words->count; i++) {
		cleanup_free char *path = NULL;
		struct err e = {0};
		int status = CLI_GO_ON;

		if (path_absolute(words->items[i], cli_cwd(self), cli_home(self), &path, &e) < 0)
			status = cli_fail(self, &e);
		else
			status = explain_one(self, policy, path, rows);
		if (status != CLI_GO_ON) {
			cJSON_Delete(document);
			return status;
		}
	}
	return json ? cli_print_json(self, document) : CLI_DONE;
}

static void explain_args_free(struct explain_args *args)
{
	cli_policy_args_free(&args->policy);
}

static int explain_run(const struct command *self, char **argv)
{
	struct explain_args args cleanup_with(explain_args_free) = {0};
	cleanup_opt_list struct opt_list words = {0};
	struct policy *policy cleanup_with(policy_freep) = NULL;
	const char *inside;
	int status = cli_parse(self, argv, &args, &words);

	if (status != CLI_GO_ON)
		return status;
	if (!words.count)
		return cli_error(self, EINVAL, "explain: no path is given; writ explain PATH");
	if (run_inside_job(&inside))
		return inside_show(self, inside, &words, args.json);
	status = cli_policy_load(self, &args.policy, &policy);
	return status == CLI_GO_ON ? explain_all(self, policy, &words, args.json) : status;
}

static const struct opt explain_options[] = {
	CLI_POLICY_OPTIONS(explain_args),
	CLI_JSON_OPTION(explain_args),
	{0},
};

static const struct example explain_examples[] = {
	{"explain ~/.bashrc", "would a write be real, redirected or refused, and by which line of "
			      "which file"},
	{"explain -n --allow ~/out ~/out/new.txt",
		"the same for `writ run -n --allow ~/out`; the file "
		"need not exist"},
	{NULL, NULL},
};

const struct command command_explain = {
	.name = "explain",
	.summary = "which rule decides about a path, and where it stands",
	.usage = (const char *const[]){"[-n] [--allow|--redirect|--refuse|--hide GLOB]... [-p "
				       "FILE]... [--root DIR]... "
				       "[--json] PATH...",
		NULL},
	.options = explain_options,
	.help = "Says what `writ run` with these options, started here, does with each PATH: the "
		"verdict for writing, for reading, and in a directory for names that do not exist "
		"yet; the rule that decides with its file and line; and every other rule that "
		"matches, heaviest first.\n"
		"Links are followed as the kernel does: a path is explained where it really lies, "
		"and what a link leads to after the link.\n"
		"A name that a job has changed in its scratch already stays redirected there, "
		"whatever the policy says. Inside a job `writ explain` asks the job itself, which "
		"knows that.\n",
	.examples = explain_examples,
	.see = "writ-policy(1), writ-policy(5), writ-log(1)",
	.first = true,
	.run = explain_run,
};
