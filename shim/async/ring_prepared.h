/* SPDX-License-Identifier: MIT */
/*
 * Entries that a program has prepared through liburing and not published yet: so those that are
 * taken out leave no gap. door/uring.c calls this before liburing submits. No lock: as liburing,
 * it leaves it to the program that one thread at a time submits to a ring.
 */
#ifndef RING_PREPARED_H
#define RING_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "async/ring_table.h"
#include "base/uring_uapi.h"

/*
 * The beginning of liburing's struct io_uring, the same in all its versions, 2.0 to 2.15.
 * Entries that are prepared but not yet submitted are those from sqe_head to sqe_tail.
 */
struct uring {
	struct {
		unsigned *khead, *ktail, *kring_mask, *kring_entries, *kflags, *kdropped, *array;
		struct io_uring_sqe *sqes;
		unsigned sqe_head, sqe_tail;
		unsigned long ring_size;
		void *ring;
		unsigned pad[4];
	} sq;
	struct {
		unsigned *khead, *ktail;
		char rest[72];
	} cq;
	unsigned flags; /* IORING_SETUP_* */
	int ring_fd;
	unsigned features; /* IORING_FEAT_* */
	int enter_ring_fd;
	uint8_t int_flags; /* 1, since 2.2: it is entered by an index, and ring_fd may be stale */
};

_Static_assert(offsetof(struct uring, flags) == 192 && offsetof(struct uring, features) == 200,
	       "liburing's layout");

/* The ring's entry in the table, in use until ring_table_put(); or NULL. */
struct ring *ring_of(const struct uring *uring);

/* Call it before the function that submits. waits: for how many completions that waits, however
 * long it takes. Returns how many entries were taken out; the caller adds them to the result of
 * that function. */
unsigned ring_before_submit(struct uring *ring, unsigned waits);

/* Call it before the ring ends: waits for its writes under way, and ends its entry in the table. */
void ring_before_exit(const struct uring *ring);

#endif
