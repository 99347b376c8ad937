/* SPDX-License-Identifier: MIT */
/*
 * Decides on one entry of an io_uring before the kernel sees it. Two callers find the entries and
 * remove those that are taken out: async/ring_prepared.h (liburing), async/ring_raw.h (system
 * calls).
 *
 * An atomic write is taken out; a worker does it and posts the completion into the program's ring
 * (5.18). Where that does not work - older kernels, the head of a chain, a ring that drains, a
 * caller that waits for just this write - we do it at once, and the entry becomes a substitute,
 * whose natural result is that of the write: so order, links and completion are right by
 * themselves.
 *
 * An entry that we do not fully understand goes to the kernel, which refuses the flag.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>

#include "async/ring_op.h"
#include "base/uring_uapi.h"

/* The entries that one call submits, in their order. */
struct ring_batch {
	struct ring *ring; /* NULL: an unknown one */
	unsigned flags;    /* IORING_SETUP_* */
	bool at_once;      /* no entry may be taken out */
	bool alone;        /* one entry, and its caller waits: a good write is done at once */
	bool loose;        /* the batch does not end the entry's chain: a kernel thread takes it */
	bool in_chain;     /* the entry before was linked to this one */
	bool open;         /* and all entries of the chain so far were atomic writes that we did */
	bool drained;      /* an entry before drains: what follows must wait for it */
	struct engine_file file;
	struct file *registered; /* in use, of this slot; NULL: none */
	unsigned slot;
	int slot_fd;
	enum { RING_WORKER_UNKNOWN, RING_WORKER_NONE, RING_WORKER_RESERVED } worker;
	unsigned writes; /* atomic ones that are still to come */
	struct ring_op_list spare;
	struct ring_op *op; /* of the entry that was taken out */
	struct ring_op_list taken;
};

enum ring_handled {
	RING_LEFT,   /* the kernel gets it as it is */
	RING_GONE,   /* the caller removes it, and then adds batch->op to batch->taken */
	RING_DONE,   /* the write is done, and the entry is a substitute now */
	RING_FAILED, /* likewise, with an error */
};

/* Call ring_handle() for each entry, atomic or not, with cancellation held off, and signals too
 * unless batch->alone. Call ring_batch_end() at the end. */
enum ring_handled ring_handle(struct ring_batch *batch, struct io_uring_sqe *sqe);
void ring_batch_end(struct ring_batch *batch);

/* Call it before an IORING_OP_CLOSE is submitted. */
void ring_before_close(const struct io_uring_sqe *sqe);

/* True: ring_handle() would take this atomic write out, and nothing is written when it returns. */
bool ring_may_go(struct ring_batch *batch, const struct io_uring_sqe *sqe);

/* Inline, for it is asked of every entry. */
static inline bool ring_is_atomic_write(const struct io_uring_sqe *sqe)
{
	return (sqe->opcode == IORING_OP_WRITE || sqe->opcode == IORING_OP_WRITEV ||
		sqe->opcode == IORING_OP_WRITE_FIXED) &&
	       (sqe->rw_flags & RWF_ATOMIC);
}

/* Most submissions have nothing for us: ring_concern() finds that out without a branch. It is not 0
 * for an atomic write, or an entry that drains or may change descriptors or a table of files. */
enum { RING_KIND_WRITE = 1, RING_KIND_CHANGES = 2 };
extern const unsigned char ring_kinds[256];
_Static_assert(RWF_ATOMIC == 1 << 6 && IOSQE_IO_DRAIN == RING_KIND_CHANGES, "shifted, and added");

static inline unsigned ring_concern(const struct io_uring_sqe *sqe)
{
	unsigned kind = ring_kinds[sqe->opcode];

	return (kind & ((unsigned)sqe->rw_flags >> 6 & 1)) |
	       ((kind | sqe->flags) & RING_KIND_CHANGES);
}

/* True: it is linked to the entry after it. */
static inline bool ring_is_linked(const struct io_uring_sqe *sqe)
{
	return sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
}

#endif
