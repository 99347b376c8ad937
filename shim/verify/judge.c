/* SPDX-License-Identifier: MIT */
/*
 * A page is to be one write's, and not an older one's than the device had acknowledged. What is
 * missing was lost out of order if something is there that was begun after the missing write had
 * been acknowledged; else the device has lost its latest writes only.
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
