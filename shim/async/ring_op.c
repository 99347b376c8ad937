/* SPDX-License-Identifier: MIT */
/* One lock, for the pool and for `own` and `under_way` of the rings. Nobody holds it while waiting
 * for a device; its holder blocks all signals. */
#include "async/ring_op.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/pool.h"
#include "base/racy.h"
#include "base/real.h"
#include "engine/own_ring.h"
#include "engine/worker.h"

enum { FIRST_NUMBER = 512 };

struct ring_op {
	struct work work; /* first */
	struct ring *ring;
	uint64_t user_data;
	bool quiet; /* no completion for a success: IOSQE_CQE_SKIP_SUCCESS */
};

static struct pool ops = { .size = sizeof(struct ring_op) };
static _Atomic unsigned under_way; /* of all rings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;

/* While writes of a ring are under way, a descriptor of our own keeps the ring's file. We compare
 * its inode after we have made it: the number may have been another file's by then. */
static int duplicate(const struct ring *ring)
{
	int own = fcntl(ring->fd, F_DUPFD_CLOEXEC, FIRST_NUMBER);

	if (own < 0 || ring_table_is_at(ring, own))
		return own;
	real_close(own);
	return -1;
}

static bool hold_ring(struct ring *ring)
{
	if (!ring->under_way)
		ring->own = duplicate(ring);
	if (ring->own < 0)
		return false;
	ring->under_way++;
	return true;
}

/* With the lock. */
static struct ring_op *take(struct ring *ring)
{
	struct ring_op *op = pool_take(&ops);

	if (op && !hold_ring(ring)) {
		pool_give(&ops, op);
		op = NULL;
	}
	if (op) {
		op->ring = ring;
		ring_table_share(ring);
		atomic_fetch_add(&under_way, 1);
	}
	return op;
}

static void take_some(struct ring *ring, struct ring_op_list *list, unsigned count)
{
	struct ring_op *op;

	GUARDED;
	pthread_mutex_lock(&lock);
	for (; count && (op = take(ring)); count--)
		ring_op_add(list, op);
	pthread_mutex_unlock(&lock);
}

/* With the lock. */
static void give_back(struct ring_op *op)
{
	struct ring *ring = op->ring;

	if (--ring->under_way == 0 && ring_table_is_at(ring, ring->own))
		real_close(ring->own);
	pool_give(&ops, op);
	atomic_fetch_sub(&under_way, 1);
	ring_table_put(ring);
}

static void give_back_all(struct work *works)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	for (struct work *work = works, *next; work; work = next) {
		next = work->next;
		give_back((struct ring_op *)work);
	}
	pthread_cond_broadcast(&finished);
	pthread_mutex_unlock(&lock);
}

static void give_back_one(struct ring_op *op)
{
	op->work.next = NULL;
	give_back_all(&op->work);
}

void ring_op_await(const struct ring *ring)
{
	if (!ring->under_way || !worker_may_be_waited_for())
		return;
	GUARDED;
	pthread_mutex_lock(&lock);
	while (ring->under_way)
		pthread_cond_wait(&finished, &lock);
	pthread_mutex_unlock(&lock);
}

void ring_op_await_all(void)
{
	if (!atomic_load(&under_way) || !worker_may_be_waited_for())
		return;
	GUARDED;
	pthread_mutex_lock(&lock);
	while (atomic_load(&under_way))
		pthread_cond_wait(&finished, &lock);
	pthread_mutex_unlock(&lock);
}

/* Every close() comes here, also one that code below us makes in a worker. Only the close of a ring
 * takes the lock. */
void ring_op_before_close(unsigned first, unsigned last)
{
	if (!atomic_load(&under_way) || !ring_table_is_busy(first, last) ||
	    !worker_may_be_waited_for())
		return;
	GUARDED;
	pthread_mutex_lock(&lock);
	while (ring_table_is_busy(first, last))
		pthread_cond_wait(&finished, &lock);
	pthread_mutex_unlock(&lock);
}

static void post(struct ring_op *op, struct flight *flight)
{
	flight_post(flight, &op->work, op->ring->own, op->user_data, op->work.result);
}

/* Our descriptor was closed unseen: makes another one. False: the ring is gone, too. */
static bool renew(struct ring *ring)
{
	pthread_mutex_lock(&lock);
	if (!ring_table_is_at(ring, ring->own))
		ring->own = duplicate(ring);
	bool there = ring->own >= 0;
	pthread_mutex_unlock(&lock);
	return there;
}

/* A message that found no room (no memory for an overflowing completion) is sent again. */
static bool posted(struct work *work, struct flight *flight, int error)
{
	struct ring_op *op = (struct ring_op *)work;
	bool short_of_room = error == -EOVERFLOW || error == -ENOMEM || error == -EAGAIN;
	bool gone = error == -EBADF || error == -EBADFD;

	if (short_of_room)
		real_pause(1000);
	bool again = short_of_room ||
		     (gone && !ring_table_is_at(op->ring, op->ring->own) && renew(op->ring));
	if (again)
		post(op, flight);
	return !again;
}

static void done(struct work *work, struct flight *flight)
{
	struct ring_op *op = (struct ring_op *)work;

	if (work->result < 0 || !op->quiet)
		post(op, flight);
	else
		give_back_one(op);
}

bool ring_op_reserve_worker(void)
{
	if (own_ring_cannot(OWN_RING_POSTS) || !worker_reserve())
		return false;
	if (!own_ring_cannot(OWN_RING_POSTS))
		return true;
	worker_release();
	return false;
}

struct ring_op *ring_op_get(struct ring *ring, const struct io_uring_sqe *sqe,
			    struct ring_op_list *spare, unsigned count)
{
	if (!spare->first)
		take_some(ring, spare, count);
	struct ring_op *op = (struct ring_op *)spare->first;
	if (!op)
		return NULL;
	spare->first = op->work.next;
	op->work.job.hold = NULL;
	op->work.done = done;
	op->work.posted = posted;
	op->work.ended = give_back_all;
	op->user_data = sqe->user_data;
	op->quiet = sqe->flags & IOSQE_CQE_SKIP_SUCCESS;
	return op;
}

struct engine_job *ring_op_job(struct ring_op *op)
{
	return &op->work.job;
}

void ring_op_take_out(struct ring_op *op, int result)
{
	op->work.result = result;
	if (result == REQUEST_GOOD)
		engine_leave(&op->work.job);
}

void ring_op_add(struct ring_op_list *list, struct ring_op *op)
{
	op->work.next = list->first;
	list->first = &op->work;
}

void ring_op_start(struct ring_op_list *list)
{
	struct work *works = NULL;

	if (!list->first)
		return;
	for (struct work *work = list->first, *next; work; work = next) {
		next = work->next; /* the last one was added first */
		work->next = works;
		works = work;
	}
	list->first = NULL;
	worker_start(works);
}

void ring_op_leave(struct ring_op *op)
{
	engine_drop(&op->work.job);
	give_back_one(op);
}

void ring_op_return(struct ring_op_list *spare)
{
	if (spare->first)
		give_back_all(spare->first);
	spare->first = NULL;
}

/* The child closes its copies of our descriptors: they would keep the rings. */
RACY void ring_op_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	if (!atomic_load(&under_way))
		return;
	ops.free = NULL;
	ring_table_leave_all();
	atomic_store(&under_way, 0);
}
