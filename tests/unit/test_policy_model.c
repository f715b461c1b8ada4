/* SPDX-License-Identifier: MIT */
/*
 * Random policies against a model that keeps no states: for each rule it finds by recursion the
 * names on the way to the path that the rule matches, and decides from those depths.
 */
#include "../support/policy_test.h"

#include <stdlib.h>

#define RULES 8
#define POLICIES 400
#define PATHS 60
#define NEVER (-1)

struct model_rule {
	enum rule_kind kind;
	bool is_default;
	bool lifts;
	char pattern[96]; /* what follows "~/" */
	char except[96];  /* "" : none */
};

/* The built-in defaults that paths of this test can meet. */
static const struct model_rule defaults[] = {
	{RULE_REDIRECT, true, false, ".ssh", ""},
	{RULE_REDIRECT, true, false, ".config/autostart", ""},
	{RULE_REDIRECT, true, false, "**/*.git/hooks/*", "**/*.git/hooks/*.sample"},
};

static const char *const names[] = {
	".ssh", ".config", "autostart", ".git", "hooks", "x.sample", "a", "b"};
static const char *const parts[] = {
	".ssh", ".config", "autostart", ".git", "hooks", "a", "b", "*", "**", "a*", "?", "**"};

static bool component(const char *p, size_t plen, const char *n, size_t nlen)
{
	if (plen == 0)
		return nlen == 0;
	if (p[0] == '*')
		return component(p + 1, plen - 1, n, nlen) ||
		       (nlen && component(p, plen, n + 1, nlen - 1));
	return nlen && (p[0] == '?' || p[0] == n[0]) && component(p + 1, plen - 1, n + 1, nlen - 1);
}

/* Does pattern match exactly the first count components of path? */
static bool exactly(const char *pattern, const char *path, int count)
{
	size_t plen = strcspn(pattern, "/");
	const char *prest = pattern + plen + (pattern[plen] == '/');
	size_t nlen = strcspn(path, "/");
	const char *nrest = path + nlen + (path[nlen] == '/');
	if (plen == 0)
		return count == 0;
	if (plen == 2 && memcmp(pattern, "**", 2) == 0)
		return exactly(prest, path, count) || (count && exactly(pattern, nrest, count - 1));
	return count && component(pattern, plen, path, nlen) && exactly(prest, nrest, count - 1);
}

static int depth_of(const char *path)
{
	int depth = *path != '\0';
	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int wilds(const char *pattern)
{
	int count = 0;
	for (const char *p = pattern; *p;) {
		size_t len = strcspn(p, "/");
		count += strcspn(p, "*?[") < len;
		p += len;
		p += *p == '/';
	}
	return count;
}

/* The deepest name on the way to path that the rule matches. */
static int deepest(const struct model_rule *r, const char *path)
{
	for (int depth = depth_of(path); depth >= 0; depth--) {
		bool excepted = false;
		for (int d = 0; r->except[0] && d <= depth; d++)
			excepted |= exactly(r->except, path, d);
		if (exactly(r->pattern, path, depth) && !excepted)
			return depth;
	}
	return NEVER;
}

static const char *model_verdict(const struct model_rule *rules, size_t count, const char *path)
{
	int found[4] = {NEVER, NEVER, NEVER, NEVER};
	int lift = NEVER;
	int hide_depth = NEVER;
	int hide_wild = 0;
	bool hidden = false;
	for (size_t i = 0; i < count; i++) {
		const struct model_rule *r = &rules[i];
		int depth = deepest(r, path);
		if (depth == NEVER)
			continue;
		if (r->kind == RULE_HIDE || r->kind == RULE_REVEAL) {
			int wild = wilds(r->pattern);
			bool hides = r->kind == RULE_HIDE;
			if (depth < hide_depth || (depth == hide_depth && wild > hide_wild))
				continue;
			hidden = hides || (depth == hide_depth && wild == hide_wild && hidden);
			hide_depth = depth;
			hide_wild = wild;
			continue;
		}
		int slot = r->is_default ? 3 : (int)r->kind;
		found[slot] = depth > found[slot] ? depth : found[slot];
		if (r->lifts && depth > lift)
			lift = depth;
	}
	struct verdict v = {.kind = VERDICT_REDIRECT, .hidden = hidden};
	if (found[RULE_REFUSE] != NEVER)
		v.kind = VERDICT_REFUSE;
	else if (found[RULE_REDIRECT] == NEVER && (found[3] == NEVER || lift >= found[3]) &&
		 found[RULE_ALLOW] != NEVER)
		v.kind = VERDICT_GRANT;
	return verdict_text(v);
}

static bool is_across(const char *part)
{
	return strcmp(part, "**") == 0;
}

/* No two double stars in a row and none before stars at the end, where every deeper name would
 * match anew and the pattern means the first of them. */
static void random_pattern(char *out, bool *ret_last_literal)
{
	size_t count = (size_t)(rand() % 4) + 1;
	const char *last = "";
	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const char *part;
		do
			part = parts[(size_t)rand() % (sizeof parts / sizeof parts[0])];
		while ((is_across(last) && (is_across(part) || strcmp(part, "*") == 0)) ||
			(is_across(part) && (i + 1 == count || strcmp(last, "*") == 0)));
		(void)strcat(strcat(out, i ? "/" : ""), part);
		last = part;
	}
	*ret_last_literal = strpbrk(last, "*?") == NULL;
}

