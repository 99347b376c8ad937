/* SPDX-License-Identifier: MIT */
/*
 * The SCSI generic node of a disk, /dev/sgN. A process without CAP_SYS_RAWIO sends WRITE ATOMIC
 * (16) through it: on the disk's own node the kernel lets others send only the commands that
 * scsi_cmd_allowed() lists, and it lists no atomic one. transport_scsi.c and inquiry.c call this.
 * No lock, no state.
 */
#ifndef GENERIC_H
#define GENERIC_H

#include <stdint.h>
#include <sys/types.h>

struct generic {
	dev_t disk;
	char node[16];             /* "sg3"; empty: there is none (no module sg) */
	int host, channel, target; /* the disk's address while it is alive */
	unsigned long long logical_unit;
};

/* Returns 0 or -errno; a disk without a node is no error. Thread-safe, allocates nothing. */
int generic_find(dev_t disk, struct generic *ret_generic);

/*
 * Returns a descriptor, which the caller closes, or -errno. ENOENT: no such node. EACCES: no
 * permission to open it. ENODEV: not, or no longer, the node of the disk that fd has open. fd may
 * be -1: then only the addresses are compared.
 */
int generic_open(const struct generic *generic, int fd);

#endif
