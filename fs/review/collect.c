/* SPDX-License-Identifier: MIT */
/*
 * From the names in scratch to changes. One walk over tree/, each name compared with the real one
 * of the same path: what shows nothing else than the real tree is no change, whatever lies in
 * scratch (containers, files that were written again with the same bytes).
 *
 * Conflicts are decided here: the base is what the job saw at its first change, the real one is
 * what is there now; if they differ, somebody else changed it since, and only a person can say
 * which is right. An identical result is no conflict.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

int change_add(struct change_list *list, size_t *cap, const struct change *c)
{
	int r = array_grow(&list->items, list->count, cap, sizeof *list->items);
	if (!r)
		list->items[list->count++] = *c;
	return r;
}

const char *change_rel(const struct review *r, const struct change *c)
{
	const char *rel = c->path + strlen(r->roots[c->root].path);
	return *rel == '/' ? rel + 1 : rel;
}

static enum change_kind kind_of_aspects(unsigned aspects)
{
	if (aspects & ASPECT_DATA)
		return CHANGE_MODIFIED;
	if (aspects & ASPECT_MODE)
		return CHANGE_MODE;
	if (aspects & ASPECT_OWNER)
		return CHANGE_OWNER;
	if (aspects & ASPECT_XATTR)
		return CHANGE_XATTR;
	return CHANGE_TIMES;
}

int collect_add(struct collect *x, struct change *c, const struct shown_object *shown)
{
	struct changes *changes = x->changes;
	int r = change_make_id(shown, &changes->memory->memory, c);
	if (r)
		return r == -ENOENT || r == -ESTALE ? 0 : r; /* changed while we look */
	if (c->same)
		return change_add(&changes->same, &changes->memory->same_cap, c);
	r = change_add(&changes->scratch, &changes->memory->cap, c);
	return r ? r : x->stop_at_first ? 1 : 0;
}

void change_conflict(struct change *c, const char *why)
{
	if (!c->why)
		c->why = why;
	c->conflict = true;
}

/* The directory's content as it is now is what the person will be shown and agrees to. */
static int take_real_content(struct collect *x, struct change *c, int real_dir, const char *name)
{
	struct manifest m cleanup_manifest = {0};
	int r = manifest_of_real(real_dir, name, &m);
	if (r)
		return r;
	c->files = m.count;
	c->base_unknown = true;
	c->content = memory_get(&x->changes->memory->memory, CHANGE_ID_SIZE);
	if (!c->content)
		return -ENOMEM;
	manifest_digest(&m, (char *)c->content);
	return 0;
}

/* A real directory that the change would take away must hold what the job saw, no more. prefix:
 * where the manifest has it. */
int collect_removed_dir(struct collect *x, const struct manifest *m, const char *prefix,
	int real_dir, const char *real_name, struct change *c)
{
	char rel[PATH_MAX];
	if (x->stop_at_first)
		return 0;
	if (!m->known)
		return take_real_content(x, c, real_dir, real_name);
	c->files = manifest_count_below(m, prefix);
	int r = manifest_check(m, &x->review->roots[x->root], prefix, real_dir, real_name, rel);
	if (r == -EEXIST) {
		change_conflict(c, "something in it was added or changed outside since");
		return 0;
	}
	return r;
}

static int check_removed_dir(struct collect *x, const struct store_entry *entry, int real_dir,
	const char *real_name, struct change *c)
{
	struct manifest m cleanup_manifest = {0};
	if (x->opaque)
		return collect_removed_dir(x, &x->manifest, entry->path + strlen(x->opaque) + 1,
			real_dir, real_name, c);
	int r = manifest_load(x->review->roots[x->root].store, entry->dir, entry->name, &m);
	return r ? r : collect_removed_dir(x, &m, "", real_dir, real_name, c);
}

