/* SPDX-License-Identifier: MIT */
/* Precedence: every cell of refuse, redirect, allow and hidden, what lifts a default and what does
 * not, the two paths of a moved name, and what holds beneath. */
#include "../support/policy_test.h"

#include <stdlib.h>

struct lists {
	const char *allow[8], *redirect[8], *refuse[8], *hide[8];
};

static struct policy *command(const struct home *h, const struct lists *l)
{
	struct policy_options o = home_options(h, "~");
	o.allow = l->allow;
	o.redirect = l->redirect;
	o.refuse = l->refuse;
	o.hide = l->hide;
	return load_ok(&o);
}

static struct policy *user_file(const struct home *h, const char *json)
{
	struct policy_options o = home_options(h, "~");
	home_write(h, "~/.config/writfs/policy.json", json);
	return load_ok(&o);
}

static void nothing_named_is_redirected(void **state)
{
	const struct home *h = *state;
	struct policy *p = command(h, &(struct lists){0});
	expect_verdict(p, h, "~/x", "redirect");
	expect_verdict(p, h, "~", "redirect");
	assert_int_equal(verdict_of(p, h, "~/x").rule, -1);
	expect_verdict(p, h, "~/.config/writfs", "refuse");
	expect_verdict(p, h, "~/.config/writfs/policy.json", "refuse");
	expect_verdict(p, h, "~/.config", "redirect");
	policy_free(p);
}

static void refuse_over_redirect_over_allow(void **state)
{
	const struct home *h = *state;
	static const struct {
		const char *path;
		const char *text;
	} cells[] = {
		{"~/a/f", "grant"},
		{"~/a", "grant"},
		{"~/ar/f", "redirect"},
		{"~/ax/f", "refuse"},
		{"~/rx/f", "refuse"},
		{"~/arx/f", "refuse"},
		/* Whichever comes first on the way down. */
		{"~/a/r/f", "redirect"},
		{"~/a/x/f", "refuse"},
		{"~/ar/a/f", "redirect"},
		{"~/ax/a/f", "refuse"},
		{"~/a/r/a/f", "redirect"},
		/* A name at any depth. */
		{"~/a/.env", "redirect"},
		{"~/a/deep/.env/f", "redirect"},
		{"~/.env", "redirect"},
		{"~/a/env", "grant"},
	};
	struct policy *p = command(
		h, &(struct lists){.allow = {"~/a", "~/ar", "~/ax", "~/arx", "~/ar/a", "~/a/r/a"},
			   .redirect = {"~/ar", "~/rx", "~/arx", "~/a/r", "**/.env*"},
			   .refuse = {"~/ax", "~/rx", "~/arx", "~/a/x"}});
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
		expect_verdict(p, h, cells[i].path, cells[i].text);
	const struct policy_rule *rule = policy_rule_get(p, verdict_of(p, h, "~/a/.env").rule);
	assert_string_equal(rule->pattern, "**/.env*");
	assert_string_equal(rule->file, "command line");
	assert_int_equal(rule->source, POLICY_COMMAND);
	assert_int_equal(rule->line, 0);
	assert_null(policy_rule_get(p, -1));
	policy_free(p);
}

