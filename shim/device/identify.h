/* SPDX-License-Identifier: MIT */
/*
 * Asking an NVMe device what it is. The only door to libnvme, which is opened on first need: it
 * draws libcrypto into the process and doubles the time of an exec, so it is never linked.
 */
#ifndef IDENTIFY_H
#define IDENTIFY_H

#include "rules/limits_nvme.h"

/* fd: the block device or a partition, open in any mode. 0, or -errno: EACCES where the kernel
 * asks for a privilege (CAP_SYS_ADMIN before 6.2), ENOTTY where it is no NVMe namespace.
 * Thread-safe; may allocate and load a library. */
int identify_nvme(int fd, struct nvme_identity *ret_identity);

/* What identify_nvme() asks through in this process: "libnvme" or "ioctl". Static. */
const char *identify_means(void);

void identify_after_fork(void);

#endif
