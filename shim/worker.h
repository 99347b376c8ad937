/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for devices so that the program need not. The first comes with the first job;
 * as many come as there are jobs at once, up to a bound, and they stay.
 */
#ifndef WORKER_H
#define WORKER_H

struct work {
	void (*run)(struct work *work); /* in any thread, all signals blocked */
	struct work *next;
};

/* Runs it soon, in a thread or, where none is to be had, at once. The memory is the caller's, until
 * run() has returned. Thread-safe; not to be called in a vforked child. */
void worker_start(struct work *work);

void worker_after_fork(void); /* the child has none of the threads, nor of their work */

#endif
