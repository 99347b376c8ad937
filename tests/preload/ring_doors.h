/* SPDX-License-Identifier: MIT */
/* For bodies that use an io_uring: the same functions work through liburing or, with DOOR=raw in
 * the environment, by system calls of our own (in deep mode by our own instructions). SETUP:
 * IORING_SETUP_*. */
#ifndef RING_DOORS_H
#define RING_DOORS_H

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inline_call.h"
#include "preload.h"
#include "untorn_uapi.h"

static inline bool is_raw(void)
{
	return getenv("DOOR") != NULL;
}

/* Like syscall(); in deep mode by our own instruction. */
static inline long ring_call(long number, long a, long b, long c, long d)
{
	if (!HAS_DEEP || !getenv("UNTORN_DEEP"))
		return syscall(number, a, b, c, d, NULL, 0L);
	long result = inline_call(number, a, b, c, d, 0, 0);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static inline unsigned setup_flags(void)
{
	return getenv("SETUP") ? (unsigned)strtoul(getenv("SETUP"), NULL, 0) : 0;
}

/* The index by which this thread enters its ring, if the ring is registered; else -1. */
static __thread int registered = -1;

/* ThreadSanitizer does not know that memory from the kernel was given back by another thread
 * before, and remembers that thread's reads: so it reports a false race at the first writes to a
 * new ring, which are in ring_with(). */
#ifdef __SANITIZE_THREAD__
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:ring_with\n";
}
#endif

static inline size_t sqes_size(const struct io_uring *ring)
{
	return *ring->sq.kring_entries * sizeof(*ring->sq.sqes) *
	       (ring->flags & IORING_SETUP_SQE128 ? 2 : 1);
}

static inline void *mapped(const struct io_uring *ring, size_t size, off_t offset)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    ring->ring_fd, offset);

	want(memory != MAP_FAILED);
	return memory;
}

/* As io_uring_queue_mmap(), but ThreadSanitizer sees these mmap() calls. Else it would take new
 * memory for the old memory at the same address. */
static inline void lay_out(struct io_uring *ring, const struct io_uring_params *p)
{
	struct io_uring_sq *sq = &ring->sq;
	struct io_uring_cq *cq = &ring->cq;

	sq->ring_sz = cq->ring_sz = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	char *memory = sq->ring_ptr = cq->ring_ptr = mapped(ring, sq->ring_sz, IORING_OFF_SQ_RING);
	sq->khead = (unsigned *)(memory + p->sq_off.head);
	sq->ktail = (unsigned *)(memory + p->sq_off.tail);
	sq->kring_mask = (unsigned *)(memory + p->sq_off.ring_mask);
	sq->kring_entries = (unsigned *)(memory + p->sq_off.ring_entries);
	sq->kflags = (unsigned *)(memory + p->sq_off.flags);
	sq->array = (unsigned *)(memory + p->sq_off.array);
	sq->ring_mask = *sq->kring_mask;
	sq->ring_entries = *sq->kring_entries;
	cq->khead = (unsigned *)(memory + p->cq_off.head);
	cq->ktail = (unsigned *)(memory + p->cq_off.tail);
	cq->kring_mask = (unsigned *)(memory + p->cq_off.ring_mask);
	cq->kring_entries = (unsigned *)(memory + p->cq_off.ring_entries);
	cq->ring_mask = *cq->kring_mask;
	cq->ring_entries = *cq->kring_entries;
	cq->cqes = (struct io_uring_cqe *)(memory + p->cq_off.cqes);
	sq->sqes = mapped(ring, sqes_size(ring), IORING_OFF_SQES);
}

static inline struct io_uring *ring_with(unsigned entries, unsigned flags)
{
	struct io_uring *ring = calloc(1, sizeof(*ring));
	struct io_uring_params params = { .flags = flags };

	if (!is_raw()) {
		want(io_uring_queue_init(entries, ring, flags) == 0);
		return ring;
	}
	ring->ring_fd = (int)ring_call(SYS_io_uring_setup, entries, (long)&params, 0, 0);
	want(ring->ring_fd >= 0 && params.flags == flags);
	ring->enter_ring_fd = ring->ring_fd;
	ring->flags = params.flags;
	ring->features = params.features;
	lay_out(ring, &params);
	/* The array is not in order, and this program never writes it again: so the shim must undo
	 * its changes to it. */
	for (unsigned i = 0; i < params.sq_entries; i++)
		ring->sq.array[i] = i ^ 1;
	return ring;
}

