/* SPDX-License-Identifier: MIT */
/*
 * Shared by the doors of libaio and io_uring. They do the entries of nodes at once, before the
 * kernel sees them. Then the kernel gets substitutes: entries with the same natural result.
 */
#ifndef SIM_ASYNC_H
#define SIM_ASYNC_H

#include <fcntl.h>

#include "sim/io.h"

enum { SIM_RWF_SUPPORTED = 0x1f /* the flags of Linux 6.1, up to RWF_APPEND */ };

/* Makes a system call. Returns its result or -errno; errno stays as it was. */
long sim_async_call(long number, long a, long b, long c, long d, long e, long f);

/* True: the kernel is of this version or a later one. */
bool sim_async_kernel_is(unsigned major, unsigned minor);

enum sim_async_source { SIM_ASYNC_NULL, SIM_ASYNC_FULL, SIM_ASYNC_MEMORY, SIM_ASYNC_SOURCES };
/* Returns a descriptor of ours, which stays open; or -errno. /dev/null and /dev/full are for
 * writing, /proc/self/mem is for reading. */
int sim_async_source(enum sim_async_source source);

/* True: the file was opened for writing, or for reading. */
bool sim_async_may(const struct sim_file *file, bool writes);
/* Returns how many bytes the iovec names; or -EFAULT or -EINVAL, as import_iovec() does. */
ssize_t sim_async_total(const struct sim_io *io);

/* aio.c: the system calls of libaio, which also do entries of nodes. */
long sim_aio_submit(unsigned long context, long count, void *entries);
long sim_aio_getevents(long number, unsigned long context, long least, long most, void *events,
		       void *timeout, void *mask);
long sim_aio_destroy(unsigned long context);

/* ring.c: the system calls of io_uring, likewise. */
long sim_ring_setup(unsigned entries, void *params);
long sim_ring_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags, void *argument,
		    size_t size);
long sim_ring_register(unsigned fd, unsigned opcode, void *argument, unsigned count);

#endif
