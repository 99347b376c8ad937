/* SPDX-License-Identifier: MIT */
/* Sends one SCSI command through a descriptor. transport_scsi.c and inquiry.c call it. No lock; the
 * only state is scsi_ask. */
#ifndef SCSI_H
#define SCSI_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/sense.h"

struct scsi_command {
	const uint8_t *cdb; /* command descriptor block */
	uint8_t cdb_length;
	bool to_device; /* data go to the device; false: they come from it */
	void *data;
	uint32_t length; /* of data, bytes */
};

/* fd: a SCSI disk, or its generic node /dev/sgN. Returns 0: the command was sent, and *ret_outcome
 * has its result, which may be an error. -errno: it was not sent, or the device went away
 * meanwhile. EPERM: the process may not send this command. ENOTTY: fd takes no commands. */
int scsi_send(int fd, const struct scsi_command *command, struct scsi_outcome *ret_outcome);

/* Does the same for a generic node that nobody else uses, and sends the command only once: SG_IO of
 * that node would send it again after the process was stopped, traced or frozen (drivers/scsi/sg.c:
 * sg_ioctl). The caller blocks all signals. */
int scsi_send_once(int node, const struct scsi_command *command, struct scsi_outcome *ret_outcome);

/* Sends commands that only ask: scsi_send(), in the program `untorn` libsgutils2, which may
 * allocate (command/libraries.c). */
typedef int scsi_sender(int fd, const struct scsi_command *command,
			struct scsi_outcome *ret_outcome);
extern scsi_sender *scsi_ask;
extern const char *scsi_means; /* its name */

enum {
	SCSI_TIMEOUT = 30,      /* seconds, the kernel's SD_TIMEOUT */
	SCSI_HOST_ERROR = 0x07, /* DID_ERROR */
};

#endif
