/* SPDX-License-Identifier: MIT */
/* Gives the reason why a write was refused, for people who count such writes. engine/account.c and
 * report/ call it. Pure; decides nothing. */
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

/* error: the -errno that the write was refused with. A request whose block is 0 was refused before
 * engine/engine.c filled it in. */
enum reason reason_of(const struct request *request, const struct limits *limits, int error);

/* Returns one clause. Static. */
const char *reason_text(enum reason reason);

/* Returns one word for programs, which does not change between versions. All refusals of a device
 * have the word "device". Static. */
const char *reason_name(enum reason reason);

/* Returns a name such as "EINVAL" for an error of either sign; "error" for one that is not
 * expected. Static. */
const char *reason_errno(int error);

#endif
