/* SPDX-License-Identifier: MIT */
/* Warns of the limits of this process's cgroup on writes to the disk. The block layer enforces
 * them, and a passthrough command does not come through there. */
#ifndef THROTTLE_H
#define THROTTLE_H

#include "doctor/evidence.h"
#include "doctor/patient.h"

/* Sets the evidence's warning, if there is such a limit. */
void throttle_warn(const struct patient *patient, struct evidence *evidence);

#endif
