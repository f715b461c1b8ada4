/* SPDX-License-Identifier: MIT */
/*
 * The loaded policy, and what is known while it is being loaded. Private to fs/policy.
 *
 * Loading goes in this order, since each step needs the ones before it: workspace (bare patterns
 * are relative to it) → rules of all sources → roots → links (a rule on a link also names its
 * target; what may be followed depends on all rules) → graph → states of the roots.
 */
#ifndef POLICY_POLICY_I_H
#define POLICY_POLICY_I_H

#include <writfs/labels.h>
#include <writfs/policy.h>

#include "automaton.h"
#include "glob_i.h"
#include "nfa.h"
#include "rule.h"
#include "workspace.h"

struct policy {
	struct rules rules;
	struct nfa *nfa;
	struct automaton *automaton;
	char *home;
	char *roots[POLICY_ROOTS_MAX];
	size_t root_count;
	policy_state root_states[POLICY_ROOTS_MAX];
	policy_state start; /* of "/", for paths outside every root */
	char *workspace;    /* NULL: nothing is granted here */
	char *why;          /* NULL: it is granted */
	char **notes;
	size_t note_count;
	bool hard_links_safe;
};

struct compiled {
	struct glob glob;
	struct pattern pattern;
	bool dropped; /* keeps its number, but is no part of the graph */
};

struct build {
	struct policy *p;
	const struct policy_options *options;
	struct labels *labels;
	struct workspace workspace;
	bool usable;      /* the workspace may be granted */
	const char *base; /* the workspace, else the current directory */
	char *config_dir;
	struct compiled *list; /* every pattern, also those of link targets */
	size_t count;
	size_t cap;
};

/* A rule as a source gives it. Strings are copied. */
struct rule_spec {
	enum rule_kind kind;
	enum policy_source source;
	const char *pattern;
	const char *file;
	unsigned line;
	const char *reason; /* NULL: none */
	bool is_default;
	const char *const *except; /* NULL-terminated, NULL: none; only for defaults */
	unsigned except_group;     /* 0; set by the first rule, so that a row's rules share it */
	struct glob_bases bases;
};

/* ---- build.c ---- */
/* -EINVAL: *why says what is wrong with the pattern, without the pattern. */
int build_rule(struct build *b, struct rule_spec *spec, struct err *why);
/* Checks a pattern as build_rule does, and adds nothing. */
int build_check(const char *pattern, const struct glob_bases *bases, struct err *why);
/* One more pattern of the same rule; glob is taken over. */
int build_pattern(struct build *b, struct glob *glob, const struct pattern *like);
/* Notes are shown to the person: one line each, said once. */
int build_note(struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The graph of the patterns that are not dropped. */
int build_graph(const struct build *b, struct nfa **ret);
void build_end(struct build *b);

/* ---- builtin.c ---- */
int builtin_rules(struct build *b, struct err *e);
/* Decides whether the workspace may be granted, and says why not. */
int builtin_workspace(struct build *b, struct err *e);

/* ---- source.c ---- */
/* Reads one policy file. Missing is no error unless source is POLICY_FILE. */
int source_load(struct build *b, enum policy_source source, const char *path, const char *shown,
	struct err *e);

/* ---- roots.c ---- */
/* text is as the person wrote it; it must be a directory. -EINVAL: *why without the text. */
int roots_add(struct build *b, const char *text, const char *base, struct err *why);
/* Workspace and $HOME where they count, then sorted and merged. */
int roots_finish(struct build *b, struct err *e);
/* The root that path lies in, or NULL. */
const char *roots_find(const struct policy *p, const char *path);

/* ---- links.c ---- */
/* Adds the targets of links in literal heads, and compiles everything into p->nfa. */
int links_compile(struct build *b, struct err *e);

/* ---- explain.c ---- */
/* Where in path its root ends, NULL: outside every root. */
const char *policy_root_end(const struct policy *p, const char *path);
/* The standing of path by walking a graph, without states. */
int policy_walk(
	const struct policy *p, const struct nfa *nfa, const char *path, struct standing *ret);

#endif
