/* SPDX-License-Identifier: MIT */
/* Sources: what each may say, in which order they count, every mistake a person can make in them,
 * and the roots. */
#include "../support/policy_test.h"

#include <stdlib.h>

static void mistake(const struct home *h, const char *json, const char *message)
{
	struct policy_options o = home_options(h, "~");
	struct policy *p = NULL;
	struct err e = {0};
	home_write(h, "~/.config/writfs/policy.json", json);
	int r = policy_load(&o, &p, &e);
	if (r != -EINVAL || strcmp(e.text, message) != 0)
		fail_msg("%s\n  gives %d: %s\n  not: %s", json, r, e.text, message);
	assert_null(p);
	assert_int_equal(policy_load(&o, &p, NULL), -EINVAL);
}

#define AT "~/.config/writfs/policy.json:"

static void mistakes_name_place_and_cure(void **state)
{
	const struct home *h = *state;
	mistake(h, "{\n  \"filesystem\": {\n    \"allowWrites\": [] } }",
		AT "3:5: unknown key \"allowWrites\" (did you mean \"allowWrite\"?)");
	mistake(h, "{ \"filesystems\": {} }",
		AT "1:3: unknown key \"filesystems\" (did you mean \"filesystem\"?)");
	mistake(h, "[]", AT "1:1: a policy is an object: { … }");
	mistake(h, "{ \"filesystem\": [] }",
		AT "1:17: \"filesystem\" must be an object with lists of patterns");
	mistake(h, "{ \"filesystem\": { \"allowWrite\": \"~\" } }",
		AT "1:33: \"allowWrite\" must be a list of texts");
	mistake(h, "{ \"filesystem\": { \"denyRead\": [\"~\", 3] } }",
		AT "1:37: \"denyRead\" must be a list of texts, and this is none");
	mistake(h, "{ \"v\": 2 }", AT "1:8: \"v\" must be 1, the only version there is");
	mistake(h, "{ \"v\": \"1\" }", AT "1:8: \"v\" must be 1, the only version there is");
	mistake(h, "{ \"$schema\": 1 }", AT "1:14: \"$schema\" must be a text");
	mistake(h, "{ \"hardLinks\": \"maybe\" }",
		AT "1:16: \"hardLinks\" must be \"safe\" or \"byName\"");
	mistake(h, "{ \"profiles\": \"auto\" }", AT "1:15: \"profiles\" must be a list of texts");
	mistake(h, "{ \"profiles\": [1] }",
		AT "1:16: \"profiles\" must be a list of texts, and this is none");
	mistake(h, "{ \"sockets\": {} }", AT "1:14: \"sockets\" must be a list of texts");
	mistake(h, "{ \"commands\": {} }",
		AT "1:15: \"commands\" must be a list of objects with \"match\"");
	mistake(h, "{ \"commands\": [1] }", AT "1:16: a command is an object with \"match\"");
	mistake(h, "{ \"commands\": [{}] }",
		AT "1:16: a command needs \"match\", the name of a program");
	mistake(h, "{ \"commands\": [{\"match\": \"x\", \"profile\": []}] }",
		AT "1:31: unknown key \"profile\" (did you mean \"profiles\"?)");
	mistake(h, "{ \"commands\": [{\"match\": \"x\", \"profiles\": 1}] }",
		AT "1:43: \"profiles\" must be a list of texts");
	mistake(h, "{ \"limits\": [] }",
		AT "1:13: \"limits\" must be an object with \"keepFree\" and \"undoBytes\"");
	mistake(h, "{ \"limits\": {\"undoBytes\": \"5%\"} }",
		AT "1:27: \"undoBytes\" must be a size (\"64M\")");
	mistake(h, "{ \"limits\": {\"keepFree\": -1} }",
		AT "1:26: \"keepFree\" must be a size (\"2G\") or a part of the disk (\"5%\")");
	mistake(h, "{ \"limits\": {\"keepFree\": \"101%\"} }",
		AT "1:26: \"keepFree\" must be a size (\"2G\") or a part of the disk (\"5%\")");
	mistake(h, "{ \"workspaces\": [] }",
		AT "1:17: \"workspaces\" must be an object of directories");
	mistake(h, "{ \"workspaces\": {\"src\": {}} }",
		AT "1:18: workspace \"src\": write ~/… or the whole path");
	mistake(h, "{ \"workspaces\": {\"~/src\": {\"allowWrit\": []}} }",
		AT "1:28: unknown key \"allowWrit\" (did you mean \"allowWrite\"?)");
	mistake(h, "{ \"workspaces\": {\"~/elsewhere\": {\"allowWrite\": [\"..\"]}} }",
		AT "1:49: allowWrite \"..\": \"..\" is not followed: name the directory that is "
		   "meant");
}