static void only_a_narrow_allow_lifts_a_default(void **state)
{
	const struct home *h = *state;
	static const struct {
		const char *allow;
		const char *path;
		const char *text;
	} cells[] = {
		{"~/.bashrc", "~/.bashrc", "grant"},
		{"~/.bashrc/**", "~/.bashrc", "grant"},
		{"~/.bashrc/", "~/.bashrc", "grant"},
		{"**/.bashrc", "~/.bashrc", "grant"},
		{"~/{.bashrc,x}", "~/.bashrc", "grant"},
		{"~/.bash*", "~/.bashrc", "redirect"},
		{"~/.bashr[c]", "~/.bashrc", "redirect"},
		{"~/*", "~/.bashrc", "redirect"},
		{"~", "~/.bashrc", "redirect"},
		{"./", "~/.bashrc", "redirect"},
		{"**", "~/.bashrc", "redirect"},
		{"/", "~/.bashrc", "redirect"},
		{"~", "~/plain", "grant"},
		{"~/.ssh/known_hosts", "~/.ssh/known_hosts", "grant"},
		{"~/.ssh/known_hosts", "~/.ssh/id", "redirect"},
		{"~/.ssh/*", "~/.ssh/known_hosts", "redirect"},
		{"~/.ssh/*/x", "~/.ssh/d/x", "grant"},
		{"~/.ssh", "~/.ssh/id", "grant"},
		{"~/.config", "~/.config/autostart/x", "redirect"},
		{"~/.config", "~/.config/plain", "grant"},
		{"~/.config/autostart", "~/.config/autostart/x", "grant"},
		{"~/.config/autostart/x", "~/.config/autostart/x", "grant"},
		{"~/src", "~/src/.git/hooks/pre-commit", "redirect"},
		{"~/src", "~/src/.git/hooks/pre-commit.sample", "grant"},
		{"~/src", "~/src/.git/hooks", "grant"},
		{"~/src", "~/src/.git/config", "grant"},
		{"~/src/.git/hooks", "~/src/.git/hooks/pre-commit", "redirect"},
		{"~/src/.git/hooks/pre-commit", "~/src/.git/hooks/pre-commit", "grant"},
		{"~/src/.git/hooks/pre-commit", "~/src/.git/hooks/post-commit", "redirect"},
		/* Accepted again further down, so it counts again. */
		{"~/s/.git/hooks/x", "~/s/.git/hooks/x/a.git/hooks/y", "redirect"},
	};
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		struct policy *p = command(h, &(struct lists){.allow = {cells[i].allow}});
		expect_verdict(p, h, cells[i].path, cells[i].text);
		policy_free(p);
	}
}

static void nothing_lifts_refuse_etc_or_the_users_own(void **state)
{
	const struct home *h = *state;
	home_write(h, "%/etc/policy.json",
		"{\"filesystem\": {\"redirectWrite\": [\"~/e\"], \"allowWrite\": [\"~/.zshrc\"]}}");
	home_write(h, "~/.config/writfs/policy.json",
		"{\"filesystem\": {\"redirectWrite\": [\"~/r\"], \"refuseWrite\": [\"~/x\"],"
		" \"allowWrite\": [\"~/.profile\"]}}");
	struct lists l = {.allow = {"~/e", "~/r", "~/x", "~/.config/writfs", "~/e/f"}};
	struct policy *p = command(h, &l);
	expect_verdict(p, h, "~/e/f", "redirect");
	expect_verdict(p, h, "~/r", "redirect");
	expect_verdict(p, h, "~/x", "refuse");
	expect_verdict(p, h, "~/.config/writfs/policy.json", "refuse");
	/* The user's file lifts a default, /etc's does not. */
	expect_verdict(p, h, "~/.profile", "grant");
	expect_verdict(p, h, "~/.zshrc", "redirect");
	policy_free(p);
}

static void a_workspace_lifts_nothing(void **state)
{
	const struct home *h = *state;
	shell("mkdir -p '%s'", home_path(h, "~/w/.git/hooks"));
	struct policy_options o = home_options(h, "~/w");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/w/f", "grant");
	expect_verdict(p, h, "~/w/.git/hooks/pre-commit", "redirect");
	expect_verdict(p, h, "~/w/.git/hooks/pre-commit.sample", "grant");
	expect_verdict(p, h, "~/w/.git/hooks", "grant");
	policy_free(p);
}

