/* SPDX-License-Identifier: MIT */
/*
 * What discard will do. A new directory of which nothing is kept moves to trash/ as one, so does a
 * directory that was deleted and made again; of everything else each name by itself. Logins that
 * were renewed in the job are left out unless they are named.
 */
#include <errno.h>
#include <string.h>

#include "steps.h"

static int choose(struct plan *p)
{
	for (size_t i = 0; i < p->changes->scratch.count; i++) {
		struct change *c = p->changes->memory->by_path[i];
		int r = 0;
		c->chosen = c->selected;
		if (!c->selected)
			continue;
		if (c->busy)
			r = plan_leave(p, c, RESULT_BUSY, NULL);
		else if (c->class == CLASS_LOGIN && !p->act->all && (p->act->bulk || !c->named))
			r = plan_leave(p, c, RESULT_LOGIN, c->label);
		if (r)
			return r;
	}
	return 0;
}

static bool all_chosen_below(const struct plan *p, const char *path)
{
	size_t count;
	struct change **below = changes_below(p->changes, path, &count);
	for (size_t i = 0; i < count; i++)
		if (!below[i]->chosen)
			return false;
	return true;
}

/* Marks what goes with path: all of one group. */
static void give_group_below(struct plan *p, const char *path, size_t group)
{
	size_t count;
	struct change **below = changes_below(p->changes, path, &count);
	for (size_t i = 0; i < count; i++)
		below[i]->group = group;
}

static bool in_group(const struct change *c)
{
	return c->group != SIZE_MAX;
}

static int plan_opaques(struct plan *p)
{
	for (size_t i = 0; i < p->changes->memory->opaque_count; i++) {
		const struct opaque_dir *o = &p->changes->memory->opaques[i];
		struct change *own = changes_find(p->changes, o->path);
		size_t group, count;
		(void)changes_below(p->changes, o->path, &count);
		if (!all_chosen_below(p, o->path) || (own ? !own->chosen : !count))
			continue;
		int r = steps_group(p->steps, &group);
		if (r || !steps_add(p->steps, STEP_DISCARD, group, o->root, o->rel))
			return -ENOMEM;
		give_group_below(p, o->path, group);
		if (own)
			own->group = group;
	}
	return 0;
}

static bool makes_directory(const struct change *c)
{
	return S_ISDIR(c->now.st_mode) && (c->kind == CHANGE_ADDED || c->kind == CHANGE_TYPE);
}

static int add_discard(struct plan *p, const struct change *c, const char *path, const char *ident)
{
	const struct change at = {.root = c->root, .root_len = c->root_len, .path = path};
	struct step *step =
		steps_add(p->steps, STEP_DISCARD, c->group, c->root, change_rel(p->review, &at));
	if (!step)
		return -ENOMEM;
	step->ident = memory_string(&p->steps->memory, ident);
	return p->steps->memory.failed ? -ENOMEM : 0;
}

static int plan_one(struct plan *p, struct change *c)
{
	bool directory = makes_directory(c);
	if (in_group(c))
		return 0;
	if (plan_opaque(p->changes, c->path))
		return plan_leave(p, c, RESULT_FAILED,
			"lies in a directory that was deleted and made again; discard that");
	if (directory && !all_chosen_below(p, c->path))
		return plan_leave(p, c, RESULT_FAILED, "holds changes that are kept");
	int r = steps_group(p->steps, &c->group);
	if (!r)
		r = add_discard(p, c, c->path, c->ident);
	if (r)
		return r;
	if (directory)
		give_group_below(p, c->path, c->group);
	else if (S_ISDIR(c->now.st_mode))
		p->steps->items[p->steps->count - 1].metadata = true;
	/* The whiteout of the old name: nothing else has ever lain there. */
	return c->from ? add_discard(p, c, c->from, NULL) : 0;
}

static int plan_same(struct plan *p)
{
	struct change_list *same = &p->changes->same;
	for (size_t i = same->count; i-- > 0;) {
		struct change *c = &same->items[i];
		if (!c->selected || c->busy || plan_opaque(p->changes, c->path) ||
			S_ISDIR(c->now.st_mode))
			continue;
		int r = steps_group(p->steps, &c->group);
		if (!r)
			r = add_discard(p, c, c->path, c->ident);
		if (r)
			return r;
		c->chosen = true;
	}
	return 0;
}

/* New directories first, from the top, because they take along what is in them; the rest from the
 * bottom, so that a directory is empty when its turn comes. */
int plan_discard(struct plan *p)
{
	size_t count = p->changes->scratch.count;
	int r = choose(p);
	for (size_t i = 0; i < count; i++)
		p->changes->scratch.items[i].group = SIZE_MAX;
	if (!r)
		r = plan_opaques(p);
	for (size_t i = 0; !r && i < count; i++) {
		struct change *c = p->changes->memory->by_path[i];
		if (c->chosen && makes_directory(c))
			r = plan_one(p, c);
	}
	for (size_t i = count; !r && i-- > 0;) {
		struct change *c = p->changes->memory->by_path[i];
		if (c->chosen)
			r = plan_one(p, c);
	}
	return r ? r : plan_same(p);
}
