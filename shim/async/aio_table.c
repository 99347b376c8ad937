/* SPDX-License-Identifier: MIT */
/*
 * One lock. Nobody holds it while waiting for a device or for the kernel's AIO. Its holder blocks
 * all signals, so that no handler meets its own thread holding it.
 */
#include "async/aio_table.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/pool.h"
#include "base/racy.h"
#include "engine/worker.h"

enum { BUCKETS = 256 };

static struct aio_op *buckets[BUCKETS];
static struct pool pool = { .size = sizeof(struct aio_op) };
static _Atomic unsigned count;             /* writes that are not freed */
static _Atomic unsigned lowest = UINT_MAX; /* the lowest number that a signal ever had */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;

static struct guard take_lock(void)
{
	struct guard guard;

	guard_raise(&guard);
	pthread_mutex_lock(&lock);
	return guard;
}

static void drop_lock(const struct guard *guard)
{
	pthread_mutex_unlock(&lock);
	guard_lower(guard);
}

#define HOLD_LOCK __attribute__((cleanup(drop_lock), unused)) const struct guard hold = take_lock()

/* iocbs are 64 bytes long and lie side by side. */
static struct aio_op **bucket_of(const struct iocb *iocb)
{
	uintptr_t address = (uintptr_t)iocb;

	return &buckets[(address / sizeof(*iocb) ^ address >> 16) % BUCKETS];
}

static void remove_from_bucket(struct aio_op *op)
{
	struct aio_op **at = bucket_of(op->iocb);

	while (*at != op)
		at = &(*at)->next;
	*at = op->next;
}

static void free_op(struct aio_op *op)
{
	aio_signal_give_back(&op->signal);
	pool_give(&pool, op);
	atomic_fetch_sub(&count, 1);
}

static void fetch(struct aio_op *op)
{
	remove_from_bucket(op);
	op->fetched = true;
	if (op->signalled)
		free_op(op);
}

static void note_number(int fd)
{
	if ((unsigned)fd < lowest)
		lowest = (unsigned)fd;
}

struct aio_op *aio_table_add(aio_context_t context, const struct iocb *iocb, bool is_first)
{
	HOLD_LOCK;
	struct aio_op *op = pool_take(&pool);

	if (!op)
		return NULL;
	if (!aio_signal_take(is_first, &op->signal)) {
		pool_give(&pool, op);
		return NULL;
	}
	note_number(op->signal.fd);
	op->work.job.hold = NULL;
	op->context = context;
	op->iocb = iocb;
	op->data = iocb->aio_data;
	op->done = op->fetched = op->signalled = false;
	op->next = *bucket_of(iocb);
	*bucket_of(iocb) = op;
	atomic_fetch_add(&count, 1);
	return op;
}

void aio_table_drop(struct aio_op *op)
{
	engine_drop(&op->work.job);
	HOLD_LOCK;
	op->signalled = true;
	fetch(op);
	pthread_cond_broadcast(&finished);
}

static void note_signalled(struct aio_op *op)
{
	op->signalled = true;
	if (op->fetched)
		free_op(op);
	pthread_cond_broadcast(&finished);
}

static bool posted(struct work *work, struct flight *unused, int result)
{
	struct aio_op *op = (struct aio_op *)work;

	(void)unused;
	HOLD_LOCK;
	if (result < 0)
		aio_signal_fire_again(&op->signal);
	note_signalled(op);
	return false;
}

/* With the lock: the program cannot fetch the event before the result is there. */
void aio_table_done(struct aio_op *op, struct flight *flight)
{
	HOLD_LOCK;

	op->done = true;
	op->work.posted = posted;
	if (aio_signal_fire(&op->signal, flight, &op->work))
		note_signalled(op);
}

static void put_in(aio_context_t context, struct io_event *event)
{
	const struct iocb *iocb = (const struct iocb *)(uintptr_t)event->obj;

	for (struct aio_op *op = *bucket_of(iocb); op; op = op->next) {
		if (op->done && op->context == context && op->iocb == iocb &&
		    op->data == event->data) {
			event->res = op->work.result;
			fetch(op);
			return;
		}
	}
}

void aio_table_fetch(aio_context_t context, struct io_event *events, long number)
{
	if (number <= 0 || !atomic_load_explicit(&count, memory_order_relaxed))
		return;
	HOLD_LOCK;
	for (long i = 0; i < number; i++)
		put_in(context, &events[i]);
}

bool aio_table_has(aio_context_t context, const struct iocb *iocb)
{
	if (!atomic_load(&count))
		return false;
	HOLD_LOCK;
	for (struct aio_op *op = *bucket_of(iocb); op; op = op->next) {
		if (op->context == context && op->iocb == iocb)
			return true;
	}
	return false;
}

/* The writes that a caller waits for. */
struct query {
	bool all, by_context;
	aio_context_t context;
	unsigned first, last;
};

static bool is_meant(const struct aio_op *op, const struct query *query)
{
	if (query->all)
		return true;
	if (query->by_context)
		return op->context == query->context;
	return (unsigned)op->signal.fd >= query->first && (unsigned)op->signal.fd <= query->last;
}

/* With the lock: does the query match a write whose signal was not fired yet? */
static bool is_busy(const struct query *query)
{
	for (int i = 0; i < BUCKETS; i++) {
		for (const struct aio_op *op = buckets[i]; op; op = op->next) {
			if (!op->signalled && is_meant(op, query))
				return true;
		}
	}
	return false;
}

static void await(const struct query *query)
{
	if (!atomic_load(&count) || !worker_may_be_waited_for())
		return;
	HOLD_LOCK;
	while (is_busy(query))
		pthread_cond_wait(&finished, &lock);
}

void aio_table_await(aio_context_t context)
{
	await(&(struct query){ .by_context = true, .context = context });
}

void aio_table_await_all(void)
{
	await(&(struct query){ .all = true });
}

/* Every close() comes here; only closes of high numbers take the lock. This thread keeps it after
 * the wait until the signals are forgotten: else another thread could take one whose number is
 * about to be closed. */
void aio_table_before_close(unsigned first, unsigned last)
{
	const struct query query = { .first = first, .last = last };

	if (last < atomic_load_explicit(&lowest, memory_order_relaxed) ||
	    !worker_may_be_waited_for())
		return;
	HOLD_LOCK;
	while (is_busy(&query))
		pthread_cond_wait(&finished, &lock);
	aio_signal_forget(first, last);
}

void aio_table_forget(aio_context_t context)
{
	HOLD_LOCK;

	for (int i = 0; i < BUCKETS; i++) {
		for (struct aio_op *op = buckets[i], *next; op; op = next) {
			next = op->next;
			if (op->context == context && op->done)
				fetch(op);
		}
	}
}

/* The child has none of the contexts, and so none of the writes. */
RACY void aio_table_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	for (int i = 0; i < BUCKETS; i++)
		buckets[i] = NULL;
	pool.free = NULL;
	atomic_store(&count, 0);
	aio_signal_after_fork();
}
