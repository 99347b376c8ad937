/* SPDX-License-Identifier: MIT */
/*
 * The rings that were set up through us: one entry for each, from then until its descriptor is
 * closed. A ring without an entry is unknown: another process's, a child's, one whose descriptor is
 * gone. Its writes through liburing are done at once, except those to registered files; its entries
 * by system calls go to the kernel as they are.
 *
 * The files ring*.c of async/ call this, and the doors where a ring begins or ends. Thread-safe;
 * only the setting up of a ring takes a lock. Safe in signal handlers.
 */
#ifndef RING_TABLE_H
#define RING_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/ring_map.h"

/* An entry that we changed. */
struct saved {
	struct io_uring_sqe *place, was, is;
};

struct ring {
	_Atomic unsigned uses; /* base/uses.h */
	_Atomic bool taken;    /* the place in the table is in use, until the last use has ended */
	_Atomic int fd;        /* the number by which it was set up */
	uint32_t id;           /* no other ring has it, before or after */
	unsigned flags;        /* IORING_SETUP_*, as the kernel has them */
	dev_t filesystem; /* with the inode it names the ring's file, from 5.12 on no other's */
	ino_t inode;
	const void
		*_Atomic head; /* where liburing has its queue's head; NULL: it does not have it */
	pid_t process;         /* the process that has the descriptor */
	uint64_t issuer;       /* the thread that set it up */
	pid_t issuing;         /* and the process of that thread */

	_Atomic unsigned taken_out; /* entries of liburing's that were taken out, so that the
				       kernel never counted them */

	/* Only of a ring that is used by system calls. */
	struct ring_map map;
	unsigned entries;
	struct saved *saved; /* as many as there are entries */
	unsigned saved_count;
	pthread_mutex_t lock; /* of submissions with an atomic write */

	/* ring_op.c changes these, with its lock. */
	_Atomic int own;
	_Atomic unsigned under_way;
};

/* A ring begins: for use by system calls; for use through liburing; the third: liburing maps a ring
 * that may be known already. If the table is full or memory is short, the ring stays unknown. */
void ring_table_add(int fd, const struct io_uring_params *params);
void ring_table_note(int fd, unsigned flags, const void *head);
void ring_table_note_mapped(int fd, unsigned flags, const void *head);

/* Each returns a ring, in use until ring_table_put(), or NULL.
 * The first finds a ring that is used by system calls, by the first argument of the call: a
 * descriptor, or the index of a ring that the calling thread has registered.
 * The second finds it by liburing's struct: number and mapping. by_number: the kernel is entered by
 * that number, which then decides even if the mapping is another.
 * The third finds it by any descriptor of its file. */
struct ring *ring_table_get(unsigned fd, bool is_registered);
struct ring *ring_table_get_prepared(int fd, const void *head, bool by_number);
struct ring *ring_table_get_any(int fd);
void ring_table_put(struct ring *ring);
void ring_table_share(struct ring *ring); /* one more use of one that is in use */

/* True: all that was submitted to the ring has completed, as far as can be counted. An entry that
 * never completes, or more than once, makes this false. submitted: entries that were published;
 * completed: completions that were posted. ring NULL: unknown. */
static inline bool ring_is_idle(const struct ring *ring, unsigned submitted, unsigned completed)
{
	return submitted + (ring ? ring->taken_out : 0) == completed;
}

/* True: this number is still the ring's. */
bool ring_table_is_at(const struct ring *ring, int fd);
/* The same, but also true if the kernel cannot tell (before 5.12): the doors must do then. */
bool ring_table_may_be_at(const struct ring *ring, int fd);

/* True: the calling thread may submit to the ring. With IORING_SETUP_SINGLE_ISSUER the kernel
 * refuses all threads but one. A ring that began disabled may have restrictions that we do not
 * know: false. ring NULL: true only if the flags say neither. */
bool ring_table_may_submit(const struct ring *ring, unsigned flags);

/* True: a ring with one of these descriptors, the program's or ours, has writes under way. */
bool ring_table_is_busy(unsigned first, unsigned last);

/* Rings end: this one, which is in use; those with one of these descriptors. */
void ring_table_end(struct ring *ring);
void ring_table_before_close(unsigned first, unsigned last);

/* After IORING_REGISTER_RING_FDS or IORING_UNREGISTER_RING_FDS: notes the calling thread's rings by
 * index. count: what that call returned. */
void ring_table_register(unsigned opcode, const struct io_uring_rsrc_update *updates, long count);

/* In a child. The first closes our descriptors of rings: no write is under way there. */
void ring_table_leave_all(void);
void ring_table_after_fork(void);

#endif
