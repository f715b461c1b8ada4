/* SPDX-License-Identifier: MIT */
/*
 * Which changes a person means: patterns of the command line against the lists. The grammar is the
 * policy's; what is relative is relative to the current directory, and ".." is allowed, because
 * that is how people write paths.
 *
 * A name that exists is never only a pattern: `writ apply 'a[1].txt'` means that file, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <writfs/glob.h>
#include <writfs/path.h>

#include "review_i.h"

struct selection {
	struct glob_set *set;
	const char *const *patterns;
	size_t count;
	char **paths;  /* absolute */
	bool *matched; /* a pattern each */
};

static void selection_free(struct selection *s)
{
	glob_set_free(s->set);
	for (size_t i = 0; s->paths && i < s->count; i++)
		free(s->paths[i]);
	free(s->paths);
	free(s->matched);
}

static int add_pattern(
	struct selection *s, size_t i, const char *cwd, const char *home, struct err *e)
{
	struct glob_bases bases = {.home = home, .dot = cwd, .bare = cwd};
	struct str literal cleanup_str = STR_INIT;
	const char *text = s->patterns[i];
	/* As in the policy: this applies everywhere, not below the current directory alone. */
	bool anywhere = strncmp(text, "**/", 3) == 0;
	int r = anywhere ? 0 : path_absolute(text, cwd, home, &s->paths[i], e);
	if (r)
		return r;
	const char *pattern = anywhere ? text : s->paths[i];
	r = glob_set_add(s->set, pattern, &bases, (uint32_t)i, e);
	if (r)
		return err_wrap(e, "%s", text);
	if (anywhere || !strpbrk(pattern, "*?[{\\"))
		return 0;
	glob_escape(&literal, pattern);
	r = literal.failed ? -ENOMEM : glob_set_add(s->set, literal.p, &bases, (uint32_t)i, NULL);
	/* Too long once escaped: the pattern alone decides. */
	return r == -EINVAL ? 0 : r;
}

static int selection_make(struct selection *s, const char *cwd, const char *home, struct err *e)
{
	if (s->count > REVIEW_PATTERNS_MAX)
		return err_set(e, E2BIG, "more than %d paths given", REVIEW_PATTERNS_MAX);
	s->paths = calloc(s->count + 1, sizeof(char *));
	s->matched = calloc(s->count + 1, sizeof *s->matched);
	if (!s->paths || !s->matched || glob_set_create(&s->set))
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < s->count; i++) {
		int r = add_pattern(s, i, cwd, home, e);
		if (r)
			return r;
	}
	return 0;
}

struct hit {
	struct selection *s;
	const char *path;
	bool selected, named;
};

static int note_hit(uint32_t tag, size_t depth, void *arg)
{
	struct hit *h = arg;
	(void)depth;
	h->s->matched[tag] = true;
	h->selected = true;
	/* Its own path, spelled out: a directory above or a wildcard names nothing dangerous. */
	if (h->s->paths[tag] && strcmp(h->s->paths[tag], h->path) == 0)
		h->named = true;
	return 0;
}

static int select_list(struct selection *s, struct change_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct change *c = &list->items[i];
		struct hit h = {.s = s, .path = c->path};
		int r = glob_set_match(s->set, c->path, "/", note_hit, &h);
		h.path = c->from;
		if (!r && c->from)
			r = glob_set_match(s->set, c->from, "/", note_hit, &h);
		if (r)
			return r;
		c->selected = h.selected;
		c->named = h.named;
	}
	return 0;
}

/* A name within a directory that was deleted as a whole is no change of its own. */
static int nothing_selected(
	const struct changes *c, const struct selection *s, size_t i, struct err *e)
{
	for (size_t j = 0; s->paths[i] && j < c->scratch.count; j++) {
		const struct change *change = &c->scratch.items[j];
		if (change->kind == CHANGE_DELETED && path_is_beneath(s->paths[i], change->path))
			return err_set(e, ENOENT,
				"%s: was deleted with the whole directory %s; name that",
				s->patterns[i], change->path);
	}
	return err_set(
		e, ENOENT, "%s: no change there; writ status shows what there is", s->patterns[i]);
}

static void select_all(struct change_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		list->items[i].selected = true;
		list->items[i].named = false;
	}
}

int review_select(struct changes *c, const char *const *patterns, size_t count, const char *cwd,
	const char *home, struct err *e)
{
	struct change_list *const lists[] = {&c->scratch, &c->same, &c->real, &c->refused};
	const size_t list_count = sizeof lists / sizeof lists[0];
	struct selection s cleanup_with(selection_free) = {.patterns = patterns, .count = count};
	if (!count) {
		for (size_t i = 0; i < list_count; i++)
			select_all(lists[i]);
		return 0;
	}
	int r = selection_make(&s, cwd, home, e);
	for (size_t i = 0; !r && i < list_count; i++) {
		r = select_list(&s, lists[i]);
		if (r)
			(void)err_set(e, -r, "out of memory");
	}
	for (size_t i = 0; !r && i < count; i++)
		if (!s.matched[i])
			r = nothing_selected(c, &s, i, e);
	return r;
}
