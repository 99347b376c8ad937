/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for devices so that the program need not. The first comes with the first work;
 * as many come as there are works at once that must be waited for, up to a bound, and they stay.
 * Those that can go together need few.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>

#include "engine/flight.h"

/* Begins it, and those that come next, soon, in threads or, where none is to be had, does them at
 * once. Thread-safe; not to be called in a vforked child. */
void worker_start(struct work *works);

/* Is there a thread? If so, all that is started will be run by threads. */
bool worker_is_there(void);

void worker_after_fork(void); /* the child has none of the threads, nor of their work */

#endif
