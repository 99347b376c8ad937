/* SPDX-License-Identifier: MIT */
/*
 * Start reading at ring_raw_enter(). The entries of one call go to the kernel in runs, so that an
 * atomic write is done only after the kernel has accepted all before it. One that is taken out
 * leaves an index behind that names no entry: the kernel ends a run there, steps over it without a
 * completion and counts it as dropped. Entries and indices are put back as they were, for programs
 * use them again.
 *
 * Another thread may enter the same ring meanwhile. It can only make the kernel refuse a write: a
 * worker is started when the kernel has dropped the index, and an entry that was changed loses
 * RWF_ATOMIC last.
 */
#include "async/ring_raw.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard.h"
#include "base/config.h"
#include "base/deep.h"
#include "async/files.h"
#include "base/real.h"
#include "async/ring.h"
#include "async/ring_table.h"
#include "base/uring_uapi.h"

/* True: the ring is laid out as we know it, in the kernel's memory, and has no polling thread. Such
 * a thread takes entries unseen, so the atomic writes of its ring stay the kernel's. */
static bool is_understood(const struct io_uring_params *params)
{
	return !(params->flags & (~(unsigned)URING_SETUP_KNOWN | IORING_SETUP_NO_MMAP |
				  IORING_SETUP_REGISTERED_FD_ONLY | IORING_SETUP_SQPOLL));
}

long ring_raw_setup(unsigned entries, struct io_uring_params *params)
{
	KEEP_ERRNO;
	long fd = real_syscall(SYS_io_uring_setup, (long)entries, (long)params, 0, 0, 0, 0);

	if (fd < 0 || config_get().mode == MODE_OFF)
		return fd;
	DEEP_INSIDE;
	if (is_understood(params))
		ring_table_add((int)fd, params);
	return fd;
}

/* One call of io_uring_enter(). */
struct call {
	unsigned fd, waits, flags;
	const void *argument;
	size_t size;
};

static long enter(const struct call *call, unsigned count)
{
	return real_syscall(SYS_io_uring_enter, call->fd, count, call->waits, call->flags,
			    (long)call->argument, (long)call->size);
}

static long submit(const struct call *call, unsigned count)
{
	return real_syscall(SYS_io_uring_enter, call->fd, count, 0,
			    call->flags & IORING_ENTER_REGISTERED_RING, 0, 0);
}

/* How far a call has come. */
struct pass {
	struct ring *ring;
	const struct call *call;
	struct ring_batch batch;
	unsigned ready; /* looked at, and not submitted yet */
	unsigned count; /* submitted */
	long error;
};

/* NULL: the program's index names no entry. */
static struct io_uring_sqe *entry_at(const struct ring *ring, uint32_t position)
{
	uint32_t slot = position & ring->map.sq_mask;
	uint32_t index = ring->map.sq_array ? ring->map.sq_array[slot] : slot;

	if (index >= ring->entries)
		return NULL;
	return &ring->map.sqes[index << (ring->flags & IORING_SETUP_SQE128 ? 1 : 0)];
}

/* Restores each entry that still is what we made of it: in others the program may be preparing the
 * next one. */
static void restore(struct ring *ring)
{
	for (unsigned i = 0; i < ring->saved_count; i++) {
		struct saved *saved = &ring->saved[i];
		if (memcmp(saved->place, &saved->is, sizeof(saved->is)) == 0)
			*saved->place = saved->was;
	}
	ring->saved_count = 0;
}

/* Submits those that are ready, and `more`. Returns the kernel's result: how many it took. */
static long submit_ready(struct pass *pass, unsigned more)
{
	long result = submit(pass->call, pass->ready + more);

	restore(pass->ring);
	pass->ready = 0;
	pass->count += result > 0 ? (unsigned)result : 0;
	pass->error = result < 0 ? result : 0;
	return result;
}

/* False: the kernel stopped before the end, or refused. */
static bool hand_over(struct pass *pass)
{
	long ready = pass->ready;

	return !ready || submit_ready(pass, 0) == ready;
}

/* Submits all before this entry, and has the kernel drop this one. False: it did not. Either it
 * stopped before, or another thread's call took the entry as it was. */
