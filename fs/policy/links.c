/* SPDX-License-Identifier: MIT */
/*
 * Patterns name files where they are now. People keep their dotfiles elsewhere and link to them
 * (stow, home-manager), so the literal head of each pattern is also followed through the links of
 * the real tree, once, at load.
 *
 * What protects is always followed: a protected name that is a link protects its target too, and
 * the links on the way, since who replaces one of them replaces what lies behind it.
 *
 * What grants is followed only through links that no job can have made. A job with a grant on
 * ~/x could turn ~/x into a link to ~/y and would own ~/y at the next start. So a link counts as
 * possibly made by a job if its own name is granted, or lies outside the roots where nothing is
 * caught, unless the directory that it is in cannot be written by us at all. Which names are
 * granted is asked of the policy with all links followed: taking some away only grants less.
 */
#include "policy_i.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>

#define LINKS_HOPS_MAX 40 /* as the kernel's */

/* Where a head leads. */
struct resolved {
	struct str path;             /* without links */
	char *links[LINKS_HOPS_MAX]; /* those on the way, by their own real paths */
	size_t count;
};

/* A granting pattern that was followed, until it is known whether it may be. */
struct followed {
	size_t from; /* its number, and that of the pattern of the target */
	size_t to;
	struct resolved where;
};

struct following {
	struct build *b;
	struct followed *list;
	size_t count;
	size_t cap;
};

static void resolved_free(struct resolved *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->links[i]);
	str_free(&r->path);
	*r = (struct resolved){0};
}

static void following_free(struct following *f)
{
	for (size_t i = 0; i < f->count; i++)
		resolved_free(&f->list[i].where);
	free(f->list);
}

static void path_pop(struct str *path)
{
	while (path->len && path->p[path->len - 1] != '/')
		path->len--;
	path->len -= path->len > 0;
	if (path->p)
		path->p[path->len] = '\0';
}

/* If path is a link, sets what is left to walk: its target, then rest. 1: a link, 0: none. */
static int follow(struct resolved *r, char **rest)
{
	char target[PATH_MAX];
	ssize_t len = readlink(r->path.p, target, sizeof target - 1);
	if (len <= 0)
		return 0;
	target[len] = '\0';
	if (r->count == LINKS_HOPS_MAX)
		return -ELOOP;
	struct str next cleanup_str = STR_INIT;
	str_addf(&next, "%s/%s", target, *rest);
	char *name = strdup(r->path.p);
	if (next.failed || !name) {
		free(name);
		return -ENOMEM;
	}
	r->links[r->count++] = name;
	if (target[0] == '/')
		str_clear(&r->path);
	else
		path_pop(&r->path);
	free(*rest);
	*rest = steal_ptr(&next.p);
	return 1;
}

/* head: absolute. What does not exist is taken as it is written. real: a part of it, from its
 * beginning, that is known to have no links. */
static int resolve(const char *head, const char *real, struct resolved *ret)
{
	const char *below = path_relative(head, real);
	char *rest cleanup_free = strdup(below ? below : head);
	if (!rest)
		return -ENOMEM;
	if (below && strcmp(real, "/") != 0)
		str_add(&ret->path, real);
	size_t at = 0;
	while (rest[at += strspn(rest + at, "/")]) {
		size_t len = strcspn(rest + at, "/");
		size_t next = at + len;
		if (len == 2 && rest[at] == '.' && rest[at + 1] == '.') {
			path_pop(&ret->path);
		} else if (len != 1 || rest[at] != '.') {
			str_add_char(&ret->path, '/');
			str_add_mem(&ret->path, rest + at, len);
			if (ret->path.failed || ret->path.len >= PATH_MAX)
				return -ENAMETOOLONG;
			char *after cleanup_free = strdup(rest + next);
			if (!after)
				return -ENOMEM;
			int r = follow(ret, &after);
			if (r < 0)
				return r;
			if (r > 0) {
				free(rest);
				rest = steal_ptr(&after);
				next = 0;
			}
		}
		at = next;
	}
	if (ret->path.len == 0)
		str_add_char(&ret->path, '/');
	return ret->path.failed ? -ENOMEM : 0;
}

