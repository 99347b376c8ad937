/* SPDX-License-Identifier: MIT */
/*
 * What the kernel checks of an asynchronous write before it comes to the device, which of libaio
 * and io_uring do in orders of their own. For pwritev2 the kernel itself is asked
 * (engine/engine.c). Pure.
 */
#ifndef ENTRANCE_H
#define ENTRANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/limits.h"

enum form { FORM_CALL, FORM_AIO, FORM_RING, FORM_POLLED /* IORING_SETUP_IOPOLL */ };

struct entrance {
	enum form form;  /* not FORM_CALL */
	bool open;       /* the descriptor is one, and of more than a path */
	bool writable;   /* and open for writing */
	bool direct;     /* and with O_DIRECT */
	int import;      /* of the segments: 0, -EFAULT or -EINVAL */
	int64_t offset;  /* as asked for; -1 means the file position to a ring */
	uint64_t length; /* over all segments */
	int rwf;
};

/* 0, or -errno of the first check that fails: io_submit()'s result for FORM_AIO. */
int entrance_check(const struct entrance *entrance, const struct limits *limits);

#endif
