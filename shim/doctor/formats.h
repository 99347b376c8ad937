/* SPDX-License-Identifier: MIT */
/* The formats that an NVMe namespace lists. Advice is given on those alone, and with the command:
 * a format that changes nothing erases a disk in vain. */
#ifndef FORMATS_H
#define FORMATS_H

#include "doctor/examine.h"

void formats_list(const struct nvme_identity *identity, struct evidence *evidence);

/* The unit is one block: is there a format with larger ones? Says so too if there is none. */
void formats_advise_larger(const struct patient *patient, struct evidence *evidence);

/* The format's metadata or protection information stand against atomic writes. */
void formats_advise_metadata(const struct patient *patient, struct evidence *evidence);

#endif