static void mistakes_in_patterns_are_errors(void **state)
{
	const struct home *h = *state;
	static const char *const patterns[] = {
		"", "..", "~/a/../b", "~root/x", "~/{a,b", "~/a}", "~/[a", "~/a\\\\"};
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		char json[256];
		struct policy_options o = home_options(h, "~");
		struct policy *p = NULL;
		struct err e = {0};
		(void)snprintf(json, sizeof json,
			"{\"filesystem\": {\"refuseWrite\": [\"~/ok\",\n \"%s\"]}}", patterns[i]);
		home_write(h, "~/.config/writfs/policy.json", json);
		assert_int_equal(policy_load(&o, &p, &e), -EINVAL);
		assert_non_null(strstr(e.text, AT "2:2: refuseWrite \""));
		assert_null(p);
	}
}

static void what_cannot_be_read_never_allows(void **state)
{
	const struct home *h = *state;
	struct policy_options o = home_options(h, "~");
	struct policy *p = NULL;
	struct err e = {0};
	mistake(h, "{ \"filesystem\": { \"allowWrite\": [\"~\"",
		AT "1:33: '[' is not closed: the text ends before its end");
	shell("truncate -s 100M '%s/policy.json'", h->config);
	assert_int_equal(policy_load(&o, &p, &e), -EFBIG);
	assert_non_null(strstr(e.text, "policy.json: larger than"));
	shell("rm '%s/policy.json' && mkdir '%s/policy.json'", h->config, h->config);
	assert_int_equal(policy_load(&o, &p, &e), -EISDIR);
	shell("rmdir '%s/policy.json' && mkfifo '%s/policy.json'", h->config, h->config);
	assert_int_equal(policy_load(&o, &p, &e), -EINVAL);
	shell("rm '%s/policy.json' && ln -s policy.json '%s/policy.json'", h->config, h->config);
	assert_int_equal(policy_load(&o, &p, &e), -ELOOP);
	shell("rm '%s/policy.json'", h->config);
	o.files = (const char *const[]){"missing.json", NULL};
	assert_int_equal(policy_load(&o, &p, &e), -ENOENT);
	assert_string_equal(e.text, "missing.json: No such file or directory");
	assert_null(p);
}

static void bad_command_lines(void **state)
{
	const struct home *h = *state;
	struct policy *p = NULL;
	struct err e = {0};
	struct policy_options o = home_options(h, "~");
	o.hide = (const char *const[]){"~/{a", NULL};
	assert_int_equal(policy_load(&o, &p, &e), -EINVAL);
	assert_string_equal(
		e.text, "--hide \"~/{a\": a { without its } (write \\{ for the character)");
	static const struct {
		const char *root;
		int errnum;
		const char *text;
	} roots[] = {
		{"missing", ENOENT,
			"--root \"missing\": a root must be a directory: No such file or "
			"directory"},
		{"file", ENOTDIR, "--root \"file\": a root must be a directory"},
		{"/", EINVAL,
			"--root \"/\": / cannot be a root: name the directories that are meant"},
		{"", EINVAL, "--root \"\": an empty path names nothing"},
	};
	home_write(h, "~/file", "x");
	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		o = home_options(h, "~");
		o.roots = (const char *const[]){roots[i].root, NULL};
		assert_int_equal(policy_load(&o, &p, &e), -roots[i].errnum);
		assert_string_equal(e.text, roots[i].text);
	}
	o = home_options(h, "~/gone");
	assert_int_equal(policy_load(&o, &p, &e), -ENOENT);
	assert_null(p);
}

