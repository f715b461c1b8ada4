/* SPDX-License-Identifier: MIT */
/*
 * Patterns for those who have whole paths: labels, review, the command line. No states are kept;
 * each match walks the graph once.
 */
#include <writfs/glob.h>

#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>

#include "braces.h"
#include "nfa.h"

struct glob_set {
	struct nfa *nfa;
};

int glob_set_create(struct glob_set **ret)
{
	struct glob_set *s cleanup_with(glob_set_freep) = calloc(1, sizeof *s);
	if (!s || nfa_create(&s->nfa) < 0)
		return -ENOMEM;
	*ret = steal_ptr(&s);
	return 0;
}

void glob_set_free(struct glob_set *s)
{
	if (!s)
		return;
	nfa_free(s->nfa);
	free(s);
}

void glob_set_freep(struct glob_set **s)
{
	glob_set_free(*s);
}

struct adding {
	struct glob_set *set;
	const struct glob_bases *bases;
	uint32_t tag;
};

static int add_expansion(const char *text, void *arg, struct err *e)
{
	const struct adding *adding = arg;
	struct glob g cleanup_glob = GLOB_INIT;
	int r = glob_parse(&g, text, adding->bases, e);
	if (r < 0)
		return r;
	if (nfa_add(adding->set->nfa, &g, adding->tag, 0) < 0)
		return err_errno(e, ENOMEM, "compiling the pattern");
	return 0;
}

int glob_set_add(struct glob_set *s, const char *pattern, const struct glob_bases *bases,
	uint32_t tag, struct err *e)
{
	struct adding adding = {.set = s, .bases = bases, .tag = tag};
	return braces_expand(pattern, add_expansion, &adding, e);
}

/* Hands the tags of a step over; nodes become where the next one starts. */
static int step_report(struct nfa_step *step, struct ids *from, size_t depth,
	int (*fn)(uint32_t tag, size_t depth, void *arg), void *arg)
{
	for (size_t i = 0; i < step->nodes.len; i++)
		ids_add(from, ids_at(&step->nodes)[i]);
	ids_sort_unique(from);
	if (step->nodes.failed || step->tags.failed || from->failed)
		return -ENOMEM;
	for (size_t i = 0; i < step->tags.len; i++) {
		int r = fn(ids_at(&step->tags)[i], depth, arg);
		if (r)
			return r;
	}
	return 0;
}

static int walk(const struct nfa *nfa, const char *path, const char *root_end,
	struct nfa_step *step, struct ids *from, int (*fn)(uint32_t tag, size_t depth, void *arg),
	void *arg)
{
	size_t depth = 0;
	nfa_step_start(nfa, NFA_ABSOLUTE, step);
	int r = step_report(step, from, depth, fn, arg);
	for (const char *p = path; r == 0;) {
		if (p == root_end) {
			nfa_step_start(nfa, NFA_IN_ROOTS, step);
			r = step_report(step, from, depth, fn, arg);
		}
		while (*p == '/')
			p++;
		size_t len = strcspn(p, "/");
		if (r || len == 0)
			break;
		nfa_step_name(nfa, ids_at(from), from->len, p, len, step);
		from->len = 0;
		r = step_report(step, from, ++depth, fn, arg);
		p += len;
	}
	return r;
}

int glob_set_match(const struct glob_set *s, const char *path, const char *root,
	int (*fn)(uint32_t tag, size_t depth, void *arg), void *arg)
{
	/* Where in path the root ends, for the patterns that begin there. */
	const char *root_end = NULL;
	if (path_is_beneath(path, root))
		root_end = path + (strcmp(root, "/") == 0 ? 0 : strlen(root));
	struct nfa_step step;
	struct ids from;
	nfa_step_init(&step);
	ids_init(&from);
	int r = walk(s->nfa, path, root_end, &step, &from, fn, arg);
	ids_free(&from);
	nfa_step_end(&step);
	return r;
}
