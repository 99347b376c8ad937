/* SPDX-License-Identifier: MIT */
/*
 * System call filters, seccomp(2). A filter may kill the process for a call that its author did not
 * expect, and nobody can ask a filter beforehand. So the asynchronous doors use neither threads nor
 * io_uring where a thread has a filter. A filter belongs to a thread. Thread-safe, no heap, no
 * lock.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>

/* Has the calling thread any? 1, 0, or -errno: it cannot be told. Some 20 us. */
int filter_ask(void);

/* Or may it have one? */
static inline bool filter_is_set(void)
{
	return filter_ask() != 0;
}

#endif
