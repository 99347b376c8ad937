/* SPDX-License-Identifier: MIT */
/*
 * Asks whether the calling thread has a system call filter, seccomp(2). A filter may kill the
 * process for a call that its author did not expect, and nobody can ask a filter beforehand. So the
 * shim makes no io_uring of its own in a thread that has a filter, or may have one
 * (engine/own_ring.c, engine/worker.c). A filter belongs to a thread. Thread-safe, no heap, no
 * lock.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>

/* Returns 1: it has one; 0: it has none; -errno: not known. Takes some 20 us. */
int filter_ask(void);

/* True also if that is not known. */
static inline bool filter_is_set(void)
{
	return filter_ask() != 0;
}

#endif
