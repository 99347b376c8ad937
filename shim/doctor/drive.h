/* SPDX-License-Identifier: MIT */
/* untorn doctor --report: the bytes by which a drive was judged, for a bug report or the list in
 * untorn-drives(7). It leaves out whatever tells one drive or machine from another. */
#ifndef DRIVE_H
#define DRIVE_H

#include "doctor/evidence.h"
#include "doctor/patient.h"

/* Prints to standard output. False: that failed. */
bool drive_print(const struct patient *patient, const struct evidence *evidence);

#endif
