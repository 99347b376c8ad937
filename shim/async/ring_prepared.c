/* SPDX-License-Identifier: MIT */
#include "async/ring_prepared.h"

#include "base/cleanup.h"
#include "base/guard.h"
#include "base/config.h"
#include "base/deep.h"
#include "async/files.h"
#include "async/issuer.h"
#include "async/ring.h"
#include "base/uring_uapi.h"

static struct io_uring_sqe *entry_of(const struct uring *ring, unsigned number)
{
	unsigned stride = ring->flags & IORING_SETUP_SQE128 ? 2 : 1;

	return &ring->sq.sqes[(number & *ring->sq.kring_mask) * stride];
}

static void copy_entry(const struct uring *ring, unsigned to, unsigned from)
{
	if (to == from)
		return;
	entry_of(ring, to)[0] = entry_of(ring, from)[0];
	if (ring->flags & IORING_SETUP_SQE128)
		entry_of(ring, to)[1] = entry_of(ring, from)[1];
}

/* The first entry of a chain that the batch does not end (io_queue_sqe_fallback()), or the tail. */
static unsigned find_loose(const struct uring *ring)
{
	unsigned i = ring->sq.sqe_tail;

	while (i != ring->sq.sqe_head && ring_is_linked(entry_of(ring, i - 1)))
		i--;
	return i;
}

static unsigned handle_all(struct uring *ring, struct ring_batch *batch)
{
	unsigned kept = ring->sq.sqe_head, loose = find_loose(ring);

	for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *sqe = entry_of(ring, i);
		batch->loose |= i == loose;
		if (ring_handle(batch, sqe) == RING_GONE)
			ring_op_add(&batch->taken, batch->op);
		else
			copy_entry(ring, kept++, i);
	}
	ring_op_start(&batch->taken);
	unsigned taken = ring->sq.sqe_tail - kept;
	ring->sq.sqe_tail = kept;
	return taken;
}

struct found {
	bool atomic, drain, files;
	unsigned count;
};

static struct found look(const struct uring *ring)
{
	struct found found = { false, false, false, ring->sq.sqe_tail - ring->sq.sqe_head };

	for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		const struct io_uring_sqe *sqe = entry_of(ring, i);
		found.atomic |= ring_is_atomic_write(sqe);
		found.drain |= sqe->flags & IOSQE_IO_DRAIN;
		found.files |= files_are_changed_by(sqe);
		if (sqe->opcode == IORING_OP_CLOSE)
			ring_before_close(sqe);
	}
	return found;
}

/* One that is waited for takes hardly a lock, and then a guard of its own. */
static unsigned handle_guarded(struct uring *ring, struct ring_batch *batch)
{
	KEEP_ERRNO;
	NO_CANCELLATION;
	if (batch->alone)
		return handle_all(ring, batch);
	GUARDED;
	return handle_all(ring, batch);
}

unsigned ring_before_submit(struct uring *ring, unsigned waits)
{
	struct found found = look(ring);

	if (found.files)
		files_forget_all(); /* the entry may be about another ring */
	/* What drains waits for all that were submitted before, those that we took out too. */
	if (found.drain)
		ring_op_await((unsigned)ring->ring_fd, (unsigned)ring->ring_fd);
	if (!found.atomic || (ring->flags & ~URING_SETUP_KNOWN) || config_get().mode == MODE_OFF ||
	    !issuer_may_submit(ring->ring_fd, ring->flags))
		return 0;
	DEEP_INSIDE;
	struct ring_batch batch = {
		.ring_fd = ring->ring_fd,
		.flags = ring->flags,
		.at_once = found.drain,
		.alone = found.count == 1 && waits > 0 && !ring_op_is_under_way(),
	};
	unsigned handled = handle_guarded(ring, &batch);
	engine_forget(&batch.file);
	return handled;
}

void ring_before_exit(const struct uring *ring)
{
	files_forget(ring->ring_fd);
	ring_op_await((unsigned)ring->ring_fd, (unsigned)ring->ring_fd);
}
