/* SPDX-License-Identifier: MIT */
/*
 * The rules and their order of precedence. Private to fs/policy.
 *
 * While a path is walked, its standing says what has named it so far. It is all that precedence
 * needs: walking goes from the root down, so what is accepted later is the narrower.
 */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include <writfs/policy.h>

/* Kinds of patterns, as bits: what can still be accepted beneath a node of the graph. */
#define KIND_REFUSE 0x01U
#define KIND_REDIRECT 0x02U /* the user's, /etc's, a workspace file's: never lifted */
#define KIND_DEFAULT 0x04U  /* a built-in redirect, which a user's allow can lift */
#define KIND_ALLOW 0x08U
#define KIND_LIFT 0x10U /* an allow that lifts defaults */
#define KIND_HIDE 0x20U
#define KIND_REVEAL 0x40U

/* Rules with exceptions are numbered by a bit in struct standing. */
#define EXCEPT_GROUPS_MAX 64
#define EXCEPT_NONE 255

#define NO_RULE (-1)
/* The verdict of the state that stands for "out of memory". */
#define REFUSED_WITHOUT_RULE (-2)

/* One compiled pattern; its number is its tag in the graph. */
struct pattern {
	int32_t rule;
	uint16_t wild; /* components that are not literal */
	uint8_t group; /* EXCEPT_NONE, or the rule's group of exceptions */
	bool lifts;
	bool excepts; /* is an exception of the group */
};

struct rules {
	struct policy_rule *rules;
	size_t count;
	size_t cap;
	struct pattern *patterns;
	size_t pattern_count;
	size_t pattern_cap;
	char **strings; /* owned; rules point at them */
	size_t string_count;
	size_t string_cap;
	unsigned groups;
};

void rules_free(struct rules *r);
/* Keeps a copy until rules_free; NULL: out of memory. */
const char *rules_string(struct rules *r, const char *text);
/* rule's strings must be the rules' own or outlive them. Returns its number or -ENOMEM. */
int32_t rules_add(struct rules *r, const struct policy_rule *rule);
/* Returns its number, which is the tag to compile with, or -ENOMEM. */
int64_t rules_add_pattern(struct rules *r, const struct pattern *pattern);
uint32_t rules_kinds(const struct rules *r, const struct pattern *pattern);

struct standing {
	uint64_t except; /* groups whose exceptions named this path */
	int32_t refuse;  /* the deciding rule of each kind, NO_RULE: none */
	int32_t redirect;
	int32_t by_default;
	int32_t allow;
	int32_t hide;
	int32_t unused; /* no padding: standings are compared as bytes */
};

void standing_init(struct standing *s);
/* One name further, where patterns accepted. */
void standing_add(
	struct standing *s, const struct rules *r, const uint32_t *patterns, size_t count);
/* Of the kinds that can be accepted beneath, those that could still change something. */
uint32_t standing_relevant(const struct standing *s, uint32_t reach);
/* ... that could change the verdict's kind or hidden. */
uint32_t standing_decisive(const struct standing *s);
bool standing_same_kind(const struct standing *a, const struct standing *b);

struct verdict standing_decide(
	const struct standing *present, const struct standing *origin, bool attached);

#endif
