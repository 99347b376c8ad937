/* SPDX-License-Identifier: MIT */
/*
 * The SCSI generic node of a disk, /dev/sgN: the way for those who may not send WRITE ATOMIC (16)
 * through the disk's own node, which takes CAP_SYS_RAWIO (the kernel's list of commands that others
 * may send, scsi_cmd_allowed(), has none of the atomic ones).
 */
#ifndef GENERIC_H
#define GENERIC_H

#include <stdint.h>
#include <sys/types.h>

struct generic {
	dev_t disk;
	char node[16];             /* "sg3"; empty: there is none (no module sg) */
	int host, channel, target; /* of the disk, as long as it lives */
	unsigned long long logical_unit;
};

/* 0 or -errno; no node is no error. Thread-safe, allocates nothing. */
int generic_find(dev_t disk, struct generic *ret_generic);

/*
 * A descriptor for the caller to close, or -errno: ENOENT no such node, EACCES it may not be
 * opened, ENODEV it is not, or no longer, the node of the disk that fd has open. fd may be -1: then
 * only the names are compared.
 */
int generic_open(const struct generic *generic, int fd);

#endif
