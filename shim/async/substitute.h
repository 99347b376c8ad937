/* SPDX-License-Identifier: MIT */
/*
 * Submission entries whose natural result is what an atomic write came to: in the write's place,
 * with its links, its order and its completion.
 */
#ifndef SUBSTITUTE_H
#define SUBSTITUTE_H

#include <stdbool.h>

#include "base/uring_uapi.h"

/* Can a success be put? To be asked before the write is done. */
bool substitute_is_ready(void);

/* A file that takes any write for done, ours: not to be closed; or -1. */
int substitute_null(void);

/* Before these descriptors are closed. */
void substitute_before_close(unsigned first, unsigned last);
void substitute_after_fork(void);

/* The entry becomes one that results in this: a length, or -errno. Before Linux 6.10 not every
 * error can be had: EAGAIN, EBADF, EFAULT, EINVAL, ENOSPC, EOPNOTSUPP and EPERM can, others become
 * EIO.
 */
void substitute_put(struct io_uring_sqe *sqe, int result);

#endif
