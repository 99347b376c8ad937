/* SPDX-License-Identifier: MIT */
/* untorn list: a line for each block device, as lsblk(8) and nvme-list(1) have them. doctor.c calls
 * it too, for an untorn doctor without a device. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

enum list_what {
	LIST_DISKS, /* whole disks that have a size, but no RAM disks */
	LIST_ALL    /* partitions too, and whatever else is a block device */
};

/* Print to standard output. Return the exit status; if it is not 0, after a message. */
int list_print(enum list_what what, bool json);
int list_print_these(char *const *paths, int count, bool json);

#endif
