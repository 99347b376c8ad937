/* SPDX-License-Identifier: MIT */
/*
 * The rings that were set up through us: one entry for each, from then until its descriptor is
 * closed. A ring that has none here - another process's, a child's, one whose descriptor is gone -
 * gets its writes done in place, and none to registered files.
 *
 * Thread-safe, without a lock but where a ring is set up; safe in signal handlers.
 */
#ifndef RING_TABLE_H
#define RING_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/ring_map.h"

/* An entry that was changed. */
struct saved {
	struct io_uring_sqe *place, was, is;
};

struct ring {
	_Atomic unsigned uses; /* base/uses.h */
	_Atomic bool taken;    /* the place in the table, until the last use has ended */
	_Atomic int fd;        /* the number by which it was set up */
	uint32_t id;           /* of no other ring, before or after */
	unsigned flags;        /* IORING_SETUP_*, as the kernel has them */
	dev_t filesystem;      /* its file, which tells it from others from 5.12 on */
	ino_t inode;
	const void
		*_Atomic head; /* where liburing has its queue's head; NULL: it does not have it */
	pid_t process;         /* that has the descriptor */
	uint64_t issuer;       /* the thread that set it up, in */
	pid_t issuing;         /* this process */

	/* Only of one that is used by system calls. */
	struct ring_map map;
	unsigned entries;
	struct saved *saved; /* as many as there are entries */
	unsigned saved_count;
	pthread_mutex_t lock; /* of those who find an atomic write */

	/* ring_op.c, which changes them with its lock */
	_Atomic int own;
	_Atomic unsigned under_way;
};

/* A ring begins: for use by system calls; or through liburing; which may also map one that is
 * there. Where the table is full or memory is short, it stays unknown. */
void ring_table_add(int fd, const struct io_uring_params *params);
void ring_table_note(int fd, unsigned flags, const void *head);
void ring_table_note_mapped(int fd, unsigned flags, const void *head);

/* In use until ring_table_put(), or NULL: by a call's first argument, a descriptor or the index of
 * a ring that the calling thread has registered, for use by system calls; by liburing's struct,
 * whose number tells more than its mapping where it is what the kernel is entered by; by any
 * descriptor of its file. */
struct ring *ring_table_get(unsigned fd, bool is_registered);
struct ring *ring_table_get_prepared(int fd, const void *head, bool by_number);
struct ring *ring_table_get_any(int fd);
void ring_table_put(struct ring *ring);
void ring_table_share(struct ring *ring); /* one more use of one that is in use */

/* Is this number still the ring's? */
bool ring_table_is_at(const struct ring *ring, int fd);
/* Or can no kernel like this one tell? Then the doors' word must do. */
bool ring_table_may_be_at(const struct ring *ring, int fd);

/* May the calling thread submit to it? Where IORING_SETUP_SINGLE_ISSUER says that one thread does,
 * the kernel refuses the others; and what begins disabled may have restrictions that we do not
 * know. NULL: only where neither can be. */
bool ring_table_may_submit(const struct ring *ring, unsigned flags);

/* Has one with these descriptors, the program's or ours, writes under way? */
bool ring_table_is_busy(unsigned first, unsigned last);

/* A ring ends: one that is in use; those with these descriptors. */
void ring_table_end(struct ring *ring);
void ring_table_before_close(unsigned first, unsigned last);

/* The calling thread's rings by index: IORING_REGISTER_RING_FDS, IORING_UNREGISTER_RING_FDS. */
void ring_table_register(unsigned opcode, const struct io_uring_rsrc_update *updates, long count);

/* In a child: no write is under way, and no descriptor of ours is needed. */
void ring_table_leave_all(void);
void ring_table_after_fork(void);

#endif
