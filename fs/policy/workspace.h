/* SPDX-License-Identifier: MIT */
/* The one detail of workspace_find that its callers outside do not need. Private to fs/policy. */
#ifndef POLICY_WORKSPACE_H
#define POLICY_WORKSPACE_H

#include <stdbool.h>

struct workspace {
	char *top;        /* real path */
	char *git;        /* the common git directory where it lies outside top, else NULL */
	char *distrusted; /* a .git file that was not believed, NULL: none */
};

void workspace_end(struct workspace *w);

/* As workspace_find, with what was not believed. */
int workspace_discover(const char *dir, struct workspace *ret);

#endif
