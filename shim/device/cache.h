/* SPDX-License-Identifier: MIT */
/*
 * The page cache does not notice a passthrough command: these two calls give a write by command
 * what the kernel does around a write with O_DIRECT. Thread-safe, allocate nothing on the heap.
 */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Would the kernel take a direct write of this range as it is: to a device that is neither
 * read-only nor in use as swap space, that ends behind the range, and of which nothing is cached
 * there? Then there is nothing to prepare. Costs a third of cache_prepare(); fd, offset and length
 * as there.
 */
bool cache_is_clear(int fd, uint64_t offset, uint32_t length);

/*
 * Before the command: writes back what is dirty in the range, drops it, and has the kernel make its
 * own checks of a write there. fd has O_DIRECT; offset and length are whole blocks,
 * length at most LIMITS_MAX.
 * 0, or -errno of those checks: EPERM read-only, ETXTBSY swap, ENOSPC past the end, with rwf
 * RWF_NOWAIT also EAGAIN when something is cached.
 */
int cache_prepare(int fd, uint64_t offset, uint32_t length, int rwf);

/* After the command: drops what readers brought in meanwhile. */
void cache_finish(int fd, uint64_t offset, uint32_t length);

/* The address of memory of which the first page cannot be read; NULL: not available. */
void *cache_unreadable(void);

#endif
