/* SPDX-License-Identifier: MIT */
/* A small seeded generator (splitmix64): the same numbers on every machine, so that a seed that
 * failed once fails everywhere. Not for secrets. */
#ifndef WRITFS_TESTS_RANDOM_H
#define WRITFS_TESTS_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 .. limit - 1; limit > 0. */
static inline unsigned random_below(struct random *r, unsigned limit)
{
	return (unsigned)((random_next(r) >> 11) % limit);
}

/* A small pool, so that random operations meet each other's names. Some look like markers of
 * other overlays, one has bytes that break line-based formats. */
#define RANDOM_NAMES 9
extern const char *const random_names[RANDOM_NAMES];

#endif
