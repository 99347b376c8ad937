/* SPDX-License-Identifier: MIT */
/*
 * A passthrough command bypasses the page cache. These functions do for a write by command what the
 * kernel does around a write with O_DIRECT: cache_prepare() or cache_clear() before the command,
 * cache_finish() after it. The engine calls them. Thread-safe, no heap, no lock.
 */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Does the same as cache_prepare() below, for a third of its cost. Returns 0 or -errno. -EFAULT: it
 * cannot tell, for example because the device ends within the range or fd has lost O_DIRECT.
 */
int cache_clear(int fd, uint64_t offset, uint32_t length);

/*
 * Call it before the command. Writes back what is dirty in the range, drops it, and makes the
 * kernel run its own checks of a write there. With RWF_NOWAIT in rwf it drops nothing. fd has
 * O_DIRECT; offset and length are whole blocks, length at most LIMITS_MAX. Returns 0, or the -errno
 * of those checks: EPERM read-only, ETXTBSY swap, ENOSPC past the end, with RWF_NOWAIT also EAGAIN
 * if something is cached.
 */
int cache_prepare(int fd, uint64_t offset, uint32_t length, int rwf);

/* Both take a range of any length and do not wait; false: they cannot tell. cache_is_clear():
 * nothing of the range is cached, and nothing lies past the end. cache_has_no_page(): nothing of it
 * is cached, which is enough after a command. */
bool cache_is_clear(int fd, uint64_t offset, uint64_t length);
bool cache_has_no_page(int fd, uint64_t offset, uint64_t length);

/* Call it after the command. Drops what readers brought in meanwhile. */
void cache_finish(int fd, uint64_t offset, uint32_t length);

/* Returns the address of memory whose first page cannot be read; NULL: not available. */
void *cache_unreadable(void);

#endif