static void all_keys_are_accepted(void **state)
{
	const struct home *h = *state;
	struct policy_options o = home_options(h, "~");
	home_write(h, "~/.config/writfs/policy.json",
		"{ \"$schema\": \"x\", \"v\": 1, // a comment\n"
		" \"profiles\": [\"auto\"], \"roots\": [\"~\"], \"sockets\": [\"bus\"],\n"
		" \"hardLinks\": \"byName\",\n"
		" \"filesystem\": { \"allowWrite\": [\"~/a\"], \"redirectWrite\": [\"~/r\"],\n"
		"   \"denyWrite\": [\"~/d\"], \"refuseWrite\": [\"~/x\"], \"denyRead\": "
		"[\"~/s\"],\n"
		"   \"allowRead\": [\"~/s/p\"] },\n"
		" \"commands\": [ { \"match\": \"codex\", \"profiles\": [\"codex\"] } ],\n"
		" \"workspaces\": { \"~/src/bot\": { \"allowWrite\": [\"~/.cache/bot\"] } },\n"
		" \"limits\": { \"keepFree\": \"5%\", \"undoBytes\": \"64M\" }, }");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/a/f", "grant");
	expect_verdict(p, h, "~/d", "redirect");
	assert_true(verdict_of(p, h, "~/d").rule >= 0);
	expect_verdict(p, h, "~/x", "refuse");
	expect_verdict(p, h, "~/s/f", "redirect+hidden");
	expect_verdict(p, h, "~/s/p", "redirect");
	expect_verdict(p, h, "~/.cache/bot", "redirect");
	assert_false(policy_hard_links_safe(p));
	assert_true(has_note(p,
		"policy.json: profiles, sockets, commands, limits without effect in this version"));
	policy_free(p);
	home_write(h, "~/.config/writfs/policy.json", "{\"sockets\": [], \"profiles\": []}");
	p = load_ok(&o);
	assert_false(has_note(p, "without effect"));
	policy_free(p);
}

static void a_workspaces_entry_counts_there_only(void **state)
{
	const struct home *h = *state;
	shell("mkdir -p '%s' '%s'; ln -s bot '%s'", home_path(h, "~/src/bot"),
		home_path(h, "~/src/other"), home_path(h, "~/src/link"));
	home_write(h, "~/.config/writfs/policy.json",
		"{\"workspaces\": { \"~/src/link\": { \"allowWrite\": [\"~/cache\"],"
		" \"refuseWrite\": [\"./no\"] } } }");
	struct policy_options o = home_options(h, "~/src/bot");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/cache", "grant");
	expect_verdict(p, h, "~/src/bot/no", "refuse");
	policy_free(p);
	o = home_options(h, "~/src/other");
	p = load_ok(&o);
	expect_verdict(p, h, "~/cache", "redirect");
	expect_verdict(p, h, "~/src/other/no", "grant");
	policy_free(p);
}