static void the_narrower_decides_hidden(void **state)
{
	const struct home *h = *state;
	static const struct {
		const char *deny;
		const char *reveal;
		const char *path;
		bool hidden;
	} cells[] = {
		{"~/s", "~/none", "~/s/f", true},
		{"~/s", "~/s/pub", "~/s/pub/f", false},
		{"~/s", "~/s/pub", "~/s/f", true},
		{"~/s", "~", "~/s/f", true},
		{"~/s", "~/s", "~/s/f", true},
		{"~/s/*", "~/s/pub", "~/s/pub", false},
		{"~/s/**/*", "~/s/pub", "~/s/pub/f", false},
		{"**/.env", "~/w", "~/w/.env", true},
		{"**/.env", "~/w/.env", "~/w/.env", false},
		{"~/*/x", "~/w/*", "~/w/x", true},
		{"**/sec", "**/pub", "~/sec/pub/f", false},
		{"**/sec", "**/pub", "~/sec/pub/sec/f", true},
		{"**/sec", "**/pub", "~/sec/pub/sec/pub", false},
		{"~/s", "~/s/*/f", "~/s/d/f", false},
		{"~/s", "~/s/*/f", "~/s/d/g", true},
	};
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		char json[512];
		(void)snprintf(json, sizeof json,
			"{\"filesystem\": {\"denyRead\": [\"%s\"], \"allowRead\": [\"%s\"]}}",
			cells[i].deny, cells[i].reveal);
		struct policy *p = user_file(h, json);
		if (verdict_of(p, h, cells[i].path).hidden != cells[i].hidden)
			fail_msg("%s %s", json, cells[i].path);
		policy_free(p);
	}
}

static void hidden_is_apart_from_writing(void **state)
{
	const struct home *h = *state;
	struct policy *p = command(
		h, &(struct lists){.allow = {"~/a"}, .refuse = {"~/x"}, .hide = {"~/a/s", "~/x"}});
	expect_verdict(p, h, "~/a/s", "grant+hidden");
	expect_verdict(p, h, "~/x/f", "refuse+hidden");
	struct verdict v = verdict_of(p, h, "~/a/s/f");
	assert_string_equal(policy_rule_get(p, v.hide_rule)->pattern, "~/a/s");
	assert_string_equal(policy_rule_get(p, v.rule)->pattern, "~/a");
	assert_int_equal(verdict_of(p, h, "~/a").hide_rule, -1);
	policy_free(p);
}

static struct verdict both(const struct policy *p, const struct home *h, const char *present,
	const char *origin, bool attached)
{
	return policy_decide(
		p, state_of(p, home_path(h, present)), state_of(p, home_path(h, origin)), attached);
}

static void two_paths_decide(void **state)
{
	const struct home *h = *state;
	static const struct {
		const char *present;
		const char *origin;
		bool attached;
		const char *text;
	} cells[] = {
		{"~/a/f", "~/a/f", true, "grant"},
		{"~/a/f", "~/a/f", false, "redirect"},
		{"~/a/f", "~/plain", true, "grant"},
		{"~/plain", "~/a/f", true, "redirect"},
		{"~/a/f", "~/r/f", true, "redirect"},
		{"~/r/f", "~/a/f", true, "redirect"},
		{"~/a/f", "~/x/f", true, "refuse"},
		{"~/x/f", "~/a/f", true, "refuse"},
		{"~/r/f", "~/x/f", true, "refuse"},
		{"~/x/f", "~/x/f", false, "refuse"},
		{"~/a/f", "~/s/f", true, "grant+hidden"},
		{"~/s/f", "~/plain", true, "redirect+hidden"},
		{"~/a/f", "~/.bashrc", true, "redirect"},
		{"~/.bashrc", "~/a/f", true, "redirect"},
	};
	struct policy *p = command(h,
		&(struct lists){
			.allow = {"~/a"}, .redirect = {"~/r"}, .refuse = {"~/x"}, .hide = {"~/s"}});
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		const char *got = verdict_text(
			both(p, h, cells[i].present, cells[i].origin, cells[i].attached));
		if (strcmp(got, cells[i].text) != 0)
			fail_msg("%s from %s: %s", cells[i].present, cells[i].origin, got);
	}
	policy_free(p);
}

