/* SPDX-License-Identifier: MIT */
/*
 * What a program inside a job can ask: the state of a name as the mount itself answers it
 * (user.writ.state, design part 4). Inside, the records of the job do not exist.
 */
#ifndef CLI_INSIDE_H
#define CLI_INSIDE_H

#include <cjson/cJSON.h>

#include "cli.h"

/*
 * The answer for an absolute path, existing or not; the caller frees *ret. -ENOENT, -ENOTDIR: its
 * directory is missing; -EACCES: nobody may ask; any other error: no writfs mount is there.
 */
int inside_state(const char *path, cJSON **ret);

/* Shows the state of each path (status and explain inside a job). Returns an exit status. */
int inside_show(
	const struct command *self, const char *job, const struct opt_list *paths, bool json);

#endif
