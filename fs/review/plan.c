/* SPDX-License-Identifier: MIT */
/*
 * What apply will do: which of the selected changes may be applied, which directories they need,
 * and the steps in the order of the design: directories, files, renames, deletions deepest first,
 * directories' attributes, then out of scratch. Pure but for looking at scratch; nothing changes
 * here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steps.h"

int plan_leave(struct plan *p, struct change *c, enum result_kind kind, const char *why)
{
	c->chosen = false;
	return results_add(p->results, kind, c, why);
}

const struct opaque_dir *plan_opaque(const struct changes *c, const char *path)
{
	for (size_t i = 0; i < c->memory->opaque_count; i++) {
		const struct opaque_dir *o = &c->memory->opaques[i];
		size_t len = strlen(o->path);
		if (strncmp(path, o->path, len) == 0 && (path[len] == '/' || !path[len]))
			return o;
	}
	return NULL;
}

/* Why a change that was asked for cannot be applied; RESULT_KIND_MAX: it can. */
static enum result_kind obstacle(const struct change *c, const char **ret_why)
{
	*ret_why = NULL;
	if (c->drifted)
		return RESULT_DRIFTED;
	if (c->conflict) {
		*ret_why = c->why;
		return RESULT_CONFLICT;
	}
	if (c->base_unknown && !c->shown) {
		*ret_why = "what was there before was not recorded; look at it first";
		return RESULT_CONFLICT;
	}
	return c->busy ? RESULT_BUSY : RESULT_KIND_MAX;
}

static int choose(struct plan *p)
{
	for (size_t i = 0; i < p->changes->scratch.count; i++) {
		struct change *c = p->changes->memory->by_path[i];
		const char *why;
		c->chosen = c->selected;
		if (!c->selected)
			continue;
		enum result_kind kind = obstacle(c, &why);
		if (kind == RESULT_KIND_MAX && c->class == CLASS_DANGER && !p->act->all &&
			(p->act->bulk || !c->named)) {
			kind = RESULT_DANGEROUS;
			why = c->label;
		}
		int r = kind == RESULT_KIND_MAX ? 0 : plan_leave(p, c, kind, why);
		if (r)
			return r;
	}
	return 0;
}

static bool makes_directory(const struct change *c)
{
	return S_ISDIR(c->now.st_mode) && (c->kind == CHANGE_ADDED || c->kind == CHANGE_TYPE);
}

/* The directories that c lies in and that are not real yet: 0 if all are chosen now; a result's
 * number + 1 if one of them cannot be. */
static int need_parents(struct plan *p, const struct change *c, char *parent, const char **ret_why)
{
	size_t len = strlen(c->path);
	memcpy(parent, c->path, len + 1);
	for (;;) {
		char *slash = strrchr(parent, '/');
		if (!slash || (size_t)(slash - parent) <= c->root_len)
			return 0;
		*slash = '\0';
		struct change *above = changes_find(p->changes, parent);
		if (!above || above->chosen || !makes_directory(above))
			continue;
		enum result_kind kind = obstacle(above, ret_why);
		/* In a bulk apply what is dangerous stays, and so does what lies in it. */
		if (kind == RESULT_KIND_MAX && above->selected && !c->named) {
			kind = RESULT_DANGEROUS;
			*ret_why = above->label;
		}
		if (kind != RESULT_KIND_MAX)
			return (int)kind + 1;
		above->chosen = true;
	}
}

static int choose_parents(struct plan *p)
{
	char parent[PATH_MAX];
	for (size_t i = 0; i < p->changes->scratch.count; i++) {
		struct change *c = p->changes->memory->by_path[i];
		const char *why = NULL;
		if (!c->chosen || strlen(c->path) >= sizeof parent)
			continue;
		int kind = need_parents(p, c, parent, &why);
		int r = kind ? plan_leave(p, c, (enum result_kind)(kind - 1),
				       why ? why : "its directory is left")
			     : 0;
		if (r)
			return r;
	}
	return 0;
}

static struct step *add(struct plan *p, enum step_kind kind, const struct change *c)
{
	return steps_add(p->steps, kind, c->group, c->root, change_rel(p->review, c));
}

static struct step *add_remove(struct plan *p, const struct change *c)
{
	struct step *step = add(p, STEP_REMOVE, c);
	if (!step)
		return NULL;
	const struct opaque_dir *opaque = plan_opaque(p->changes, c->path);
	step->expect = c->base.known ? c->base : c->real;
	step->content = memory_string(&p->steps->memory, c->content);
	if (opaque && !c->content && strcmp(opaque->path, c->path) != 0)
		step->opaque = memory_string(&p->steps->memory, opaque->rel);
	return step;
}

static bool removes_real_first(const struct change *c)
{
	return c->kind == CHANGE_TYPE && (S_ISDIR(c->real.mode) || S_ISDIR(c->now.st_mode));
}

