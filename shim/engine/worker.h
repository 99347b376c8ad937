/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for devices so that the program need not; async/ gives them works. The first
 * thread comes with the first work. There are as many threads as works that block one at the same
 * time, up to a bound; works that share a flight need few. A thread that has had nothing to do for
 * a second ends: none keeps a process alive whose own threads have ended.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>

#include "engine/flight.h"

/* True: there is a thread with all that it needs. One stays until worker_release(), and runs all
 * works that are started by then. Thread-safe; not to be called in a child of vfork(). */
bool worker_reserve(void);
void worker_release(void);

/* Gives this work, and those that follow it by `next`, to the threads; where there is none, does
 * them before it returns. Thread-safe; not to be called in a child of vfork(). */
void worker_start(struct work *works);

/* True: the caller may wait for works. A worker may not: what code below us closes there, it closes
 * for us, and the worker would wait for itself. A child of an unseen fork may not: it has none. */
bool worker_may_be_waited_for(void);

void worker_after_fork(void); /* the child has none of the threads, nor of their work */

#endif
