/* SPDX-License-Identifier: MIT */
/*
 * What the engine tells of each write: to the counters, the log and the probes. Changes nothing of
 * what becomes of it. A write that a program submits again, because io_submit() or its ring took
 * only some of many, is decided, and told of, again. errno may be changed.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <sys/types.h>

#include "device/device.h"
#include "rules/request.h"

/* Left to the kernel. number: the device's, 0 if it is none. result: the kernel's, or 0 where it is
 * not seen. Returns it. */
ssize_t account_kernel(dev_t number, enum door door, ssize_t result);

/* Refused with this -errno, which it returns; anything else is no refusal, and not counted. */
int account_refused(const struct device *device, const struct request *request, int error);

/* Around a command. The time when it began, in ns; 0: it is not among those that are timed. */
uint64_t account_begin(const struct device *device, const struct request *request);
void account_end(const struct device *device, const struct request *request, uint64_t began,
		 ssize_t result);

/* Answered by us. Counted if anything is: it is no write. */
void account_statx(dev_t number);

#endif
