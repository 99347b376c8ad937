/* SPDX-License-Identifier: MIT */
/*
 * System call filters, seccomp(2). They may kill a process for a call that its author did not
 * expect; nobody can ask a filter beforehand. Thread-safe, no heap, no lock.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>

/* Has the calling thread any? So it has where that cannot be told. Some 20 us. */
bool filter_is_set(void);

#endif
