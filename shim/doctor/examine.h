/* SPDX-License-Identifier: MIT */
/* Collects evidence about a device. doctor.c calls it; each part has a file of its own. */
#ifndef CMD_EXAMINE_H
#define CMD_EXAMINE_H

#include "doctor/evidence.h"
#include "doctor/patient.h"

/* Adds every link of the chain, and advice. Reads the device, and never writes it. */
void cmd_examine_all(const struct patient *patient, struct evidence *evidence);

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
