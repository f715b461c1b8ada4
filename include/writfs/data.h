/* SPDX-License-Identifier: MIT */
/*
 * Data files of config/ that are compiled into the program (config/embed.cmake).
 * The table ends with a row whose name is NULL; text is followed by a NUL that len does not count.
 */
#ifndef WRITFS_DATA_H
#define WRITFS_DATA_H

#include <stddef.h>

struct data_file {
	const char *name; /* "labels.json" */
	const char *text;
	size_t len;
};

extern const struct data_file data_files[];

#endif
