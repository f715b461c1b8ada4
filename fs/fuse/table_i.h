/* SPDX-License-Identifier: MIT */
/* The layout of the table's memfd, shared by table.c and txn.c. All of it is flat: a daemon that
 * takes over maps it anywhere. A change of layout is a change of TABLE_VERSION. */
#ifndef TABLE_I_H
#define TABLE_I_H

#include "fuse_i.h"

#define TABLE_MAGIC 0x77726974u
#define TABLE_VERSION 1
#define TABLE_NODES_MAX (1u << 24)
#define NAME_CHUNK 16u
#define NAME_CHUNKS_MAX (1u << 26) /* 1 GiB of names, sparse */
#define NAME_CLASSES (NAME_MAX / NAME_CHUNK + 1)
#define BUCKETS_MIN 1024u
#define TXNS 64

struct txn {
	uint64_t unique;
	uint32_t opcode;
	uint32_t state;
	slot_t parent;
	int32_t result;
	struct store_key before;
	char name[NAME_MAX + 1];
};

struct header {
	uint32_t magic, version;
	slot_t slots;    /* ever used */
	slot_t free;     /* chain of free slots */
	uint32_t nodes;  /* in use */
	uint32_t epoch;  /* of policy states: a directory was renamed */
	uint32_t chunks; /* of names, ever used */
	uint32_t free_chunks[NAME_CLASSES];
	struct txn txns[TXNS];
};

#define HEADER_BYTES ((sizeof(struct header) + 4095) & ~(size_t)4095)
#define NODES_BYTES ((size_t)TABLE_NODES_MAX * sizeof(struct node))
#define TABLE_BYTES (HEADER_BYTES + NODES_BYTES + (size_t)NAME_CHUNKS_MAX * NAME_CHUNK)

struct table {
	struct header *h;
	struct node *nodes;
	char *names;
	pthread_mutex_t lock;
	slot_t *buckets;
	uint32_t bucket_count;
	void (*released)(slot_t slot, void *arg);
	void *released_arg;
};

#endif