static bool uniform(const struct policy *p, const struct home *h, const char *path)
{
	return policy_uniform(p, state_of(p, home_path(h, path)));
}

static bool same(const struct policy *p, const struct home *h, const char *a, const char *b)
{
	return policy_same_beneath(p, state_of(p, home_path(h, a)), state_of(p, home_path(h, b)));
}

static void uniform_is_strict(void **state)
{
	const struct home *h = *state;
	struct policy *p = command(h, &(struct lists){.allow = {"~/a", "~/n/deep/a"},
					      .refuse = {"~/x", "~/a/x"},
					      .hide = {"~/q/s"}});
	/* Redirected, and no allow or refuse can come. */
	assert_true(uniform(p, h, "~/plain"));
	assert_true(uniform(p, h, "~/x"));
	assert_true(uniform(p, h, "~/.ssh"));
	/* A grant may still meet a hook's redirect. */
	assert_false(uniform(p, h, "~/a"));
	assert_false(uniform(p, h, "~"));
	assert_false(uniform(p, h, "~/n"));
	assert_false(uniform(p, h, "~/n/deep"));
	assert_false(uniform(p, h, "~/q"));
	assert_true(uniform(p, h, "~/q/s"));
	policy_free(p);
}

static void same_beneath_lets_directories_move(void **state)
{
	const struct home *h = *state;
	struct policy *p = command(h, &(struct lists){.allow = {"~/a", "~/b", "~/c"},
					      .redirect = {"~/c/r/f"},
					      .refuse = {"~/a/no"},
					      .hide = {"~/d/s"}});
	assert_true(same(p, h, "~/a/x", "~/a/y"));
	assert_true(same(p, h, "~/a/x", "~/b/y"));
	assert_true(same(p, h, "~/a/x/z", "~/b/y"));
	assert_false(same(p, h, "~/a/x", "~/plain"));
	assert_false(same(p, h, "~/c/r", "~/c/x"));
	assert_false(same(p, h, "~/c", "~/c/x"));
	assert_false(same(p, h, "~/a/x", "~/a/x/.git"));
	assert_false(same(p, h, "~/a/no", "~/a/x"));
	assert_true(same(p, h, "~/plain", "~/other"));
	assert_false(same(p, h, "~/d", "~/e"));
	assert_true(policy_refuses_beneath(p, state_of(p, home_path(h, "~"))));
	assert_true(policy_refuses_beneath(p, state_of(p, home_path(h, "~/a"))));
	assert_true(policy_refuses_beneath(p, state_of(p, home_path(h, "~/a/no"))));
	assert_true(policy_refuses_beneath(p, state_of(p, home_path(h, "~/d"))));
	assert_true(policy_refuses_beneath(p, state_of(p, home_path(h, "~/d/s/x"))));
	assert_false(policy_refuses_beneath(p, state_of(p, home_path(h, "~/b"))));
	policy_free(p);
}

static void a_tree_without_special_names_is_one_state(void **state)
{
	const struct home *h = *state;
	struct policy *p = command(h, &(struct lists){.allow = {"~/a"}, .redirect = {"**/.env"}});
	policy_state top = state_of(p, home_path(h, "~/a/x"));
	assert_int_equal(state_of(p, home_path(h, "~/a/y/z/w")), top);
	assert_int_not_equal(state_of(p, home_path(h, "~/a/y/.env")), top);
	/* Below a name that nothing can change any more, too. */
	policy_state env = state_of(p, home_path(h, "~/a/.env"));
	assert_int_equal(state_of(p, home_path(h, "~/a/.env/q/.env")), env);
	policy_free(p);
}

