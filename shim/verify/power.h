/* SPDX-License-Identifier: MIT */
/* Writes until the power is cut, and keeps the log of what was acknowledged; then what is there. */
#ifndef VERIFY_POWER_H
#define VERIFY_POWER_H

#include <stdbool.h>

#include "verify/log.h"
#include "verify/report.h"
#include "verify/target.h"

/* log: where to, open. 0 or -errno: it could not be started. */
int verify_power(const struct verify_target *target, int log, bool durable, double seconds,
		 struct verify_report *report);

/* verify/check.c: after the cut. fd: the device. 0 or -errno. */
int verify_check(int fd, const struct verify_history *history, struct verify_report *report);

#endif
