/* SPDX-License-Identifier: MIT */
/*
 * A substitute: an entry in a write's place whose natural result is the result of the write. It
 * keeps the write's links, order and completion. async/ring.c puts it after it has done a write;
 * async/aio.c uses the same descriptor of /dev/null.
 */
#ifndef SUBSTITUTE_H
#define SUBSTITUTE_H

#include <stdbool.h>

#include "base/uring_uapi.h"

/* True: a success can be put. Ask before the write is done. */
bool substitute_is_ready(void);

/* Our descriptor of /dev/null, which the caller must not close; or -1. */
int substitute_null(void);

/* Call it before these descriptors are closed. */
void substitute_before_close(unsigned first, unsigned last);
void substitute_after_fork(void);

/* Turns the entry into one with this result: a length, or -errno. Before Linux 6.10 only EAGAIN,
 * EBADF, EFAULT, EINVAL, ENOSPC, EOPNOTSUPP and EPERM are available; other errors become EIO. */
void substitute_put(struct io_uring_sqe *sqe, int result);

#endif
