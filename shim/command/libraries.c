/* SPDX-License-Identifier: MIT */
/*
 * The command asks disks through libnvme and libsgutils2, if it was built with them. The shim asks
 * by ioctl, because it is a guest in the program's process.
 *
 * Commands that write always go by the ioctl. libsgutils2 (1.46, 1.48) notes the residue of any
 * command as that of data that come in. So it reports that nothing is missing from a write of which
 * the device took half.
 */
#include "command/libraries.h"

#include "device/identify.h"
#include "device/scsi.h"

#ifdef LIBNVME
#include <libnvme.h>
#endif

#ifdef LIBSGUTILS2
#include <errno.h>
#include <scsi/sg_pt.h>
#include <string.h>

static void read_object(const struct sg_pt_base *object, struct scsi_outcome *ret_outcome)
{
	int host = get_scsi_pt_transport_err(object);

	ret_outcome->status = (uint8_t)get_scsi_pt_status_response(object);
	ret_outcome->sense_length = (uint8_t)get_scsi_pt_sense_len(object);
	ret_outcome->residue = get_scsi_pt_resid(object);
	if (get_scsi_pt_result_category(object) == SCSI_PT_RESULT_TRANSPORT_ERR)
		ret_outcome->host = host > 0 && host <= UINT8_MAX ? (uint8_t)host : SCSI_HOST_ERROR;
}

static int ask(int fd, const struct scsi_command *command, struct scsi_outcome *ret_outcome)
{
	memset(ret_outcome, 0, sizeof(*ret_outcome));
	struct sg_pt_base *object = construct_scsi_pt_obj();
	if (!object)
		return -ENOMEM;
	set_scsi_pt_cdb(object, command->cdb, command->cdb_length);
	set_scsi_pt_sense(object, ret_outcome->sense, SENSE_SIZE);
	set_scsi_pt_data_in(object, command->data, (int)command->length);
	int error = do_scsi_pt(object, fd, SCSI_TIMEOUT, 0);
	if (!error)
		read_object(object, ret_outcome);
	destruct_scsi_pt_obj(object);
	return error > 0 ? -EINVAL : error;
}
#endif

void cmd_use_libraries(void)
{
#ifdef LIBNVME
	identify_send = nvme_submit_admin_passthru;
	identify_means = "libnvme";
#endif
#ifdef LIBSGUTILS2
	scsi_ask = ask;
	scsi_means = "libsgutils2";
#endif
}
