/* SPDX-License-Identifier: MIT */
/*
 * Rings that a program uses by system calls of its own: what is published in the submission queue
 * is looked at when the program enters the kernel. Each function takes the place of the system
 * call and returns what it returns, >= 0 or -errno. Thread-safe.
 *
 * Known are rings that were set up through us, but for those with a polling thread of the kernel's
 * (IORING_SETUP_SQPOLL), which takes entries without our seeing them.
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
