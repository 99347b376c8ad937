/* SPDX-License-Identifier: MIT */
/* One SCSI command through a file descriptor. */
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

/* The same for a generic node that nobody else uses, once whatever happens meanwhile: SG_IO of that
 * node would send it again after the process was stopped, traced or frozen (drivers/scsi/sg.c:
 * sg_ioctl). No signal handler may run. */
int scsi_send_once(int node, const struct scsi_command *command, struct scsi_outcome *ret_outcome);

/* The first one, for commands that ask: the ioctl; in the command libsgutils2
 * (command/libraries.c), which may allocate. */
typedef int scsi_sender(int fd, const struct scsi_command *command,
			struct scsi_outcome *ret_outcome);
extern scsi_sender *scsi_ask;
extern const char *scsi_means; /* its name */

enum {
	SCSI_TIMEOUT = 30,      /* seconds, the kernel's SD_TIMEOUT */
	SCSI_HOST_ERROR = 0x07, /* DID_ERROR */
};

#endif