static bool covers_a_root(const struct policy *p, const char *path)
{
	for (size_t i = 0; i < p->root_count; i++) {
		if (path_is_beneath(p->roots[i], path))
			return true;
	}
	return false;
}

/* Another pattern like number from: path, and what follows its head if with_rest. It belongs to
 * the same rule, or to another one. */
static int add_target(struct build *b, size_t from, int32_t rule, const char *path, bool with_rest)
{
	struct glob glob cleanup_glob = GLOB_INIT;
	const struct glob *old = &b->list[from].glob;
	if (glob_push_path(&glob, path) < 0)
		return -ENOMEM;
	for (size_t i = glob_head_count(old); with_rest && i < old->count; i++) {
		if (glob_push_part(&glob, old, i) < 0)
			return -ENOMEM;
	}
	struct pattern like = b->list[from].pattern;
	like.lifts = false;
	like.rule = rule;
	return build_pattern(b, &glob, &like);
}

/* A protected file that lies outside every root is changed for real: the person must know. */
static int note_outside(struct build *b, const struct resolved *where)
{
	char link[512];
	char target[512];
	char *cover cleanup_free = strdup(where->path.p);
	struct stat st;
	if (!cover)
		return -ENOMEM;
	if (stat(cover, &st) < 0 || !S_ISDIR(st.st_mode)) {
		char *slash = strrchr(cover, '/');
		slash[slash == cover] = '\0';
	}
	if (faccessat(AT_FDCWD, stat(where->path.p, &st) == 0 ? where->path.p : cover, W_OK,
		    AT_EACCESS) < 0)
		return 0;
	(void)path_display(link, sizeof link, where->links[0], b->p->home);
	(void)path_display(target, sizeof target, where->path.p, b->p->home);
	if (strcmp(cover, "/") == 0)
		return build_note(b, "%s leads to %s, outside the roots, where no rule reaches",
			link, target);
	return build_note(b,
		"%s leads to %s, outside the roots, where no rule reaches (--root %s covers it)",
		link, target, cover);
}

/* The rule for links on the way to what rule protects: as strong, but nobody asked for more than
 * that the link stays, so changes of it are redirected also where those behind it are refused. */
static int32_t rule_for_links(struct build *b, int32_t rule)
{
	struct policy_rule like = b->p->rules.rules[rule];
	if (like.kind == RULE_REDIRECT)
		return rule;
	like.kind = RULE_REDIRECT;
	like.reason = "a link on the way to what this refuses";
	return rules_add(&b->p->rules, &like);
}

static int follow_protecting(struct build *b, size_t from, const struct resolved *where)
{
	const struct policy *p = b->p;
	int32_t rule = b->list[from].pattern.rule;
	bool hides = p->rules.rules[rule].kind == RULE_HIDE;
	bool excepts = b->list[from].pattern.excepts;
	if (covers_a_root(p, where->path.p))
		return 0;
	int r = add_target(b, from, rule, where->path.p, true);
	if (r == 0 && !excepts && !roots_find(p, where->path.p) && roots_find(p, where->links[0]))
		r = note_outside(b, where);
	/* A hidden link on the way would hide all else that is reached by it. */
	if (r < 0 || hides || excepts)
		return r;
	int32_t links_rule = rule_for_links(b, rule);
	if (links_rule < 0)
		return links_rule;
	for (size_t i = 0; r == 0 && i < where->count; i++) {
		if (roots_find(p, where->links[i]))
			r = add_target(b, from, links_rule, where->links[i], false);
	}
	return r;
}

