/* SPDX-License-Identifier: MIT */
/* Start reading at ring_before_submit(). */
#include "async/ring_prepared.h"

#include "base/cleanup.h"
#include "base/guard.h"
#include "base/config.h"
#include "base/deep.h"
#include "async/files.h"
#include "async/ring.h"
#include "async/ring_table.h"
#include "base/uring_uapi.h"

struct ring *ring_of(const struct uring *uring)
{
	KEEP_ERRNO;

	return ring_table_get_prepared(uring->ring_fd, uring->sq.khead, !(uring->int_flags & 1));
}

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
	unsigned taken = ring->sq.sqe_tail - kept;
	if (taken) /* counted before they can complete */
		batch->ring->taken_out += taken;
	ring_op_start(&batch->taken);
	ring->sq.sqe_tail = kept;
	return taken;
}

static bool concerns_us(const struct uring *ring)
{
	const struct io_uring_sqe *sqes = ring->sq.sqes;
	unsigned mask = *ring->sq.kring_mask, wide = ring->flags & IORING_SETUP_SQE128 ? 1 : 0;
	unsigned end = ring->sq.sqe_tail, any = 0;

	for (unsigned i = ring->sq.sqe_head; i != end; i++)
		any |= ring_concern(&sqes[(i & mask) << wide]);
	return any;
}

struct found {
	bool drain;
	enum files_change files;
	unsigned count, writes /* atomic ones */;
};

static struct found scan(const struct uring *ring)
{
	struct found found = { .count = ring->sq.sqe_tail - ring->sq.sqe_head };

	for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		const struct io_uring_sqe *sqe = entry_of(ring, i);
		unsigned concern = ring_concern(sqe);
		found.writes += concern & RING_KIND_WRITE;
		if (!(concern & RING_KIND_CHANGES))
			continue;
		enum files_change change = files_changed_by(sqe);
		found.drain |= sqe->flags & IOSQE_IO_DRAIN;
		found.files = change > found.files ? change : found.files;
		if (sqe->opcode == IORING_OP_CLOSE)
			ring_before_close(sqe);
	}
	return found;
}

static unsigned handle_to_end(struct uring *uring, struct ring_batch *batch)
{
	unsigned handled = handle_all(uring, batch);

	ring_batch_end(batch);
	return handled;
}

/* A write that is waited for hardly takes a lock; where it does, it raises a guard of its own. */
static unsigned handle_guarded(struct uring *uring, struct ring_batch *batch)
{
	KEEP_ERRNO;
	NO_CANCELLATION;
	if (batch->alone)
		return handle_to_end(uring, batch);
	GUARDED;
	return handle_to_end(uring, batch);
}

/* Published entries count, even those that the kernel has not taken yet. */
static bool is_idle(const struct uring *uring, const struct ring *ring)
{
	return ring_is_idle(ring, *uring->sq.ktail,
			    __atomic_load_n(uring->cq.ktail, __ATOMIC_ACQUIRE));
}

static unsigned handle_found(struct uring *uring, struct ring *ring, const struct found *found,
			     unsigned waits)
{
	struct ring_batch batch = {
		.ring = ring,
		.flags = uring->flags,
		.at_once = found->drain,
		.writes = found->writes,
		.alone = found->count == 1 && waits > 0 && is_idle(uring, ring),
	};

	return handle_guarded(uring, &batch);
}

/* An entry that drains waits for all that were submitted before it. The kernel does not know of
 * those that were taken out, so we wait for them. */
static unsigned before_submit(struct uring *uring, struct ring *ring, const struct found *found,
			      unsigned waits)
{
	files_before_change(ring, found->files);
	if (found->drain && ring)
		ring_op_await(ring);
	if (!found->writes || !ring_table_may_submit(ring, uring->flags))
		return 0;
	return handle_found(uring, ring, found, waits);
}

/* A ring that always begins at its first entry (SQ_REWIND) makes no difference here: its prepared
 * entries lie in the same way. */
unsigned ring_before_submit(struct uring *uring, unsigned waits)
{
	if ((uring->flags & ~(URING_SETUP_KNOWN | URING_SETUP_SQ_REWIND)) || !concerns_us(uring))
		return 0;
	struct found found = scan(uring);
	if ((!found.writes && !found.drain && found.files == FILES_STAY) ||
	    config_get().mode == MODE_OFF)
		return 0;
	DEEP_INSIDE;
	struct ring *ring = ring_of(uring);
	unsigned taken = before_submit(uring, ring, &found, waits);
	if (ring)
		ring_table_put(ring);
	return taken;
}

void ring_before_exit(const struct uring *uring)
{
	struct ring *ring = ring_of(uring);

	if (!ring)
		return;
	ring_op_await(ring);
	ring_table_end(ring);
	ring_table_put(ring);
}
