/* SPDX-License-Identifier: MIT */
/*
 * Memory of one owner. A list of changes has several strings a change and tens of thousands of
 * changes; they are made together and freed together, so they come from chunks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "review_i.h"

#define CHUNK_BYTES ((size_t)64 << 10)

struct memory_chunk {
	struct memory_chunk *next;
	size_t used, size;
	max_align_t data[];
};

void *memory_get(struct memory *m, size_t size)
{
	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	struct memory_chunk *chunk = m->chunks;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		chunk = malloc(sizeof *chunk + room);
		if (!chunk) {
			m->failed = true;
			return NULL;
		}
		*chunk = (struct memory_chunk){.next = m->chunks, .size = room};
		m->chunks = chunk;
	}
	void *p = (char *)chunk->data + chunk->used;
	chunk->used += size;
	return p;
}

const char *memory_copy(struct memory *m, const char *text, size_t len)
{
	char *p = memory_get(m, len + 1);
	if (!p)
		return NULL;
	memcpy(p, text, len);
	p[len] = '\0';
	return p;
}

const char *memory_string(struct memory *m, const char *text)
{
	return text ? memory_copy(m, text, strlen(text)) : NULL;
}

const char *memory_join(struct memory *m, const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), name_len = strlen(name);
	if (!name_len)
		return memory_copy(m, dir, dir_len);
	if (dir_len && dir[dir_len - 1] == '/')
		dir_len--;
	char *p = memory_get(m, dir_len + name_len + 2);
	if (!p)
		return NULL;
	char *at = mempcpy(p, dir, dir_len);
	*at++ = '/';
	memcpy(at, name, name_len + 1);
	return p;
}

void memory_free(struct memory *m)
{
	while (m->chunks) {
		struct memory_chunk *next = m->chunks->next;
		free(m->chunks);
		m->chunks = next;
	}
}

int array_grow(void *array, size_t count, size_t *cap, size_t size)
{
	void **p = array;
	if (count < *cap)
		return 0;
	size_t wanted = *cap ? *cap * 2 : 16;
	void *grown = reallocarray(*p, wanted, size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	*cap = wanted;
	return 0;
}
