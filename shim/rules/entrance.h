/* SPDX-License-Identifier: MIT */
/*
 * The checks that the kernel makes of an asynchronous write before it looks at the device. libaio
 * and io_uring make them in different orders. For pwritev2 the engine asks the kernel itself
 * (engine/find.c: pass_gate). engine/engine.c calls this. Pure.
 */
#ifndef ENTRANCE_H
#define ENTRANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/limits.h"

enum form { FORM_CALL, FORM_AIO, FORM_RING, FORM_POLLED /* IORING_SETUP_IOPOLL */ };

struct entrance {
	enum form form;  /* not FORM_CALL */
	bool open;       /* false: not an open descriptor, or an O_PATH one */
	bool writable;   /* open for writing */
	bool direct;     /* open with O_DIRECT */
	int import;      /* result of reading the segments: 0, -EFAULT or -EINVAL */
	int64_t offset;  /* as asked for; -1 means the file position to a ring */
	uint64_t length; /* over all segments */
	int rwf;
};

/* 0, or -errno of the first check that fails: io_submit()'s result for FORM_AIO. */
int entrance_check(const struct entrance *entrance, const struct limits *limits);

#endif
