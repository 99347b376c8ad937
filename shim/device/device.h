/* SPDX-License-Identifier: MIT */
/*
 * The registry: what is known of each block device that was met, by device number.
 *
 * Knowledge never changes once it is there: a device that turns out to be another one gets a new
 * entry, and the old one stays readable for those who still look at it. A lock is taken only to
 * ask a device.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <sys/types.h>

#include "device/identity.h"
#include "rules/limits.h"
#include "device/transport.h"

struct device {
	dev_t number;
	struct identity identity;
	struct queue queue;
	const struct transport *transport; /* NULL: no driver that we can command */
	struct disk disk;
	int error;            /* of transport->identify, -errno */
	struct limits limits; /* what holds on this device or partition */
	struct limits native; /* what the kernel itself reports for it; unit_max 0: nothing */
};

/* The device with this number, as it is now. fd: open on it, or -1 to go by /sys and what root has
 * published. 0 or -errno: the number is unknown to /sys. Thread-safe. */
int device_get(int fd, dev_t number, struct device *ret_device);

/* The same for what fd is open on; -ENOTBLK: no block device. The way of each write. */
int device_of_fd(int fd, struct device *ret_device);

/* The same without the registry: for the command, which wants to look afresh. */
int device_derive(int fd, dev_t number, struct device *ret_device);

/* In a forked child: what another thread was adding in the parent will never be finished. */
void device_after_fork(void);

#endif
