/* SPDX-License-Identifier: MIT */
/*
 * pthread_create(3) and thrd_create(3). The kernel arms only one thread at a time, so in deep mode
 * each new thread begins in a function of ours, which arms it. A table passes it the program's
 * function and argument. Each thread takes its own entry as it begins, so the table is never full
 * for long. Entries are claimed atomically, without a lock.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/deep.h"
#include "door/entry.h"
#include "door/deep.h"
#include "base/real.h"

typedef void *thread_function(void *argument);

enum { STARTS = 64 };

static struct start {
	_Atomic bool taken;
	bool hides;
	union {
		thread_function *posix;
		thrd_start_t c11;
	} function;
	void *argument;
} starts[STARTS];

static void give_back(struct start *start)
{
	atomic_store_explicit(&start->taken, false, memory_order_release);
}

void entry_deep_thread_after_fork(void)
{
	for (int i = 0; i < STARTS; i++)
		give_back(&starts[i]);
}

#if ENTRY_DEEP_DOORS

/* Sleeps until an entry is free: the threads that have one may have a lower priority, so that
 * yielding would not do. */
static struct start *take(void)
{
	const struct timespec little = { 0, 50000 };

	KEEP_ERRNO;
	for (;; real_syscall(SYS_nanosleep, (long)&little, 0, 0, 0, 0, 0)) {
		for (int i = 0; i < STARTS; i++) {
			if (!atomic_exchange_explicit(&starts[i].taken, true, memory_order_acquire))
				return &starts[i];
		}
	}
}

static struct start begin(struct start *start)
{
	struct start mine = { .hides = start->hides,
			      .function = start->function,
			      .argument = start->argument };

	give_back(start);
	deep_arm(mine.hides);
	return mine;
}

static void *begin_posix(void *start)
{
	struct start mine = begin(start);

	return mine.function.posix(mine.argument);
}

static int begin_c11(void *start)
{
	struct start mine = begin(start);

	return mine.function.c11(mine.argument);
}

static struct start *prepare(void *argument)
{
	struct start *start = take();

	start->argument = argument;
	start->hides = deep_this.hides;
	return start;
}

EXPORT int pthread_create(pthread_t *id, const pthread_attr_t *attributes,
			  thread_function *function, void *argument)
{
	static void *_Atomic known;
	__typeof__(pthread_create) *next = (__typeof__(pthread_create) *)real_find(
		&known, "libpthread.so.0", "pthread_create");

	if (!next)
		return ENOSYS;
	if (!deep_is_on())
		return next(id, attributes, function, argument);
	struct start *start = prepare(argument);
	start->function.posix = function;
	int error = next(id, attributes, begin_posix, start);
	if (error)
		give_back(start);
	return error;
}

EXPORT int thrd_create(thrd_t *id, thrd_start_t function, void *argument)
{
	static void *_Atomic known;
	__typeof__(thrd_create) *next =
		(__typeof__(thrd_create) *)real_find(&known, "libpthread.so.0", "thrd_create");

	if (!next)
		return thrd_error;
	if (!deep_is_on())
		return next(id, function, argument);
	struct start *start = prepare(argument);
	start->function.c11 = function;
	int result = next(id, begin_c11, start);
	if (result != thrd_success)
		give_back(start);
	return result;
}

#endif
