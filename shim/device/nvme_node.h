/* SPDX-License-Identifier: MIT */
/*
 * The generic node of an NVMe namespace, /dev/ngXnY (5.13). It takes commands through an io_uring
 * (5.19); the namespace's block device does not. transport_nvme.c opens it for flights. No lock, no
 * state.
 */
#ifndef NVME_NODE_H
#define NVME_NODE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Opens the node of the disk that fd has open, for writing. Returns a descriptor, which the caller
 * closes, or -errno. ENOENT: no such node. EACCES: no permission to open it. ENODEV: not, or no
 * longer, that disk's node. Thread-safe.
 */
int nvme_node_open(int fd, dev_t device, uint32_t nsid);

#endif
