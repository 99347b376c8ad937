/* SPDX-License-Identifier: MIT */
/*
 * A small io_uring that belongs to one thread: the ring of a flight (engine/flight.c). It is
 * registered with the thread, so it has no descriptor that a program could close, and a forked
 * child has nothing of it. Not thread-safe, except the questions about abilities.
 */
#ifndef OWN_RING_H
#define OWN_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/ring_map.h"
#include "base/uring_uapi.h"

enum { OWN_RING_ENTRIES = 128, OWN_RING_FILES = 72 /* places in its table of files, empty */ };

struct own_ring {
	struct ring_map map;
	uint32_t fd; /* a descriptor; once it is registered, its index with this thread */
	uint32_t enter_flags;
	bool wide; /* entries of 128 bytes: those of IORING_OP_URING_CMD fit */
};

/* Abilities that the kernel has and this process may use. We find them out once. Thread-safe. */
enum own_ring_ability {
	OWN_RING_POSTS = 1,    /* IORING_OP_MSG_RING, 5.18 */
	OWN_RING_INJECTS = 2,  /* a NOP takes its result from the entry, 6.10 */
	OWN_RING_COMMANDS = 4, /* IORING_OP_URING_CMD, 5.19 */
};
extern _Atomic int own_ring_known; /* 0: not found out yet */
int own_ring_find_out(void);
static inline bool own_ring_can(enum own_ring_ability ability)
{
	int known = atomic_load_explicit(&own_ring_known, memory_order_relaxed);

	return (known ? known : own_ring_find_out()) & (int)ability;
}
/* These two find out nothing, but go by what is known. */
static inline bool own_ring_may_be_wanted(void) /* a new worker needs a ring */
{
	return own_ring_known & OWN_RING_POSTS;
}
static inline bool own_ring_cannot(enum own_ring_ability ability)
{
	return own_ring_known && !(own_ring_known & (int)ability);
}
/* The kernel refused the ability to this process: it counts as absent from now on. */
static inline void own_ring_lose(enum own_ring_ability ability)
{
	atomic_fetch_and(&own_ring_known, ~(int)ability);
}
#define OWN_RING_NOP_INJECT_RESULT (1U << 0) /* IORING_NOP_INJECT_RESULT */

/* The ring belongs to the calling thread, as long as it lives. False: no memory, or no descriptor
 * left. */
bool own_ring_open(struct own_ring *ret_ring);
void own_ring_close(struct own_ring *ring); /* before its thread ends */

/* An entry, all 0, for the caller to fill; the next own_ring_enter() submits it. There is always
 * one, as long as no more than OWN_RING_ENTRIES are under way. */
static inline struct io_uring_sqe *own_ring_next(struct own_ring *ring)
{
	uint32_t tail = (*ring->map.sq_tail)++;
	struct io_uring_sqe *sqe = &ring->map.sqes[(tail & ring->map.sq_mask) << ring->wide];

	sqe[0] = (struct io_uring_sqe){ 0 };
	if (ring->wide)
		sqe[1] = (struct io_uring_sqe){ 0 };
	return sqe;
}

/* Submits the new entries, and waits for a completion, but no longer than 2 ms. */
void own_ring_enter(struct own_ring *ring);

/* False: there is no completion. */
static inline bool own_ring_take(struct own_ring *ring, uint64_t *ret_user_data,
				 int32_t *ret_result)
{
	uint32_t head = *ring->map.cq_head;

	if (head == __atomic_load_n(ring->map.cq_tail, __ATOMIC_ACQUIRE))
		return false;
	const struct io_uring_cqe *cqe = &ring->map.cqes[(head & ring->map.cq_mask) << ring->wide];
	*ret_user_data = cqe->user_data;
	*ret_result = cqe->res;
	__atomic_store_n(ring->map.cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

#endif