static int collect_whiteout(struct collect *x, const struct store_entry *entry, int real_dir,
	const char *real_name, struct change *c)
{
	const struct shown_object shown = {
		x->review->roots[x->root].store, entry->dir, entry->name, entry->object};
	int r = 0;
	c->kind = CHANGE_DELETED;
	c->bytes = c->base.exists && !S_ISDIR(c->base.mode) ? c->base.size : 0;
	if (!c->real.exists || (c->base.known && !c->base.exists)) {
		c->same = true;
		return collect_add(x, c, &shown);
	}
	if (!c->base.known)
		c->base_unknown = true;
	else if (!print_is(&x->review->roots[x->root], &c->base, &c->real))
		change_conflict(c, "changed outside since");
	if (S_ISDIR(c->real.mode) && !c->conflict)
		r = check_removed_dir(x, entry, real_dir, real_name, c);
	return r ? r : collect_add(x, c, &shown);
}

static int note_target(struct collect *x, const struct shown_object *shown, struct change *c)
{
	char target[PATH_MAX];
	if (!S_ISLNK(c->now.st_mode))
		return 0;
	int r = object_target(shown, target);
	if (r)
		return r;
	c->target = memory_string(&x->changes->memory->memory, target);
	return c->target ? 0 : -ENOMEM;
}

/* Nothing real is at this path. */
static void judge_new(struct change *c)
{
	c->kind = c->base.exists ? CHANGE_MODIFIED : CHANGE_ADDED;
	c->aspects = ASPECT_DATA;
	if (c->base.exists)
		change_conflict(c, "removed outside since");
}

static int judge_existing(struct collect *x, const struct store_entry *entry,
	const struct shown_object *shown, int real_dir, const char *real_name, struct change *c)
{
	bool type = false;
	int r = compare_object(shown, real_dir, real_name, &type, &c->aspects);
	if (r)
		return r;
	c->kind = type ? CHANGE_TYPE : kind_of_aspects(c->aspects);
	c->same = !type && !c->aspects;
	if (c->same)
		return 0;
	c->metadata_only = !type && (entry->object->data_lower || S_ISDIR(c->now.st_mode));
	if (!c->base.known)
		c->base_unknown = true;
	else if (!c->base.exists)
		change_conflict(c, "appeared outside since");
	else if (!print_is(&x->review->roots[x->root], &c->base, &c->real))
		change_conflict(c, "changed outside since");
	if (type && S_ISDIR(c->real.mode) && !c->conflict)
		r = check_removed_dir(x, entry, real_dir, real_name, c);
	return r;
}

static int collect_object(struct collect *x, const struct store_entry *entry, int real_dir,
	const char *real_name, struct change *c)
{
	const struct store_object *o = entry->object;
	const struct shown_object shown = {x->review->roots[x->root].store, entry->dir, entry->name,
		o, x->review->job->start_ns};
	int r = 0;
	c->now = o->st;
	c->bytes = S_ISDIR(o->st.st_mode) ? 0 : (uint64_t)o->st.st_size;
	/* A directory whose attributes are those beneath is a container. */
	if (S_ISDIR(o->st.st_mode) && o->merged && !o->attr_own && !o->times_own)
		return 0;
	if (!c->real.exists)
		judge_new(c);
	else
		r = judge_existing(x, entry, &shown, real_dir, real_name, c);
	if (r == -ENOENT || r == -ESTALE)
		return 0; /* a live job changed it while we look: the next look sees it */
	if (!r)
		r = note_target(x, &shown, c);
	if (r)
		return r;
	if (c->kind == CHANGE_TYPE && S_ISDIR(o->st.st_mode) && !c->conflict) {
		x->replaced = memory_string(&x->changes->memory->memory, entry->path);
		if (!x->replaced)
			return -ENOMEM;
	}
	return collect_add(x, c, &shown);
}

