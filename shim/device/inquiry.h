/* SPDX-License-Identifier: MIT */
/* Asks a SCSI disk for its capacity and limits. transport_scsi.c and `untorn doctor` call it. No
 * lock, no state. */
#ifndef INQUIRY_H
#define INQUIRY_H

#include <sys/types.h>

#include "rules/limits_scsi.h"

/* True: the number is a SCSI disk's. Asks /sys only, because a device of another type may not
 * tolerate the commands. */
bool inquiry_is_disk(dev_t device);

/* fd: the disk or a partition, open in any mode, or -1. Returns 0 or -errno. EPERM, ENOTTY: neither
 * fd nor the generic node may be asked. EIO: the disk does not answer. Thread-safe; allocates only
 * in the program `untorn`, through libsgutils2. */
int inquiry_scsi(int fd, dev_t device, struct scsi_identity *ret_identity);

#endif
