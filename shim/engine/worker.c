/* SPDX-License-Identifier: MIT */
/* One queue with one lock; threads take works in the order in which they came. Nobody holds the
 * lock while a device is waited for; its holder blocks all signals. */
#include "engine/worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/deep.h"
#include "base/filter.h"
#include "base/guard.h"
#include "base/racy.h"
#include "engine/own_ring.h"
#include "engine/span.h"

enum {
	MAX_THREADS = 64,
	ENOUGH = 4, /* threads for works that share a flight: others that come soon join one */
	STACK = 128 << 10,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t wanted; /* idle threads wait for it */
static struct work *first, **last = &first;
static unsigned threads, idle, queued, reserved;

/* A thread that begins. It counts in `threads` once it has told its outcome. */
struct beginning {
	bool filtered; /* there may be a filter, inherited from its maker */
	enum { UNTOLD, BEGUN, FAILED } outcome;
};
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static _Atomic pid_t
	maker; /* the process that made the threads; a child of an unseen fork has none */
static __thread bool is_worker __attribute__((tls_model("initial-exec")));

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

/* With the lock. Takes works that may share the flight, at most `room`. `alone` (nothing is under
 * way): takes the first work, whatever it is, and if it may share a flight, others behind it. */
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

/* With the lock. False: a second has passed, and no worker is reserved. */
static bool wait_for_work(void)
{
	struct timespec until;
	bool late = false;

	clock_gettime(CLOCK_REALTIME_COARSE, &until); /* a tick is near enough */
	until.tv_sec++;
	idle++;
	while (!first && (!late || reserved)) {
		until.tv_sec += late;
		pthread_mutex_unlock(&lock);
		late = sem_timedwait(&wanted, &until) < 0 && errno != EINTR;
		pthread_mutex_lock(&lock);
	}
	idle--;
	return first;
}

/* False: the thread must end. */
static bool take(const struct flight *flight, struct work **ret_works)
{
	pthread_mutex_lock(&lock);
	bool goes_on = flight->under_way || wait_for_work();
	threads -= !goes_on;
	*ret_works = dequeue_some(flight_room(flight), !flight->under_way);
	pthread_mutex_unlock(&lock);
	return goes_on;
}

/* A new thread inherits affinity and policy of the thread that made it. A program may have pinned
 * that one, or given it a real-time policy; io-wq workers do not inherit them either. */
static void be_ordinary(void)
{
	const struct sched_param none = { 0 };
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	sched_setscheduler(0, SCHED_OTHER, &none);
}

static void tell(struct beginning *beginning, bool good)
{
	pthread_mutex_lock(&lock);
	threads += good;
	beginning->outcome = good ? BEGUN : FAILED;
	pthread_cond_broadcast(&begun);
	pthread_mutex_unlock(&lock);
}

/* The abilities of rings are probed in this thread, because closing a probe interrupts the thread
 * that made it (EINTR from io_getevents(), seen on 6.18). */
static bool begin(struct beginning *beginning, struct flight *flight)
{
	is_worker = true;
	guard_for_ever();
	bool good = own_ring_can(OWN_RING_POSTS) ? !beginning->filtered && flight_open(flight)
						 : own_ring_known != 0;

	if (!beginning->filtered)
		be_ordinary();
	tell(beginning, good);
	return good;
}

static void *serve(void *beginning)
{
	struct flight flight = { .open = false };
	struct work *works;

	DEEP_INSIDE;
	if (!begin(beginning, &flight))
		return NULL;
	while (take(&flight, &works)) {
		flight_gather(&flight, works);
		for (struct work *work = works, *next; work; work = next) {
			next = work->next;
			flight_begin(&flight, work);
		}
		if (flight.under_way)
			flight_advance(&flight);
	}
	flight_close(&flight);
	return NULL;
}

bool worker_may_be_waited_for(void)
{
	return !is_worker && maker == getpid();
}

/* The first function of this name in the process, not ours: a sanitizer or an allocator that comes
 * before us must see every thread. */
static __typeof__(pthread_create) *first_pthread_create(void)
{
	void *found = dlsym(RTLD_DEFAULT, "pthread_create");

	return found ? (__typeof__(pthread_create) *)found : pthread_create;
}

static int make_thread(struct beginning *beginning)
{
	pthread_attr_t attributes;
	pthread_t id;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK);
	int error = first_pthread_create()(&id, &attributes, serve, beginning);
	pthread_attr_destroy(&attributes);
	return error;
}

/* With the lock, which others may take while the thread begins. The thread inherits the mask of the
 * caller's guard, so that the program's signals go to its own threads; and the caller's filters,
 * which may forbid it a ring. */
static bool add_thread(void)
{
	struct beginning beginning = { .filtered = filter_is_set() };

	maker = getpid();
	if ((own_ring_may_be_wanted() && beginning.filtered) || make_thread(&beginning) != 0)
		return false;
	while (beginning.outcome == UNTOLD)
		pthread_cond_wait(&begun, &lock);
	return beginning.outcome == BEGUN;
}

/* With the lock. False: there is no thread at all. */
static bool has_thread(unsigned most)
{
	if (queued >= idle && threads < most)
		add_thread();
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

/* With the lock. Returns how many threads to wake; 0: there is none at all. A work that may share a
 * flight with the one before it needs no thread of its own. */
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
	span_before(works);
	pthread_mutex_lock(&lock);
	unsigned calls = enqueue(works);
	unsigned wakes = calls < idle ? calls : idle; /* busy threads look at the queue anyway */
	pthread_mutex_unlock(&lock);
	if (!calls)
		do_at_once(works);
	for (; wakes > 0; wakes--) /* without the lock, which the woken thread takes */
		sem_post(&wanted);
}

bool worker_reserve(void)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	bool there = threads > 0 ? maker == getpid() : has_thread(1);
	reserved += there;
	pthread_mutex_unlock(&lock);
	return there;
}

void worker_release(void)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	reserved -= reserved > 0; /* 0 in a child that was forked since worker_reserve() */
	pthread_mutex_unlock(&lock);
}

RACY void worker_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	sem_init(&wanted, 0, 0);
	begun = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	first = NULL;
	last = &first;
	threads = idle = queued = reserved = 0;
	is_worker = false;
}
