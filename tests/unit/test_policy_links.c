/* SPDX-License-Identifier: MIT */
/* Dotfiles that are links: what protects follows them, what grants does so only where no job can
 * have made the link. */
#include "../support/policy_test.h"

#include <stdlib.h>

#define in_home(h, text) shell("cd '%s' && %s", (h)->path, text)

static void a_protected_link_protects_its_target(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p dot/ssh dot/config/autostart && touch dot/bashrc && ln -s dot/bashrc "
		   ".bashrc && "
		   "ln -s \"$PWD/dot/ssh\" .ssh && ln -s dot/config .config");
	struct policy_options o = home_options(h, "~/dot");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/dot/other", "grant");
	expect_verdict(p, h, "~/dot/bashrc", "redirect");
	expect_verdict(p, h, "~/dot/ssh/id", "redirect");
	expect_verdict(p, h, "~/dot/config/autostart/x", "redirect");
	expect_verdict(p, h, "~/dot/config/plain", "grant");
	expect_verdict(p, h, "~/dot/config/writfs/policy.json", "refuse");
	/* The default on the target is named by the target's own path. */
	policy_free(p);
	o.allow = (const char *const[]){"~/dot/bashrc", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/dot/bashrc", "grant");
	expect_verdict(p, h, "~/.bashrc", "redirect");
	policy_free(p);
	/* The links on the way are protected under any grant. */
	o = home_options(h, "~");
	o.allow = (const char *const[]){"~", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/.config", "redirect");
	expect_verdict(p, h, "~/.config/writfs/x", "refuse");
	expect_verdict(p, h, "~/.ssh", "redirect");
	expect_verdict(p, h, "~/dot", "grant");
	policy_free(p);
}

static void chains_and_rules_of_all_kinds(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p s1 s2 && touch s2/f && ln -s ../s2/f s1/f && ln -s s1/./f x && "
		   "ln -s s2 d && mkdir w && ln -s ../s1/../s2 w/up");
	struct policy_options o = home_options(h, "~/w");
	o.refuse = (const char *const[]){"~/x", NULL};
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/x", "refuse");
	expect_verdict(p, h, "~/s1/f", "redirect");
	expect_verdict(p, h, "~/s2/f", "refuse");
	expect_verdict(p, h, "~/s2/g", "redirect");
	policy_free(p);
	o = home_options(h, "~/w");
	o.hide = (const char *const[]){"~/d/*", "up/q", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/s2/f", "redirect+hidden");
	expect_verdict(p, h, "~/s2", "redirect");
	/* Hiding the link would hide all else behind it. */
	expect_verdict(p, h, "~/d", "redirect");
	expect_verdict(p, h, "~/s2/q", "redirect+hidden");
	policy_free(p);
}

static void loops_and_dangling_links_are_harmless(void **state)
{
	const struct home *h = *state;
	in_home(h, "ln -s loop2 loop1 && ln -s loop1 loop2 && ln -s missing/deep dangling && "
		   "ln -s / top && ln -s \"$(printf '%%0300d' 1)\" long 2>/dev/null; ln -s . self");
	struct policy_options o = home_options(h, "~");
	o.refuse = (const char *const[]){
		"~/loop1", "~/dangling/x", "~/top", "~/long", "~/self/self/y", NULL};
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/loop1", "refuse");
	expect_verdict(p, h, "~/missing/deep/x", "refuse");
	expect_verdict(p, h, "~/missing/deep", "redirect");
	expect_verdict(p, h, "~/y", "refuse");
	/* A link to what holds a root would turn a rule against everything. */
	expect_verdict(p, h, "~/f", "redirect");
	policy_free(p);
}

static void a_grant_follows_links_that_it_does_not_grant(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p dot/config/app secret && ln -s dot/config .config");
	struct policy_options o = home_options(h, "~");
	o.allow = (const char *const[]){"~/.config/app", NULL};
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/dot/config/app/f", "grant");
	expect_verdict(p, h, "~/dot/config/other", "redirect");
	policy_free(p);
}

static void a_grant_does_not_follow_its_own_link(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p secret && ln -s secret cache");
	struct policy_options o = home_options(h, "~");
	o.allow = (const char *const[]){"~/cache", NULL};
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/cache", "grant");
	expect_verdict(p, h, "~/secret/f", "redirect");
	assert_true(
		has_note(p, "~/cache is a link that a job could have made, so it does not grant "
			    "~/secret: --allow that if it is meant"));
	policy_free(p);
	o.allow = (const char *const[]){"~/cache", "~/secret", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/secret/f", "grant");
	assert_false(has_note(p, "could have made"));
	policy_free(p);
}

static void a_grant_does_not_follow_links_in_granted_places(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p w secret/in && ln -s ../secret w/out && ln -s ../secret w/other");
	struct policy_options o = home_options(h, "~/w");
	o.allow = (const char *const[]){"out/in", NULL};
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/secret/in/f", "redirect");
	policy_free(p);
	/* Nor through a link that is granted by what another link leads to. */
	in_home(h, "ln -s w l && mkdir deep && ln -s ../secret deep/s && ln -s deep l2");
	o = home_options(h, "~");
	o.allow = (const char *const[]){"~/l2/s/in", "~/l2/*", "~/deep/**", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/secret/in/f", "redirect");
	policy_free(p);
	/* Redirected by name, the link cannot have been made. */
	o = home_options(h, "~/w");
	o.redirect = (const char *const[]){"other", NULL};
	o.allow = (const char *const[]){"other/in", NULL};
	p = load_ok(&o);
	expect_verdict(p, h, "~/secret/in/f", "redirect"); /* by the redirect, which follows too */
	policy_free(p);
}

static void a_followed_grant_lifts_nothing(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p .ssh && ln -s . here");
	struct policy_options o = home_options(h, "~");
	o.allow = (const char *const[]){"~/here/.ssh", NULL};
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/.ssh/id", "redirect");
	policy_free(p);
}

static void targets_outside_the_roots_are_named(void **state)
{
	const struct home *h = *state;
	shell("cd '%s' && mkdir -p out/d && touch out/rc && cd home && ln -s ../out/rc .bashrc && "
	      "ln -s ../out/d .vim",
		h->dir->path);
	struct policy_options o = home_options(h, "~");
	struct policy *p = load_ok(&o);
	char note[PATH_MAX];
	char *out = realpath(home_path(h, "%/out"), NULL);
	(void)snprintf(note, sizeof note,
		"~/.bashrc leads to %s/rc, outside the roots, where no rule reaches (--root %s "
		"covers it)",
		out, out);
	assert_true(has_note(p, note));
	(void)snprintf(note, sizeof note, "(--root %s/d covers it)", out);
	assert_true(has_note(p, note));
	policy_free(p);
	o.roots = (const char *const[]){out, NULL};
	p = load_ok(&o);
	assert_false(has_note(p, "outside the roots"));
	expect_verdict(p, h, "%/out/rc", "redirect");
	assert_true(verdict_of(p, h, "%/out/rc").rule >= 0);
	policy_free(p);
	free(out);
}

static void hooks_behind_a_link(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q r && mkdir r/myhooks && rm -rf r/.git/hooks && ln -s ../myhooks "
		   "r/.git/hooks");
	struct policy_options o = home_options(h, "~/r");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/r/myhooks/pre-commit", "redirect");
	expect_verdict(p, h, "~/r/myhooks/x.sample", "grant");
	expect_verdict(p, h, "~/r/.git/hooks", "redirect");
	policy_free(p);
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		home_test(a_protected_link_protects_its_target),
		home_test(chains_and_rules_of_all_kinds),
		home_test(loops_and_dangling_links_are_harmless),
		home_test(a_grant_follows_links_that_it_does_not_grant),
		home_test(a_grant_does_not_follow_its_own_link),
		home_test(a_grant_does_not_follow_links_in_granted_places),
		home_test(a_followed_grant_lifts_nothing),
		home_test(targets_outside_the_roots_are_named),
		home_test(hooks_behind_a_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
