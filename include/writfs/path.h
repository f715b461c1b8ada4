/* SPDX-License-Identifier: MIT */
/* Path strings at the edge of the program (command line, policy, screens). The daemon has none. */
#ifndef WRITFS_PATH_H
#define WRITFS_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include <writfs/err.h>

/* True if path is dir or lies beneath it, by components. Both absolute and normalised. */
bool path_is_beneath(const char *path, const char *dir);

/* What follows dir/ in path, "" if equal, NULL if not beneath. Points into path. */
const char *path_relative(const char *path, const char *dir);

/* "~/x" for what lies in home, else path: for screens. Escapes control bytes. Returns buf. */
char *path_display(char *buf, size_t size, const char *path, const char *home);

/*
 * Absolute and normalised by text alone (".", "//", trailing "/"; ".." removed by text), relative
 * to base. "~" and "~/x" are home. The caller frees *ret. -EINVAL: "~user", empty, > PATH_MAX.
 */
int path_absolute(const char *path, const char *base, const char *home, char **ret, struct err *e);

/* $HOME, else the passwd entry; realpath'ed. The caller frees. */
int path_home(char **ret, struct err *e);

/* $XDG_STATE_HOME or ~/.local/state; $XDG_CONFIG_HOME or ~/.config: + "/writfs". Caller frees. */
int path_state(char **ret, struct err *e);
int path_config(char **ret, struct err *e);

/* mkdir -p with mode 0700, returns an O_PATH|O_DIRECTORY descriptor or -errno. */
int path_make_dirs(const char *path, struct err *e);

#endif
