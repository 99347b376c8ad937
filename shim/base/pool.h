/* SPDX-License-Identifier: MIT */
/*
 * Allocates places of one fixed size without malloc(): from the kernel in chunks of 16 KiB, which
 * are never returned. Not thread-safe: the caller holds the lock of the table that the places
 * belong to. A pool starts with its size set and `free` NULL. Places are aligned as their size is.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

struct pool {
	size_t size; /* of one place, at least a pointer's */
	void *free;  /* the first of them; each begins with the next one's address */
};

/* NULL: no memory. The place is not cleared. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *place);

#endif
