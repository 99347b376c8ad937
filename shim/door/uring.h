/* SPDX-License-Identifier: MIT */
/* How liburing's functions that we stand in for go on to the next ones. */
#ifndef ENTRY_URING_H
#define ENTRY_URING_H

#include "base/deep.h"
#include "door/entry.h"
#include "base/real.h"

static inline void *uring_find(void *_Atomic *known, const char *name)
{
	void *found = real_find(known, "liburing.so.2", name);

	return found ? found : real_find(known, "liburing-ffi.so.2", name);
}

/* The next function of this name, called. Functions that a version of liburing lacks are not
 * called, for there nobody can link to them. */
#define NEXT(name, ...)                                                                            \
	({                                                                                         \
		static void *_Atomic known_;                                                       \
		DEEP_INSIDE;                                                                       \
		__typeof__(name) *next_ = (__typeof__(name) *)uring_find(&known_, #name);          \
		next_ ? next_(__VA_ARGS__) : -ENOSYS;                                              \
	})

#endif
