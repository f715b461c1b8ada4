/* SPDX-License-Identifier: MIT */
/* Hashes: SHA-256 for change ids and trust (content addressed), a fast 64-bit one for tables. */
#ifndef WRITFS_HASH_H
#define WRITFS_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <sha2.h>

uint64_t hash_bytes(const void *p, size_t len, uint64_t seed);

static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ (x >> 33);
}

#define SHA256_SIZE 32

/* libmd's context: Debian carries libmd on every machine (dpkg needs it). */
struct sha256 {
	SHA2_CTX context;
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t len);
void sha256_end(struct sha256 *s, unsigned char out[SHA256_SIZE]);

#endif
