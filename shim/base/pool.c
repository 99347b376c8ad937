/* SPDX-License-Identifier: MIT */
/* A list of free places, each of which begins with the next one's address; see pool.h. */
#include "base/pool.h"

#include <sys/mman.h>

enum { CHUNK = 16 << 10 };

void pool_give(struct pool *pool, void *place)
{
	*(void **)place = pool->free;
	pool->free = place;
}

static void add_chunk(struct pool *pool)
{
	char *chunk = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
		return;
	for (size_t at = 0; at + pool->size <= CHUNK; at += pool->size)
		pool_give(pool, chunk + at);
}

void *pool_take(struct pool *pool)
{
	if (!pool->free)
		add_chunk(pool);
	void *place = pool->free;
	if (place)
		pool->free = *(void **)place;
	return place;
}
