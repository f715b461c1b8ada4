/* SPDX-License-Identifier: MIT */
/*
 * Path patterns, as the policy, the labels and the command line write them: * ? [...] within a
 * component, ** across, {a,b} expanded first, \ escapes, case-sensitive, * matches leading dots.
 * A pattern means what it names and all beneath: a slash or a slash and a double star at its end
 * change nothing. ".." and "~user" are errors.
 *
 * A glob_set compiles many patterns into one graph; matching a path costs its length, not the
 * number of patterns. Threads: adding is single, matching may be done from any number of threads.
 */
#ifndef WRITFS_GLOB_H
#define WRITFS_GLOB_H

#include <stddef.h>
#include <stdint.h>

#include <writfs/err.h>
#include <writfs/str.h>

#define GLOB_PATTERN_MAX 4096 /* bytes of one pattern, before and after expansion */
#define GLOB_BRACES_MAX 1024  /* expansions of one pattern */

/* What the beginnings of patterns mean: absolute, normalised paths (no patterns). */
struct glob_bases {
	const char *home; /* ~ and ~/x */
	const char *dot;  /* . and ./x */
	const char *bare; /* x */
};

struct glob_set;

int glob_set_create(struct glob_set **ret);
void glob_set_free(struct glob_set *s);
void glob_set_freep(struct glob_set **s);

/* -EINVAL: what is wrong with the pattern, without the pattern itself, in *e. */
int glob_set_add(struct glob_set *s, const char *pattern, const struct glob_bases *bases,
	uint32_t tag, struct err *e);

/*
 * Calls fn with the tag of every pattern that path (absolute, normalised) or a directory above it
 * matches; depth is the number of that name's components. A tag may come more than once. Patterns
 * that begin with a double star match beneath root ("/": anywhere), and not at all outside it.
 * fn's first result that is not 0 ends the walk and is returned, else 0; -ENOMEM.
 */
int glob_set_match(const struct glob_set *s, const char *path, const char *root,
	int (*fn)(uint32_t tag, size_t depth, void *arg), void *arg);

/* Appends text so that as a pattern it means exactly itself. */
void glob_escape(struct str *out, const char *text);

#endif
