/* SPDX-License-Identifier: MIT */
/*
 * Tells counters, log and probes of each write; changes no outcome. The engine calls it, and
 * async/ring.c for an entry that it leaves to the kernel. If io_submit() or a ring takes a batch
 * only in part, writes submitted again are decided and counted again. errno may be changed.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <sys/types.h>

#include "device/device.h"
#include "rules/request.h"

/* A write is left to the kernel. number: the block device's, or 0. result: the kernel's, or 0 if we
 * do not see it. Returns result. */
ssize_t account_kernel(dev_t number, enum door door, ssize_t result);

/* A write is refused with this -errno. Returns it. An `error` >= 0 is no refusal: not counted. */
int account_refused(const struct device *device, const struct request *request, int error);

/* Around a command. account_begin() returns the time in ns, or 0: this command is not timed. */
uint64_t account_begin(const struct device *device, const struct request *request);
void account_end(const struct device *device, const struct request *request, uint64_t began,
		 ssize_t result);

/* We answered a statx. It is no write, so it is counted only where counters exist already. */
void account_statx(dev_t number);

#endif
