/* SPDX-License-Identifier: MIT */
/* Asking a SCSI disk what it is. */
#ifndef INQUIRY_H
#define INQUIRY_H

#include <sys/types.h>

#include "rules/limits_scsi.h"

/* Is there a SCSI disk under this number? By /sys: nothing is sent to what may not like it. */
bool inquiry_is_disk(dev_t device);

/* fd: the disk or a partition, open in any mode, or -1. 0, or -errno: EPERM and ENOTTY where
 * neither it nor the generic node may be asked, EIO where the disk gives no answer. Thread-safe;
 * may allocate and load a library. */
int inquiry_scsi(int fd, dev_t device, struct scsi_identity *ret_identity);

#endif
