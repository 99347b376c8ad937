/* SPDX-License-Identifier: MIT */
/*
 * A short-lived thread with a copy of the table of descriptors. A write needs descriptors of ours
 * for a moment, natively it needs none, and a process may have none left: then engine.c does the
 * write in such a thread, which closes some in its copy. statx.c asks a node there, so that closing
 * it drops no lock of the process.
 */
#ifndef OWN_TABLE_H
#define OWN_TABLE_H

#include <stdbool.h>

/* Runs work(argument) in such a thread, and waits for it. All but the table is as in the calling
 * thread. A close there drops no lock of the process. False: no memory, or no thread. */
bool own_table_run(void (*work)(void *argument), void *argument);
/* The same where the process has none left: some are closed first. keep: a number that the work
 * needs. */
bool own_table_run_with_room(void (*work)(void *argument), void *argument, int keep);

#endif
