/* SPDX-License-Identifier: MIT */
/*
 * Labels on changes: what a file would do by itself later, from the table of places (labels.h), and
 * symlinks that lead out of the root, which make whoever writes through them write elsewhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/labels.h>
#include <writfs/path.h>

#include "review_i.h"

#define LABEL_LINK_OUT "link that leads out of the root"

/* Programs and libraries of the system, which every virtual environment links to. */
static const char *const system_places[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", NULL};

static bool leads_out(const struct review *r, const struct change *c)
{
	char parent[PATH_MAX];
	char *target cleanup_free = NULL;
	const char *rel;
	if (!c->target || c->verdict != JOURNAL_REDIRECTED)
		return false;
	size_t len = (size_t)(strrchr(c->path, '/') - c->path);
	if (len >= sizeof parent)
		return true;
	memcpy(parent, c->path, len);
	parent[len] = '\0';
	/* By text: through other links it could lead anywhere, and those are labelled themselves. A
	 * leading "~" is a name here. */
	char *joined cleanup_free = NULL;
	if (c->target[0] == '/')
		joined = strdup(c->target);
	else if (asprintf(&joined, "%s/%s", parent, c->target) < 0)
		joined = NULL;
	if (!joined || path_absolute(joined, "/", "/", &target, NULL))
		return true;
	if (review_find_root(r, target, &rel) >= 0)
		return false;
	for (size_t i = 0; system_places[i]; i++)
		if (path_is_beneath(target, system_places[i]))
			return false;
	return true;
}

static void label_one(
	const struct review *r, const struct labels *labels, struct memory *m, struct change *c)
{
	bool existed = c->verdict == JOURNAL_REDIRECTED ? c->base.exists : c->kind != CHANGE_ADDED;
	const struct label *label = labels_match(labels, c->path, r->home, c->now.st_mode, existed);
	if (!label && c->from)
		label = labels_match(labels, c->from, r->home, c->now.st_mode, true);
	if (label) {
		c->class = label->class == LABEL_LOGIN ? CLASS_LOGIN : CLASS_DANGER;
		c->label = memory_string(m, label->label);
	} else if (leads_out(r, c)) {
		c->class = CLASS_DANGER;
		c->label = LABEL_LINK_OUT;
	}
}

static void label_list(const struct review *r, const struct labels *labels, struct memory *m,
	struct change_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		label_one(r, labels, m, &list->items[i]);
}

int label_changes(struct review *r, struct changes *c, struct err *e)
{
	struct labels *labels cleanup_with(labels_freep) = NULL;
	int status = labels_load(r->path_env, &labels, e);
	if (status)
		return status;
	label_list(r, labels, &c->memory->memory, &c->scratch);
	label_list(r, labels, &c->memory->memory, &c->real);
	label_list(r, labels, &c->memory->memory, &c->refused);
	return c->memory->memory.failed ? err_set(e, ENOMEM, "out of memory") : 0;
}
