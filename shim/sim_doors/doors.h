/* SPDX-License-Identifier: MIT */
/* Needed by all doors: the names that lead to a node stand in for the C library's. Below 64 bits of
 * off_t the 64-names would differ; here they are the same functions under two names. */
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

/* The headers say that a path is never NULL, and the compiler believes it; programs do it. */
static inline const char *maybe_null(const char *path)
{
	__asm__("" : "+r"(path));
	return path;
}

/* No node is open here: the call, first of all and before anything is put on the stack for more. */
#define PASS(call)                                                                                 \
	do {                                                                                       \
		if (!sim_has_any() && __atomic_load_n(&sim_next_resolved, __ATOMIC_ACQUIRE))       \
			return sim_next_table.call;                                                \
	} while (0)

/* Another preload may stand in front of us under the same name, so doors never call doors; and
 * under one of its old names, so each goes on to the next of its own name. */

#endif
