/* SPDX-License-Identifier: MIT */
/* The rings that were set up through us for use by system calls. Thread-safe. */
#ifndef RING_TABLE_H
#define RING_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/ring_map.h"

/* An entry that was changed. */
struct saved {
	struct io_uring_sqe *place, was, is;
};

struct raw {
	_Atomic int fd; /* -1 or 0: the slot is free */
	uint32_t id;    /* of no other ring, before or after */
	unsigned flags; /* IORING_SETUP_*, as the kernel has them */
	unsigned entries;
	bool woken_only; /* the program believes in a polling thread */
	struct ring_map map;
	struct saved *saved; /* as many as there are entries */
	unsigned saved_count;
	pthread_mutex_t lock; /* of those who find an atomic write */
};

/* NULL: no memory, or the table is full. */
struct raw *ring_table_add(int fd, const struct io_uring_params *params);

/* By a call's first argument: a descriptor, or the index of a ring that the calling thread has
 * registered. NULL: not known. */
struct raw *ring_table_find(unsigned fd, bool is_registered);

/* Before these descriptors are closed: lets go of the rings. */
void ring_table_before_close(unsigned first, unsigned last);

/* The calling thread's rings by index: IORING_REGISTER_RING_FDS, IORING_UNREGISTER_RING_FDS. */
void ring_table_register(unsigned opcode, const struct io_uring_rsrc_update *updates, long count);

void ring_table_after_fork(void);

#endif