static int plan_directory(struct plan *p, struct change *c)
{
	if (!makes_directory(c))
		return 0;
	if (removes_real_first(c) && !add_remove(p, c))
		return -ENOMEM;
	struct step *step = add(p, STEP_MKDIR, c);
	if (step)
		step->ident = memory_string(&p->steps->memory, c->ident);
	return step ? 0 : -ENOMEM;
}

static int compare_links(const void *a, const void *b)
{
	const struct change *x = *(const struct change *const *)a;
	const struct change *y = *(const struct change *const *)b;
	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	if (x->now.st_ino != y->now.st_ino)
		return x->now.st_ino < y->now.st_ino ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* Files of several names: the first name is published, the others become links to it. */
static int gather_links(struct plan *p)
{
	p->links = calloc(p->changes->scratch.count + 1, sizeof(struct change *));
	if (!p->links)
		return -ENOMEM;
	for (size_t i = 0; i < p->changes->scratch.count; i++) {
		const struct change *c = &p->changes->scratch.items[i];
		if (c->chosen && c->now.st_nlink > 1 && S_ISREG(c->now.st_mode) &&
			!c->metadata_only)
			p->links[p->link_count++] = c;
	}
	if (p->link_count)
		qsort(p->links, p->link_count, sizeof(struct change *), compare_links);
	return 0;
}

/* The first of the names of the file that c is one of, NULL if c is it. */
static const struct change *first_name(const struct plan *p, const struct change *c)
{
	if (!p->link_count)
		return NULL;
	const struct change **found =
		bsearch(&c, p->links, p->link_count, sizeof(struct change *), compare_links);
	while (found && found > p->links && found[-1]->root == c->root &&
		found[-1]->now.st_ino == c->now.st_ino)
		found--;
	return found && *found != c ? *found : NULL;
}

static int plan_file(struct plan *p, struct change *c)
{
	if (S_ISDIR(c->now.st_mode) || c->kind == CHANGE_DELETED)
		return 0;
	if (removes_real_first(c) && !add_remove(p, c))
		return -ENOMEM;
	const struct change *first = first_name(p, c);
	struct step *step = add(p, first ? STEP_LINK : STEP_PUBLISH, c);
	if (!step)
		return -ENOMEM;
	step->ident = memory_string(&p->steps->memory, c->ident);
	step->metadata = c->metadata_only;
	step->expect = c->base.known ? c->base : c->real;
	if (removes_real_first(c))
		step->expect = (struct store_print){.known = true};
	if (first)
		step->from = memory_string(&p->steps->memory, change_rel(p->review, first));
	return p->steps->memory.failed ? -ENOMEM : 0;
}

static struct change origin_of(const struct change *c)
{
	return (struct change){
		.root = c->root, .root_len = c->root_len, .group = c->group, .path = c->from};
}

/* The old name of what was renamed goes when the new one is there. */
static int plan_renamed(struct plan *p, struct change *c)
{
	struct held h cleanup_held = HELD_INIT;
	if (c->kind != CHANGE_RENAMED)
		return 0;
	const struct change origin = origin_of(c);
	struct step *step = add(p, STEP_REMOVE, &origin);
	if (!step)
		return -ENOMEM;
	int r = held_open(&p->review->roots[c->root], step->rel, &h);
	if (r)
		return r;
	step->expect = h.object.base;
	return 0;
}

static int plan_deleted(struct plan *p, struct change *c)
{
	return c->kind != CHANGE_DELETED || add_remove(p, c) ? 0 : -ENOMEM;
}

static int64_t mtime_of(const struct change *c)
{
	return (int64_t)c->now.st_mtim.tv_sec * 1000000000 + c->now.st_mtim.tv_nsec;
}

/* A directory in which its owner could do nothing, until the program gave itself the right. */
static bool opens_directory(const struct change *c)
{
	const mode_t needed = S_IWUSR | S_IXUSR;
	return c->metadata_only && S_ISDIR(c->now.st_mode) && (c->now.st_mode & needed) == needed &&
	       (c->real.mode & needed) != needed;
}

/* As the program had to: before anything is done in it. Its other attributes follow at the end. */
static int plan_opened_dir(struct plan *p, struct change *c)
{
	if (!opens_directory(c))
		return 0;
	struct step *step = add(p, STEP_DIR, c);
	if (!step)
		return -ENOMEM;
	step->expect = c->base.known ? c->base : c->real;
	step->ident = memory_string(&p->steps->memory, c->ident);
	return 0;
}

static int plan_dir_attr(struct plan *p, struct change *c)
{
	if (!S_ISDIR(c->now.st_mode) || c->kind == CHANGE_DELETED)
		return 0;
	struct step *step = add(p, STEP_DIR, c);
	if (!step)
		return -ENOMEM;
	if (c->metadata_only) {
		if (!opens_directory(c))
			step->expect = c->base.known ? c->base : c->real;
		step->ident = memory_string(&p->steps->memory, c->ident);
	}
	if (!c->metadata_only || (c->aspects & ASPECT_TIMES))
		step->mtime_ns = mtime_of(c);
	return 0;
}

/* A directory that was given the time that it had: it has another once files were put into it. */
static int plan_same_dirs(struct plan *p)
{
	struct change_list *same = &p->changes->same;
	for (size_t i = 0; i < same->count; i++) {
		struct change *c = &same->items[i];
		bool directory = S_ISDIR(c->now.st_mode);
		c->chosen = c->selected && !c->busy;
		if (!c->chosen)
			continue;
		int r = steps_group(p->steps, &c->group);
		struct step *step = !r && directory ? add(p, STEP_DIR, c) : NULL;
		if (r || (directory && !step))
			return -ENOMEM;
		if (step) {
			step->expect = c->real;
			step->mtime_ns = mtime_of(c);
		}
	}
	return 0;
}

static int add_drop(struct plan *p, const struct change *c, const char *ident)
{
	struct step *step = add(p, STEP_DROP, c);
	if (!step)
		return -ENOMEM;
	step->ident = ident;
	/* A live job drops each name together with the last step that made it real. */
	const struct group *group = &p->steps->groups[c->group];
	for (size_t i = group->step_count; i-- > 0;) {
		struct step *earlier = &p->steps->items[group->steps[i]];
		if (earlier != step && strcmp(earlier->rel, step->rel) == 0) {
			earlier->drop = p->steps->count;
			break;
		}
	}
	return 0;
}

/* A whiteout is a whiteout, whatever it stood for. */
static int add_origin_drop(struct plan *p, const struct change *c)
{
	const struct change origin = origin_of(c);
	const struct review_root *root = &p->review->roots[c->root];
	struct held h cleanup_held = HELD_INIT;
	char ident[IDENT_SIZE];
	int r = held_open(root, change_rel(p->review, &origin), &h);
	const struct shown_object shown = {root->store, &h.dir, h.name, &h.object};
	if (!r)
		r = object_ident(&shown, 0, ident);
	return r ? r : add_drop(p, &origin, memory_string(&p->steps->memory, ident));
}

static int plan_drop(struct plan *p, struct change *c)
{
	int r = 0;
	if (c->implied)
		return 0;
	if (c->kind == CHANGE_RENAMED)
		r = add_origin_drop(p, c);
	/* What a directory looks like has changed by its being made. */
	return r ? r
		 : add_drop(p, c,
			   makes_directory(c) ? NULL : memory_string(&p->steps->memory, c->ident));
}

typedef int (*phase_fn)(struct plan *p, struct change *c);

static int each_chosen(struct plan *p, bool backwards, phase_fn fn)
{
	size_t count = p->changes->scratch.count;
	for (size_t i = 0; i < count; i++) {
		struct change *c = p->changes->memory->by_path[backwards ? count - 1 - i : i];
		int r = c->chosen ? fn(p, c) : 0;
		if (r)
			return r;
	}
	return 0;
}

static int give_group(struct plan *p, struct change *c)
{
	return steps_group(p->steps, &c->group);
}

static int plan_same(struct plan *p)
{
	struct change_list *same = &p->changes->same;
	int r = 0;
	for (size_t i = same->count; !r && i-- > 0;) {
		const struct change *c = &same->items[i];
		if (c->chosen)
			r = add_drop(p, c, memory_string(&p->steps->memory, c->ident));
	}
	return r;
}

static int add_collapse(struct plan *p, size_t root, const char *rel)
{
	size_t group;
	return steps_group(p->steps, &group) ||
			       !steps_add(p->steps, STEP_COLLAPSE, group, root, rel)
		       ? -ENOMEM
		       : 0;
}

static int plan_collapse(struct plan *p)
{
	int r = 0;
	for (size_t i = 0; !r && i < p->changes->memory->opaque_count; i++)
		r = add_collapse(
			p, p->changes->memory->opaques[i].root, p->changes->memory->opaques[i].rel);
	/* A directory in another object's place hides what comes to lie beneath it. */
	for (size_t i = 0; !r && i < p->changes->scratch.count; i++) {
		const struct change *c = p->changes->memory->by_path[i];
		if (c->chosen && c->kind == CHANGE_TYPE && makes_directory(c))
			r = add_collapse(p, c->root, change_rel(p->review, c));
	}
	return r;
}

int plan_apply(struct plan *p)
{
	static const struct {
		phase_fn fn;
		bool backwards;
	} phases[] = {{give_group, false}, {plan_opened_dir, false}, {plan_directory, false},
		{plan_file, false}, {plan_renamed, false}, {plan_deleted, true},
		{plan_dir_attr, true}};
	int r = choose(p);
	if (!r)
		r = choose_parents(p);
	if (!r)
		r = gather_links(p);
	for (size_t i = 0; !r && i < sizeof phases / sizeof phases[0]; i++)
		r = each_chosen(p, phases[i].backwards, phases[i].fn);
	if (!r)
		r = plan_same_dirs(p);
	if (!r)
		r = each_chosen(p, true, plan_drop);
	if (!r)
		r = plan_same(p);
	if (!r)
		r = plan_collapse(p);
	return r ? r : p->steps->memory.failed ? -ENOMEM : 0;
}
