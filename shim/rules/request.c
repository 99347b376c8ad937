/* SPDX-License-Identifier: MIT */
/*
 * Makes the checks of pwritev2 with RWF_ATOMIC on a block device, in the kernel's order
 * (fs/read_write.c, block/fops.c: blkdev_write_iter, block/blk-merge.c of 6.12). The fd, the iovec
 * array and the offset's range come before them: the real kernel checks these when the engine asks
 * it at the gate. Start reading at request_check().
 */
#include "rules/request.h"

#include <errno.h>
#include <fcntl.h>

#include "untorn_uapi.h"

static bool is_pow2(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* kiocb_set_rw_flags() */
int request_check_flags(int rwf, const struct limits *limits)
{
	if (rwf & ~REQUEST_RWF_KNOWN)
		return -EOPNOTSUPP;
	if ((rwf & RWF_APPEND) && (rwf & RWF_NOAPPEND))
		return -EINVAL;
	return limits->unit_max ? 0 : -EOPNOTSUPP;
}

bool request_is_linux(uint64_t length, uint64_t offset)
{
	return is_pow2(length) && offset % length == 0;
}

/* generic_atomic_write_valid(). Device rules require neither a power of two nor natural
 * alignment. */
static int check_shape(const struct request *r, const struct limits *limits)
{
	if (r->segments != 1 || (!limits->most && !request_is_linux(r->length, r->offset)))
		return -EINVAL;
	return r->open_flags & O_DIRECT ? 0 : -EOPNOTSUPP;
}

static bool crosses_boundary(const struct request *r, uint32_t boundary)
{
	uint64_t first = r->start + r->offset, last = first + r->length - 1;

	return boundary && first / boundary != last / boundary;
}

/* blkdev_direct_IO() */
static int check_alignment(const struct request *r)
{
	if (r->offset + r->length > r->size)
		return -EINVAL;
	return (r->offset | r->length) % r->block || (r->address & r->dma_mask) ? -EINVAL : 0;
}

/* get_max_io_size(): the kernel ends the longest command at a physical block. A write that starts
 * off a physical block, on an odd partition, may be longer than that. */
static bool is_cut(const struct request *r, uint64_t max)
{
	if (!r->physical || !max)
		return false;
	uint64_t start = (r->start + r->offset) % r->physical;
	uint64_t end = (start + max) / r->physical * r->physical;

	return end > start && r->length > end - start;
}

static int check_device_rules(const struct request *r, const struct limits *limits)
{
	if (r->length > limits->most || r->length % limits->granularity ||
	    (r->start + r->offset) % limits->alignment)
		return -EINVAL;
	return crosses_boundary(r, limits->boundary) ? -EINVAL : 0;
}

/* Made when the bio is submitted. */
static int check_limits(const struct request *r, const struct limits *limits)
{
	if (limits->most)
		return check_device_rules(r, limits);
	if (r->length > limits->unit_max || r->length < limits->unit_min)
		return -EINVAL;
	return crosses_boundary(r, limits->boundary) || is_cut(r, limits->max) ? -EINVAL : 0;
}

static int check_range(const struct request *r)
{
	if (r->offset >= r->size)
		return -ENOSPC;
	if ((r->rwf & RWF_NOWAIT) && !(r->open_flags & O_DIRECT))
		return r->ring ? -EAGAIN : -EOPNOTSUPP; /* io_write() */
	return 0;
}

bool request_needs_state(const struct request *request, const struct limits *limits)
{
	return request_check_flags(request->rwf, limits) == 0 &&
	       request_check(request, limits) != REQUEST_GOOD;
}

enum request_lateness request_lateness(const struct request *request, const struct limits *limits)
{
	struct limits unlimited = { .unit_min = 1,
				    .unit_max = UINT32_MAX, /* max 0: none */
				    .most = limits->most ? UINT64_MAX : 0,
				    .granularity = 1,
				    .alignment = 1 };
	struct request unaligned = *request;

	if (!limits->unit_max || request_check(request, limits) != -EINVAL)
		return REQUEST_EARLY;
	if (request_check(request, &unlimited) == REQUEST_GOOD)
		return REQUEST_BEYOND_LIMITS;
	unaligned.block = 1;
	unaligned.dma_mask = 0;
	return request_check(&unaligned, &unlimited) == REQUEST_GOOD ? REQUEST_UNALIGNED
								     : REQUEST_EARLY;
}

/* Most writes pass every check of request_check(). A few comparisons show that, without a division:
 * if offset, start and boundary are multiples of the length, the write crosses no boundary and is
 * not cut. False: the checks must decide. */
static bool is_usual(const struct request *r, const struct limits *limits)
{
	uint64_t below = r->length - 1;

	return below < limits->unit_max && r->length >= limits->unit_min && !limits->most &&
	       !(limits->max && r->length > limits->max) && r->length >= r->block &&
	       !((r->length | r->offset | r->start | limits->boundary) & below) &&
	       r->offset + r->length <= r->size && r->segments == 1 && (r->open_flags & O_DIRECT) &&
	       !(r->address & r->dma_mask) && !(r->rwf & ~(RWF_ATOMIC | RWF_DSYNC | RWF_SYNC)) &&
	       !r->read_only && !r->swap;
}

int request_check(const struct request *request, const struct limits *limits)
{
	if (is_usual(request, limits))
		return REQUEST_GOOD;
	int error = request_check_flags(request->rwf, limits);
	if (error)
		return error;
	if (request->read_only)
		return -EPERM;
	if (request->swap)
		return -ETXTBSY;
	if (request->length == 0)
		return REQUEST_EMPTY;
	if ((error = check_range(request)) || (error = check_shape(request, limits)) ||
	    (error = check_alignment(request)) || (error = check_limits(request, limits)))
		return error;
	return REQUEST_GOOD;
}
