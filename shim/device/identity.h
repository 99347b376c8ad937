/* SPDX-License-Identifier: MIT */
/*
 * Is this still the disk, the partition and the format that we derived limits for? Device numbers
 * are given out again, partitions are re-created, namespaces reformatted: so it is asked at each
 * write, in two or three system calls.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
	uint64_t disk;  /* which disk: a number that is not given out twice before the next boot */
	uint64_t start; /* of the partition on it, in bytes; 0 for the disk itself */
	uint32_t block; /* logical block size */
	bool partition; /* not the whole disk */
};

/* The number of the block device that fd is open on. 0 or -errno: ENOTBLK it is none. */
int identity_number(int fd, dev_t *ret_number);

/* fd: the device, or -1 to ask /sys alone. known: what this number stood for before, or NULL. 0 or
 * -errno. Thread-safe, allocates nothing. */
int identity_read(int fd, dev_t device, const struct identity *known,
		  struct identity *ret_identity);

/* The disk's sequence number, which belongs to what fd has open, whatever the device number stands
 * for now; -1: to what it stands for. -errno before Linux 5.15. */
int identity_sequence(int fd, dev_t device, uint64_t *ret_sequence);

/* Does the device number still stand for what fd has open? False also before 5.15. */
bool identity_is_current(int fd, dev_t device);

bool identity_equal(const struct identity *a, const struct identity *b);

#endif
