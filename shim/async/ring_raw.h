/* SPDX-License-Identifier: MIT */
/*
 * Serves io_uring rings that a program drives by system calls, without liburing. Each function
 * stands in for the system call of its name and returns what that returns, >= 0 or -errno.
 * door/syscall.c calls them, for syscall() and in deep mode for trapped calls. ring_raw_enter()
 * looks at the published entries before the kernel takes them.
 *
 * It serves rings that ring_raw_setup() made, except those with a polling thread of the kernel
 * (IORING_SETUP_SQPOLL), which takes entries unseen. Calls on other rings go to the kernel
 * unchanged. Thread-safe. A ring's lock is held while entries are submitted, never while the call
 * waits. A ring that another thread closes stays mapped until no call uses it (async/ring_table.h).
 */
#ifndef RING_RAW_H
#define RING_RAW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/uring_uapi.h"

long ring_raw_setup(unsigned entries, struct io_uring_params *params);
long ring_raw_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags,
		    const void *argument, size_t size);
long ring_raw_register(unsigned fd, unsigned opcode, void *argument, unsigned count);

#endif
