/* SPDX-License-Identifier: MIT */
/*
 * Sends one SCSI command, and brings status, host status, sense data and residue into one form.
 * Kernels before 5.15 have a driver status beside the host's. It adds to the sense data only when
 * it is an error of its own.
 */
#include "device/scsi.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <string.h>
#include <unistd.h>

#include "base/real.h"

enum { DRIVER_SENSE = 0x8 /* there are sense data, nothing more */ };

static struct sg_io_hdr header_of(const struct scsi_command *command,
				  struct scsi_outcome *ret_outcome)
{
	memset(ret_outcome, 0, sizeof(*ret_outcome));
	return (struct sg_io_hdr){
		.interface_id = 'S',
		.dxfer_direction = command->to_device ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV,
		.cmd_len = command->cdb_length,
		.cmdp = (unsigned char *)(uintptr_t)command->cdb,
		.dxferp = command->data,
		.dxfer_len = command->length,
		.sbp = ret_outcome->sense,
		.mx_sb_len = SENSE_SIZE,
		.timeout = SCSI_TIMEOUT * 1000,
	};
}

static void read_answer(const struct sg_io_hdr *io, struct scsi_outcome *ret_outcome)
{
	ret_outcome->status = io->status;
	ret_outcome->sense_length = io->sb_len_wr;
	ret_outcome->residue = io->resid;
	ret_outcome->host =
		io->host_status > UINT8_MAX ? SCSI_HOST_ERROR : (uint8_t)io->host_status;
	if (!ret_outcome->host && (io->driver_status & 0xf & ~DRIVER_SENSE))
		ret_outcome->host = SCSI_HOST_ERROR;
}

int scsi_send(int fd, const struct scsi_command *command, struct scsi_outcome *ret_outcome)
{
	struct sg_io_hdr io = header_of(command, ret_outcome);

	int error = real_ioctl(fd, SG_IO, &io);
	if (!error)
		read_answer(&io, ret_outcome);
	return error;
}

/* write() sends the command and read() waits for its answer. If the wait is interrupted, the kernel
 * repeats the wait, not the command. */
int scsi_send_once(int node, const struct scsi_command *command, struct scsi_outcome *ret_outcome)
{
	struct sg_io_hdr io = header_of(command, ret_outcome);

	if (fcntl(node, F_SETFL, 0) < 0 || write(node, &io, sizeof(io)) < 0 ||
	    read(node, &io, sizeof(io)) < 0)
		return -errno;
	read_answer(&io, ret_outcome);
	return 0;
}

scsi_sender *scsi_ask = scsi_send;
const char *scsi_means = "SG_IO";