/* Takes where over. */
static int follow_granting(struct following *f, size_t from, struct resolved *where)
{
	if (f->count == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		struct followed *grown = realloc(f->list, cap * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		f->list = grown;
		f->cap = cap;
	}
	int r = add_target(f->b, from, f->b->list[from].pattern.rule, where->path.p, true);
	if (r < 0)
		return r;
	f->list[f->count++] =
		(struct followed){.from = from, .to = f->b->count - 1, .where = *where};
	*where = (struct resolved){0};
	return 0;
}

static int follow_pattern(struct following *f, size_t number)
{
	struct build *b = f->b;
	const struct glob *glob = &b->list[number].glob;
	size_t head = glob_head_count(glob);
	if (head == 0)
		return 0;
	struct str path cleanup_str = STR_INIT;
	struct resolved where cleanup_with(resolved_free) = {0};
	glob_head_path(glob, head, &path);
	if (path.failed)
		return -ENOMEM;
	int r = resolve(path.p, b->p->home, &where);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || where.count == 0) /* a loop of links leads nowhere */
		return 0;
	switch (b->p->rules.rules[b->list[number].pattern.rule].kind) {
	case RULE_ALLOW:
	case RULE_REVEAL:
		return follow_granting(f, number, &where);
	case RULE_REDIRECT:
	case RULE_REFUSE:
	case RULE_HIDE:
		break;
	}
	return follow_protecting(b, number, &where);
}

/* Could a job have made this link for real? */
static int job_could_make(const struct policy *p, const struct nfa *all, const char *link)
{
	char *dir cleanup_free = strdup(link);
	if (!dir)
		return -ENOMEM;
	char *slash = strrchr(dir, '/');
	slash[slash == dir] = '\0';
	if (faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) < 0)
		return 0;
	if (!roots_find(p, link))
		return 1;
	struct standing standing;
	int r = policy_walk(p, all, link, &standing);
	if (r < 0)
		return r;
	return standing_decide(&standing, &standing, true).kind == VERDICT_GRANT;
}

/* Says which grants do not reach behind their links, unless something else grants that. */
static int note_dropped(const struct following *f, const struct followed *followed)
{
	struct build *b = f->b;
	const struct policy *p = b->p;
	char link[512];
	char target[512];
	struct standing standing;
	int r = policy_walk(p, p->nfa, followed->where.path.p, &standing);
	if (r < 0)
		return r;
	bool grants = p->rules.rules[b->list[followed->from].pattern.rule].kind == RULE_ALLOW;
	if (!roots_find(p, followed->where.path.p) ||
		(grants && standing_decide(&standing, &standing, true).kind == VERDICT_GRANT))
		return 0;
	(void)path_display(link, sizeof link, followed->where.links[0], p->home);
	(void)path_display(target, sizeof target, followed->where.path.p, p->home);
	return build_note(b, "%s is a link that a job could have made, so it does not %s %s: %s",
		link, grants ? "grant" : "open", target,
		grants ? "--allow that if it is meant" : "name that if it is meant");
}

static int drop_untrusted(struct following *f, bool *ret_any)
{
	struct build *b = f->b;
	struct nfa *all cleanup_with(nfa_freep) = NULL;
	int r = build_graph(b, &all);
	for (size_t i = 0; r == 0 && i < f->count; i++) {
		const struct followed *followed = &f->list[i];
		int made = 0;
		for (size_t k = 0; made == 0 && k < followed->where.count; k++)
			made = job_could_make(b->p, all, followed->where.links[k]);
		if (made < 0)
			r = made;
		b->list[followed->to].dropped = made > 0;
		*ret_any |= made > 0;
	}
	return r;
}

static int compile(struct following *f)
{
	struct build *b = f->b;
	size_t written = b->count;
	int r = 0;
	for (size_t i = 0; r == 0 && i < written; i++)
		r = follow_pattern(f, i);
	bool dropped = false;
	if (r == 0 && f->count)
		r = drop_untrusted(f, &dropped);
	if (r == 0)
		r = build_graph(b, &b->p->nfa);
	for (size_t i = 0; r == 0 && dropped && i < f->count; i++) {
		if (b->list[f->list[i].to].dropped)
			r = note_dropped(f, &f->list[i]);
	}
	return r;
}

int links_compile(struct build *b, struct err *e)
{
	struct following f cleanup_with(following_free) = {.b = b};
	int r = compile(&f);
	return r < 0 ? err_errno(e, -r, "compiling the policy") : 0;
}
