/* SPDX-License-Identifier: MIT */
/*
 * Writes that were submitted through libaio, from before their submission until the program has
 * fetched their event or destroyed their context. A write is known by context, iocb and data: a
 * program may use an iocb again while its first write is under way. async/aio.c and door/close.c
 * call this. Thread-safe: one lock, with all signals blocked.
 */
#ifndef AIO_TABLE_H
#define AIO_TABLE_H

#include <linux/aio_abi.h>

#include "async/aio_signal.h"
#include "engine/flight.h"

/* It is freed when its event has been fetched and its signal fired. Until then nobody may use the
 * signal again. */
struct aio_op {
	struct work work;    /* first */
	struct aio_op *next; /* in the same bucket */
	aio_context_t context;
	const struct iocb *iocb;
	uint64_t data;
	bool done; /* its result is there, and its event comes */
	bool fetched, signalled;
	struct aio_signal signal;
};

/* NULL: no memory, or no descriptor left. is_first: the first write of a submission. */
struct aio_op *aio_table_add(aio_context_t context, const struct iocb *iocb, bool is_first);
void aio_table_drop(struct aio_op *op);                        /* the kernel did not take it */
void aio_table_done(struct aio_op *op, struct flight *flight); /* its result is in work.result */

/* Puts the results into events that the kernel has just handed out. */
void aio_table_fetch(aio_context_t context, struct io_event *events, long count);

bool aio_table_has(aio_context_t context, const struct iocb *iocb);

/* Each waits for writes: of the context; all; those whose signal has one of these numbers, which it
 * then forgets, for they are about to be closed. */
void aio_table_await(aio_context_t context);
void aio_table_await_all(void);
void aio_table_before_close(unsigned first, unsigned last);

void aio_table_forget(aio_context_t context); /* it was destroyed */
void aio_table_after_fork(void);

#endif
