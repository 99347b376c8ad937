/* SPDX-License-Identifier: MIT */
/* The limits of this process's cgroup on writes to the disk. The block layer keeps them, and a
 * command by passthrough does not come through there. */
#ifndef THROTTLE_H
#define THROTTLE_H

#include "doctor/examine.h"

/* The evidence's warning, if there is such a limit. */
void throttle_warn(const struct patient *patient, struct evidence *evidence);

#endif
