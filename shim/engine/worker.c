/* SPDX-License-Identifier: MIT */
/* One queue, one lock, one condition. Enqueued work is taken in the order in which it came. */
#include "engine/worker.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>

#include "base/deep.h"
#include "base/filter.h"
#include "base/guard.h"
#include "base/racy.h"
#include "engine/own_ring.h"

enum {
	MAX_THREADS = 64,
	ENOUGH = 4, /* threads for works that go together: others that come soon go with them */
	STACK = 128 << 10,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static struct work *first, **last = &first;
static unsigned threads, idle, queued;

static struct work *dequeue(void)
{
	struct work *work = first;

	first = work->next;
	if (!first)
		last = &first;
	work->next = NULL;
	queued--;
	return work;
}

/* What goes together with what is under way, as much as there is room for; if nothing is, whatever
 * comes first, and what goes together with that. NULL: none. */
static struct work *dequeue_some(unsigned room, bool alone)
{
	struct work *works = NULL, **end = &works;
	bool more = room > 0;

	while (first && more && (alone || flight_takes(first))) {
		alone = false;
		more = --room > 0 && flight_takes(first);
		*end = dequeue();
		end = &(*end)->next;
	}
	return works;
}

static struct work *take(const struct flight *flight)
{
	pthread_mutex_lock(&lock);
	idle++;
	while (!first && !flight->under_way)
		pthread_cond_wait(&wanted, &lock);
	idle--;
	struct work *works = dequeue_some(flight_room(flight), !flight->under_way);
	pthread_mutex_unlock(&lock);
	return works;
}

static void *serve(void *unused)
{
	struct flight flight = { .open = false };

	DEEP_INSIDE;

	guard_for_ever();
	for (;;) {
		struct work *works = take(&flight);
		flight_gather(&flight);
		for (struct work *work = works, *next; work; work = next) {
			next = work->next;
			flight_begin(&flight, work);
		}
		if (flight.under_way)
			flight_advance(&flight);
	}
	return unused;
}

/* By the first function of this name in the process, not by ours: a sanitizer or an allocator that
 * comes before us wants to know of every thread. */
static __typeof__(pthread_create) *first_pthread_create(void)
{
	void *found = dlsym(RTLD_DEFAULT, "pthread_create");

	return found ? (__typeof__(pthread_create) *)found : pthread_create;
}

/* The program's signals are for its own threads: the thread has the mask of the caller's guard. It
 * has the caller's filters, too, which may forbid it a ring. */
static bool add_thread(void)
{
	pthread_attr_t attributes;
	pthread_t id;

	if (own_ring_may_be_wanted() && filter_is_set())
		return false;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK);
	int error = first_pthread_create()(&id, &attributes, serve, NULL);
	pthread_attr_destroy(&attributes);
	return error == 0;
}

/* With the lock. False: there is no thread at all. */
static bool has_thread(unsigned most)
{
	if (queued >= idle && threads < most && add_thread())
		threads++;
	return threads > 0;
}

/* With the lock: at the end of the queue. */
static void append(struct work *work)
{
	work->next = NULL;
	*last = work;
	last = &work->next;
	queued++;
}

/* With the lock. How many threads are to be called; 0: there is none at all. What goes together
 * with the one before it needs no thread of its own. */
static unsigned enqueue(struct work *works)
{
	unsigned calls = 0;

	for (struct work *work = works, *next; work; work = next) {
		bool together = flight_takes(work);
		if (!calls || !together) {
			if (!has_thread(together ? ENOUGH : MAX_THREADS))
				return 0;
			calls++;
		}
		next = work->next;
		append(work);
	}
	return calls;
}

static void do_at_once(struct work *works)
{
	for (struct work *work = works, *next; work; work = next) {
		next = work->next;
		if (work->result == REQUEST_GOOD)
			work->result = (int)engine_finish(&work->job);
		work->done(work, NULL);
	}
}

void worker_start(struct work *works)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	unsigned calls = enqueue(works);
	pthread_mutex_unlock(&lock);
	if (!calls)
		do_at_once(works);
	for (; calls > 0;
	     calls--) /* without the lock, or the thread would wake up only to wait for that */
		pthread_cond_signal(&wanted);
}

bool worker_is_there(void)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	bool there = threads > 0 || has_thread(1);
	pthread_mutex_unlock(&lock);
	return there;
}

RACY void worker_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	wanted = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	first = NULL;
	last = &first;
	threads = idle = queued = 0;
}
