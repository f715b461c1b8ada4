/* SPDX-License-Identifier: MIT */
/* The workspace, with checkouts made by git itself, and with some that only pretend to be. */
#include "../support/policy_test.h"

#include <stdlib.h>

/* Shell text in the home directory, with a git that knows nobody's settings. */
#define in_home(h, text)                                                                           \
	shell("cd '%s' && export HOME=\"$PWD\" GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a "           \
	      "GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a && exec >/dev/null "  \
	      "2>&1 && %s",                                                                        \
		(h)->path, text)

static void check_find(const struct home *h, const char *dir, const char *top, const char *git)
{
	char *got_top = NULL;
	char *got_git = NULL;
	assert_int_equal(workspace_find(home_path(h, dir), &got_top, &got_git), 0);
	assert_string_equal(got_top, home_path(h, top));
	if (git) {
		assert_non_null(got_git);
		assert_string_equal(got_git, home_path(h, git));
	} else {
		assert_null(got_git);
	}
	free(got_top);
	free(got_git);
}

static void check_workspace(
	const struct home *h, const char *cwd, const char *workspace, const char *why)
{
	struct policy_options o = home_options(h, cwd);
	struct policy *p = load_ok(&o);
	const char *reason = NULL;
	const char *got = policy_workspace(p, &reason);
	if (workspace) {
		assert_non_null(got);
		assert_string_equal(got, home_path(h, workspace));
		assert_null(reason);
		expect_verdict(p, h, workspace, "grant");
	} else {
		assert_null(got);
		assert_non_null(reason);
		if (!strstr(reason, why))
			fail_msg("%s: %s", cwd, reason);
		assert_true(has_note(p, why));
	}
	policy_free(p);
}

static void a_plain_directory(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p p/sub 'q [x]'");
	check_find(h, "~/p/sub", "~/p/sub", NULL);
	check_workspace(h, "~/p/sub", "~/p/sub", NULL);
	check_workspace(h, "~/q [x]", "~/q [x]", NULL);
	char *top = NULL;
	char *git = NULL;
	assert_int_equal(workspace_find(home_path(h, "~/none"), &top, &git), -ENOENT);
	assert_null(top);
}

static void a_repository(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q r && mkdir -p r/a/b && ln -s r/a link");
	check_find(h, "~/r", "~/r", NULL);
	check_find(h, "~/r/a/b", "~/r", NULL);
	check_find(h, "~/link/b", "~/r", NULL);
	check_find(h, "~/r/.git/refs", "~/r", NULL);
	check_workspace(h, "~/r/a/b", "~/r", NULL);
	struct policy_options o = home_options(h, "~/r/a");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/r/.git/index", "grant");
	expect_verdict(p, h, "~/r/.git/config", "grant");
	expect_verdict(p, h, "~/r/.git/hooks", "grant");
	expect_verdict(p, h, "~/r/.git/hooks/pre-commit", "redirect");
	expect_verdict(p, h, "~/r/.git/hooks/pre-commit.sample", "grant");
	expect_verdict(p, h, "~/x", "redirect");
	policy_free(p);
}

static void an_empty_git_directory_is_none(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q r && mkdir -p r/sub/.git r/sub/x");
	check_find(h, "~/r/sub/x", "~/r", NULL);
}

static void a_worktree(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q m && cd m && git commit -q --allow-empty -m x && "
		   "git worktree add -q ../wt && mkdir ../wt/sub");
	check_find(h, "~/wt/sub", "~/wt", "~/m/.git");
	struct policy_options o = home_options(h, "~/wt/sub");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/wt/f", "grant");
	expect_verdict(p, h, "~/m/.git/objects/aa", "grant");
	expect_verdict(p, h, "~/m/.git/worktrees/wt/index", "grant");
	expect_verdict(p, h, "~/m/.git/hooks/pre-commit", "redirect");
	expect_verdict(p, h, "~/m/.git/hooks/x.sample", "grant");
	expect_verdict(p, h, "~/m/f", "redirect");
	policy_free(p);
	/* Moved without git's knowledge: it is named back under its old place. */
	in_home(h, "mv wt moved");
	check_find(h, "~/moved/sub", "~/moved/sub", NULL);
	in_home(h, "cd m && git worktree repair ../moved");
	check_find(h, "~/moved/sub", "~/moved", "~/m/.git");
	/* With a path relative to itself, as newer gits write it. */
	in_home(h, "cd m/.git/worktrees/wt && echo ../../../../moved/.git >gitdir");
	check_find(h, "~/moved/sub", "~/moved", "~/m/.git");
}

static void a_worktree_of_a_bare_repository(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q m && cd m && git commit -q --allow-empty -m x && cd .. && "
		   "git clone -q --bare m b.git && cd b.git && git worktree add -q ../w");
	check_find(h, "~/w", "~/w", "~/b.git");
	struct policy_options o = home_options(h, "~/w");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/b.git/hooks/post-commit", "redirect");
	expect_verdict(p, h, "~/b.git/refs/x", "grant");
	policy_free(p);
}

