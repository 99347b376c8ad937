/* SPDX-License-Identifier: MIT */
/*
 * Which disk, and which part of it: device numbers are given out again, and partitions are made
 * anew. Asked when a hold is made, for as long as it is open none of it changes; and with each
 * question about what the disk promises.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
	uint64_t disk;  /* which disk: a number that is not given out twice before the next boot */
	uint64_t start; /* of the partition on it, in bytes; 0 for the disk itself */
	bool partition; /* not the whole disk */
};

/* fd: the device, or -1 to ask /sys alone. 0 or -errno: no answer, as without /sys. Thread-safe,
 * allocates nothing. */
int identity_read(int fd, dev_t device, struct identity *ret_identity);

/* The logical block size, as the kernel has it now. fd as above. */
int identity_block(int fd, dev_t device, uint32_t *ret_block);

/* The disk's sequence number, which belongs to what fd has open, whatever the device number stands
 * for now; -1: to what it stands for. -errno before Linux 5.15. */
int identity_sequence(int fd, dev_t device, uint64_t *ret_sequence);

/* Does the device number still stand for what fd has open? False also before 5.15. */
bool identity_is_current(int fd, dev_t device);

bool identity_equal(const struct identity *a, const struct identity *b);

#endif
