/* SPDX-License-Identifier: MIT */
/* What the doctor looks at, and what is to be seen there. */
#ifndef CMD_EXAMINE_H
#define CMD_EXAMINE_H

#include <stdbool.h>

#include "device/device.h"
#include "doctor/evidence.h"
#include "rules/limits_nvme.h"
#include "rules/limits_scsi.h"

struct patient {
	const char *path;
	dev_t number;
	int fd;         /* -1: may not be opened */
	int open_error; /* of opening it for writing, -errno */
	int read_error; /* of opening it for reading, once that had failed */
	int error;      /* of device_derive(): with it nothing but native is known of the device */
	bool read_only; /* the disk, by the kernel's word */
	struct device device;
	union {
		struct nvme_identity nvme;
		struct scsi_identity scsi;
	} identity;
	bool identified;     /* identity is there, by whatever means */
	int asked, believed; /* 0 or -errno: of asking the device, of what root published */
	const char *means;   /* by which this process may write; NULL: by none */
	int means_error;
};

/* Adds every link of the chain, and what to change. Reads, and never writes, the device. */
void cmd_examine_all(const struct patient *patient, struct evidence *evidence);

/* The limits by what the device said and by the kernel's caps, whatever this process may do; by the
 * policy decided for it, or by this one. */
struct limits cmd_examine_limits(const struct patient *patient);
struct limits cmd_examine_limits_by(const struct patient *patient, enum nvme_policy policy);

bool cmd_examine_is_scsi(const struct patient *patient);

/* doctor/examine_policy.c */
void cmd_examine_policy(const struct patient *patient, struct evidence *evidence);

/* doctor/examine_nvme.c, doctor/examine_scsi.c: asking the device; what it said. */
void cmd_examine_ask_nvme(struct patient *patient);
void cmd_examine_nvme(const struct patient *patient, struct evidence *evidence);
void cmd_examine_ask_scsi(struct patient *patient);
void cmd_examine_scsi(const struct patient *patient, struct evidence *evidence);
/* The node by which those may write who have no privilege. */
void cmd_examine_generic(const struct patient *patient, struct evidence *evidence);

/* doctor/examine_layers.c: who uses a device or its partitions, names with blanks between. */
enum { USAGE_NAMES = 192 };
struct usage {
	char partitions[USAGE_NAMES], mounts[USAGE_NAMES], holders[USAGE_NAMES];
};
void cmd_examine_usage(dev_t device, struct usage *ret_usage);
/* That, and what the device lies on itself. */
void cmd_examine_layers(const struct patient *patient, struct evidence *evidence);

#endif
