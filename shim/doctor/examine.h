/* SPDX-License-Identifier: MIT */
/* The device that the doctor looks at (struct patient), and the functions that collect evidence
 * about it. doctor/judge.c fills the patient in and releases it. */
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
	int fd;         /* -1: could not be opened */
	int open_error; /* of opening it for writing, -errno */
	int read_error; /* of opening it for reading, -errno */
	int error;      /* of device_derive(), -errno: then only device.native is known */
	bool read_only; /* the kernel says so of the disk */
	struct device device;
	union {
		struct nvme_identity nvme;
		struct scsi_identity scsi;
	} identity;
	bool identified;     /* identity is known, asked or published */
	int asked, believed; /* 0 or -errno: of asking the device, of what root published */
	const char *means;   /* by which this process may send a write command; NULL: none */
	int means_error;
};

/* Adds every link of the chain, and advice. Reads the device, and never writes it. */
void cmd_examine_all(const struct patient *patient, struct evidence *evidence);

/* The limits that follow from the device's answer and the kernel's caps, whatever this process may
 * do: by the policy decided for the device, or by the given one. */
struct limits cmd_examine_limits(const struct patient *patient);
struct limits cmd_examine_limits_by(const struct patient *patient, enum nvme_policy policy);

bool cmd_examine_is_scsi(const struct patient *patient);

/* doctor/examine_policy.c */
void cmd_examine_policy(const struct patient *patient, struct evidence *evidence);

/* doctor/examine_nvme.c, doctor/examine_scsi.c: ask the device; add what it said. */
void cmd_examine_ask_nvme(struct patient *patient);
void cmd_examine_nvme(const struct patient *patient, struct evidence *evidence);
void cmd_examine_ask_scsi(struct patient *patient);
void cmd_examine_scsi(const struct patient *patient, struct evidence *evidence);
/* Adds the generic node, through which a process without privilege may send write commands. */
void cmd_examine_generic(const struct patient *patient, struct evidence *evidence);

/* doctor/examine_layers.c: the users of a device and its partitions, as names with spaces between.
 */
enum { USAGE_NAMES = 192 };
struct usage {
	char partitions[USAGE_NAMES], mounts[USAGE_NAMES], holders[USAGE_NAMES];
};
void cmd_examine_usage(dev_t device, struct usage *ret_usage);
/* Adds these users, and the devices that the device itself lies on. */
void cmd_examine_layers(const struct patient *patient, struct evidence *evidence);

#endif
