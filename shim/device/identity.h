/* SPDX-License-Identifier: MIT */
/*
 * Tells which disk a device is, and which part of it: the kernel reuses device numbers, and
 * partitions are deleted and made again. hold.c reads the identity when it makes a hold: while the
 * hold is open it does not change. device.c reads it each time it asks the disk. No lock, no state.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
	uint64_t disk;  /* the disk's number: the kernel gives it to no other disk before the next
			   boot */
	uint64_t start; /* of the partition on the disk, in bytes; 0 for the disk itself */
	bool partition; /* not the whole disk */
};

/* fd: the device; -1: ask /sys alone. Returns 0, or -errno: no answer, for example without /sys.
 * Thread-safe, allocates nothing. */
int identity_read(int fd, dev_t device, struct identity *ret_identity);

/* Reads the logical block size that the kernel uses now. fd as above. */
int identity_block(int fd, dev_t device, uint32_t *ret_block);

/* Reads the sequence number of the disk that fd has open, whatever the device number stands for
 * now; with fd -1 of the disk that it stands for now. -errno before Linux 5.15. */
int identity_sequence(int fd, dev_t device, uint64_t *ret_sequence);

/* True: the device number still stands for the disk that fd has open. Always false before 5.15. */
bool identity_is_current(int fd, dev_t device);

bool identity_equal(const struct identity *a, const struct identity *b);

#endif
