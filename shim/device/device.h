/* SPDX-License-Identifier: MIT */
/*
 * The block devices that were met: the last answer of each, and how old that is.
 *
 * A slot for each device number, replaced in place. A format or new firmware changes what a disk
 * promises, but does not make it another disk, and the kernels that need us tell nobody: so a disk
 * that is written to is asked again each second, and what is older than two is not relied on.
 *
 * Each question has three answers: told; may not ask (EACCES, EPERM), which keeps what was told; no
 * answer, which is never taken for "no" or "unchanged". Thread-safe, safe in signal handlers and in
 * children of every kind; no lock: one disk that does not answer holds up nobody else.
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
	bool held;      /* told through a hold: sure to be about this disk and no other */
	struct queue queue;
	struct decision decision;
	const struct transport *transport; /* NULL: no driver that we can command */
	struct disk disk;
	int error;            /* of transport->identify, -errno */
	struct limits limits; /* what holds on this device or partition */
	struct limits native; /* what the kernel itself reports for it; unit_max 0: nothing */
	uint64_t told;        /* real_now() when the question was put */
};

/* Do both answers say the same, but for when? */
bool device_is_same(const struct device *a, const struct device *b);

/* The last answer about the device, without asking anybody. Its age in ns; UINT64_MAX: there is
 * none. */
uint64_t device_recall(dev_t number, struct device *ret_device);

/* How soon a disk that is written to is asked again, and no write relies on what is of twice that
 * age; ns. */
#define DEVICE_AGAIN UINT64_C(1000000000)
#define DEVICE_OLD   (2 * DEVICE_AGAIN)

/* An answer about the disk that is held, younger than that. 0; -ESTALE: the hold is open on another
 * disk by now; or -errno: no answer. */
struct hold;
int device_of_hold(struct hold *hold, struct device *ret_device);

void device_after_fork(void); /* in the child */

/* The answer was found to be wrong: the next write asks. */
void device_expire(dev_t number);

/* By /sys alone: false for what has no driver, or one that we cannot command, which opening its
 * node could load, or wake up. */
bool device_may_be_disk(dev_t number);

/* The device with this number, for a caller that only reports. fd: open on it, or -1 to go by /sys
 * and what root has published. 0, or -errno: /sys does not know the number, or gives no answer. */
int device_get(int fd, dev_t number, struct device *ret_device);

/* Asks afresh. known: what was told of this very disk before, which keeps its place and its queue
 * where /sys has gone; or NULL. */
int device_derive(int fd, dev_t number, const struct device *known, struct device *ret_device);

#endif
