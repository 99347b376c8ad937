/* SPDX-License-Identifier: MIT */
/*
 * What is done with one entry of an io_uring before the kernel sees it. How entries are found, and
 * how they leave the queue: async/ring_prepared.h (liburing), async/ring_raw.h (system calls).
 *
 * An atomic write is taken out; a worker does it and posts the completion into the program's ring
 * (5.18). Where that will not do - older kernels, the head of a chain, a ring that drains, a caller
 * who waits for this one write anyway - it is done at once, and the entry becomes one whose natural
 * result is that of the write: so order, links and completion come out by themselves.
 *
 * Whatever is not fully understood goes to the kernel, which refuses the flag.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>

#include "async/ring_op.h"
#include "base/uring_uapi.h"

/* Entries that are submitted together, in their order. */
struct ring_batch {
	struct ring *ring; /* NULL: one that is not known */
	unsigned flags;    /* IORING_SETUP_* */
	bool at_once;      /* none is to be taken out */
	bool alone;        /* and waited for: what is good is done at once */
	bool loose;        /* the entry's chain has no end: a thread of the kernel's takes it */
	bool in_chain;     /* the entry before was linked to this one */
	bool open;         /* and all of the chain so far were atomic writes that were done */
	bool drained;      /* an entry before drains: what follows must wait for it */
	struct engine_file file;
	struct file *registered; /* in use, of this slot; NULL: none */
	unsigned slot;
	int slot_fd;
	enum { RING_WORKER_UNKNOWN, RING_WORKER_NONE, RING_WORKER_HELD } worker;
	struct ring_op *op; /* of the entry that was taken out */
	struct ring_op_list taken;
};

enum ring_handled {
	RING_LEFT, /* to the kernel, as it is */
	RING_GONE, /* to be taken from the queue, and then batch->op is to be added to batch->taken
		    */
	RING_DONE, /* and the entry was changed to say so */
	RING_FAILED, /* likewise */
};

/* To be called for each entry, atomic or not, and then at the end; signals and cancellation held
 * off. */
enum ring_handled ring_handle(struct ring_batch *batch, struct io_uring_sqe *sqe);
void ring_batch_end(struct ring_batch *batch);

/* Before an entry is submitted that closes a descriptor. */
void ring_before_close(const struct io_uring_sqe *sqe);

/* Would this atomic write be taken out, so that nothing is written yet when ring_handle() returns?
 */
bool ring_may_go(struct ring_batch *batch, const struct io_uring_sqe *sqe);

/* Asked of all entries, and so in place. */
static inline bool ring_is_atomic_write(const struct io_uring_sqe *sqe)
{
	return (sqe->opcode == IORING_OP_WRITE || sqe->opcode == IORING_OP_WRITEV ||
		sqe->opcode == IORING_OP_WRITE_FIXED) &&
	       (sqe->rw_flags & RWF_ATOMIC);
}

/* Most submissions have nothing for us: this says so without a branch. Not 0: an atomic write, one
 * that drains, or one that may change descriptors or a table of files. */
enum { RING_KIND_WRITE = 1, RING_KIND_CHANGES = 2 };
extern const unsigned char ring_kinds[256];
_Static_assert(RWF_ATOMIC == 1 << 6 && IOSQE_IO_DRAIN == RING_KIND_CHANGES, "shifted, and added");

static inline unsigned ring_concern(const struct io_uring_sqe *sqe)
{
	unsigned kind = ring_kinds[sqe->opcode];

	return (kind & ((unsigned)sqe->rw_flags >> 6 & 1)) |
	       ((kind | sqe->flags) & RING_KIND_CHANGES);
}

/* To the one after it. */
static inline bool ring_is_linked(const struct io_uring_sqe *sqe)
{
	return sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
}

#endif
