/* SPDX-License-Identifier: MIT */
/* How the doors for liburing call the next function of the same name. */
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

/* Calls the next function of this name. If this version of liburing lacks it, no program can link
 * to it, and nothing is called. */
#define NEXT(name, ...)                                                                            \
	({                                                                                         \
		static void *_Atomic known_;                                                       \
		DEEP_INSIDE;                                                                       \
		__typeof__(name) *next_ = (__typeof__(name) *)uring_find(&known_, #name);          \
		next_ ? next_(__VA_ARGS__) : -ENOSYS;                                              \
	})

#endif