static void explain_lists_rules_by_weight(void **state)
{
	const struct home *h = *state;
	struct policy *p = command(h, &(struct lists){.allow = {"~/.ssh/f", "~"},
					      .redirect = {"~/.ssh/*"},
					      .refuse = {"~/.ssh/f"},
					      .hide = {"~/.ssh"}});
	static const char *const order[] = {
		"~/.ssh/f", "~/.ssh/*", "~/.ssh/f", "~", "~/.ssh", "~/.ssh"};
	static const enum rule_kind kinds[] = {
		RULE_REFUSE, RULE_REDIRECT, RULE_ALLOW, RULE_ALLOW, RULE_REDIRECT, RULE_HIDE};
	int32_t rules[16];
	size_t count = policy_explain(p, home_path(h, "~/.ssh/f"), rules, 16);
	assert_int_equal(count, 6);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(policy_rule_get(p, rules[i])->pattern, order[i]);
		assert_int_equal(policy_rule_get(p, rules[i])->kind, kinds[i]);
	}
	assert_true(policy_rule_get(p, rules[4])->is_default);
	assert_non_null(policy_rule_get(p, rules[4])->reason);
	assert_int_equal(policy_explain(p, home_path(h, "~/.ssh/f"), rules, 2), 2);
	assert_int_equal(policy_explain(p, home_path(h, "~/plain"), rules, 16), 1);
	policy_free(p);
}

static void outside_the_roots_patterns_of_roots_do_not_apply(void **state)
{
	const struct home *h = *state;
	struct policy *p = command(h, &(struct lists){.refuse = {"**/x", "/opt/y"}});
	assert_int_equal(policy_decide_path(p, "/opt/x").kind, VERDICT_REDIRECT);
	assert_int_equal(policy_decide_path(p, "/opt/y/z").kind, VERDICT_REFUSE);
	assert_int_equal(policy_decide_path(p, home_path(h, "~/x")).kind, VERDICT_REFUSE);
	policy_free(p);
}

static void dump_says_where_rules_come_from(void **state)
{
	const struct home *h = *state;
	struct policy *p =
		user_file(h, "{\n  \"filesystem\": {\n    \"allowWrite\": [\"~/a{b,c}\"] }\n}");
	cJSON *dump = policy_dump(p);
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(dump, "rules");
	assert_int_equal(cJSON_GetArraySize(rules), (int)policy_rule_count(p));
	const cJSON *last = cJSON_GetArrayItem(rules, cJSON_GetArraySize(rules) - 1);
	assert_string_equal(cJSON_GetObjectItem(last, "kind")->valuestring, "allowWrite");
	assert_string_equal(cJSON_GetObjectItem(last, "pattern")->valuestring, "~/a{b,c}");
	assert_string_equal(
		cJSON_GetObjectItem(last, "path")->valuestring, home_path(h, "~/a{b,c}"));
	assert_string_equal(
		cJSON_GetObjectItem(last, "file")->valuestring, "~/.config/writfs/policy.json");
	assert_int_equal(cJSON_GetObjectItem(last, "line")->valueint, 3);
	const cJSON *roots = cJSON_GetObjectItemCaseSensitive(dump, "roots");
	assert_string_equal(
		cJSON_GetObjectItem(cJSON_GetArrayItem(roots, 0), "path")->valuestring, h->path);
	assert_non_null(cJSON_GetObjectItemCaseSensitive(dump, "noWorkspace"));
	cJSON_Delete(dump);
	policy_free(p);
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		home_test(nothing_named_is_redirected),
		home_test(refuse_over_redirect_over_allow),
		home_test(only_a_narrow_allow_lifts_a_default),
		home_test(nothing_lifts_refuse_etc_or_the_users_own),
		home_test(a_workspace_lifts_nothing),
		home_test(the_narrower_decides_hidden),
		home_test(hidden_is_apart_from_writing),
		home_test(two_paths_decide),
		home_test(uniform_is_strict),
		home_test(same_beneath_lets_directories_move),
		home_test(a_tree_without_special_names_is_one_state),
		home_test(explain_lists_rules_by_weight),
		home_test(outside_the_roots_patterns_of_roots_do_not_apply),
		home_test(dump_says_where_rules_come_from),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
