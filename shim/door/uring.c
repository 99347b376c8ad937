/* SPDX-License-Identifier: MIT */
/*
 * The doors for liburing's functions that submit. liburing makes its system calls inline, so only
 * the functions can be caught. Each one takes atomic writes out of the prepared entries, then calls
 * the next function. In some versions they call each other: the second look then finds nothing to
 * do.
 */
#include <linux/time_types.h>
#include <signal.h>

#include "door/entry.h"
#include "door/uring.h"
#include "async/ring_prepared.h"

/* Entries that were taken out count as submitted. */
static int add(int result, unsigned taken)
{
	return result >= 0 ? result + (int)taken : taken ? (int)taken : result;
}

int io_uring_submit(struct uring *ring);
int io_uring_submit_and_wait(struct uring *ring, unsigned waits);
int io_uring_submit_and_get_events(struct uring *ring);
int io_uring_submit_and_wait_timeout(struct uring *ring, struct io_uring_cqe **cqe, unsigned waits,
				     struct __kernel_timespec *timeout, sigset_t *mask);
int io_uring_submit_and_wait_min_timeout(struct uring *ring, struct io_uring_cqe **cqe,
					 unsigned waits, struct __kernel_timespec *timeout,
					 unsigned min_wait, sigset_t *mask);
int io_uring_submit_and_wait_reg(struct uring *ring, struct io_uring_cqe **cqe, unsigned waits,
				 int index);
int io_uring_wait_cqes(struct uring *ring, struct io_uring_cqe **cqe, unsigned waits,
		       struct __kernel_timespec *timeout, sigset_t *mask);
void io_uring_queue_exit(struct uring *ring);

EXPORT int io_uring_submit(struct uring *ring)
{
	unsigned taken = ring_before_submit(ring, 0);

	return add(NEXT(io_uring_submit, ring), taken);
}

EXPORT int io_uring_submit_and_wait(struct uring *ring, unsigned waits)
{
	unsigned taken = ring_before_submit(ring, waits);

	return add(NEXT(io_uring_submit_and_wait, ring, waits), taken);
}

EXPORT int io_uring_submit_and_get_events(struct uring *ring)
{
	unsigned taken = ring_before_submit(ring, 0);

	return add(NEXT(io_uring_submit_and_get_events, ring), taken);
}

EXPORT int io_uring_submit_and_wait_timeout(struct uring *ring, struct io_uring_cqe **cqe,
					    unsigned waits, struct __kernel_timespec *timeout,
					    sigset_t *mask)
{
	unsigned taken = ring_before_submit(ring, timeout ? 0 : waits);

	return add(NEXT(io_uring_submit_and_wait_timeout, ring, cqe, waits, timeout, mask), taken);
}

EXPORT int io_uring_submit_and_wait_min_timeout(struct uring *ring, struct io_uring_cqe **cqe,
						unsigned waits, struct __kernel_timespec *timeout,
						unsigned min_wait, sigset_t *mask)
{
	/* Before 6.12 liburing refuses, and has submitted nothing. */
	unsigned taken = ring->features & URING_FEAT_MIN_TIMEOUT ? ring_before_submit(ring, 0) : 0;

	return add(NEXT(io_uring_submit_and_wait_min_timeout, ring, cqe, waits, timeout, min_wait,
			mask),
		   taken);
}

EXPORT int io_uring_submit_and_wait_reg(struct uring *ring, struct io_uring_cqe **cqe,
					unsigned waits, int index)
{
	unsigned taken = ring_before_submit(ring, 0);

	return add(NEXT(io_uring_submit_and_wait_reg, ring, cqe, waits, index), taken);
}

/* It submits only before Linux 5.11, where the kernel takes no time-out without an entry for it. It
 * does not return how many it submitted. */
EXPORT int io_uring_wait_cqes(struct uring *ring, struct io_uring_cqe **cqe, unsigned waits,
			      struct __kernel_timespec *timeout, sigset_t *mask)
{
	if (timeout && !(ring->features & IORING_FEAT_EXT_ARG))
		ring_before_submit(ring, 0);
	return NEXT(io_uring_wait_cqes, ring, cqe, waits, timeout, mask);
}

EXPORT void io_uring_queue_exit(struct uring *ring)
{
	static void *_Atomic known;
	void (*next)(struct uring * ring) =
		(void (*)(struct uring *))uring_find(&known, "io_uring_queue_exit");

	DEEP_INSIDE;
	ring_before_exit(ring);
	if (next)
		next(ring);
}
