/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for devices so that the program need not. The first comes with the first work;
 * as many come as there are works at once that must be waited for, up to a bound. Those that can go
 * together need few. A thread that has had nothing to do for a second ends: none keeps a process
 * alive whose own threads have ended.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>

#include "engine/flight.h"

/* Is there a thread, with all that it needs? If so, one stays until worker_release(), and runs all
 * that is started by then. Thread-safe; not to be called in a vforked child. */
bool worker_hold(void);
void worker_release(void);

/* Begins it, and those that come next, soon, in threads or, where none is to be had, does them at
 * once. Likewise. */
void worker_start(struct work *works);

/* Not by one of these threads itself: what it closes below us, it closes for us. And not by a child
 * that was forked without a word, which has none of them. */
bool worker_may_be_waited_for(void);

void worker_after_fork(void); /* the child has none of the threads, nor of their work */

#endif