static bool drop(struct pass *pass, uint32_t position)
{
	uint32_t *slot = &pass->ring->map.sq_array[position & pass->ring->map.sq_mask];
	uint32_t index = *slot, none = UINT32_MAX, before = *pass->ring->map.sq_dropped;

	__atomic_store_n(slot, none, __ATOMIC_RELEASE);
	submit_ready(pass, 1);
	__atomic_compare_exchange_n(slot, &none, index, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	if (__atomic_load_n(pass->ring->map.sq_dropped, __ATOMIC_ACQUIRE) == before) {
		ring_op_leave(pass->batch.op);
		return false;
	}
	ring_op_add(&pass->batch.taken, pass->batch.op);
	pass->count++;
	return true;
}

/* RWF_ATOMIC goes last: the kernel refuses an entry that it sees half changed. */
static void change(struct ring *ring, struct io_uring_sqe *sqe, const struct io_uring_sqe *new)
{
	struct saved *saved = &ring->saved[ring->saved_count++];

	*saved = (struct saved){ sqe, *sqe, *new };
	struct io_uring_sqe half = *new;
	half.rw_flags = sqe->rw_flags;
	*sqe = half;
	__atomic_store_n(&sqe->rw_flags, new->rw_flags, __ATOMIC_RELEASE);
}

static bool handle(struct pass *pass, struct io_uring_sqe *sqe, uint32_t position)
{
	struct io_uring_sqe new = *sqe;
	enum ring_handled handled = ring_handle(&pass->batch, &new);

	if (handled == RING_GONE)
		return drop(pass, position);
	if (handled != RING_LEFT)
		change(pass->ring, sqe, &new);
	pass->ready++;
	return true;
}

/* We do an atomic write only when the kernel has accepted all before its chain. */
static bool visit(struct pass *pass, uint32_t position)
{
	struct io_uring_sqe *sqe = entry_at(pass->ring, position);

	if (!sqe) {
		pass->ready++;
		return true;
	}
	if (ring_is_atomic_write(sqe) && !pass->batch.in_chain && !ring_may_go(&pass->batch, sqe) &&
	    !hand_over(pass))
		return false;
	if (sqe->flags & IOSQE_IO_DRAIN) {
		ring_op_start(&pass->batch.taken);
		ring_op_return(&pass->batch.spare);
		ring_op_await(pass->ring);
	}
	return handle(pass, sqe, position);
}

/* The first entry of a chain that does not end among these entries; or the end of these. */
static uint32_t find_loose(const struct ring *ring, uint32_t first, unsigned count)
{
	uint32_t end = first + count;

	while (end != first) {
		const struct io_uring_sqe *sqe = entry_at(ring, end - 1);
		if (!sqe || !ring_is_linked(sqe))
			break;
		end--;
	}
	return end;
}

/* True: all were submitted. */
static bool submit_all(struct pass *pass, unsigned count)
{
	uint32_t first = __atomic_load_n(pass->ring->map.sq_head, __ATOMIC_ACQUIRE);
	uint32_t loose = find_loose(pass->ring, first, count);

	for (uint32_t i = first; i != first + count; i++) {
		pass->batch.loose |= i == loose;
		if (!visit(pass, i))
			return false;
	}
	return hand_over(pass);
}

static unsigned pending(const struct ring *ring)
{
	return __atomic_load_n(ring->map.sq_tail, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(ring->map.sq_head, __ATOMIC_ACQUIRE);
}

static bool is_enough(const struct ring *ring, const struct call *call)
{
	uint32_t there = __atomic_load_n(ring->map.cq_tail, __ATOMIC_ACQUIRE) -
			 __atomic_load_n(ring->map.cq_head, __ATOMIC_ACQUIRE);

	return !(call->flags & IORING_ENTER_GETEVENTS) || (call->waits && there >= call->waits);
}

/* True: the kernel took all that the program meant. */
static bool submit_guarded(struct pass *pass, unsigned count)
{
	GUARDED;
	pthread_mutex_lock(&pass->ring->lock);
	bool all = submit_all(pass, count);
	ring_op_start(&pass->batch.taken);
	pthread_mutex_unlock(&pass->ring->lock);
	ring_batch_end(&pass->batch);
	return all;
}

/* The entries of this call are published, but not taken yet. */
static bool is_idle(const struct ring *ring)
{
	return ring_is_idle(ring, __atomic_load_n(ring->map.sq_head, __ATOMIC_ACQUIRE),
			    __atomic_load_n(ring->map.cq_tail, __ATOMIC_ACQUIRE));
}

/* With a time-out it may be too late when a write has been done at once. */
static bool waits_for_ever(const struct call *call)
{
	return call->waits > 0 && !(call->flags & IORING_ENTER_EXT_ARG);
}

/* there: how many entries the kernel is to take. */
static long enter_with_atomic(struct ring *ring, const struct call *call, unsigned count,
			      unsigned there, unsigned writes)
{
	struct pass pass = {
		.ring = ring,
		.call = call,
		.batch = {
			.ring = ring,
			.flags = ring->flags,
			.at_once = !ring->map.sq_array,
			.writes = writes,
			.alone = there == 1 && waits_for_ever(call) && is_idle(ring),
		},
	};

	bool all = submit_guarded(&pass, there);
	if (!all || pass.count < count)
		return pass.count ? pass.count : pass.error;
	long waited = is_enough(ring, call) ? 0 : enter(call, 0);
	return pass.count ? pass.count : waited;
}

static bool concerns_us(const struct ring *ring, uint32_t first, unsigned count)
{
	const struct ring_map *map = &ring->map;
	unsigned wide = ring->flags & IORING_SETUP_SQE128 ? 1 : 0, any = 0;

	for (uint32_t i = first; i != first + count; i++) {
		uint32_t slot = i & map->sq_mask;
		uint32_t index = map->sq_array ? map->sq_array[slot] : slot;
		any |= index < ring->entries ? ring_concern(&map->sqes[index << wide]) : 0;
	}
	return any;
}

struct found {
	bool awaits, slots;
	enum files_change files;
	unsigned writes; /* atomic ones */
};

static struct found scan(const struct ring *ring, unsigned count)
{
	uint32_t first = __atomic_load_n(ring->map.sq_head, __ATOMIC_ACQUIRE);
	struct found found = { .writes = 0 };

	if (!concerns_us(ring, first, count))
		return found;
	for (unsigned i = 0; i < count; i++) {
		const struct io_uring_sqe *sqe = entry_at(ring, first + i);
		if (!sqe)
			continue;
		unsigned concern = ring_concern(sqe);
		found.writes += concern & RING_KIND_WRITE;
		found.slots |= (concern & RING_KIND_WRITE) && (sqe->flags & IOSQE_FIXED_FILE);
		if (!(concern & RING_KIND_CHANGES))
			continue;
		enum files_change change = files_changed_by(sqe);
		found.files = change > found.files ? change : found.files;
		if (sqe->opcode == IORING_OP_CLOSE)
			ring_before_close(sqe);
		/* An entry that drains waits for all submitted before it, also those taken out. */
		found.awaits |= (sqe->flags & IOSQE_IO_DRAIN) && ring->under_way;
	}
	return found;
}

/* Registered files belong to a ring, not to its number: so the number must still be the ring's. */
static bool is_certain(const struct ring *ring, const struct call *call, const struct found *found)
{
	return !found->slots || (call->flags & IORING_ENTER_REGISTERED_RING) ||
	       ring_table_may_be_at(ring, (int)call->fd);
}

static long enter_known(struct ring *ring, const struct call *call, unsigned count)
{
	unsigned there = pending(ring);

	there = there > count ? count : there;
	DEEP_INSIDE;
	struct found found = scan(ring, there);
	files_before_change(ring, found.files);
	if ((found.writes || found.awaits) && ring_table_may_submit(ring, ring->flags) &&
	    is_certain(ring, call, &found))
		return enter_with_atomic(ring, call, count, there, found.writes);
	return enter(call, count);
}

long ring_raw_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags,
		    const void *argument, size_t size)
{
	struct call call = { fd, waits, flags, argument, size };

	KEEP_ERRNO;
	struct ring *ring = ring_table_get(fd, flags & IORING_ENTER_REGISTERED_RING);
	if (!ring)
		return enter(&call, count);
	long result =
		flags & ~URING_ENTER_KNOWN ? enter(&call, count) : enter_known(ring, &call, count);
	ring_table_put(ring);
	return result;
}

static struct ring *ring_of(unsigned fd, bool is_registered)
{
	return is_registered ? ring_table_get(fd, true) : ring_table_get_any((int)fd);
}

static long register_with(struct ring *ring, unsigned fd, unsigned opcode, void *argument,
			  unsigned count)
{
	unsigned operation = opcode & ~IORING_REGISTER_USE_REGISTERED_RING;

	files_before_register(ring, operation);
	if (operation == URING_REGISTER_RESIZE_RINGS && ring)
		ring_table_end(ring);
	long result = real_syscall(SYS_io_uring_register, fd, opcode, (long)argument, count, 0, 0);
	if (operation == IORING_REGISTER_RING_FDS || operation == IORING_UNREGISTER_RING_FDS)
		ring_table_register(operation, argument, result);
	else if (result >= 0)
		files_after_register(ring, operation, argument, count, result);
	return result;
}

long ring_raw_register(unsigned fd, unsigned opcode, void *argument, unsigned count)
{
	KEEP_ERRNO;
	DEEP_INSIDE;
	struct ring *ring = ring_of(fd, opcode & IORING_REGISTER_USE_REGISTERED_RING);

	long result = register_with(ring, fd, opcode, argument, count);
	if (ring)
		ring_table_put(ring);
	return result;
}
