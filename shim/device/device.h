/* SPDX-License-Identifier: MIT */
/*
 * Knows the block devices that were met: the last answer of each, and its age. The engine calls it
 * for each write; the doctor and stack/disk.c call it too.
 *
 * There is one slot for each device number, replaced in place. A format or new firmware changes
 * what a disk promises, but does not make it another disk, and the kernels that need us notify
 * nobody. So a disk that is written to is asked again each second, and no write relies on an answer
 * older than two.
 *
 * A question has one of three outcomes: an answer; no permission to ask (EACCES, EPERM), which
 * keeps the last answer; no answer, which is never taken for "no" or "unchanged". Thread-safe, safe
 * in signal handlers and in children of every kind. No lock: a disk that does not answer blocks
 * nobody else.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <sys/types.h>

#include "device/identity.h"
#include "device/transport.h"
#include "rules/limits.h"

struct device {
	dev_t number;
	struct identity identity;
	uint32_t block; /* logical block size, as the kernel has it */
	bool held;      /* the answer came through a hold: it is about this disk and no other */
	struct queue queue;
	struct decision decision;
	const struct transport *transport; /* NULL: no driver that we can command */
	struct disk disk;
	int error;            /* -errno of the queue, the decision or transport->identify */
	struct limits limits; /* as they apply to this device or partition */
	struct limits native; /* the kernel's, from statx; unit_max 0: none */
	uint64_t told;        /* real_now() just before the disk was asked */
};

/* True: both answers mean the same for a write. Their times may differ. */
bool device_is_same(const struct device *a, const struct device *b);

/* Gives the last answer about the device without asking. Returns its age in ns; UINT64_MAX: there
 * is none. */
uint64_t device_recall(dev_t number, struct device *ret_device);

/* In ns. A disk that is written to is asked again after DEVICE_AGAIN. No write relies on an answer
 * that is as old as DEVICE_OLD. */
#define DEVICE_AGAIN UINT64_C(1000000000)
#define DEVICE_OLD   (2 * DEVICE_AGAIN)

/* Gives an answer about the hold's disk that is younger than DEVICE_OLD; asks the disk if need be.
 * Returns 0; -ESTALE: the hold is open on another disk by now; other -errno: no answer. */
struct hold;
int device_of_hold(struct hold *hold, struct device *ret_device);

void device_after_fork(void); /* call it in the child */

/* Call it when the last answer turns out to be wrong: the next write asks again. */
void device_expire(dev_t number);

/* Looks at /sys only, because opening the node could load a driver or wake the device. False: the
 * device has no driver, or one that we cannot command. */
bool device_may_be_disk(dev_t number);

/* Describes the device for a caller that reports or chooses a lane. fd: open on it; -1: go by /sys
 * and root's record. Returns 0, or -errno: /sys does not know the number or does not answer. */
int device_get(int fd, dev_t number, struct device *ret_device);

/* Asks the disk now. known: the last answer about this very disk, which supplies identity, queue,
 * decision and transport if /sys does not answer; or NULL. */
int device_derive(int fd, dev_t number, const struct device *known, struct device *ret_device);

#endif
