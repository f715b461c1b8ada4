/* SPDX-License-Identifier: MIT */
/*
 * Roots: what a job's writes are caught under. Real paths, none inside another, sorted. "/" is
 * none: covering it would need everything that the system does to go through us.
 */
#include "policy_i.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <writfs/cleanup.h>
#include <writfs/path.h>

/* Takes real over. */
static int roots_push(struct policy *p, char *real, struct err *why)
{
	char *owned cleanup_free = real;
	for (size_t i = 0; i < p->root_count;) {
		if (path_is_beneath(owned, p->roots[i]))
			return 0;
		if (!path_is_beneath(p->roots[i], owned)) {
			i++;
			continue;
		}
		free(p->roots[i]);
		p->roots[i] = p->roots[--p->root_count];
	}
	if (p->root_count == POLICY_ROOTS_MAX)
		return err_set(why, EINVAL, "more than %d roots", POLICY_ROOTS_MAX);
	p->roots[p->root_count++] = steal_ptr(&owned);
	return 0;
}

int roots_add(struct build *b, const char *text, const char *base, struct err *why)
{
	char *path cleanup_free = NULL;
	int r = path_absolute(text, base, b->p->home, &path, why);
	if (r < 0)
		return r;
	struct stat st;
	char *real cleanup_free = realpath(path, NULL);
	if (!real || stat(real, &st) < 0)
		return err_set(why, errno, "a root must be a directory: %s", strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(why, ENOTDIR, "a root must be a directory");
	if (strcmp(real, "/") == 0)
		return err_set(
			why, EINVAL, "/ cannot be a root: name the directories that are meant");
	return roots_push(b->p, steal_ptr(&real), why);
}

const char *roots_find(const struct policy *p, const char *path)
{
	for (size_t i = 0; i < p->root_count; i++) {
		if (path_is_beneath(path, p->roots[i]))
			return p->roots[i];
	}
	return NULL;
}

static int roots_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int roots_finish(struct build *b, struct err *e)
{
	struct policy *p = b->p;
	int r = 0;
	if (!b->options->roots_replace && strcmp(p->home, "/") == 0) {
		if (build_note(b, "the home directory is /, which cannot be a root") < 0)
			return err_errno(e, ENOMEM, "roots");
	} else if (!b->options->roots_replace) {
		r = roots_add(b, p->home, "/", e);
		if (r < 0)
			return err_wrap(e, "home directory %s", p->home);
	}
	if (b->usable && !roots_find(p, b->workspace.top)) {
		r = roots_add(b, b->workspace.top, "/", e);
		if (r < 0)
			return err_wrap(e, "workspace %s", b->workspace.top);
	}
	if (p->root_count == 0)
		return err_set(e, EINVAL, "there is no root to cover: name a directory by --root");
	qsort(p->roots, p->root_count, sizeof p->roots[0], roots_compare);
	return 0;
}
