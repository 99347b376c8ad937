/* SPDX-License-Identifier: MIT */
/*
 * System call filters, seccomp(2). They may kill a process for a call that its author did not
 * expect; nobody can ask a filter beforehand. Thread-safe, no heap, no lock.
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
