/* SPDX-License-Identifier: MIT */
/*
 * Commands that ask go through libsgutils2's pass-through object, or by the plain ioctl, which must
 * look the same: status, host status, sense data and residue are brought into one form. Driver
 * status, which kernels before 5.15 have beside the host's, says more than the sense data only when
 * it is an error of its own.
 *
 * Commands that write go by the plain ioctl always: the library (1.46, 1.48) notes the residue of
 * either kind of command as that of data that come in, and so tells of a write that the device took
 * half of that nothing is missing.
 */
#include "device/scsi.h"

#include <errno.h>
#include <scsi/sg.h>
#include <stddef.h>
#include <string.h>

#include "base/config.h"
#include "base/library.h"
#include "base/real.h"

enum {
	TIMEOUT = 30,       /* seconds, the kernel's SD_TIMEOUT */
	HOST_ERROR = 0x07,  /* DID_ERROR */
	DRIVER_SENSE = 0x8, /* there are sense data, nothing more */
};

/* libsgutils2's sg_pt.h, whose interface is the same from version 3.04 on. */
struct sg_pt_base;
enum {
	OBJECT_NEW,
	OBJECT_FREE,
	SET_CDB,
	SET_SENSE,
	SET_IN,
	SEND,
	CATEGORY,
	STATUS,
	SENSE_LENGTH,
	TRANSPORT_ERROR,
	RESIDUE
};
enum { RESULT_TRANSPORT_ERROR = 3, RESULT_OS_ERROR = 4 };

static struct library sgutils = {
	/* Upstream's name, then Debian's of each version. */
	.names = { "libsgutils2.so.2", "libsgutils2-1.48.so.2", "libsgutils2-1.46.so.2" },
	.symbols = {
		[OBJECT_NEW] = "construct_scsi_pt_obj",
		[OBJECT_FREE] = "destruct_scsi_pt_obj",
		[SET_CDB] = "set_scsi_pt_cdb",
		[SET_SENSE] = "set_scsi_pt_sense",
		[SET_IN] = "set_scsi_pt_data_in",
		[SEND] = "do_scsi_pt",
		[CATEGORY] = "get_scsi_pt_result_category",
		[STATUS] = "get_scsi_pt_status_response",
		[SENSE_LENGTH] = "get_scsi_pt_sense_len",
		[TRANSPORT_ERROR] = "get_scsi_pt_transport_err",
		[RESIDUE] = "get_scsi_pt_resid",
	},
};

#define CALL(index, type) ((type)library_function(&sgutils, index))
typedef void set_bytes(struct sg_pt_base *, const uint8_t *, int);
typedef int get_number(const struct sg_pt_base *);

static void fill_object(struct sg_pt_base *object, const struct scsi_command *command,
			uint8_t *sense)
{
	CALL(SET_CDB, set_bytes *)(object, command->cdb, command->cdb_length);
	CALL(SET_SENSE, set_bytes *)(object, sense, SENSE_SIZE);
	CALL(SET_IN, set_bytes *)(object, command->data, (int)command->length);
}

static void read_object(const struct sg_pt_base *object, struct scsi_outcome *ret_outcome)
{
	int host = CALL(TRANSPORT_ERROR, get_number *)(object);

	ret_outcome->status = (uint8_t)CALL(STATUS, get_number *)(object);
	ret_outcome->sense_length = (uint8_t)CALL(SENSE_LENGTH, get_number *)(object);
	ret_outcome->residue = CALL(RESIDUE, get_number *)(object);
	if (CALL(CATEGORY, get_number *)(object) == RESULT_TRANSPORT_ERROR)
		ret_outcome->host = host > 0 && host <= UINT8_MAX ? (uint8_t)host : HOST_ERROR;
}

static int send_by_library(int fd, const struct scsi_command *command,
			   struct scsi_outcome *ret_outcome)
{
	struct sg_pt_base *object = CALL(OBJECT_NEW, struct sg_pt_base * (*)(void))();
	if (!object)
		return -ENOMEM;
	fill_object(object, command, ret_outcome->sense);
	int error = CALL(SEND, int (*)(struct sg_pt_base *, int, int, int))(object, fd, TIMEOUT, 0);
	if (!error)
		read_object(object, ret_outcome);
	CALL(OBJECT_FREE, void (*)(struct sg_pt_base *))(object);
	return error > 0 ? -EINVAL : error;
}

static int send_by_ioctl(int fd, const struct scsi_command *command,
			 struct scsi_outcome *ret_outcome)
{
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = command->to_device ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV,
		.cmd_len = command->cdb_length,
		.cmdp = (unsigned char *)(uintptr_t)command->cdb,
		.dxferp = command->data,
		.dxfer_len = command->length,
		.sbp = ret_outcome->sense,
		.mx_sb_len = SENSE_SIZE,
		.timeout = TIMEOUT * 1000,
	};

	int error = real_ioctl(fd, SG_IO, &io);
	if (error)
		return error;
	ret_outcome->status = io.status;
	ret_outcome->sense_length = io.sb_len_wr;
	ret_outcome->residue = io.resid;
	ret_outcome->host = io.host_status > UINT8_MAX ? HOST_ERROR : (uint8_t)io.host_status;
	if (!ret_outcome->host && (io.driver_status & 0xf & ~DRIVER_SENSE))
		ret_outcome->host = HOST_ERROR;
	return 0;
}

static bool has_library(void)
{
	return config_get().libsgutils && library_open(&sgutils);
}

int scsi_send(int fd, const struct scsi_command *command, struct scsi_outcome *ret_outcome)
{
	memset(ret_outcome, 0, sizeof(*ret_outcome));
	return !command->to_device && has_library() ? send_by_library(fd, command, ret_outcome)
						    : send_by_ioctl(fd, command, ret_outcome);
}

const char *scsi_means(void)
{
	return has_library() ? "libsgutils2" : "SG_IO";
}

void scsi_after_fork(void)
{
	library_after_fork(&sgutils);
}
