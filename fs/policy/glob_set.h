/* SPDX-License-Identifier: MIT */
/* What only fs/policy asks of a glob_set: which patterns could still match beneath a path. */
#ifndef POLICY_GLOB_SET_H
#define POLICY_GLOB_SET_H

#include <writfs/glob.h>

/* glob_set_add with bits of the caller's for glob_set_reach. */
int glob_set_add_kinds(struct glob_set *s, const char *pattern, const struct glob_bases *bases,
	uint32_t tag, uint32_t kinds, struct err *e);

/* The kinds of all patterns that could match a name beneath path; all bits: out of memory. */
uint32_t glob_set_reach(const struct glob_set *s, const char *path);

#endif
