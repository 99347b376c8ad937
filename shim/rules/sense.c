/* SPDX-License-Identifier: MIT */
/*
 * Decides as Linux 6.12's scsi_decide_disposition(), scsi_check_sense() (both in
 * drivers/scsi/scsi_error.c), scsi_io_completion_action() and scsi_result_to_blk_status()
 * (drivers/scsi/scsi_lib.c), for one write of a disk that is not removable. Sense data: SPC-4
 * section 4.5. Start reading at sense_to_errno() and sense_retry().
 */
#include "rules/sense.h"

#include <errno.h>
#include <stdbool.h>

enum {
	STATUS_GOOD = 0x00,
	STATUS_CHECK_CONDITION = 0x02,
	STATUS_BUSY = 0x08,
	STATUS_RESERVATION_CONFLICT = 0x18,
	STATUS_TASK_SET_FULL = 0x28,
	STATUS_TASK_ABORTED = 0x40,
};

enum {
	HOST_PARITY = 0x06,
	HOST_ERROR = 0x07,
	HOST_RESET = 0x08,
	HOST_SOFT_ERROR = 0x0b,
	HOST_IMM_RETRY = 0x0c,
	HOST_REQUEUE = 0x0d,
	HOST_TRANSPORT_DISRUPTED = 0x0e,
	HOST_TRANSPORT_FAILFAST = 0x0f,
	HOST_TRANSPORT_MARGINAL = 0x14,
};

enum {
	KEY_RECOVERED_ERROR = 0x1,
	KEY_NOT_READY = 0x2,
	KEY_MEDIUM_ERROR = 0x3,
	KEY_HARDWARE_ERROR = 0x4,
	KEY_ILLEGAL_REQUEST = 0x5,
	KEY_UNIT_ATTENTION = 0x6,
	KEY_DATA_PROTECT = 0x7,
	KEY_BLANK_CHECK = 0x8,
	KEY_COPY_ABORTED = 0xa,
	KEY_ABORTED_COMMAND = 0xb,
	KEY_VOLUME_OVERFLOW = 0xd,
	KEY_MISCOMPARE = 0xe,
};

struct sense {
	bool valid, deferred; /* deferred: about an earlier command */
	uint8_t key, code, qualifier;
};

/* Response codes 70h and 71h are the fixed format, 72h and 73h the descriptor format. */
static struct sense parse(const struct scsi_outcome *outcome)
{
	const uint8_t *bytes = outcome->sense;
	uint8_t length = outcome->sense_length, format = length ? bytes[0] & 0x7f : 0;
	struct sense sense = { .deferred = format == 0x71 || format == 0x73 };

	if ((format == 0x72 || format == 0x73) && length >= 4) {
		sense.valid = true;
		sense.key = bytes[1] & 0xf;
		sense.code = bytes[2];
		sense.qualifier = bytes[3];
	} else if ((format == 0x70 || format == 0x71) && length >= 3) {
		sense.valid = true;
		sense.key = bytes[2] & 0xf;
		sense.code = length > 12 ? bytes[12] : 0;
		sense.qualifier = length > 13 ? bytes[13] : 0;
	}
	return sense;
}

/* Codes by which the device says that it will never do this command (scsi_check_sense). */
static bool is_target_failure(uint8_t code)
{
	return code == 0x20 || code == 0x21 || code == 0x22 || code == 0x24 || code == 0x26 ||
	       code == 0x27;
}

static bool is_lost_medium(uint8_t code)
{
	return code == 0x11 || code == 0x13 || code == 0x14;
}

static int sense_error(const struct sense *sense)
{
	if (!sense->valid || sense->deferred)
		return -EIO;
	switch (sense->key) {
	case KEY_RECOVERED_ERROR:
		return 0;
	case KEY_MEDIUM_ERROR:
		return is_lost_medium(sense->code) ? -ENODATA : -EIO;
	case KEY_ILLEGAL_REQUEST:
		if (sense->code == 0x10)
			return -EILSEQ;
		return is_target_failure(sense->code) ? -EREMOTEIO : -EIO;
	case KEY_ABORTED_COMMAND:
		return sense->code == 0x10 ? -EILSEQ : -EIO;
	case KEY_DATA_PROTECT:
		return sense->code == 0x27 && sense->qualifier == 0x07 ? -ENOSPC : -EREMOTEIO;
	case KEY_HARDWARE_ERROR:
	case KEY_BLANK_CHECK:
	case KEY_COPY_ABORTED:
	case KEY_VOLUME_OVERFLOW:
	case KEY_MISCOMPARE:
		return -EREMOTEIO;
	default:
		return -EIO;
	}
}

int sense_to_errno(const struct scsi_outcome *outcome)
{
	struct sense sense = parse(outcome);
	int error;

	if (outcome->host == HOST_TRANSPORT_FAILFAST || outcome->host == HOST_TRANSPORT_MARGINAL)
		return -ENOLINK;
	if (outcome->host)
		return -EIO;
	switch (outcome->status) {
	case STATUS_GOOD:
		error = 0;
		break;
	case STATUS_CHECK_CONDITION:
		error = sense_error(&sense);
		break;
	case STATUS_RESERVATION_CONFLICT:
		return -EBADE;
	default:
		return -EIO;
	}
	/* A device that took fewer bytes than it was told did not do the whole write. */
	return !error && outcome->residue ? -EIO : error;
}

static enum sense_retry retry_by_host(uint8_t host)
{
	switch (host) {
	case HOST_PARITY:
	case HOST_ERROR:
	case HOST_RESET:
	case HOST_SOFT_ERROR:
	case HOST_IMM_RETRY:
	case HOST_TRANSPORT_DISRUPTED:
		return SENSE_RETRY;
	case HOST_REQUEUE:
		return SENSE_WAIT;
	default:
		return SENSE_FINAL;
	}
}

/* True if the logical unit is not ready because it is becoming ready, or is busy with itself for a
 * while. */
static bool is_passing(const struct sense *sense)
{
	static const uint8_t qualifiers[] = { 0x01, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
					      0x0a, 0x11, 0x14, 0x1a, 0x1b, 0x1d, 0x24 };

	for (unsigned i = 0; i < sizeof(qualifiers); i++) {
		if (sense->code == 0x04 && sense->qualifier == qualifiers[i])
			return true;
	}
	return false;
}

static enum sense_retry retry_by_sense(const struct sense *sense)
{
	if (!sense->valid || sense->deferred)
		return SENSE_RETRY;
	switch (sense->key) {
	case KEY_NOT_READY:
		return is_passing(sense) ? SENSE_WAIT : SENSE_FINAL;
	case KEY_MEDIUM_ERROR:
		return is_lost_medium(sense->code) ? SENSE_FINAL : SENSE_RETRY;
	case KEY_UNIT_ATTENTION:
		return SENSE_RETRY;
	case KEY_ABORTED_COMMAND:
		return sense->code == 0x10 ? SENSE_FINAL : SENSE_RETRY;
	default:
		return SENSE_FINAL;
	}
}

enum sense_retry sense_retry(const struct scsi_outcome *outcome)
{
	struct sense sense = parse(outcome);

	if (outcome->host)
		return retry_by_host(outcome->host);
	switch (outcome->status) {
	case STATUS_CHECK_CONDITION:
		return retry_by_sense(&sense);
	case STATUS_BUSY:
	case STATUS_TASK_SET_FULL:
		return SENSE_WAIT;
	case STATUS_TASK_ABORTED:
		return SENSE_RETRY;
	default:
		return SENSE_FINAL;
	}
}
