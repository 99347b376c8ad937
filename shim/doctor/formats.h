/* SPDX-License-Identifier: MIT */
/* The formats that an NVMe namespace lists. We advise only on listed formats, and give the command:
 * a format that changes nothing erases a disk in vain. */
#ifndef FORMATS_H
#define FORMATS_H

#include "doctor/evidence.h"
#include "doctor/patient.h"

void formats_list(const struct nvme_identity *identity, struct evidence *evidence);

/* Where the unit is one block: advises a format with larger blocks, or says that there is none. */
void formats_advise_larger(const struct patient *patient, struct evidence *evidence);

/* Where the format's metadata or protection information rule out atomic writes: advises another
 * one, or says that there is none. */
void formats_advise_metadata(const struct patient *patient, struct evidence *evidence);

#endif
