/* SPDX-License-Identifier: MIT */
/*
 * One SCSI command through a file descriptor. The only door to libsgutils2, which is opened on
 * first need; where it is absent, the SG_IO ioctl does the same.
 */
#ifndef SCSI_H
#define SCSI_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/sense.h"

struct scsi_command {
	const uint8_t *cdb; /* command descriptor block */
	uint8_t cdb_length;
	bool to_device; /* the data go there; else they come from there */
	void *data;
	uint32_t length; /* of data, bytes */
};

/* fd: a SCSI disk, or its generic node /dev/sgN. 0: it was sent, and *ret_outcome says what came of
 * it, which may be an error too. -errno: it was not sent, or the device went away over it; EPERM
 * where the process has no right to this command, ENOTTY where the fd takes none. */
int scsi_send(int fd, const struct scsi_command *command, struct scsi_outcome *ret_outcome);

/* What commands that ask go through in this process: "libsgutils2" or "SG_IO". Static. */
const char *scsi_means(void);

void scsi_after_fork(void);

#endif
