/* SPDX-License-Identifier: MIT */
/* What is to be thought of a page. Pure. */
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

/* Seen by a reader who began when nothing older than `least` could be there any more. */
enum verify_finding verify_judge_race(const struct verify_sight *sight, uint64_t least);

/* After the cut; kept_after: the largest `after` of all whole pages. */
enum verify_finding verify_judge_check(const struct verify_sight *sight,
				       const struct verify_known *known, bool durable,
				       uint64_t kept_after);

#endif
