/* SPDX-License-Identifier: MIT */
/* Turns the outcome of a SCSI command into an errno, as the kernel's own disk driver does, and says
 * whether to try again. device/transport_scsi.c and device/inquiry.c call it. Pure. */
#ifndef SENSE_H
#define SENSE_H

#include <stdint.h>

enum { SENSE_SIZE = 32 }; /* reaches beyond the additional sense code qualifier, in either format */

struct scsi_outcome {
	uint8_t status; /* SAM-5 section 5.3.1 */
	uint8_t host;   /* DID_* of the kernel's include/scsi/scsi_status.h; 0: it went well */
	uint8_t sense[SENSE_SIZE];
	uint8_t sense_length;
	int32_t residue; /* bytes that were not transferred */
};

/* Returns 0 for a command that did all that it was told, else -errno. */
int sense_to_errno(const struct scsi_outcome *outcome);

/* The step that the kernel's driver would take before it reported that error. */
enum sense_retry {
	SENSE_FINAL,
	SENSE_RETRY, /* at once, a few times */
	SENSE_WAIT,  /* after a moment, as long as its patience lasts */
};
enum sense_retry sense_retry(const struct scsi_outcome *outcome);

#endif
