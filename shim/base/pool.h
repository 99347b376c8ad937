/* SPDX-License-Identifier: MIT */
/*
 * Allocates places of one fixed size without malloc(): from the kernel in chunks of 16 KiB, which
 * are never returned. async/aio_table.c and async/ring_op.c each have one pool. Not thread-safe:
 * the caller holds the lock of the table that the places belong to. A pool starts with `size` set
 * and `free` NULL. A place is aligned to each power of two, up to 4096, that divides `size`.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

struct pool {
	size_t size; /* of one place: at least a pointer, at most a chunk */
	void *free;  /* the first free place; a free place begins with the next one's address */
};

/* Returns a place, which is not cleared. NULL: no memory. */
void *pool_take(struct pool *pool);
/* Takes back a place that came from this pool. */
void pool_give(struct pool *pool, void *place);

#endif
