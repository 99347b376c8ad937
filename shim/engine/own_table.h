/* SPDX-License-Identifier: MIT */
/*
 * A write needs descriptors of ours for a moment, and a process may have none left. Natively it
 * needs none: so then it is done in a short-lived thread with a copy of the table of descriptors,
 * in which some are closed that nobody but this thread misses.
 */
#ifndef OWN_TABLE_H
#define OWN_TABLE_H

#include <stdbool.h>

/* Runs work(argument) so, and waits for it. All is as in the calling thread, but for the table:
 * what is closed there drops no lock of the process. False: no memory, or no threads. */
bool own_table_run(void (*work)(void *argument), void *argument);
/* The same where the process has none left. keep: a number that the work needs. */
bool own_table_run_with_room(void (*work)(void *argument), void *argument, int keep);

#endif
