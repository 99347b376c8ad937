/* SPDX-License-Identifier: MIT */
/*
 * Writes that were taken out of rings, from then until their completion is posted: done by workers,
 * told by IORING_OP_MSG_RING (5.18). Thread-safe; not to be called in a vforked child.
 */
#ifndef RING_OP_H
#define RING_OP_H

#include <stdbool.h>

#include "async/ring_table.h"
#include "engine/engine.h"
#include "base/uring_uapi.h"

struct ring_op;

/* Can it be done at all? If so, until worker_release(). */
bool ring_op_hold_worker(void);

/* Of this ring, which is in use: the job to be finished, or if `result` is an error or
 * REQUEST_EMPTY, just that to be told. NULL: there is no memory, or no descriptor left. */
struct ring_op *ring_op_take(struct ring *ring, const struct io_uring_sqe *sqe,
			     const struct engine_job *job, int result);

/* Then one of these: it is started with others, or the entry was not ours after all. */
struct ring_op_list {
	struct work *first; /* the one that was added last */
};
void ring_op_add(struct ring_op_list *list, struct ring_op *op);
void ring_op_leave(struct ring_op *op);

/* All of the list, which is empty then. */
void ring_op_start(struct ring_op_list *list);

/* Is there any? And wait until none is of this ring; none at all; or none of a ring with these
 * descriptors, before they are closed. */
bool ring_op_is_under_way(void);
void ring_op_await(const struct ring *ring);
void ring_op_await_all(void);
void ring_op_before_close(unsigned first, unsigned last);

void ring_op_after_fork(void);

#endif
