/* SPDX-License-Identifier: MIT */
/* The doors for liburing's functions that are bare system calls. They return -errno, as the kernel
 * does. */
#include <signal.h>

#include "door/entry.h"
#include "async/ring_raw.h"

int io_uring_setup(unsigned entries, struct io_uring_params *params);
int io_uring_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags, sigset_t *mask);
int io_uring_enter2(unsigned fd, unsigned count, unsigned waits, unsigned flags, void *argument,
		    size_t size);
int io_uring_register(unsigned fd, unsigned opcode, const void *argument, unsigned count);

EXPORT int io_uring_setup(unsigned entries, struct io_uring_params *params)
{
	return (int)ring_raw_setup(entries, params);
}

EXPORT int io_uring_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags,
			  sigset_t *mask)
{
	return (int)ring_raw_enter(fd, count, waits, flags, mask, _NSIG / 8);
}

EXPORT int io_uring_enter2(unsigned fd, unsigned count, unsigned waits, unsigned flags,
			   void *argument, size_t size)
{
	return (int)ring_raw_enter(fd, count, waits, flags, argument, size);
}

EXPORT int io_uring_register(unsigned fd, unsigned opcode, const void *argument, unsigned count)
{
	return (int)ring_raw_register(fd, opcode, (void *)(uintptr_t)argument, count);
}