static void bare_patterns_are_relative_to_their_source(void **state)
{
	const struct home *h = *state;
	home_write(h, "~/w/sub/keep", "");
	shell("mkdir '%s'; cd '%s' && git init -q .", home_path(h, "~/w/.x"), home_path(h, "~/w"));
	home_write(
		h, "%/etc/policy.json", "{\"filesystem\": {\"refuseWrite\": [\"e\", \"./ed\"]}}");
	home_write(h, "~/.config/writfs/policy.json",
		"{\"filesystem\": {\"refuseWrite\": [\"u\", \"./ud\"]}}");
	home_write(h, "~/w/.writ.json", "{\"filesystem\": {\"refuseWrite\": [\"w\", \"./wd\"]}}");
	home_write(h, "%/p.json", "{\"filesystem\": {\"refuseWrite\": [\"p\", \"./pd\"]}}");
	struct policy_options o = home_options(h, "~/w/sub");
	o.files = (const char *const[]){home_path(h, "%/p.json"), NULL};
	o.refuse = (const char *const[]){"c", "./cd", NULL};
	struct policy *p = load_ok(&o);
	static const char *const refused[] = {"~/e", "~/u", "~/w/ed", "~/w/ud", "~/w/w", "~/w/wd",
		"~/w/p", "~/w/pd", "~/w/c", "~/w/sub/cd"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		expect_verdict(p, h, refused[i], "refuse");
	expect_verdict(p, h, "~/w/sub/c", "grant");
	policy_free(p);
}

static void without_a_workspace_dot_grants_only_when_asked_for(void **state)
{
	const struct home *h = *state;
	struct policy_options o = home_options(h, "~");
	home_write(h, "~/.config/writfs/policy.json",
		"{\"filesystem\": {\"allowWrite\": [\"./\"], \"refuseWrite\": [\"./no\"]}}");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/f", "redirect");
	expect_verdict(p, h, "~/no", "refuse");
	assert_true(has_note(p, AT "1: \"./\" is the workspace, and there is none here"));
	assert_true(has_note(p, "nothing is granted here: ~ is your home directory"));
	policy_free(p);
	o.allow = (const char *const[]){".", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/f", "grant");
	policy_free(p);
	home_write(h, "~/w/f", "");
	o = home_options(h, "~/w");
	p = load_ok(&o);
	expect_verdict(p, h, "~/w/f", "grant");
	expect_verdict(p, h, "~/f", "redirect");
	policy_free(p);
}

static void a_workspace_file_only_narrows(void **state)
{
	const struct home *h = *state;
	home_write(h, "~/w/.writ.json",
		"{\"filesystem\": {\"allowWrite\": [\"~/other\"], \"redirectWrite\": [\"build\"],\n"
		" \"refuseWrite\": [\"no\"], \"denyRead\": [\".env\", \"~/s\"], \"allowRead\": "
		"[\"~/s/p\"]},\n"
		" \"roots\": [\"/nonexistent\"], \"hardLinks\": \"byName\", \"sockets\": "
		"[\"bus\"]}");
	struct policy_options o = home_options(h, "~/w");
	o.hide = (const char *const[]){"~/t", NULL};
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/other", "redirect");
	expect_verdict(p, h, "~/w/build", "redirect");
	expect_verdict(p, h, "~/w/no", "refuse");
	expect_verdict(p, h, "~/w/.env", "grant+hidden");
	expect_verdict(p, h, "~/s/p", "redirect+hidden");
	assert_true(policy_hard_links_safe(p));
	assert_true(has_note(
		p, "~/w/.writ.json: allowWrite, allowRead, roots, hardLinks, sockets not counted"));
	/* Its redirect is no default: an allow of the user's does not lift it. */
	policy_free(p);
	o.allow = (const char *const[]){"build", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/w/build", "redirect");
	policy_free(p);
	/* A file that cannot be read ends the loading, in a workspace too. */
	home_write(h, "~/w/.writ.json", "{");
	struct err e = {0};
	assert_int_equal(policy_load(&o, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, "~/w/.writ.json:1:"));
}

static void n_grants_only_what_the_command_line_allows(void **state)
{
	const struct home *h = *state;
	home_write(h, "~/w/f", "");
	home_write(h, "~/.config/writfs/policy.json",
		"{\"filesystem\": {\"allowWrite\": [\"~/u\"], \"refuseWrite\": [\"~/no\"],"
		" \"denyRead\": [\"~/s\"]}, \"hardLinks\": \"byName\"}");
	home_write(h, "~/w/.writ.json", "{\"filesystem\": {\"refuseWrite\": [\"no\"]}}");
	home_write(h, "%/p.json", "{\"filesystem\": {\"allowWrite\": [\"~/p\"]}}");
	struct policy_options o = home_options(h, "~/w");
	o.no_grants = true;
	o.files = (const char *const[]){home_path(h, "%/p.json"), NULL};
	o.allow = (const char *const[]){"out", "~/.profile", NULL};
	struct policy *p = load_ok(&o);
	const char *why = NULL;
	assert_null(policy_workspace(p, &why));
	assert_string_equal(why, "-n grants nothing but --allow");
	expect_verdict(p, h, "~/w/f", "redirect");
	expect_verdict(p, h, "~/u", "redirect");
	expect_verdict(p, h, "~/p", "redirect");
	expect_verdict(p, h, "~/no", "refuse");
	expect_verdict(p, h, "~/w/no", "refuse");
	expect_verdict(p, h, "~/s", "redirect+hidden");
	expect_verdict(p, h, "~/w/out", "grant");
	expect_verdict(p, h, "~/.profile", "grant");
	assert_true(policy_hard_links_safe(p));
	policy_free(p);
}

static void check_roots(const struct home *h, const struct policy_options *o, const char *list)
{
	char expected[4 * PATH_MAX] = "";
	char got[4 * PATH_MAX] = "";
	char copy[256];
	(void)snprintf(copy, sizeof copy, "%s", list);
	char *rest = NULL;
	for (char *path = strtok_r(copy, " ", &rest); path; path = strtok_r(NULL, " ", &rest)) {
		char *real = realpath(home_path(h, path), NULL);
		(void)strcat(strcat(expected, " "), real);
		free(real);
	}
	struct policy *p = load_ok(o);
	const char *const *roots;
	size_t count = policy_roots(p, &roots);
	for (size_t i = 0; i < count; i++)
		(void)strcat(strcat(got, " "), roots[i]);
	policy_free(p);
	assert_string_equal(got, expected);
}

static void roots_are_real_and_merged(void **state)
{
	const struct home *h = *state;
	shell("cd '%s' && mkdir -p a/b c home/in && ln -s a link", h->dir->path);
	struct policy_options o = home_options(h, "~");
	check_roots(h, &o, "~");
	o.roots = (const char *const[]){home_path(h, "%/a"), NULL};
	check_roots(h, &o, "%/a ~");
	o.roots = (const char *const[]){home_path(h, "%/link"), home_path(h, "%/a/b"),
		home_path(h, "%/a/"), "~/in", "in", ".", NULL};
	check_roots(h, &o, "%/a ~");
	o.roots = (const char *const[]){home_path(h, "%/a/b"), home_path(h, "%/a"), NULL};
	check_roots(h, &o, "%/a ~");
	o.roots = (const char *const[]){h->dir->path, NULL};
	check_roots(h, &o, "%");
	/* A mount has only what is named. */
	o.roots_replace = true;
	o.no_workspace = true;
	o.roots = (const char *const[]){home_path(h, "%/c"), home_path(h, "%/a"), NULL};
	check_roots(h, &o, "%/a %/c");
	struct policy *p = NULL;
	struct err e = {0};
	o.roots = NULL;
	assert_int_equal(policy_load(&o, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, "--root"));
	/* A policy file adds some. */
	home_write(h, "~/.config/writfs/policy.json", "{\"roots\": [\"~/../c\", \"in\"]}");
	o = home_options(h, "~");
	check_roots(h, &o, "%/c ~");
	home_write(h, "~/.config/writfs/policy.json", "{\"roots\": [\"~/none\"]}");
	assert_int_equal(policy_load(&o, &p, &e), -EINVAL);
	assert_string_equal(e.text, AT "1:12: root \"~/none\": a root must be a directory: No such "
				       "file or directory");
}

static void a_workspace_outside_becomes_a_root(void **state)
{
	const struct home *h = *state;
	shell("mkdir -p '%s/out/sub'", h->dir->path);
	struct policy_options o = home_options(h, "%/out");
	check_roots(h, &o, "~ %/out");
	o.no_grants = true;
	check_roots(h, &o, "~ %/out");
	o.no_workspace = true;
	check_roots(h, &o, "~");
	/* Not /, and not what holds the home directory. */
	o = home_options(h, "/");
	check_roots(h, &o, "~");
	o = home_options(h, "%");
	check_roots(h, &o, "~");
}

static void too_many_roots(void **state)
{
	const struct home *h = *state;
	static char names[POLICY_ROOTS_MAX][PATH_MAX];
	const char *roots[POLICY_ROOTS_MAX + 1] = {0};
	for (int i = 0; i < POLICY_ROOTS_MAX; i++) {
		(void)snprintf(names[i], PATH_MAX, "%s/r%d", h->dir->path, i);
		assert_int_equal(mkdir(names[i], 0755), 0);
		roots[i] = names[i];
	}
	struct policy_options o = home_options(h, "~");
	struct policy *p = NULL;
	struct err e = {0};
	o.roots = roots;
	assert_int_equal(policy_load(&o, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, "more than 16 roots"));
	roots[POLICY_ROOTS_MAX - 1] = NULL;
	policy_free(load_ok(&o));
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		home_test(mistakes_name_place_and_cure),
		home_test(mistakes_in_patterns_are_errors),
		home_test(what_cannot_be_read_never_allows),
		home_test(bad_command_lines),
		home_test(all_keys_are_accepted),
		home_test(a_workspaces_entry_counts_there_only),
		home_test(bare_patterns_are_relative_to_their_source),
		home_test(without_a_workspace_dot_grants_only_when_asked_for),
		home_test(a_workspace_file_only_narrows),
		home_test(n_grants_only_what_the_command_line_allows),
		home_test(roots_are_real_and_merged),
		home_test(a_workspace_outside_becomes_a_root),
		home_test(too_many_roots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
