/* SPDX-License-Identifier: MIT */
/* One lock, for the table; never held while a device is waited for, and with all signals blocked.
 */
#include "base/real.h"
#include "async/ring_op.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/racy.h"
#include "engine/own_ring.h"
#include "engine/worker.h"

enum { MAX_OPS = 1024, MAX_RINGS = 64, FIRST_NUMBER = 512 };

/* A ring with writes under way. Our own descriptor of it keeps it from becoming another one. */
struct target {
	_Atomic int number, own;
	_Atomic unsigned under_way; /* 0: the slot is free */
};

struct ring_op {
	struct work work; /* first */
	struct target *target;
	uint64_t user_data;
	bool quiet; /* no completion for a success: IOSQE_CQE_SKIP_SUCCESS */
	bool by_number;
};

static struct ring_op ops[MAX_OPS];
static unsigned used;       /* the first so many have been */
static struct work *unused; /* and these of them are not now */
static struct target targets[MAX_RINGS];
static _Atomic unsigned under_way; /* of all rings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;

static struct target *find_target(int number)
{
	struct target *vacant = NULL;

	for (int i = 0; i < MAX_RINGS; i++) {
		if (targets[i].under_way && targets[i].number == number)
			return &targets[i];
		if (!targets[i].under_way && !vacant)
			vacant = &targets[i];
	}
	if (vacant)
		vacant->number = number;
	return vacant;
}

static bool hold_target(struct target *target)
{
	if (!target->under_way)
		target->own = fcntl(target->number, F_DUPFD_CLOEXEC, FIRST_NUMBER);
	if (target->own < 0)
		return false;
	target->under_way++;
	return true;
}

/* One that was given back, or has never been used. NULL: there is none. */
static struct ring_op *unused_op(void)
{
	if (unused)
		return (struct ring_op *)unused;
	return used < MAX_OPS ? &ops[used] : NULL;
}

static void use(struct ring_op *op, struct target *target)
{
	if (unused)
		unused = unused->next;
	else
		used++;
	op->target = target;
	atomic_fetch_add(&under_way, 1);
}

static struct ring_op *take(int number)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	struct target *target = find_target(number);
	struct ring_op *op = unused_op();
	if (target && op && hold_target(target))
		use(op, target);
	else
		op = NULL;
	pthread_mutex_unlock(&lock);
	return op;
}

static void give_back(struct ring_op *op)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	if (--op->target->under_way == 0)
		real_close(op->target->own);
	op->work.next = unused;
	unused = &op->work;
	atomic_fetch_sub(&under_way, 1);
	pthread_cond_broadcast(&finished);
	pthread_mutex_unlock(&lock);
}

/* By the program's number or by ours, which could become another ring's. */
static bool is_in(const struct target *target, unsigned first, unsigned last)
{
	unsigned number = (unsigned)target->number, own = (unsigned)target->own;

	return target->under_way &&
	       ((number >= first && number <= last) || (own >= first && own <= last));
}

static void await(const struct target *target, unsigned first, unsigned last)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	while (is_in(target, first, last))
		pthread_cond_wait(&finished, &lock);
	pthread_mutex_unlock(&lock);
}

/* Every close() comes here, those of ours too that hold the lock: only who closes a ring takes it.
 */
void ring_op_await(unsigned first, unsigned last)
{
	for (int i = 0; i < MAX_RINGS && atomic_load(&under_way); i++) {
		if (is_in(&targets[i], first, last))
			await(&targets[i], first, last);
	}
}

static void post(struct ring_op *op, struct flight *flight)
{
	int ring = op->by_number ? op->target->number : op->target->own;

	flight_post(flight, &op->work, ring, op->user_data, op->work.result);
}

/* Where there is no room at the moment (no memory for what overflows) it must come all the same.
 * Where our own descriptor was closed unseen, the ring has its number yet. */
static void posted(struct work *work, struct flight *flight, int error)
{
	struct ring_op *op = (struct ring_op *)work;
	bool gone = error == -EBADF || error == -EBADFD;

	if (error == -EOVERFLOW || error == -ENOMEM || error == -EAGAIN)
		real_pause(1000);
	else if (gone && !op->by_number)
		op->by_number = true;
	else {
		give_back(op);
		return;
	}
	post(op, flight);
}

static void done(struct work *work, struct flight *flight)
{
	struct ring_op *op = (struct ring_op *)work;

	if (work->result < 0 || !op->quiet)
		post(op, flight);
	else
		give_back(op);
}

bool ring_op_is_possible(void)
{
	return own_ring_can(OWN_RING_POSTS) && worker_is_there();
}

struct ring_op *ring_op_take(int ring, const struct io_uring_sqe *sqe, const struct engine_job *job,
			     int result)
{
	struct ring_op *op = take(ring);

	if (!op)
		return NULL;
	op->work.job = *job;
	op->work.result = result;
	op->work.done = done;
	op->work.posted = posted;
	op->user_data = sqe->user_data;
	op->quiet = sqe->flags & IOSQE_CQE_SKIP_SUCCESS;
	op->by_number = false;
	return op;
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
	give_back(op);
}

bool ring_op_is_under_way(void)
{
	return atomic_load(&under_way);
}

RACY void ring_op_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	if (!atomic_load(&under_way))
		return;
	used = 0;
	unused = NULL;
	for (int i = 0; i < MAX_RINGS; i++)
		targets[i].under_way = 0;
	atomic_store(&under_way, 0);
}
