/* SPDX-License-Identifier: MIT */
/*
 * Messages from a session to the supervisor's store of descriptors, over a SOCK_SEQPACKET socket.
 * A descriptor that could not be opened again (an unlinked file, or one whose mode locks the
 * daemon's user out) is put here when it is pinned and dropped at FORGET, so that it outlives the
 * daemon. One message is one packet; PUT carries exactly one descriptor (SCM_RIGHTS). Nothing is
 * answered: order on the socket is order in the store.
 */
#ifndef WRITFS_FDSTORE_H
#define WRITFS_FDSTORE_H

#include <stdint.h>

#define FDSTORE_MAX 65536 /* descriptors kept in all; a PUT beyond is closed and counted */

enum fdstore_op { FDSTORE_PUT = 1, FDSTORE_DROP = 2 };

struct fdstore_message {
	uint32_t op;
	uint32_t root;   /* number of the session's root */
	uint64_t nodeid; /* generation << 32 | slot */
};

#endif
