/* SPDX-License-Identifier: MIT */
/* One lock, for the table; never held while a device is waited for, and with all signals blocked.
 */
#include "ring_op.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cleanup.h"
#include "poster.h"
#include "worker.h"

enum { MAX_OPS = 1024, MAX_RINGS = 64, FIRST_NUMBER = 512 };

/* A ring with writes under way. Our own descriptor of it keeps it from becoming another one. */
struct target {
	_Atomic int number;
	int own;
	_Atomic unsigned under_way; /* 0: the slot is free */
};

struct ring_op {
	struct work work; /* first */
	struct engine_job job;
	struct target *target; /* NULL: the slot is free */
	uint64_t user_data;
	bool quiet; /* no completion for a success: IOSQE_CQE_SKIP_SUCCESS */
	int result;
};

static struct ring_op ops[MAX_OPS];
static struct target targets[MAX_RINGS];
static _Atomic unsigned under_way; /* of all rings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;

static struct target *find_target(int number)
{
	struct target *unused = NULL;

	for (int i = 0; i < MAX_RINGS; i++) {
		if (targets[i].under_way && targets[i].number == number)
			return &targets[i];
		if (!targets[i].under_way)
			unused = &targets[i];
	}
	if (unused)
		unused->number = number;
	return unused;
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

static struct ring_op *take(int number)
{
	struct ring_op *op = NULL;

	GUARDED;

	pthread_mutex_lock(&lock);
	struct target *target = find_target(number);
	for (int i = 0; target && !op && i < MAX_OPS; i++)
		op = ops[i].target ? NULL : &ops[i];
	if (op && hold_target(target)) {
		op->target = target;
		atomic_fetch_add(&under_way, 1);
	} else {
		op = NULL;
	}
	pthread_mutex_unlock(&lock);
	return op;
}

static void give_back(struct ring_op *op)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	if (--op->target->under_way == 0)
		close(op->target->own);
	op->target = NULL;
	atomic_fetch_sub(&under_way, 1);
	pthread_cond_broadcast(&finished);
	pthread_mutex_unlock(&lock);
}

static bool is_in(const struct target *target, unsigned first, unsigned last)
{
	unsigned number = (unsigned)target->number;

	return target->under_way && number >= first && number <= last;
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

/* When memory is short, not for ever: somebody waits for this. */
static struct poster *own_poster(struct poster **poster)
{
	while (!*poster && !(*poster = poster_make()))
		usleep(1000);
	return *poster;
}

/* Where our own descriptor was closed by a program that closes all, the ring has its number yet. */
static void post(const struct ring_op *op, struct poster *poster)
{
	int error = poster_post(poster, op->target->own, op->user_data, op->result);

	if (error == -EBADF || error == -EBADFD)
		poster_post(poster, op->target->number, op->user_data, op->result);
}

static void run(struct work *work, struct poster **poster)
{
	struct ring_op *op = (struct ring_op *)work;

	if (op->result == REQUEST_GOOD)
		op->result = (int)engine_finish(&op->job);
	if (op->result < 0 || !op->quiet)
		post(op, own_poster(poster));
	give_back(op);
}

bool ring_op_is_possible(void)
{
	return poster_is_possible() && worker_is_there();
}

struct ring_op *ring_op_take(int ring, const struct io_uring_sqe *sqe, const struct engine_job *job,
			     int result)
{
	struct ring_op *op = take(ring);

	if (!op)
		return NULL;
	op->job = *job;
	op->result = result;
	op->user_data = sqe->user_data;
	op->quiet = sqe->flags & IOSQE_CQE_SKIP_SUCCESS;
	op->work.run = run;
	return op;
}

void ring_op_go(struct ring_op *op)
{
	GUARDED;
	worker_start(&op->work);
}

void ring_op_leave(struct ring_op *op)
{
	give_back(op);
}

bool ring_op_is_under_way(void)
{
	return atomic_load(&under_way);
}

__attribute__((no_sanitize("thread"))) void ring_op_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	if (!atomic_load(&under_way))
		return;
	for (int i = 0; i < MAX_OPS; i++)
		ops[i].target = NULL;
	for (int i = 0; i < MAX_RINGS; i++)
		targets[i].under_way = 0;
	atomic_store(&under_way, 0);
}
