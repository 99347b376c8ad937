/* SPDX-License-Identifier: MIT */
/* The SCSI disk behind the drivers of sim/sg.c: a command and its answer. */
#ifndef SIM_SCSI_H
#define SIM_SCSI_H

#include <stdint.h>

struct sim_disk;

enum {
	SIM_SCSI_CDB = 32,    /* the longest that Linux 6.1 passes on */
	SIM_SCSI_SENSE = 18,  /* fixed format, SPC-4 section 4.5.3 */
	SIM_SCSI_PAGE = 256,  /* longer than any page here */
	SIM_SCSI_CHECK = 0x02 /* CHECK CONDITION, SAM-5 section 5.3.1 */
};

struct sim_scsi {
	uint8_t cdb[SIM_SCSI_CDB];
	uint8_t *data;
	uint32_t out, in; /* bytes of data that go to the device, or may come from it */
	uint32_t moved;   /* of these, bytes that went or came */
	uint8_t status, host, sense_length, sense[SIM_SCSI_SENSE];
};

/* sim/scsi.c: executes the command. 0: it is answered; or -errno of the ioctl. */
int sim_scsi_execute(const struct sim_disk *disk, struct sim_scsi *command);

/* sim/scsi_pages.c: fill in a page and return its length, or -1: there is none. INQUIRY's page -1
 * is the standard data. The caller has zeroed ret_data. */
int sim_scsi_inquiry(const struct sim_disk *disk, int page, uint8_t ret_data[SIM_SCSI_PAGE]);
int sim_scsi_capacity_10(const struct sim_disk *disk, uint8_t ret_data[SIM_SCSI_PAGE]);
int sim_scsi_capacity_16(const struct sim_disk *disk, uint8_t ret_data[SIM_SCSI_PAGE]);

#endif
