/* SPDX-License-Identifier: MIT */
/*
 * Finds out whether the calling thread submits one operation at a time to a context and then waits
 * for it. async/aio.c does the atomic writes of such a thread within io_submit(): another thread
 * would only cost time. Each thread has one record, of the context that it used last; a signal
 * handler that uses another context begins anew. A wrong guess costs time, nothing else.
 */
#ifndef AIO_HABIT_H
#define AIO_HABIT_H

#include <linux/aio_abi.h>
#include <stdbool.h>

/* After io_submit(), io_getevents() and io_destroy(). accepted, count: their results. for_ever:
 * that io_getevents() waits for an event, without a time-out. */
void aio_habit_submitted(aio_context_t context, long accepted);
void aio_habit_fetched(aio_context_t context, long count, bool for_ever);
void aio_habit_forget(aio_context_t context);

/* True: the thread has waited for each of its last operations, and will do so again. */
bool aio_habit_is_to_wait(aio_context_t context);

#endif
