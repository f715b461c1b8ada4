/* SPDX-License-Identifier: MIT */
/*
 * Patterns for those who have whole paths: labels, review, the command line. No states are kept;
 * each match walks the graph once.
 */
#include "glob_set.h"

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
	uint32_t kinds;
};

static int add_expansion(const char *text, void *arg, struct err *e)
{
	const struct adding *adding = arg;
	struct glob g cleanup_glob = GLOB_INIT;
	int r = glob_parse(&g, text, adding->bases, e);
	if (r < 0)
		return r;
	if (nfa_add(adding->set->nfa, &g, adding->tag, adding->kinds) < 0)
		return err_errno(e, ENOMEM, "compiling the pattern");
	return 0;
}

int glob_set_add_kinds(struct glob_set *s, const char *pattern, const struct glob_bases *bases,
	uint32_t tag, uint32_t kinds, struct err *e)
{
	struct adding adding = {.set = s, .bases = bases, .tag = tag, .kinds = kinds};
	return braces_expand(pattern, add_expansion, &adding, e);
}

int glob_set_add(struct glob_set *s, const char *pattern, const struct glob_bases *bases,
	uint32_t tag, struct err *e)
{
	return glob_set_add_kinds(s, pattern, bases, tag, 0, e);
}

struct matching {
	int (*fn)(uint32_t tag, size_t depth, void *arg);
	void *arg;
};

static int match_name(const struct ids *nodes, const struct ids *tags, size_t depth, void *arg)
{
	const struct matching *m = arg;
	(void)nodes;
	for (size_t i = 0; i < tags->len; i++) {
		int r = m->fn(ids_at(tags)[i], depth, m->arg);
		if (r)
			return r;
	}
	return 0;
}

int glob_set_match(const struct glob_set *s, const char *path, const char *root,
	int (*fn)(uint32_t tag, size_t depth, void *arg), void *arg)
{
	/* Where in path the root ends, for the patterns that begin there. */
	const char *root_end = NULL;
	if (path_is_beneath(path, root))
		root_end = path + (strcmp(root, "/") == 0 ? 0 : strlen(root));
	struct matching m = {.fn = fn, .arg = arg};
	return nfa_walk(s->nfa, path, root_end, match_name, &m);
}

struct reaching {
	const struct nfa *nfa;
	uint32_t kinds;
};

static int reach_name(const struct ids *nodes, const struct ids *tags, size_t depth, void *arg)
{
	struct reaching *reaching = arg;
	(void)tags;
	(void)depth;
	reaching->kinds = 0;
	for (size_t i = 0; i < nodes->len; i++)
		reaching->kinds |= nfa_reach(reaching->nfa, ids_at(nodes)[i]);
	return 0;
}

uint32_t glob_set_reach(const struct glob_set *s, const char *path)
{
	struct reaching reaching = {.nfa = s->nfa};
	if (nfa_walk(s->nfa, path, NULL, reach_name, &reaching) < 0)
		return UINT32_MAX;
	return reaching.kinds;
}