static inline struct io_uring *ring_of(unsigned entries)
{
	return ring_with(entries, setup_flags());
}

/* As io_uring_get_sqe(); for a raw ring, the array says where the next entry lies. */
static inline struct io_uring_sqe *next_entry(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = is_raw() ? NULL : io_uring_get_sqe(ring);

	/* The ring is full until the kernel's polling thread takes entries. */
	while (!is_raw() && !sqe && (ring->flags & IORING_SETUP_SQPOLL) && usleep(100) == 0)
		sqe = io_uring_get_sqe(ring);
	if (!is_raw())
		return sqe;
	unsigned place = ring->sq.sqe_tail++ & *ring->sq.kring_mask, wide = 0;
	want(ring->sq.sqe_tail - *ring->sq.khead <= *ring->sq.kring_entries);
	wide = ring->flags & IORING_SETUP_SQE128 ? 1 : 0;
	return &ring->sq.sqes[ring->sq.array[place] << wide];
}

static inline int enter(const struct io_uring *ring, unsigned count, unsigned waits)
{
	unsigned flags = waits ? IORING_ENTER_GETEVENTS : 0;

	flags |= ring->flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0;
	flags |= registered >= 0 ? IORING_ENTER_REGISTERED_RING : 0;
	long result = ring_call(SYS_io_uring_enter, registered >= 0 ? registered : ring->ring_fd,
				count, waits, flags);
	return result < 0 ? -errno : (int)result;
}

static inline int submit(struct io_uring *ring, unsigned waits)
{
	if (!is_raw())
		return waits ? io_uring_submit_and_wait(ring, waits) : io_uring_submit(ring);
	unsigned count = ring->sq.sqe_tail - *ring->sq.khead;
	__atomic_store_n(ring->sq.ktail, ring->sq.sqe_tail, __ATOMIC_RELEASE);
	return enter(ring, count, waits);
}

static inline void end(struct io_uring *ring)
{
	io_uring_queue_exit(ring);
}

/* By munmap() and close(), so that ThreadSanitizer sees it. */
static inline void end_by_close(struct io_uring *ring)
{
	munmap(ring->sq.sqes, sqes_size(ring));
	munmap(ring->sq.ring_ptr, ring->sq.ring_sz);
	want(close(ring->ring_fd) == 0);
}

static inline struct io_uring_sqe *prepare(struct io_uring *ring, int fd, void *data,
					   unsigned length, off_t offset, uint64_t tag)
{
	struct io_uring_sqe *sqe = next_entry(ring);

	want(sqe);
	io_uring_prep_write(sqe, fd, data, length, (uint64_t)offset);
	sqe->rw_flags = RWF_ATOMIC;
	sqe->user_data = tag;
	return sqe;
}

/* Waits for the next completion. Returns its result; *ret_tag becomes its user_data. */
static inline int result_of_next(struct io_uring *ring, uint64_t *ret_tag)
{
	struct io_uring_cqe *cqe;

	want(io_uring_wait_cqe(ring, &cqe) == 0 && cqe->flags == 0);
	int result = cqe->res;
	*ret_tag = cqe->user_data;
	io_uring_cqe_seen(ring, cqe);
	return result;
}

static inline bool is_empty(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

/* Submits the one prepared entry; returns its result. WAIT=1: submits and waits in one call. */
static inline int outcome(struct io_uring *ring)
{
	uint64_t tag;
	unsigned waits = getenv("WAIT") ? 1 : 0;

	want(submit(ring, waits) == 1);
	int result = result_of_next(ring, &tag);
	want(tag == 77 && is_empty(ring));
	return result;
}

#endif
