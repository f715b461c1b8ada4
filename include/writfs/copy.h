/* SPDX-License-Identifier: MIT */
/*
 * Copies a file's data: one reflink (FICLONE) if the file system can, else copy_file_range(2) over
 * the data extents (SEEK_DATA/SEEK_HOLE), else read and write. Holes stay holes.
 */
#ifndef WRITFS_COPY_H
#define WRITFS_COPY_H

#include <sys/types.h>

/*
 * Copies bytes [0, limit) of from to the empty file to and sets to's size to min(size, limit);
 * limit < 0: all. Both are regular files, from readable, to writable. Offsets are not moved.
 * 0 or -errno; on an error to has undefined content.
 */
int copy_data(int from, int to, off_t limit);

#endif
