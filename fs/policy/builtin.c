/* SPDX-License-Identifier: MIT */
/*
 * The rules that nobody has to write: writfs's own files are refused, the never-write rows of the
 * labels are redirected by default, the workspace is granted.
 */
#include "policy_i.h"

#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>

#define BUILTIN_FILE "built-in"
#define OWN_ETC "/etc/writfs"
#define OWN_CONFIG "~/.config/writfs"

/* A rule on a path that is not a pattern. */
static int rule_on_path(
	struct build *b, struct rule_spec *spec, const char *path, const char *below, struct err *e)
{
	struct str pattern cleanup_str = STR_INIT;
	glob_escape(&pattern, path);
	str_add(&pattern, below);
	if (pattern.failed)
		return err_errno(e, ENOMEM, "%s", path);
	spec->pattern = pattern.p;
	struct err why = {0};
	int r = build_rule(b, spec, &why);
	return r < 0 ? err_set(e, -r, "%s: %s", path, why.text) : 0;
}

static int refuse_own_files(struct build *b, struct err *e)
{
	struct rule_spec spec = {.kind = RULE_REFUSE,
		.source = POLICY_BUILTIN,
		.file = BUILTIN_FILE,
		.reason = "writfs's own policy decides over jobs, so no job decides over it",
		.bases = {.home = b->p->home, .dot = b->base, .bare = b->base}};
	int r = rule_on_path(b, &spec, b->config_dir, "", e);
	if (r == 0)
		r = rule_on_path(b, &spec, OWN_ETC, "", e);
	if (r == 0 && b->options->etc_dir && strcmp(b->options->etc_dir, OWN_ETC) != 0)
		r = rule_on_path(b, &spec, b->options->etc_dir, "", e);
	if (r < 0)
		return r;
	/* Also where XDG_CONFIG_HOME points elsewhere: the next shell may not have it. */
	struct err why = {0};
	spec.pattern = OWN_CONFIG;
	r = build_rule(b, &spec, &why);
	return r < 0 ? err_set(e, -r, OWN_CONFIG ": %s", why.text) : 0;
}

static int redirect_never_write(struct build *b, struct err *e)
{
	for (size_t row = 0; row < labels_count(b->labels); row++) {
		const struct label *label = labels_get(b->labels, row);
		struct rule_spec spec = {.kind = RULE_REDIRECT,
			.source = POLICY_BUILTIN,
			.file = BUILTIN_FILE,
			.reason = label->reason,
			.is_default = true,
			.except = label->except,
			.bases = {.home = b->p->home, .dot = b->base, .bare = b->base}};
		for (size_t i = 0; label->never_write && label->patterns[i]; i++) {
			struct err why = {0};
			spec.pattern = label->patterns[i];
			int r = build_rule(b, &spec, &why);
			if (r < 0)
				return err_set(
					e, -r, "labels.json: %s: %s", spec.pattern, why.text);
		}
	}
	return 0;
}

/* Hooks of a git directory are redirected one by one; git's own samples and the directory itself
 * are as granted as the rest, or no clone could be made. */
static int redirect_hooks(struct build *b, const char *git, struct err *e)
{
	struct str sample cleanup_str = STR_INIT;
	glob_escape(&sample, git);
	str_add(&sample, "/hooks/*.sample");
	if (sample.failed)
		return err_errno(e, ENOMEM, "%s", git);
	const char *const except[] = {sample.p, NULL};
	struct rule_spec spec = {.kind = RULE_REDIRECT,
		.source = POLICY_BUILTIN,
		.file = BUILTIN_FILE,
		.reason = "git runs the hooks of a repository outside any job too",
		.is_default = true,
		.except = except,
		.bases = {.home = b->p->home, .dot = b->base, .bare = b->base}};
	return rule_on_path(b, &spec, git, "/hooks/*", e);
}

static int grant_workspace(struct build *b, struct err *e)
{
	struct rule_spec spec = {.kind = RULE_ALLOW,
		.source = POLICY_GRANT,
		.file = "workspace",
		.reason = "the job works here",
		.bases = {.home = b->p->home, .dot = b->base, .bare = b->base}};
	int r = rule_on_path(b, &spec, b->workspace.top, "", e);
	if (r < 0 || !b->workspace.git)
		return r;
	spec.reason = "objects and refs of the workspace lie here";
	return rule_on_path(b, &spec, b->workspace.git, "", e);
}

int builtin_rules(struct build *b, struct err *e)
{
	int r = refuse_own_files(b, e);
	if (r == 0)
		r = redirect_never_write(b, e);
	if (r < 0 || !b->usable)
		return r;
	char *git cleanup_free = NULL;
	r = path_absolute(".git", b->workspace.top, b->p->home, &git, e);
	if (r == 0)
		r = redirect_hooks(b, git, e);
	if (r == 0 && b->workspace.git)
		r = redirect_hooks(b, b->workspace.git, e);
	if (r == 0 && !b->options->no_grants)
		r = grant_workspace(b, e);
	return r;
}

/* Why a directory is never a workspace, or NULL. Returns buf. */
static const char *never_workspace(const struct build *b, const char *dir, char *buf, size_t size)
{
	const char *home = b->p->home;
	char shown[512];
	(void)path_display(shown, sizeof shown, dir, home);
	const struct label *label = labels_never_write(b->labels, dir, home);
	if (strcmp(dir, "/") == 0)
		(void)snprintf(buf, size, "/ is never granted");
	else if (strcmp(dir, home) == 0)
		(void)snprintf(buf, size, "%s is your home directory", shown);
	else if (path_is_beneath(home, dir))
		(void)snprintf(buf, size, "%s holds your home directory", shown);
	else if (label)
		(void)snprintf(buf, size, "%s is never granted (%s)", shown, label->label);
	else if (labels_holds_never_write(b->labels, dir, home))
		(void)snprintf(buf, size, "%s holds places that are never granted", shown);
	else if (path_is_beneath(dir, b->config_dir) || path_is_beneath(b->config_dir, dir))
		(void)snprintf(buf, size, "%s holds writfs's own policy", shown);
	else
		return NULL;
	return buf;
}

int builtin_workspace(struct build *b, struct err *e)
{
	char why[1024];
	char shown[512];
	const char *never = NULL;
	struct policy *p = b->p;
	b->base = b->options->cwd;
	if (b->options->no_workspace) {
		never = "a mount has no workspace";
	} else {
		int r = workspace_discover(b->options->cwd, &b->workspace);
		if (r < 0)
			return err_errno(e, -r, "current directory %s", b->options->cwd);
		never = never_workspace(b, b->workspace.top, why, sizeof why);
		if (never && !b->options->no_grants &&
			build_note(b, "nothing is granted here: %s", never) < 0)
			return err_errno(e, ENOMEM, "looking for the workspace");
	}
	if (!never) {
		b->usable = true;
		b->base = b->workspace.top;
		if (b->options->no_grants)
			never = "-n grants nothing but --allow";
	}
	if (b->workspace.git && never_workspace(b, b->workspace.git, why, sizeof why)) {
		free(b->workspace.git);
		b->workspace.git = NULL;
	}
	if (b->workspace.distrusted &&
		build_note(b, "%s is not believed: what it names does not name it back",
			path_display(shown, sizeof shown, b->workspace.distrusted, p->home)) < 0)
		return err_errno(e, ENOMEM, "looking for the workspace");
	if (never)
		p->why = strdup(never);
	else
		p->workspace = strdup(b->workspace.top);
	return p->why || p->workspace ? 0 : err_errno(e, ENOMEM, "looking for the workspace");
}
