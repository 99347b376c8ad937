/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for devices so that the program need not. The first comes with the first job;
 * as many come as there are jobs at once, up to a bound, and they stay.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>

struct poster;

struct work {
	/* In any thread, all signals blocked. *poster is the thread's own, for run() to make. */
	void (*run)(struct work *work, struct poster **poster);
	struct work *next;
};

/* Runs it soon, in a thread or, where none is to be had, at once. The memory is the caller's, until
 * run() has been called. Thread-safe; not to be called in a vforked child. */
void worker_start(struct work *work);

/* Is there a thread? If so, all that is started will be run by threads. */
bool worker_is_there(void);

void worker_after_fork(void); /* the child has none of the threads, nor of their work */

#endif