static void a_forged_worktree_is_not_believed(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q victim && cd victim && git commit -q --allow-empty -m x && "
		   "git worktree add -q ../real && mkdir -p ../evil/sub");
	/* Names the victim's directories, which do not name it. */
	in_home(h, "printf 'gitdir: %s/victim/.git/worktrees/real\\n' \"$PWD\" >evil/.git");
	check_find(h, "~/evil/sub", "~/evil/sub", NULL);
	check_workspace(h, "~/evil/sub", "~/evil/sub", NULL);
	struct policy_options o = home_options(h, "~/evil/sub");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/victim/.git/objects/x", "redirect");
	expect_verdict(p, h, "~/evil/f", "redirect");
	assert_true(has_note(p, "~/evil/.git is not believed"));
	policy_free(p);
	in_home(h, "echo 'gitdir: ../victim/.git' >evil/.git");
	check_find(h, "~/evil", "~/evil", NULL);
	in_home(h, "echo 'gitdir: ..' >evil/.git");
	check_find(h, "~/evil", "~/evil", NULL);
	in_home(h, "echo nonsense >evil/.git");
	check_find(h, "~/evil/sub", "~/evil/sub", NULL);
	in_home(h, "rm evil/.git && ln -s ../victim/.git evil/.git");
	check_find(h, "~/evil", "~/evil", NULL);
	/* A directory of its own that claims the victim's as common one. */
	in_home(h, "rm evil/.git && mkdir -p evil/g/worktrees/x && cd evil && "
		   "echo \"$PWD/.git\" >g/worktrees/x/gitdir && "
		   "echo ../../../../victim/.git >g/worktrees/x/commondir && "
		   "echo \"gitdir: $PWD/g/worktrees/x\" >.git");
	check_find(h, "~/evil", "~/evil", NULL);
	/* ... and one where a link leads to it. */
	in_home(h, "rm -r evil/g && ln -s ../victim/.git evil/g && "
		   "echo \"gitdir: $PWD/evil/g/worktrees/real\" >evil/.git");
	check_find(h, "~/evil", "~/evil", NULL);
}

static void a_submodule(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q lib && (cd lib && git commit -q --allow-empty -m x) && "
		   "git init -q s && cd s && "
		   "git -c protocol.file.allow=always submodule --quiet add ../lib dir/sub");
	check_find(h, "~/s/dir", "~/s", NULL);
	check_find(h, "~/s/dir/sub", "~/s/dir/sub", "~/s/.git/modules/dir/sub");
	struct policy_options o = home_options(h, "~/s/dir/sub");
	struct policy *p = load_ok(&o);
	expect_verdict(p, h, "~/s/dir/sub/f", "grant");
	expect_verdict(p, h, "~/s/.git/modules/dir/sub/index", "grant");
	expect_verdict(p, h, "~/s/.git/modules/dir/sub/hooks/x", "redirect");
	expect_verdict(p, h, "~/s/.git/index", "redirect");
	policy_free(p);
	/* From above, its hooks are hooks as well. */
	o = home_options(h, "~/s");
	p = load_ok(&o);
	expect_verdict(p, h, "~/s/.git/modules/dir/sub/hooks/x", "redirect");
	expect_verdict(p, h, "~/s/.git/modules/dir/sub/hooks/x.sample", "grant");
	expect_verdict(p, h, "~/s/.git/modules/dir/sub/HEAD", "grant");
	policy_free(p);
	/* Another directory cannot name it. */
	in_home(h, "mkdir evil && echo \"gitdir: $PWD/s/.git/modules/dir/sub\" >evil/.git");
	check_find(h, "~/evil", "~/evil", NULL);
	in_home(h, "cd s/.git/modules/dir/sub && git config core.worktree /nonexistent");
	check_find(h, "~/s/dir/sub", "~/s/dir/sub", NULL);
}

static void never_granted(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir -p .config/nvim .config/writfs .config/app .ssh .local/share go "
		   ".claude/projects bin");
	check_workspace(h, "~", NULL, "~ is your home directory");
	check_workspace(h, "/", NULL, "/ is never granted");
	check_workspace(h, "%", NULL, "holds your home directory");
	check_workspace(h, "~/.config", NULL, "~/.config holds places that are never granted");
	check_workspace(h, "~/.local/share", NULL, "holds places that are never granted");
	check_workspace(h, "~/go", NULL, "~/go holds places");
	check_workspace(h, "~/.config/nvim", NULL, "~/.config/nvim is never granted (runs in");
	check_workspace(h, "~/.ssh", NULL, "~/.ssh is never granted (");
	check_workspace(h, "~/bin", NULL, "~/bin is never granted (on $PATH)");
	check_workspace(h, "~/.config/writfs", NULL, "writfs's own policy");
	check_workspace(h, "~/.config/app", "~/.config/app", NULL);
	check_workspace(h, "~/.claude/projects", "~/.claude/projects", NULL);
}

static void a_home_that_is_a_repository(void **state)
{
	const struct home *h = *state;
	in_home(h, "git init -q . && mkdir notes && git init -q project");
	check_workspace(h, "~", NULL, "~ is your home directory");
	check_workspace(h, "~/notes", NULL, "~ is your home directory");
	check_workspace(h, "~/project", "~/project", NULL);
}

static void a_mount_has_none(void **state)
{
	const struct home *h = *state;
	in_home(h, "mkdir p");
	struct policy_options o = home_options(h, "~/p");
	o.no_workspace = true;
	struct policy *p = load_ok(&o);
	const char *why = NULL;
	assert_null(policy_workspace(p, &why));
	assert_non_null(why);
	expect_verdict(p, h, "~/p/f", "redirect");
	policy_free(p);
}

static void anothers_repository_decides_nothing(void **state)
{
	const struct home *h = *state;
	if (geteuid() != 0)
		skip();
	in_home(h, "git init -q r && mkdir r/sub && chown -R 12345 r/.git");
	check_find(h, "~/r/sub", "~/r/sub", NULL);
}

#define home_test(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		home_test(a_plain_directory),
		home_test(a_repository),
		home_test(an_empty_git_directory_is_none),
		home_test(a_worktree),
		home_test(a_worktree_of_a_bare_repository),
		home_test(a_forged_worktree_is_not_believed),
		home_test(a_submodule),
		home_test(never_granted),
		home_test(a_home_that_is_a_repository),
		home_test(a_mount_has_none),
		home_test(anothers_repository_decides_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
