/* SPDX-License-Identifier: MIT */
/*
 * Places of one size, as many as are wanted: from the kernel, 16 KiB at a time, and never given
 * back to it. Not thread-safe.
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
