/* SPDX-License-Identifier: MIT */
/* Needed by all doors: the functions that stand in for the C library's and lead to a node. off_t
 * has 64 bits here, so the 64-names are the same functions under a second name. */
#ifndef SIM_DOORS_H
#define SIM_DOORS_H

#include <errno.h>

#include "sim/io.h"
#include "sim/next.h"
#include "sim/sim.h"
#include "sim_doors/async.h"

#define EXPORT         __attribute__((visibility("default")))
#define ALIAS_OF(name) EXPORT __attribute__((alias(#name)))

_Static_assert(sizeof(off_t) == 8, "the 64-names are aliases");

static inline long ret_errno(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* Makes the compiler keep checks for NULL: the headers say that a path is never NULL, but programs
 * pass it. */
static inline const char *maybe_null(const char *path)
{
	__asm__("" : "+r"(path));
	return path;
}

/* Makes the next function's call and returns, if no node is open here. It comes first, before
 * anything else is put on the stack. */
#define PASS(call)                                                                                 \
	do {                                                                                       \
		if (!sim_has_any() &&                                                              \
		    atomic_load_explicit(&sim_next_resolved, memory_order_acquire))                \
			return sim_next_table.call;                                                \
	} while (0)

/* Another preload may stand in front of us, under the same name or under one of its old names. Each
 * door therefore goes on to the next function of its own name. */

#endif
