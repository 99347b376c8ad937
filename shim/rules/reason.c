/* SPDX-License-Identifier: MIT */
/* Finds the reason again from the errno and the request. Start reading at reason_of(). */
#include "rules/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

static bool is_too_large_or_small(const struct request *r, const struct limits *limits)
{
	return limits->most ? r->length > limits->most
			    : r->length > limits->unit_max || r->length < limits->unit_min;
}

/* Goes in the order in which request_check() makes its checks. */
static enum reason of_shape(const struct request *r, const struct limits *limits)
{
	uint64_t first = r->start + r->offset;

	if (!r->block)
		return REASON_ARGUMENT;
	if (r->segments != 1)
		return REASON_SEGMENTS;
	if (!limits->most && (!r->length || (r->length & (r->length - 1))))
		return REASON_LENGTH;
	if (!limits->most && r->offset % r->length)
		return REASON_OFFSET;
	if (r->offset + r->length > r->size)
		return REASON_END;
	if ((r->offset | r->length) % r->block || (r->address & r->dma_mask))
		return REASON_ALIGNMENT;
	if (is_too_large_or_small(r, limits))
		return REASON_SIZE;
	if (limits->most && (r->length % limits->granularity || first % limits->alignment))
		return REASON_GRAIN;
	if (limits->boundary &&
	    first / limits->boundary != (first + r->length - 1) / limits->boundary)
		return REASON_BOUNDARY;
	return REASON_ARGUMENT;
}

static enum reason of_support(const struct request *request, const struct limits *limits)
{
	if (request_check_flags(request->rwf, limits) == 0 && request->block &&
	    !(request->open_flags & O_DIRECT))
		return REASON_NOT_DIRECT;
	return limits->unit_max ? REASON_FLAGS
				: (enum reason)((int)REASON_DEVICE + (int)limits->refusal);
}

enum reason reason_of(const struct request *request, const struct limits *limits, int error)
{
	switch (error) {
	case -EINVAL:
		return of_shape(request, limits);
	case -EOPNOTSUPP:
		return of_support(request, limits);
	case -EBADF:
		return REASON_DESCRIPTOR;
	case -EFAULT:
		return REASON_MEMORY;
	case -EPERM:
		return REASON_READ_ONLY;
	case -ETXTBSY:
		return REASON_SWAP;
	case -ENOSPC:
		return REASON_END;
	case -EAGAIN:
		return REASON_WAIT;
	default:
		return REASON_OTHER;
	}
}

const char *reason_text(enum reason reason)
{
	static const char *const texts[REASON_DEVICE] = {
		[REASON_OTHER] = "another error",
		[REASON_ARGUMENT] = "an argument that is invalid for every write",
		[REASON_DESCRIPTOR] = "not open for writing",
		[REASON_MEMORY] = "memory that cannot be read",
		[REASON_FLAGS] = "flags that do not go with an atomic write",
		[REASON_NOT_DIRECT] = "not opened with O_DIRECT",
		[REASON_READ_ONLY] = "the device is read-only",
		[REASON_SWAP] = "the device is in use as swap space",
		[REASON_END] = "beyond the end of the device",
		[REASON_WAIT] = "it would have to wait (RWF_NOWAIT)",
		[REASON_SEGMENTS] = "more than one segment of memory",
		[REASON_LENGTH] = "the length is not a power of two",
		[REASON_OFFSET] = "the offset is not a multiple of the length",
		[REASON_ALIGNMENT] =
			"offset or length not aligned to blocks, or memory not as the driver needs",
		[REASON_SIZE] = "smaller or larger than the device's atomic unit",
		[REASON_GRAIN] = "not at the device's atomic granularity or alignment",
		[REASON_BOUNDARY] = "it crosses an atomic boundary of the device",
	};

	return reason < REASON_DEVICE ? texts[reason]
				      : limits_explain((enum refusal)(reason - REASON_DEVICE));
}

const char *reason_name(enum reason reason)
{
	static const char *const names[REASON_DEVICE] = {
		[REASON_OTHER] = "other",
		[REASON_ARGUMENT] = "argument",
		[REASON_DESCRIPTOR] = "rights",
		[REASON_MEMORY] = "memory",
		[REASON_FLAGS] = "flags",
		[REASON_NOT_DIRECT] = "not-direct",
		[REASON_READ_ONLY] = "read-only",
		[REASON_SWAP] = "swap",
		[REASON_END] = "end-of-device",
		[REASON_WAIT] = "would-wait",
		[REASON_SEGMENTS] = "segments",
		[REASON_LENGTH] = "power-of-two",
		[REASON_OFFSET] = "natural-alignment",
		[REASON_ALIGNMENT] = "block-alignment",
		[REASON_SIZE] = "limits",
		[REASON_GRAIN] = "granularity",
		[REASON_BOUNDARY] = "boundary",
	};

	return reason < REASON_DEVICE ? names[reason] : "device";
}

const char *reason_errno(int error)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{ EINVAL, "EINVAL" }, { EOPNOTSUPP, "EOPNOTSUPP" }, { EBADF, "EBADF" },
		{ EFAULT, "EFAULT" }, { EPERM, "EPERM" },           { ETXTBSY, "ETXTBSY" },
		{ ENOSPC, "ENOSPC" }, { EAGAIN, "EAGAIN" },         { EIO, "EIO" },
		{ ENXIO, "ENXIO" },   { ENODEV, "ENODEV" },         { EACCES, "EACCES" },
		{ ENOMEM, "ENOMEM" }, { ESPIPE, "ESPIPE" },         { EINTR, "EINTR" },
		{ EILSEQ, "EILSEQ" }, { EREMOTEIO, "EREMOTEIO" },   { ETIMEDOUT, "ETIMEDOUT" },
		{ EBADE, "EBADE" },   { ENODATA, "ENODATA" },       { EBUSY, "EBUSY" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == (error < 0 ? -error : error))
			return names[i].name;
	}
	return "error";
}
