/* SPDX-License-Identifier: MIT */
/*
 * What programs have read. A save by temporary file and rename replaces whatever lies under the
 * name now; it may do so for real only if that is what the job has last read or written there. A
 * lookup is not a read (the rename itself makes one), so this is remembered by name and not by
 * node: the print of the real file when the name was first met, then of each READ and of each own
 * change.
 *
 * Bounded: when SEEN_MAX names are known the oldest bucket goes, and a name that is not known is
 * not checked against this memory (the store still compares across the step itself).
 */
#include <errno.h>
#include <stdlib.h>

#include <writfs/hash.h>

#include "fuse_i.h"

#define SEEN_BUCKETS 4096
#define SEEN_DEPTH 16
#define SEEN_MAX (SEEN_BUCKETS * SEEN_DEPTH)

struct seen_row {
	uint64_t name; /* hash of directory node and name, never 0 */
	uint64_t print;
};

struct seen {
	pthread_mutex_t lock;
	struct seen_row rows[SEEN_BUCKETS][SEEN_DEPTH];
};

int seen_new(struct seen **ret)
{
	struct seen *m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	(void)pthread_mutex_init(&m->lock, NULL);
	*ret = m;
	return 0;
}

void seen_free(struct seen *m)
{
	if (!m)
		return;
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

static uint64_t key_of(fuse_ino_t dir, const char *name)
{
	return hash_bytes(name, strlen(name), dir) | 1;
}

/* The row of the key moves to the front of its bucket; NULL if it is not there. */
static struct seen_row *find(struct seen *m, uint64_t key)
{
	struct seen_row *bucket = m->rows[hash_u64(key) % SEEN_BUCKETS];
	for (unsigned i = 0; i < SEEN_DEPTH; i++) {
		if (bucket[i].name != key)
			continue;
		struct seen_row row = bucket[i];
		memmove(bucket + 1, bucket, i * sizeof *bucket);
		bucket[0] = row;
		return bucket;
	}
	return NULL;
}

static void insert(struct seen *m, uint64_t key, uint64_t print)
{
	struct seen_row *bucket = m->rows[hash_u64(key) % SEEN_BUCKETS];
	memmove(bucket + 1, bucket, (SEEN_DEPTH - 1) * sizeof *bucket);
	bucket[0] = (struct seen_row){key, print};
}

void seen_first(struct seen *m, fuse_ino_t dir, const char *name, uint64_t print)
{
	uint64_t key = key_of(dir, name);
	(void)pthread_mutex_lock(&m->lock);
	if (!find(m, key))
		insert(m, key, print);
	(void)pthread_mutex_unlock(&m->lock);
}

void seen_set(struct seen *m, fuse_ino_t dir, const char *name, uint64_t print)
{
	uint64_t key = key_of(dir, name);
	(void)pthread_mutex_lock(&m->lock);
	struct seen_row *row = find(m, key);
	if (row)
		row->print = print;
	else
		insert(m, key, print);
	(void)pthread_mutex_unlock(&m->lock);
}

bool seen_differs(struct seen *m, fuse_ino_t dir, const char *name, uint64_t print)
{
	(void)pthread_mutex_lock(&m->lock);
	const struct seen_row *row = find(m, key_of(dir, name));
	bool differs = row && row->print != print;
	(void)pthread_mutex_unlock(&m->lock);
	return differs;
}
