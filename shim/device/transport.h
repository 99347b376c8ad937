/* SPDX-License-Identifier: MIT */
/*
 * The contract of a kind of disk: it tells what a disk promises, and sends one write as one
 * command. device.c and the engine call it. Every member is set, except that the last may be NULL.
 * All calls may run at once on one disk.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/config.h"
#include "device/generic.h"
#include "rules/limits.h"

/* A disk's answers, reduced to those that a write needs. */
struct disk {
	struct limits limits;   /* the device's own, before any cap */
	uint32_t block;         /* logical block size, as the disk reports it */
	uint32_t nsid;          /* NVMe namespace identifier */
	bool protected;         /* NVMe: the controller makes protection information (PRACT) */
	bool boundary;          /* SCSI: each command names its length as its boundary */
	struct generic generic; /* SCSI */
	uint64_t asked;         /* real_now() when we asked, or root for its record */
	bool published;         /* NVMe: this is root's record, because we could not ask */
};

struct command {
	uint64_t lba; /* on the whole disk */
	const void *data;
	uint32_t length; /* bytes, whole blocks */
	bool fua;        /* the data are on the medium before the completion */
};

struct io_uring_sqe;

/* Sends commands together with others, as entries of an io_uring. */
struct transport_queue {
	/* Opens the descriptor for the entry's fd, which the caller closes; or -errno. */
	int (*open_node)(const struct disk *disk, int fd, dev_t device);
	/* Fills in an entry of 128 zero bytes, except for fd, flags and user_data. */
	void (*prepare)(const struct disk *disk, const struct command *command,
			struct io_uring_sqe *sqe);
	/* Turns the completion's result into the length written, or -errno; 0: send the command by
	 * write(), because it was not done, or may be done once more. */
	ssize_t (*outcome)(uint32_t length, int result);
};

struct transport {
	const char *name, *command; /* "SCSI", "SCSI WRITE ATOMIC (16)" */
	/* fd: the device, or -1 where none could be opened. Returns 0, and ret_disk->limits says
	 * whether the disk qualifies; -errno: that could not be found out. */
	int (*identify)(int fd, dev_t device, enum nvme_policy policy, struct disk *ret_disk);
	/* Makes exactly one command of the write. Returns the length written; -errno: the write is
	 * there in whole or not at all. */
	ssize_t (*write)(const struct disk *disk, int fd, const struct command *command);
	/* Finds out whether the kernel lets this process write, and sends nothing. Returns the name
	 * of the means, or NULL and -errno in ret_error. The program `untorn` reports it. */
	const char *(*means)(const struct disk *disk, int fd, int *ret_error);
	const struct transport_queue *queue; /* NULL: commands cannot go through an io_uring */
};

extern const struct transport transport_nvme, transport_scsi;

#endif
