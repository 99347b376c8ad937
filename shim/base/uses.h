/* SPDX-License-Identifier: MIT */
/*
 * A count of uses for an object that several threads use and one ends: the last user discards it.
 * 0: there is no object. It takes no lock, so a signal handler may interrupt it and use it.
 */
#ifndef USES_H
#define USES_H

#include <stdatomic.h>
#include <stdbool.h>

#define USES_OPEN (1U << 31) /* it may be begun to be used */

static inline void uses_open(_Atomic unsigned *uses)
{
	atomic_store(uses, USES_OPEN);
}

/* False: it has ended. */
static inline bool uses_begin(_Atomic unsigned *uses)
{
	unsigned now = atomic_load(uses);

	while (now & USES_OPEN) {
		if (atomic_compare_exchange_weak(uses, &now, now + 1))
			return true;
	}
	return false;
}

/* True: that was the last use of what has ended, and the caller is to discard it. */
static inline bool uses_end(_Atomic unsigned *uses)
{
	return atomic_fetch_sub(uses, 1) == 1;
}

/* By one who uses it. False: somebody else did it. */
static inline bool uses_close(_Atomic unsigned *uses)
{
	return atomic_fetch_and(uses, ~USES_OPEN) & USES_OPEN;
}

#endif