/* What the job saw at a name below an opaque directory: its predecessor's manifest knows. */
static void base_below_opaque(const struct collect *x, const char *rel, struct store_print *base)
{
	if (!x->manifest.known) {
		*base = (struct store_print){0};
		return;
	}
	const struct manifest_row *row = manifest_find(&x->manifest, rel + strlen(x->opaque) + 1);
	*base = row ? row->print : (struct store_print){.known = true};
}

static bool inside(const char *rel, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(rel, dir, len) == 0 && rel[len] == '/';
}

static int enter_opaque(struct collect *x, const struct store_entry *entry)
{
	struct changes_memory *m = x->changes->memory;
	manifest_free(&x->manifest);
	x->opaque = memory_string(&m->memory, entry->path);
	int r = manifest_load(
		x->review->roots[x->root].store, entry->dir, entry->name, &x->manifest);
	if (!r)
		r = array_grow(&m->opaques, m->opaque_count, &m->opaque_cap, sizeof *m->opaques);
	if (r)
		return r;
	m->opaques[m->opaque_count++] = (struct opaque_dir){.root = x->root,
		.rel = x->opaque,
		.path = memory_join(&m->memory, x->review->roots[x->root].path, entry->path)};
	return m->memory.failed ? -ENOMEM : collect_opaque(x, entry);
}

/* The print of a file of several names may be that of another one. */
static bool base_is_doubtful(const struct store_object *o, const struct store_print *real)
{
	return !o->whiteout && S_ISREG(o->st.st_mode) && o->st.st_nlink > 1 && !o->data_lower &&
	       !store_print_equal(&o->base, real);
}

static int collect_entry(const struct store_entry *entry, void *arg)
{
	struct collect *x = arg;
	const struct review_root *root = &x->review->roots[x->root];
	const char *real_name;
	struct change c = {.verdict = JOURNAL_REDIRECTED,
		.root = x->root,
		.root_len = strlen(root->path),
		.base = entry->object->base,
		.lines_added = -1,
		.lines_removed = -1,
		.selected = true,
		.class = CLASS_NONE};
	if (x->opaque && !inside(entry->path, x->opaque))
		x->opaque = NULL;
	if (x->replaced && !inside(entry->path, x->replaced))
		x->replaced = NULL;
	if (x->opaque)
		base_below_opaque(x, entry->path, &c.base);
	int r = real_print(&x->real, root, entry->path, &c.real);
	if (r)
		return r;
	if (!x->opaque && base_is_doubtful(entry->object, &c.real))
		c.base = (struct store_print){.known = !c.real.exists};
	c.path = memory_join(&x->changes->memory->memory, root->path, entry->path);
	if (!c.path)
		return -ENOMEM;
	if (x->review->live && x->review->live->busy)
		c.busy = x->review->live->busy(x->review->live->arg, x->root, entry->path);
	int dir = real_cache_dir(&x->real, root, entry->path, &real_name);
	if ((dir == -ENOTDIR || dir == -ELOOP) && !x->replaced)
		change_conflict(&c, "a directory on its way was replaced outside");
	if (entry->object->whiteout)
		return collect_whiteout(x, entry, dir, real_name, &c);
	r = collect_object(x, entry, dir, real_name, &c);
	if (!r && entry->object->opaque)
		r = enter_opaque(x, entry);
	return r;
}

static int collect_root(struct review *r, size_t root, bool stop_at_first, struct changes *c)
{
	struct collect x = {.review = r,
		.changes = c,
		.root = root,
		.real = REAL_CACHE_INIT,
		.stop_at_first = stop_at_first};
	if (!r->roots[root].store)
		return 0;
	int status = store_walk(r->roots[root].store, "", collect_entry, &x);
	real_cache_drop(&x.real);
	manifest_free(&x.manifest);
	return status == -ENOENT ? 0 : status;
}

int collect_scratch(struct review *r, bool stop_at_first, struct changes *c)
{
	for (size_t i = 0; i < r->root_count; i++) {
		int status = collect_root(r, i, stop_at_first, c);
		if (status)
			return status;
	}
	return 0;
}
