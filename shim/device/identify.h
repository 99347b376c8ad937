/* SPDX-License-Identifier: MIT */
/* Asking an NVMe device what it is. */
#ifndef IDENTIFY_H
#define IDENTIFY_H

#include <stdint.h>

#include "rules/limits_nvme.h"

/* fd: the block device or a partition, open in any mode. 0, or -errno: EACCES where the kernel
 * asks for a privilege (CAP_SYS_ADMIN before 6.2), ENOTTY where it is no NVMe namespace.
 * Thread-safe, allocates nothing. */
int identify_nvme(int fd, struct nvme_identity *ret_identity);

/* The function that sends the command: the ioctl; in the command libnvme's (command/libraries.c),
 * which takes the same and may allocate. It returns a status, or -1 and errno. */
struct nvme_passthru_cmd;
typedef int identify_sender(int fd, struct nvme_passthru_cmd *command, uint32_t *result);
extern identify_sender *identify_send;
extern const char *identify_means; /* its name */

#endif
