/* SPDX-License-Identifier: MIT */
/*
 * The generic node of an NVMe namespace, /dev/ngXnY (5.13): it takes commands through an io_uring
 * (5.19), which the namespace's block device does not.
 */
#ifndef NVME_NODE_H
#define NVME_NODE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * The node of the disk that fd has open, open for writing, for the caller to close; or -errno:
 * ENOENT no such node, EACCES it may not be opened, ENODEV it is not, or no longer, that disk's.
 * Thread-safe.
 */
int nvme_node_open(int fd, dev_t device, uint32_t nsid);

#endif
