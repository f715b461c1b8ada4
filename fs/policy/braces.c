/* SPDX-License-Identifier: MIT */
/*
 * Brace expansion in time linear in what comes out. The pattern is parsed once into a small tree
 * whose nodes know how many texts they stand for; the k-th expansion is then written directly, as
 * the digits of k in a number system of mixed bases. Nothing is copied per level, so that neither
 * depth nor width of a hostile pattern costs more than the limit of expansions allows.
 */
#include "braces.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <writfs/cleanup.h>
#include <writfs/glob.h>

#define BRACES_DEPTH_MAX 32

enum node_kind { NODE_TEXT, NODE_SEQUENCE, NODE_GROUP };

/* A text is a span of the pattern; a sequence has parts, a group has sequences. */
struct node {
	enum node_kind kind;
	uint32_t start;
	uint32_t len;
	uint32_t first; /* child, 0: none */
	uint32_t next;  /* sibling, 0: none */
	uint32_t count; /* expansions */
};

struct braces {
	const char *pattern;
	size_t at;
	struct node *nodes;
	uint32_t used;
	struct err *e;
};

static uint32_t node_new(struct braces *b, enum node_kind kind)
{
	b->nodes[b->used] = (struct node){.kind = kind, .count = 1};
	return b->used++;
}

/* Appends child to parent's list, whose end is *last. */
static void node_append(struct braces *b, uint32_t parent, uint32_t *last, uint32_t child)
{
	if (*last)
		b->nodes[*last].next = child;
	else
		b->nodes[parent].first = child;
	*last = child;
}

static bool count_fits(uint64_t count)
{
	return count <= GLOB_BRACES_MAX;
}

static uint32_t parse_text(struct braces *b, unsigned depth)
{
	const char *p = b->pattern;
	size_t start = b->at;
	while (p[b->at] && p[b->at] != '{' && p[b->at] != '}' && !(depth && p[b->at] == ',')) {
		if (p[b->at] == '\\' && p[b->at + 1])
			b->at++;
		b->at++;
	}
	uint32_t text = node_new(b, NODE_TEXT);
	b->nodes[text].start = (uint32_t)start;
	b->nodes[text].len = (uint32_t)(b->at - start);
	return text;
}

static int parse_sequence(struct braces *b, unsigned depth, uint32_t *ret);

/* At the opening brace; leaves b->at behind the closing one. */
static int parse_group(struct braces *b, unsigned depth, uint32_t *ret)
{
	if (depth > BRACES_DEPTH_MAX)
		return err_set(b->e, EINVAL, "braces more than %d deep", BRACES_DEPTH_MAX);
	uint32_t group = node_new(b, NODE_GROUP);
	uint32_t last = 0;
	uint64_t count = 0;
	do {
		uint32_t sequence = 0;
		b->at++; /* the brace or comma before it */
		int r = parse_sequence(b, depth, &sequence);
		if (r < 0)
			return r;
		node_append(b, group, &last, sequence);
		count += b->nodes[sequence].count;
	} while (b->pattern[b->at] == ',');
	if (b->pattern[b->at] != '}')
		return err_set(b->e, EINVAL, "a { without its } (write \\{ for the character)");
	b->at++;
	if (!count_fits(count))
		return err_set(
			b->e, EINVAL, "braces stand for more than %d patterns", GLOB_BRACES_MAX);
	b->nodes[group].count = (uint32_t)count;
	*ret = group;
	return 0;
}

/* Up to the end, or within braces to the comma or brace that ends it. */
static int parse_sequence(struct braces *b, unsigned depth, uint32_t *ret)
{
	uint32_t sequence = node_new(b, NODE_SEQUENCE);
	uint32_t last = 0;
	uint64_t count = 1;
	for (char c; (c = b->pattern[b->at]) != '\0';) {
		uint32_t part = 0;
		if (depth && (c == ',' || c == '}'))
			break;
		if (c == '}')
			return err_set(
				b->e, EINVAL, "a } without its { (write \\} for the character)");
		if (c == '{') {
			int r = parse_group(b, depth + 1, &part);
			if (r < 0)
				return r;
		} else {
			part = parse_text(b, depth);
		}
		node_append(b, sequence, &last, part);
		count *= b->nodes[part].count;
		if (!count_fits(count))
			return err_set(b->e, EINVAL, "braces stand for more than %d patterns",
				GLOB_BRACES_MAX);
	}
	b->nodes[sequence].count = (uint32_t)count;
	*ret = sequence;
	return 0;
}

/* Writes expansion k of a node to out; returns the end. */
static char *node_write(const struct braces *b, uint32_t node, uint32_t k, char *out)
{
	const struct node *n = &b->nodes[node];
	if (n->kind == NODE_TEXT) {
		memcpy(out, b->pattern + n->start, n->len);
		return out + n->len;
	}
	if (n->kind == NODE_GROUP) {
		uint32_t child = n->first;
		while (k >= b->nodes[child].count) {
			k -= b->nodes[child].count;
			child = b->nodes[child].next;
		}
		return node_write(b, child, k, out);
	}
	uint32_t rest = n->count;
	for (uint32_t child = n->first; child; child = b->nodes[child].next) {
		rest /= b->nodes[child].count;
		out = node_write(b, child, k / rest, out);
		k %= rest;
	}
	return out;
}

int braces_expand(const char *pattern, int (*fn)(const char *text, void *arg, struct err *e),
	void *arg, struct err *e)
{
	size_t len = strnlen(pattern, GLOB_PATTERN_MAX + 1);
	if (len > GLOB_PATTERN_MAX)
		return err_set(e, EINVAL, "longer than %d bytes", GLOB_PATTERN_MAX);
	/* Each special byte opens at most a group, its sequence and a text on either side. */
	size_t specials = 0;
	for (size_t i = 0; i < len; i++)
		specials += pattern[i] == '{' || pattern[i] == '}' || pattern[i] == ',';
	struct node *nodes cleanup_free = calloc(4 * specials + 4, sizeof *nodes);
	char *out cleanup_free = malloc(len + 1);
	if (!nodes || !out)
		return err_errno(e, ENOMEM, "expanding braces");
	struct braces b = {.pattern = pattern, .nodes = nodes, .used = 1, .e = e};
	uint32_t top = 0;
	int r = parse_sequence(&b, 0, &top);
	for (uint32_t k = 0; r == 0 && k < b.nodes[top].count; k++) {
		*node_write(&b, top, k, out) = '\0';
		r = fn(out, arg, e);
	}
	return r;
}
