/* SPDX-License-Identifier: MIT */
/* Writes until the power is cut, and logs the acknowledged writes; afterwards checks what survived.
 * verify.c calls both. */
#ifndef VERIFY_POWER_H
#define VERIFY_POWER_H

#include <stdbool.h>

#include "verify/log.h"
#include "verify/report.h"
#include "verify/target.h"

/* log: a descriptor to append to. 0, or -errno: the run did not start, or the log's end was not
 * forced out. */
int verify_power(const struct verify_target *target, int log, bool durable, double seconds,
		 struct verify_report *report);

/* verify/check.c: after the cut. fd: the device. 0 or -errno. */
int verify_check(int fd, const struct verify_history *history, struct verify_report *report);

#endif
