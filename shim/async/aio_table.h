/* SPDX-License-Identifier: MIT */
/*
 * Writes that were submitted through libaio, from before their submission until their event has
 * been fetched or their context destroyed. A write is known by context, iocb and data: an iocb may
 * be used again while its first write is under way. Thread-safe.
 */
#ifndef AIO_TABLE_H
#define AIO_TABLE_H

#include <linux/aio_abi.h>

#include "async/aio_signal.h"
#include "engine/flight.h"

/* Freed when its event was fetched and its signal was fired: a signal must not be used again
 * before. */
struct aio_op {
	struct work work;    /* first */
	struct aio_op *next; /* of those that are found together */
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

/* Wait for those of the context, all of them, those that need one of these descriptors. */
void aio_table_await(aio_context_t context);
void aio_table_await_all(void);
void aio_table_before_close(unsigned first, unsigned last);

void aio_table_forget(aio_context_t context); /* it was destroyed */
void aio_table_after_fork(void);

#endif
