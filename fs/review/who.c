/* SPDX-License-Identifier: MIT */
/*
 * Who did it, and what was done for real. The journal is read once; redirected records tell who
 * and which rule for the changes that lie in scratch, granted ones are the only source for real
 * changes, refused ones for what was refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/path.h>

#include "history.h"

struct who {
	struct review *review;
	struct changes *changes;
	struct history histories[JOURNAL_REFUSED + 1];
	struct real_cache real;
	enum journal_verdict verdict; /* of the history that is being listed */
};

static int take_line(const struct journal_line *line, void *arg)
{
	struct who *w = arg;
	if (line->result && line->verdict != JOURNAL_REFUSED)
		return 0;
	if ((unsigned)line->verdict > JOURNAL_REFUSED)
		return 0;
	return history_add(&w->histories[line->verdict], line);
}

static void take_actor(struct change *c, const struct history_node *node)
{
	c->program = node->program;
	c->parent = node->parent_program;
	c->rule = node->rule;
	c->rule_file = node->rule_file;
	c->rule_line = node->rule_line;
	c->note = node->note;
	c->time_ns = node->time_ns;
	c->records = node->records;
}

/* A name that no record mentions came with a directory that one does. */
static const struct history_node *nearest(struct history *h, const char *path)
{
	char buf[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof buf)
		return NULL;
	memcpy(buf, path, len + 1);
	for (;;) {
		const struct history_node *node = history_find(h, buf, false);
		if (node && node->leaf)
			return node;
		char *slash = strrchr(buf, '/');
		if (!slash || slash == buf)
			return NULL;
		*slash = '\0';
	}
}

static enum change_kind kind_of_fold(enum fold fold)
{
	switch (fold) {
	case FOLD_ADDED:
		return CHANGE_ADDED;
	case FOLD_DELETED:
		return CHANGE_DELETED;
	case FOLD_RENAMED:
		return CHANGE_RENAMED;
	case FOLD_MODE:
		return CHANGE_MODE;
	case FOLD_OWNER:
		return CHANGE_OWNER;
	case FOLD_XATTR:
		return CHANGE_XATTR;
	case FOLD_TIMES:
		return CHANGE_TIMES;
	case FOLD_NONE:
	case FOLD_MODIFIED:
		break;
	}
	return CHANGE_MODIFIED;
}

static int look_at_real(struct who *w, struct change *c)
{
	const struct review *r = w->review;
	const char *rel, *name;
	struct statx stx;
	int root = review_find_root(r, c->path, &rel);
	if (root < 0 || !r->roots[root].store)
		return 0;
	c->root = (size_t)root;
	c->root_len = strlen(r->roots[root].path);
	int dir = real_cache_dir(&w->real, &r->roots[root], rel, &name);
	if (dir < 0 || sys_statx(dir, name, &stx))
		return 0;
	sys_statx_to_stat(&stx, &c->now);
	c->bytes = S_ISDIR(c->now.st_mode) ? 0 : (uint64_t)c->now.st_size;
	return store_print_of(dir, name, &c->real);
}

static int list_node(const struct history_node *node, const char *path, void *arg)
{
	struct who *w = arg;
	bool real = w->verdict == JOURNAL_GRANTED;
	struct memory *m = &w->changes->memory->memory;
	struct change c = {.verdict = w->verdict,
		.kind = kind_of_fold(node->fold),
		.from = node->from,
		.lines_added = -1,
		.lines_removed = -1,
		.selected = true,
		.class = CLASS_NONE};
	if (real && node->fold == FOLD_NONE)
		return 0; /* made and removed again */
	c.path = memory_string(m, path);
	if (!c.path)
		return -ENOMEM;
	take_actor(&c, node);
	int r = look_at_real(w, &c);
	if (r)
		return r;
	if (real && !c.real.exists) {
		if (c.kind == CHANGE_ADDED)
			return 0; /* gone by now, and not there before */
		c.kind = CHANGE_DELETED;
	} else if (real && c.kind == CHANGE_DELETED) {
		c.kind = CHANGE_MODIFIED;
	}
	if (real)
		return change_add(&w->changes->real, &w->changes->memory->real_cap, &c);
	return change_add(&w->changes->refused, &w->changes->memory->refused_cap, &c);
}

static int fill_list(struct who *w, struct change_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct history_node *node =
			nearest(&w->histories[JOURNAL_REDIRECTED], list->items[i].path);
		if (node)
			take_actor(&list->items[i], node);
	}
	return 0;
}

static int who_run(struct who *w, struct err *e)
{
	int r = journal_read(w->review->job->dir, take_line, w, &w->changes->bad_lines, e);
	if (r)
		return r;
	r = fill_list(w, &w->changes->scratch);
	w->verdict = JOURNAL_GRANTED;
	if (!r)
		r = history_each(&w->histories[JOURNAL_GRANTED], list_node, w);
	w->verdict = JOURNAL_REFUSED;
	if (!r)
		r = history_each(&w->histories[JOURNAL_REFUSED], list_node, w);
	return r ? err_errno(e, -r, "cannot list the changes of %s", w->review->job->id) : 0;
}

int who_fill(struct review *r, struct changes *c, struct err *e)
{
	struct who w = {.review = r, .changes = c, .real = REAL_CACHE_INIT};
	int status = 0;
	for (size_t i = 0; !status && i <= JOURNAL_REFUSED; i++)
		status = history_init(&w.histories[i], &c->memory->memory);
	if (status)
		(void)err_set(e, ENOMEM, "out of memory");
	else
		status = who_run(&w, e);
	for (size_t i = 0; i <= JOURNAL_REFUSED; i++)
		history_free(&w.histories[i]);
	real_cache_drop(&w.real);
	return status;
}
