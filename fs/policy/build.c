/* SPDX-License-Identifier: MIT */
/*
 * Collects rules and their patterns while sources are read. A written pattern is one rule; its
 * expansions, and later the targets of links in it, are patterns of that rule.
 */
#include "policy_i.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/cleanup.h>

#include "braces.h"

void build_end(struct build *b)
{
	for (size_t i = 0; i < b->count; i++)
		glob_free(&b->list[i].glob);
	free(b->list);
	free(b->config_dir);
	labels_free(b->labels);
	workspace_end(&b->workspace);
}

int build_pattern(struct build *b, struct glob *glob, const struct pattern *like)
{
	if (b->count == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 256;
		struct compiled *grown = realloc(b->list, cap * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		b->list = grown;
		b->cap = cap;
	}
	struct pattern pattern = *like;
	pattern.wild = (uint16_t)glob_wild_count(glob);
	if (rules_add_pattern(&b->p->rules, &pattern) < 0)
		return -ENOMEM;
	/* Its place in the list is its number. */
	b->list[b->count++] = (struct compiled){.glob = *glob, .pattern = pattern};
	*glob = (struct glob)GLOB_INIT;
	return 0;
}

struct expanding {
	struct build *b; /* NULL: only checked */
	const struct glob_bases *bases;
	struct pattern like;
	bool may_lift;
};

static int expand_one(const char *text, void *arg, struct err *e)
{
	struct expanding *x = arg;
	struct glob glob cleanup_glob = GLOB_INIT;
	int r = glob_parse(&glob, text, x->bases, e);
	if (r < 0 || !x->b)
		return r;
	if (x->b->count == POLICY_RULES_MAX)
		return err_set(e, EINVAL, "more than %d patterns in all", POLICY_RULES_MAX);
	x->like.lifts = x->may_lift && glob_last_is_literal(&glob);
	if (build_pattern(x->b, &glob, &x->like) < 0)
		return err_errno(e, ENOMEM, "compiling the pattern");
	return 0;
}

int build_check(const char *pattern, const struct glob_bases *bases, struct err *why)
{
	struct expanding x = {.bases = bases};
	return braces_expand(pattern, expand_one, &x, why);
}

/* The pattern with what it is relative to; one that begins with a brace stays as it is. */
static const char *absolute_text(
	struct rules *rules, const char *pattern, const struct glob_bases *bases)
{
	struct str text cleanup_str = STR_INIT;
	const char *base = NULL;
	const char *rest = pattern;
	if (pattern[0] == '~') {
		base = bases->home;
		rest = pattern + 1;
	} else if (pattern[0] == '.' && (pattern[1] == '/' || pattern[1] == '\0')) {
		base = bases->dot;
		rest = pattern + 1;
	} else if (pattern[0] != '/' && pattern[0] != '{' && strncmp(pattern, "**", 2) != 0) {
		base = bases->bare;
	}
	if (base && strcmp(base, "/") != 0)
		glob_escape(&text, base);
	if (base && rest[0] != '/' && rest[0] != '\0')
		str_add_char(&text, '/');
	str_add(&text, rest);
	if (text.failed)
		return NULL;
	return rules_string(rules, text.len ? text.p : "/");
}

static bool source_lifts(enum policy_source source)
{
	return source == POLICY_USER || source == POLICY_FILE || source == POLICY_COMMAND;
}

/* Gives the rules of spec their group of exceptions. */
static int except_add(struct build *b, struct rule_spec *spec, int32_t rule, struct err *why)
{
	struct rules *rules = &b->p->rules;
	if (rules->groups == EXCEPT_GROUPS_MAX)
		return err_set(why, EINVAL, "more than %d rows with exceptions", EXCEPT_GROUPS_MAX);
	spec->except_group = ++rules->groups;
	struct expanding x = {.b = b,
		.bases = &spec->bases,
		.like = {
			.rule = rule, .group = (uint8_t)(spec->except_group - 1), .excepts = true}};
	int r = 0;
	for (const char *const *except = spec->except; r == 0 && *except; except++)
		r = braces_expand(*except, expand_one, &x, why);
	return r;
}

int build_rule(struct build *b, struct rule_spec *spec, struct err *why)
{
	struct rules *rules = &b->p->rules;
	int r = build_check(spec->pattern, &spec->bases, why);
	if (r < 0)
		return r;
	struct policy_rule rule = {.kind = spec->kind,
		.source = spec->source,
		.pattern = rules_string(rules, spec->pattern),
		.path = absolute_text(rules, spec->pattern, &spec->bases),
		.file = rules_string(rules, spec->file),
		.line = spec->line,
		.reason = spec->reason ? rules_string(rules, spec->reason) : NULL,
		.is_default = spec->is_default};
	int32_t number = -ENOMEM;
	if (rule.pattern && rule.path && rule.file && !spec->reason == !rule.reason)
		number = rules_add(rules, &rule);
	if (number < 0)
		return err_errno(why, ENOMEM, "adding a rule");
	if (spec->except && spec->except[0] && !spec->except_group)
		r = except_add(b, spec, number, why);
	struct expanding x = {.b = b,
		.bases = &spec->bases,
		.like = {.rule = number, .group = EXCEPT_NONE},
		.may_lift = spec->kind == RULE_ALLOW && source_lifts(spec->source)};
	if (spec->except_group)
		x.like.group = (uint8_t)(spec->except_group - 1);
	return r < 0 ? r : braces_expand(spec->pattern, expand_one, &x, why);
}

int build_note(struct build *b, const char *fmt, ...)
{
	struct policy *p = b->p;
	struct str text cleanup_str = STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	if (text.failed || !text.p)
		return -ENOMEM;
	for (size_t i = 0; i < p->note_count; i++) {
		if (strcmp(p->notes[i], text.p) == 0)
			return 0;
	}
	char **grown = realloc(p->notes, (p->note_count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	p->notes = grown;
	p->notes[p->note_count++] = steal_ptr(&text.p);
	return 0;
}

int build_graph(const struct build *b, struct nfa **ret)
{
	struct nfa *nfa cleanup_with(nfa_freep) = NULL;
	int r = nfa_create(&nfa);
	for (size_t i = 0; r == 0 && i < b->count; i++) {
		const struct compiled *c = &b->list[i];
		if (!c->dropped)
			r = nfa_add(
				nfa, &c->glob, (uint32_t)i, rules_kinds(&b->p->rules, &c->pattern));
	}
	if (r < 0)
		return r;
	*ret = steal_ptr(&nfa);
	return 0;
}
