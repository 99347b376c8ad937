/* SPDX-License-Identifier: MIT */
/*
 * What the doors ask: do this write, fill this statx. Each returns what a native kernel would,
 * >= 0 or -errno, and leaves errno as it was. Thread-safe; to be called with cancellation disabled.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <sys/types.h>
#include <sys/uio.h>

#include "config.h"
#include "device.h"
#include "untorn_uapi.h"

struct write_call {
	int fd;
	const struct iovec *iov;
	int count;
	off_t offset; /* -1: the file position */
	int flags;    /* RWF_*, RWF_ATOMIC among them */
};

enum lane {
	LANE_KERNEL,  /* untouched to the kernel */
	LANE_COMMAND, /* checked by us, and if it is good, one device command */
};

/* Pure. */
enum lane engine_decide(const struct device *device, enum mode mode);

ssize_t engine_write(const struct write_call *call);
int engine_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);

#endif