static void random_path(char *out)
{
	size_t count = (size_t)(rand() % 5) + 1;
	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		(void)strcat(strcat(out, i ? "/" : ""),
			names[(size_t)rand() % (sizeof names / sizeof names[0])]);
}

static void one_policy(const struct home *h)
{
	struct model_rule rules[RULES + 3];
	static const enum rule_kind kinds[] = {RULE_ALLOW, RULE_ALLOW, RULE_ALLOW, RULE_REDIRECT,
		RULE_REFUSE, RULE_HIDE, RULE_REVEAL, RULE_REVEAL};
	static const char *const keys[] = {[RULE_ALLOW] = "allowWrite",
		[RULE_REDIRECT] = "redirectWrite",
		[RULE_REFUSE] = "refuseWrite",
		[RULE_HIDE] = "denyRead",
		[RULE_REVEAL] = "allowRead"};
	char json[4096] = "{\"filesystem\": {";
	for (size_t i = 0; i < 3; i++)
		rules[RULES + i] = defaults[i];
	for (size_t i = 0; i < RULES; i++) {
		bool last_literal;
		rules[i] = (struct model_rule){.kind = kinds[i]};
		random_pattern(rules[i].pattern, &last_literal);
		rules[i].lifts = kinds[i] == RULE_ALLOW && last_literal;
	}
	for (int kind = 0; kind < 5; kind++) {
		char list[1024] = "";
		for (size_t i = 0; i < RULES; i++) {
			if ((int)rules[i].kind != kind)
				continue;
			(void)strcat(strcat(strcat(list, list[0] ? ", \"" : "\""),
					     strncmp(rules[i].pattern, "**", 2) == 0 && rand() % 2
						     ? ""
						     : "~/"),
				rules[i].pattern);
			(void)strcat(list, "\"");
		}
		char key[1200];
		(void)snprintf(
			key, sizeof key, "%s\"%s\": [%s]", kind ? ", " : "", keys[kind], list);
		(void)strcat(json, key);
	}
	(void)strcat(json, "}}");
	home_write(h, "~/.config/writfs/policy.json", json);
	struct policy_options o = home_options(h, "~");
	struct policy *p = load_ok(&o);
	for (int i = 0; i < PATHS; i++) {
		char path[128];
		char below[128] = "~/";
		random_path(path);
		(void)strcat(below, path);
		const char *want = model_verdict(rules, RULES + 3, path);
		const char *got = verdict_text(verdict_of(p, h, below));
		if (strcmp(got, want) != 0)
			fail_msg("%s\n%s: %s, the model says %s", json, below, got, want);
	}
	policy_free(p);
}

static void agrees_with_the_model(void **state)
{
	const struct home *h = *state;
	srand(4711);
	for (int i = 0; i < POLICIES; i++)
		one_policy(h);
}

/* What uniform, same_beneath and refuses_beneath promise, checked by looking beneath. */
static void beneath_is_as_promised(void **state)
{
	const struct home *h = *state;
	srand(815);
	struct policy_options o = home_options(h, "~");
	for (int round = 0; round < 60; round++) {
		char patterns[6][96];
		bool literal;
		const char *lists[6][2] = {{0}};
		for (int i = 0; i < 6; i++) {
			(void)strcpy(patterns[i], "~/");
			random_pattern(patterns[i] + 2, &literal);
			lists[i][0] = patterns[i];
		}
		const char *allow[] = {patterns[0], patterns[1], patterns[2], NULL};
		o.allow = allow;
		o.redirect = lists[3];
		o.refuse = lists[4];
		o.hide = lists[5];
		struct policy *p = load_ok(&o);
		for (int i = 0; i < 60; i++) {
			char a[256] = "~/";
			char b[256] = "~/";
			random_path(a + 2);
			random_path(b + 2);
			policy_state sa = state_of(p, home_path(h, a));
			policy_state sb = state_of(p, home_path(h, b));
			const char *va = verdict_text(verdict_of(p, h, a));
			for (int k = 0; k < 12; k++) {
				char below[128];
				char pa[512];
				char pb[512];
				random_path(below);
				(void)snprintf(pa, sizeof pa, "%s/%s", a, below);
				(void)snprintf(pb, sizeof pb, "%s/%s", b, below);
				const char *beneath = verdict_text(verdict_of(p, h, pa));
				if (policy_uniform(p, sa))
					assert_string_equal(beneath, va);
				if (policy_same_beneath(p, sa, sb))
					assert_string_equal(
						beneath, verdict_text(verdict_of(p, h, pb)));
				if (!policy_refuses_beneath(p, sa))
					assert_true(strcmp(beneath, "grant") == 0 ||
						    strcmp(beneath, "redirect") == 0);
			}
		}
		policy_free(p);
	}
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		home_test(agrees_with_the_model),
		home_test(beneath_is_as_promised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
