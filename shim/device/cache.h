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
 * The same as cache_prepare() below, for a third of what that costs: 0, or -errno. -EFAULT: not
 * sure, as where the device ends within the range, or fd has lost O_DIRECT.
 */
int cache_clear(int fd, uint64_t offset, uint32_t length);

/*
 * Before the command: writes back what is dirty in the range, drops it, and has the kernel make its
 * own checks of a write there. fd has O_DIRECT; offset and length are whole blocks,
 * length at most LIMITS_MAX.
 * 0, or -errno of those checks: EPERM read-only, ETXTBSY swap, ENOSPC past the end, with rwf
 * RWF_NOWAIT also EAGAIN when something is cached.
 */
int cache_prepare(int fd, uint64_t offset, uint32_t length, int rwf);

/* Of a range of any length, without waiting: nothing of it is cached, and nothing of it lies past
 * the end. False: not sure. And the former alone, which is enough after a command. */
bool cache_is_clear(int fd, uint64_t offset, uint64_t length);
bool cache_has_no_page(int fd, uint64_t offset, uint64_t length);

/* After the command: drops what readers brought in meanwhile. */
void cache_finish(int fd, uint64_t offset, uint32_t length);

/* The address of memory of which the first page cannot be read; NULL: not available. */
void *cache_unreadable(void);

#endif
