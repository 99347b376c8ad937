/* SPDX-License-Identifier: MIT */
/*
 * Counts the uses of an object that several threads use and one of them ends; the last user
 * discards it. 0: there is no object. It takes no lock, so a signal handler may interrupt it and
 * use it. async/files.c and async/ring_table.c count so.
 */
#ifndef USES_H
#define USES_H

#include <stdatomic.h>
#include <stdbool.h>

#define USES_OPEN (1U << 31) /* new uses may begin */

static inline void uses_open(_Atomic unsigned *uses)
{
	atomic_store(uses, USES_OPEN);
}

/* Begins a use. False: the object has ended. */
static inline bool uses_begin(_Atomic unsigned *uses)
{
	unsigned now = atomic_load(uses);

	while (now & USES_OPEN) {
		if (atomic_compare_exchange_weak(uses, &now, now + 1))
			return true;
	}
	return false;
}

/* Ends a use. True: it was the last one of an object that has ended; the caller discards the
 * object. */
static inline bool uses_end(_Atomic unsigned *uses)
{
	return atomic_fetch_sub(uses, 1) == 1;
}

/* Ends the object; a user of it calls this. False: another one has done so. */
static inline bool uses_close(_Atomic unsigned *uses)
{
	return atomic_fetch_and(uses, ~USES_OPEN) & USES_OPEN;
}

#endif
