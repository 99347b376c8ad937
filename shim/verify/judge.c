/* SPDX-License-Identifier: MIT */
/*
 * A page must hold one write, and none older than the last one that the device acknowledged. A
 * missing write was lost out of order if another write is there that began after the missing one
 * was acknowledged. Otherwise the device has lost only its latest writes.
 */
#include "verify/judge.h"

static enum verify_finding judge_wholeness(const struct verify_sight *sight)
{
	if (sight->state == VERIFY_WHOLE)
		return VERIFY_NONE;
	return sight->state == VERIFY_TORN ? VERIFY_IS_TORN : VERIFY_IS_GARBLED;
}

enum verify_finding verify_judge_race(const struct verify_sight *sight, uint64_t least)
{
	enum verify_finding finding = judge_wholeness(sight);

	return !finding && sight->sequence < least ? VERIFY_IS_LOST : finding;
}

enum verify_finding verify_judge_check(const struct verify_sight *sight,
				       const struct verify_known *known, bool durable,
				       uint64_t kept_after)
{
	enum verify_finding finding = judge_wholeness(sight);

	if (finding || !durable || sight->sequence >= known->sequence)
		return finding;
	return known->index < kept_after ? VERIFY_IS_DISORDERED : VERIFY_IS_LOST;
}
