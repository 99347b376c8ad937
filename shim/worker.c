/* SPDX-License-Identifier: MIT */
/* One queue, one lock, one condition. Enqueued work is taken in the order in which it came. */
#include "worker.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "deep.h"

enum { MAX_THREADS = 64, STACK = 128 << 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static struct work *first, **last = &first;
static unsigned threads, idle, queued;

static struct work *take(void)
{
	pthread_mutex_lock(&lock);
	idle++;
	while (!first)
		pthread_cond_wait(&wanted, &lock);
	idle--;
	queued--;
	struct work *work = first;
	first = work->next;
	if (!first)
		last = &first;
	pthread_mutex_unlock(&lock);
	return work;
}

static void *serve(void *unused)
{
	struct poster *poster = NULL;

	DEEP_INSIDE;

	for (;;) {
		struct work *work = take();
		work->run(work, &poster);
	}
	return unused;
}

/* The program's signals are for its own threads. */
static bool add_thread(void)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t id;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&id, &attributes, serve, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error == 0;
}

/* With the lock. False: there is no thread at all. */
static bool has_thread(void)
{
	if (queued >= idle && threads < MAX_THREADS && add_thread())
		threads++;
	return threads > 0;
}

/* False: there is no thread at all that would take it. */
static bool enqueue(struct work *work)
{
	pthread_mutex_lock(&lock);
	bool served = has_thread();
	if (served) {
		work->next = NULL;
		*last = work;
		last = &work->next;
		queued++;
		pthread_cond_signal(&wanted);
	}
	pthread_mutex_unlock(&lock);
	return served;
}

void worker_start(struct work *work)
{
	if (!enqueue(work))
		work->run(work, &(struct poster *){ NULL });
}

bool worker_is_there(void)
{
	pthread_mutex_lock(&lock);
	bool there = threads > 0 || has_thread();
	pthread_mutex_unlock(&lock);
	return there;
}

__attribute__((no_sanitize("thread"))) void worker_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	wanted = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	first = NULL;
	last = &first;
	threads = idle = queued = 0;
}
