/* SPDX-License-Identifier: MIT */
/*
 * What a kind of disk can do for us: say what it promises, and take one write as one command.
 * Every slot is filled but the last. All may run at once on one disk.
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

/* What a disk said of itself, boiled down to what a write needs. */
struct disk {
	struct limits limits;   /* the device's own, before any cap */
	uint32_t block;         /* logical block size by the device's own words */
	uint32_t nsid;          /* NVMe namespace identifier */
	bool protected;         /* NVMe: the controller makes protection information (PRACT) */
	bool boundary;          /* SCSI: each command names its length as its boundary */
	struct generic generic; /* SCSI */
	uint64_t asked;         /* real_now() when it was, by us or by the root that published */
	bool published;         /* NVMe: this process may not ask, and goes by what root left */
};

struct command {
	uint64_t lba; /* on the whole disk */
	const void *data;
	uint32_t length; /* bytes, whole blocks */
	bool fua;        /* on the medium before it is reported as done */
};

struct io_uring_sqe;

/* The way for a command that goes together with others, as an entry of an io_uring. */
struct transport_queue {
	/* What the entry's fd is to be, for the caller to close; or -errno. */
	int (*open_node)(const struct disk *disk, int fd, dev_t device);
	/* All of an entry of 128 bytes, which is 0, but fd, flags and user_data. */
	void (*prepare)(const struct disk *disk, const struct command *command,
			struct io_uring_sqe *sqe);
	/* What the completion's result means: the length written, -errno, or 0: send the command
	 * in the other way, it was not done or may be done once more. */
	ssize_t (*outcome)(const struct command *command, int result);
};

struct transport {
	const char *name, *command; /* "SCSI", "SCSI WRITE ATOMIC (16)" */
	/* fd: the device, or -1 where none could be opened. The result says in ret_disk->limits
	 * whether the disk qualifies; -errno when it could not be found out. */
	int (*identify)(int fd, dev_t device, enum nvme_policy policy, struct disk *ret_disk);
	/* Exactly one command. The length written, or -errno: then all of it or nothing is there.
	 */
	ssize_t (*write)(const struct disk *disk, int fd, const struct command *command);
	/* Would this process be let write? Sends nothing. The name of the means, or NULL and in
	 * ret_error why not, -errno. For the command, which explains. */
	const char *(*means)(const struct disk *disk, int fd, int *ret_error);
	const struct transport_queue *queue; /* NULL: there is no such way */
};

extern const struct transport transport_nvme, transport_scsi;

#endif
