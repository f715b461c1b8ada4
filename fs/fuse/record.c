/* SPDX-License-Identifier: MIT */
/*
 * From changes to journal records. Writes are coalesced per node and program: the first one of a
 * kind is recorded when it happens, the sum of the bytes when another program takes over or the
 * kernel forgets the node. Names are always recorded. Paths are built here, off the fast path.
 */
#include <errno.h>

#include "fuse_i.h"

static void full_path(struct session *s, slot_t dir, const char *name, struct str *path)
{
	str_add(path, s->o.root_path);
	size_t len = path->len;
	str_add_char(path, '/');
	if (table_path(s->table, dir, path))
		return;
	if (path->len > len + 1 && name && *name)
		str_add_char(path, '/');
	if (name)
		str_add(path, name);
	if (path->len > 1 && path->p && path->p[path->len - 1] == '/')
		path->p[--path->len] = '\0';
}

static void fill_rule(
	const struct session *s, const struct decision *d, struct journal_record *record)
{
	static const enum journal_verdict words[] = {[VERDICT_GRANT] = JOURNAL_GRANTED,
		[VERDICT_REDIRECT] = JOURNAL_REDIRECTED,
		[VERDICT_REFUSE] = JOURNAL_REFUSED};
	record->verdict = words[d->kind];
	if (!s->o.policy || d->rule < 0)
		return;
	const struct policy_rule *rule = policy_rule_get(s->o.policy, d->rule);
	record->rule = rule->pattern;
	record->rule_file = rule->file;
	record->rule_line = rule->line;
}

struct coalesce {
	uint32_t actor;
	uint32_t op;
	int64_t bytes;
	bool granted;
	bool known; /* this program's op on this node is recorded already */
};

static void coalesce_node(struct node *n, void *arg)
{
	struct coalesce *c = arg;
	if (n->last_actor != c->actor || ((n->last_ops & OPS_GRANTED) != 0) != c->granted) {
		n->last_actor = c->actor;
		n->last_ops = 0;
		n->bytes = 0;
	}
	c->known = (n->last_ops & c->op) != 0;
	n->last_ops |= c->op | (c->granted ? OPS_GRANTED : 0);
	if (c->bytes > 0)
		n->bytes += c->bytes;
}

void record_change(fuse_req_t req, struct session *s, enum journal_op op, const struct decision *d,
	slot_t node, slot_t dir, const char *name, int64_t bytes, int result)
{
	struct str path cleanup_str = STR_INIT;
	if (!s->o.journal)
		return;
	const struct journal_actor *actor =
		req ? journal_actor_get(s->o.journal, fuse_req_ctx(req)->pid) : NULL;
	if (node != SLOT_NONE && !result) {
		struct coalesce c = {(uint32_t)((uintptr_t)actor >> 4), 1u << (unsigned)op, bytes,
			d->kind == VERDICT_GRANT, false};
		table_update(s->table, node, coalesce_node, &c);
		if (c.known)
			return;
	}
	struct journal_record record = {.op = op, .bytes = bytes, .result = result, .actor = actor};
	struct decision asked = *d;
	if (d->rule == RULE_ASK && (verdict_node(s, node, NULL, &asked) || asked.rule < 0))
		asked.rule = -1;
	asked.kind = d->kind;
	full_path(s, dir, name, &path);
	record.path = path.p;
	fill_rule(s, &asked, &record);
	if (record.verdict == JOURNAL_GRANTED && !result)
		record.note = "not undoable: no base kept";
	if (path.p)
		journal_append(s->o.journal, &record);
}

void record_move(fuse_req_t req, struct session *s, enum journal_op op, const struct decision *d,
	slot_t dir, const char *name, slot_t dir2, const char *name2, const char *note, int result)
{
	struct str path cleanup_str = STR_INIT, path2 cleanup_str = STR_INIT;
	if (!s->o.journal)
		return;
	full_path(s, dir, name, &path);
	if (op == JOURNAL_SYMLINK)
		str_add(&path2, name2);
	else
		full_path(s, dir2, name2, &path2);
	struct journal_record record = {.op = op,
		.path = path.p,
		.path2 = path2.p,
		.bytes = -1,
		.result = result,
		.note = note,
		.actor = journal_actor_get(s->o.journal, fuse_req_ctx(req)->pid)};
	fill_rule(s, d, &record);
	if (!note && record.verdict == JOURNAL_GRANTED && !result)
		record.note = "not undoable: no base kept";
	if (path.p)
		journal_append(s->o.journal, &record);
}

void record_forgotten(struct session *s, const char *below, const struct forgotten *f)
{
	struct str path cleanup_str = STR_INIT;
	if (!s->o.journal)
		return;
	str_addf(&path, "%s/%s", s->o.root_path, below);
	struct journal_record record = {.op = JOURNAL_WRITE,
		.path = path.p,
		.bytes = f->bytes,
		.verdict = f->granted ? JOURNAL_GRANTED : JOURNAL_REDIRECTED,
		.note = "bytes in all"};
	if (path.p)
		journal_append(s->o.journal, &record);
}
