/* SPDX-License-Identifier: MIT */
/*
 * Writes that were taken out of rings, from then until their completion is posted: workers do them,
 * IORING_OP_MSG_RING (5.18) posts it. Meanwhile the ring is in use, and a descriptor of our own
 * keeps its file. Thread-safe; not to be called in a child of vfork().
 */
#ifndef RING_OP_H
#define RING_OP_H

#include <stdbool.h>

#include "async/ring_table.h"
#include "engine/engine.h"
#include "base/uring_uapi.h"

struct ring_op;

/* True: writes can be taken out, until worker_release(). */
bool ring_op_reserve_worker(void);

struct ring_op_list {
	struct work *first; /* the one that was added last */
};

/* Has all that it takes to take a write out of this ring, which is in use. NULL: there is no
 * memory, or no descriptor left. The caller fills in the job by engine_start(), then tells the
 * result of that: after an error or REQUEST_EMPTY nothing but the posting of it is left to do.
 * `spare` has more of them, made ready for `count` writes of this ring; they count as under way
 * until ring_op_return(). */
struct ring_op *ring_op_get(struct ring *ring, const struct io_uring_sqe *sqe,
			    struct ring_op_list *spare, unsigned count);
struct engine_job *ring_op_job(struct ring_op *op);
void ring_op_take_out(struct ring_op *op, int result);
void ring_op_return(struct ring_op_list *spare);

/* Then call one of these: the first to start it with others, the second if the entry was not ours
 * after all (then ring_op_take_out() need not have been called). */
void ring_op_add(struct ring_op_list *list, struct ring_op *op);
void ring_op_leave(struct ring_op *op);

/* Starts all writes of the list, which is empty then. */
void ring_op_start(struct ring_op_list *list);

/* Each waits until no write is under way: of this ring; of any ring; of a ring with one of these
 * descriptors, which are about to be closed. */
void ring_op_await(const struct ring *ring);
void ring_op_await_all(void);
void ring_op_before_close(unsigned first, unsigned last);

void ring_op_after_fork(void);

#endif
