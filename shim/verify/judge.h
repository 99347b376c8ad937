/* SPDX-License-Identifier: MIT */
/* The verdict on one page, for race.c and check.c. Pure. */
#ifndef VERIFY_JUDGE_H
#define VERIFY_JUDGE_H

#include <stdbool.h>

#include "verify/log.h"
#include "verify/page.h"

enum verify_finding {
	VERIFY_NONE,
	VERIFY_IS_TORN,
	VERIFY_IS_GARBLED,
	VERIFY_IS_LOST,
	VERIFY_IS_DISORDERED, /* lost, and something later is there */
	VERIFY_IS_UNREADABLE,
	VERIFY_FINDINGS
};

/* For a page whose read began when no write older than `least` could be there any more. */
enum verify_finding verify_judge_race(const struct verify_sight *sight, uint64_t least);

/* For a page read after the cut. kept_after: the largest `after` of all whole pages. */
enum verify_finding verify_judge_check(const struct verify_sight *sight,
				       const struct verify_known *known, bool durable,
				       uint64_t kept_after);

#endif
