/* SPDX-License-Identifier: MIT */
/* Why a write was refused, for people who count such things. Pure; decides nothing. */
#ifndef REASON_H
#define REASON_H

#include "rules/limits.h"
#include "rules/request.h"

enum reason {
	REASON_OTHER,
	REASON_ARGUMENT,
	REASON_DESCRIPTOR,
	REASON_MEMORY,
	REASON_FLAGS,
	REASON_NOT_DIRECT,
	REASON_READ_ONLY,
	REASON_SWAP,
	REASON_END,
	REASON_WAIT,
	REASON_SEGMENTS,
	REASON_LENGTH,
	REASON_OFFSET,
	REASON_ALIGNMENT,
	REASON_SIZE,
	REASON_BOUNDARY,
	REASON_GRAIN,
	REASON_DEVICE, /* + enum refusal: the device has no atomic writes */
	REASON_COUNT = REASON_DEVICE + REFUSAL_COUNT
};

/* error: what it was refused with, -errno. A request whose block is 0 was not looked at yet. */
enum reason reason_of(const struct request *request, const struct limits *limits, int error);

/* One clause. Static. */
const char *reason_text(enum reason reason);

/* One word, for programs: it does not change between versions. All that a device may lack are
 * "device". Static. */
const char *reason_name(enum reason reason);

/* "EINVAL", of either sign; "error" for those that are not expected. Static. */
const char *reason_errno(int error);

#endif
