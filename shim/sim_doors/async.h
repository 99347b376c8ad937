/* SPDX-License-Identifier: MIT */
/*
 * What libaio's and io_uring's doors share. Entries of nodes are done at once, before the kernel
 * sees them; then the kernel gets entries in their place whose natural result is theirs.
 */
#ifndef SIM_ASYNC_H
#define SIM_ASYNC_H

#include <fcntl.h>

#include "sim/io.h"

enum { SIM_RWF_SUPPORTED = 0x1f /* to RWF_APPEND: what Linux 6.1 knows */ };

/* A system call: its result or -errno. errno stays as it was. */
long sim_async_call(long number, long a, long b, long c, long d, long e, long f);

/* Is the kernel of this version, or a later one? */
bool sim_async_kernel_is(unsigned major, unsigned minor);

enum sim_async_source { SIM_ASYNC_NULL, SIM_ASYNC_FULL, SIM_ASYNC_MEMORY, SIM_ASYNC_SOURCES };
/* A descriptor of ours, open for good; or -errno. /dev/null and /dev/full are for writing,
 * /proc/self/mem is for reading. */
int sim_async_source(enum sim_async_source source);

/* Was the file opened for this? */
bool sim_async_may(const struct sim_file *file, bool writes);
/* The bytes that the iovec names; or -EFAULT or -EINVAL, as import_iovec() finds. */
ssize_t sim_async_total(const struct sim_io *io);

/* aio.c: the system calls of libaio, as they are, but that entries of nodes are done. */
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
