/* SPDX-License-Identifier: MIT */
/* Prepares writes by libaio. */
#ifndef AIO_CALLS_H
#define AIO_CALLS_H

#include "preload.h"

#include <libaio.h>
#include <stdint.h>

#include "untorn_uapi.h"

static inline io_context_t context_of(int size)
{
	io_context_t context = NULL;

	want(io_setup(size, &context) == 0);
	return context;
}

static inline struct iocb *prepare(struct iocb *iocb, int fd, void *data, size_t length,
				   off_t offset)
{
	io_prep_pwrite(iocb, fd, data, length, offset);
	iocb->aio_rw_flags = RWF_ATOMIC;
	iocb->data = (void *)((uintptr_t)iocb ^ 1);
	return iocb;
}

#endif
