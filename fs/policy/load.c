/* SPDX-License-Identifier: MIT */
/* Loads a policy: all sources in the order of design, then compiles (see policy_i.h). */
#include "policy_i.h"

#include <stdlib.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>

#define ETC_DIR "/etc/writfs"
#define POLICY_FILE_NAME "policy.json"
#define WORKSPACE_FILE_NAME ".writ.json"
#define COMMAND_LINE "command line"
#define SHOWN_PATH_MAX 4096

void policy_free(struct policy *p)
{
	if (!p)
		return;
	automaton_free(p->automaton);
	nfa_free(p->nfa);
	rules_free(&p->rules);
	for (size_t i = 0; i < p->root_count; i++)
		free(p->roots[i]);
	for (size_t i = 0; i < p->note_count; i++)
		free(p->notes[i]);
	free(p->notes);
	free(p->home);
	free(p->workspace);
	free(p->why);
	free(p);
}

void policy_freep(struct policy **p)
{
	policy_free(*p);
}

static int load_file(struct build *b, enum policy_source source, const char *dir, const char *name,
	struct err *e)
{
	char *path cleanup_free = NULL;
	char shown[SHOWN_PATH_MAX];
	int r = path_absolute(name, dir, b->p->home, &path, e);
	if (r < 0)
		return r;
	return source_load(b, source, path, path_display(shown, sizeof shown, path, b->p->home), e);
}

/* -p FILE: shown as it was written. */
static int load_given(struct build *b, const char *file, struct err *e)
{
	char *path cleanup_free = NULL;
	int r = path_absolute(file, b->options->cwd, b->p->home, &path, e);
	return r < 0 ? r : source_load(b, POLICY_FILE, path, file, e);
}

static int load_files(struct build *b, struct err *e)
{
	const struct policy_options *o = b->options;
	int r = 0;
	if (!o->no_files)
		r = load_file(
			b, POLICY_ETC, o->etc_dir ? o->etc_dir : ETC_DIR, POLICY_FILE_NAME, e);
	if (r == 0 && !o->no_files)
		r = load_file(b, POLICY_USER, b->config_dir, POLICY_FILE_NAME, e);
	if (r == 0 && b->usable)
		r = load_file(b, POLICY_WORKSPACE, b->workspace.top, WORKSPACE_FILE_NAME, e);
	for (size_t i = 0; r == 0 && o->files && o->files[i]; i++)
		r = load_given(b, o->files[i], e);
	return r;
}

static int command_patterns(struct build *b, enum rule_kind kind, const char *option,
	const char *const *patterns, struct err *e)
{
	for (size_t i = 0; patterns && patterns[i]; i++) {
		struct err why = {0};
		struct rule_spec spec = {.kind = kind,
			.source = POLICY_COMMAND,
			.pattern = patterns[i],
			.file = COMMAND_LINE,
			.bases = {.home = b->p->home, .dot = b->options->cwd, .bare = b->base}};
		int r = build_rule(b, &spec, &why);
		if (r < 0)
			return err_set(e, -r, "%s \"%s\": %s", option, patterns[i], why.text);
	}
	return 0;
}

static int load_command_line(struct build *b, struct err *e)
{
	const struct policy_options *o = b->options;
	int r = command_patterns(b, RULE_ALLOW, "--allow", o->allow, e);
	if (r == 0)
		r = command_patterns(b, RULE_REDIRECT, "--redirect", o->redirect, e);
	if (r == 0)
		r = command_patterns(b, RULE_REFUSE, "--refuse", o->refuse, e);
	if (r == 0)
		r = command_patterns(b, RULE_HIDE, "--hide", o->hide, e);
	for (size_t i = 0; r == 0 && o->roots && o->roots[i]; i++) {
		struct err why = {0};
		r = roots_add(b, o->roots[i], o->cwd, &why);
		if (r < 0)
			return err_set(e, -r, "--root \"%s\": %s", o->roots[i], why.text);
	}
	return r;
}

static policy_state step_path(struct automaton *a, policy_state state, const char *path)
{
	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");
		state = automaton_step(a, state, path, len);
		path += len;
	}
	return state;
}

static int compile_states(struct policy *p, struct err *e)
{
	if (automaton_create(p->nfa, &p->rules, &p->automaton) < 0)
		return err_errno(e, ENOMEM, "compiling the policy");
	p->start = automaton_start(p->automaton);
	for (size_t i = 0; i < p->root_count; i++) {
		policy_state outside = step_path(p->automaton, p->start, p->roots[i]);
		p->root_states[i] = automaton_enter_root(p->automaton, outside);
		if (p->root_states[i] == STATE_REFUSES)
			return err_errno(e, ENOMEM, "compiling the policy");
	}
	return 0;
}

static int load(struct build *b, struct err *e)
{
	int r = labels_load(NULL, &b->labels, e);
	if (r == 0)
		r = builtin_workspace(b, e);
	if (r == 0)
		r = builtin_rules(b, e);
	if (r == 0)
		r = load_files(b, e);
	if (r == 0)
		r = load_command_line(b, e);
	if (r == 0)
		r = roots_finish(b, e);
	if (r == 0)
		r = links_compile(b, e);
	return r < 0 ? r : compile_states(b->p, e);
}

int policy_load(const struct policy_options *options, struct policy **ret, struct err *e)
{
	struct policy *p cleanup_with(policy_freep) = calloc(1, sizeof *p);
	struct build b cleanup_with(build_end) = {.p = p, .options = options};
	if (!p)
		return err_errno(e, ENOMEM, "loading the policy");
	p->hard_links_safe = true;
	p->home = strdup(options->home);
	if (!p->home)
		return err_errno(e, ENOMEM, "loading the policy");
	int r = 0;
	if (options->config_dir) {
		b.config_dir = strdup(options->config_dir);
		if (!b.config_dir)
			return err_errno(e, ENOMEM, "loading the policy");
	} else {
		r = path_config(&b.config_dir, e);
	}
	if (r == 0)
		r = load(&b, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(&p);
	return 0;
}
