/* SPDX-License-Identifier: MIT */
/*
 * The table hash depends on the byte order. Whoever stores its values (the journal's ring, for as
 * long as one daemon lives) carries a version that changes with it. Seed it where a program
 * chooses the keys.
 */
#include <writfs/hash.h>

#include <string.h>

#define HASH_STEP 0x9e3779b97f4a7c15ULL

uint64_t hash_bytes(const void *p, size_t len, uint64_t seed)
{
	const unsigned char *in = p;
	uint64_t h = hash_u64(seed ^ HASH_STEP) ^ len;
	for (; len >= sizeof(uint64_t); in += sizeof(uint64_t), len -= sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, in, sizeof word);
		h = (h ^ word) * HASH_STEP;
		h ^= h >> 32;
	}
	uint64_t tail = 0;
	if (len)
		memcpy(&tail, in, len);
	return hash_u64(h ^ tail);
}

void sha256_init(struct sha256 *s)
{
	SHA256Init(&s->context);
}

void sha256_add(struct sha256 *s, const void *p, size_t len)
{
	if (len)
		SHA256Update(&s->context, p, len);
}

void sha256_end(struct sha256 *s, unsigned char out[SHA256_SIZE])
{
	SHA256Final(out, &s->context);
}
