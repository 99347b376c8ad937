/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of our own for devices that are written to while the program goes on: it may close
 * its descriptor at once, and get the number for another file. One per device and partition, the
 * program's duplicated to a high number, at the first such write.
 */
#ifndef KEPT_H
#define KEPT_H

#include "device/device.h"

/* A descriptor of the device that fd has open, open for writing like it. Or -errno: EMFILE ...
 * ret_has_node: can its transport->queue be used, as far as nodes go?
 * Thread-safe; not for the closing. */
int kept_get(int fd, const struct device *device, bool *ret_has_node);

/* Before these descriptors are closed; or after one was found not to be what it was. */
void kept_before_close(unsigned first, unsigned last);

/* Is this descriptor still what it was? Programs close descriptors that are none of theirs. */
bool kept_is_of(int fd, const struct device *device);

/* A further descriptor of it, high and closed by exec; or -errno. */
int kept_duplicate(int fd);

void kept_after_fork(void);

#endif
