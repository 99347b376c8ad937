/* SPDX-License-Identifier: MIT */
/* Writers and readers race over the same few pages. A reader must see one whole write, and none
 * that an acknowledged write has replaced. verify.c calls it. */
#ifndef VERIFY_RACE_H
#define VERIFY_RACE_H

#include "verify/report.h"
#include "verify/target.h"

/* 0 or -errno: it could not be started. */
int verify_race(const struct verify_target *target, double seconds, struct verify_report *report);

#endif
