/* SPDX-License-Identifier: MIT */
/*
 * Serves io_uring rings that a program drives by bare system calls: ring_raw_setup() stands in for
 * io_uring_setup(), and so on. Each takes the arguments of its system call and returns what that
 * returns, >= 0 or -errno; errno stays. door/syscall.c calls them for syscall() and, in deep mode,
 * for trapped calls; door/uring_raw.c for liburing's functions that are bare system calls.
 * ring_raw_enter() looks at the published entries, and takes atomic writes out, before the kernel
 * takes the entries.
 *
 * Only rings that ring_raw_setup() made are served, from then until their descriptor is closed.
 * Rings with IORING_SETUP_SQPOLL are not: a thread of the kernel takes their entries without a
 * system call. Calls on rings that are not served go to the kernel unchanged.
 *
 * Thread-safe. A call that submits atomic writes holds the ring's lock, with signals blocked, while
 * it submits. Before an entry that drains, it also waits there for the ring's writes under way. It
 * does not hold the lock while it waits for completions. If another thread closes the ring, its
 * memory stays mapped until no call uses it (async/ring_table.h).
 */
#ifndef RING_RAW_H
#define RING_RAW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/uring_uapi.h"

long ring_raw_setup(unsigned entries, struct io_uring_params *params);
/* count: to_submit; waits: min_complete. */
long ring_raw_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags,
		    const void *argument, size_t size);
long ring_raw_register(unsigned fd, unsigned opcode, void *argument, unsigned count);

#endif
