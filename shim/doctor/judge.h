/* SPDX-License-Identifier: MIT */
/* Asks a device, and gives the shim's own judgement of it. doctor.c and list.c call these, and
 * examine_layers.c for the devices below a layer. */
#ifndef JUDGE_H
#define JUDGE_H

#include "doctor/evidence.h"
#include "doctor/patient.h"

/* Opens and asks the device. The caller has set path and number; this fills in the rest of the
 * patient. The caller ends it with judge_release(). */
void judge_ask(struct patient *patient);

/* The same with the least effect on the device. It opens the node only if a disk may be behind it.
 * It opens the node for writing only if the disk may have atomic writes, because that has udev look
 * at the disk again. */
void judge_ask_gently(struct patient *patient);

void judge_release(struct patient *patient);

/* Adds the verdict to the evidence. */
void judge_conclude(const struct patient *patient, struct evidence *evidence);

#endif
