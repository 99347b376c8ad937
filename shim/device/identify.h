/* SPDX-License-Identifier: MIT */
/* Asks an NVMe device for its identify data. transport_nvme.c, `untorn doctor` and `untorn publish`
 * call it. */
#ifndef IDENTIFY_H
#define IDENTIFY_H

#include <stdint.h>

#include "rules/limits_nvme.h"

/* fd: the block device or a partition, open in any mode. Returns 0 or -errno. EACCES: the kernel
 * wants a privilege (CAP_SYS_ADMIN before 6.2). ENOTTY: not an NVMe namespace. EAGAIN: no path
 * leads to it now. Thread-safe, allocates nothing. */
int identify_nvme(int fd, struct nvme_identity *ret_identity);

/* Sends the command: by ioctl; in the program `untorn` by libnvme's function of the same type,
 * which may allocate (command/libraries.c). Returns a status, or -1 and errno. */
struct nvme_passthru_cmd;
typedef int identify_sender(int fd, struct nvme_passthru_cmd *command, uint32_t *result);
extern identify_sender *identify_send;
extern const char *identify_means; /* its name */

#endif
