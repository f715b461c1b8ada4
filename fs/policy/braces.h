/* SPDX-License-Identifier: MIT */
/* {a,b} of a pattern, expanded before anything else looks at it. Private to fs/policy. */
#ifndef POLICY_BRACES_H
#define POLICY_BRACES_H

#include <writfs/err.h>

/*
 * Calls fn with each expansion of pattern, in the order of a shell. -EINVAL: unbalanced braces, too
 * long, more than GLOB_BRACES_MAX expansions; fn's first result that is not 0 is returned.
 */
int braces_expand(const char *pattern, int (*fn)(const char *text, void *arg, struct err *e),
	void *arg, struct err *e);

#endif
