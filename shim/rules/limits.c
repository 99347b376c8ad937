/* SPDX-License-Identifier: MIT */
/*
 * Computes the block layer's part of the limits as Linux 7.2 does (block/blk-settings.c). Where
 * kernels differ, it follows the stricter one, so that it promises nothing that any kernel would
 * refuse to promise.
 */
#include "rules/limits.h"

#include <stddef.h>

enum { MAX_VECTORS = 256 }; /* BIO_MAX_VECS: pages in the largest single bio */

static bool is_pow2(uint64_t value)
{
	return value && !(value & (value - 1));
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t limits_floor_pow2(uint64_t value)
{
	return value ? UINT64_C(1) << (63 - __builtin_clzll(value)) : 0;
}

struct limits limits_refused(enum refusal refusal)
{
	return (struct limits){ .refusal = refusal };
}

/* Returns the bytes that fit into one command however badly the buffer lies in memory: its first
 * and last page may each hold a single block (blk_queue_max_guaranteed_bio). */
static uint64_t guaranteed_bytes(const struct queue *queue, uint32_t page_size)
{
	uint64_t segments = min(queue->segments, MAX_VECTORS);
	uint64_t ends = min(segments, 2);

	return ends * queue->block + (segments - ends) * page_size;
}

static enum refusal check_boundary(const struct limits *device, uint32_t chunk)
{
	if (!device->boundary)
		return chunk && device->max > chunk ? REFUSAL_CHUNK : REFUSAL_NONE;
	if (!is_pow2(device->boundary) || device->max > device->boundary)
		return REFUSAL_BOUNDARY;
	if (chunk && chunk % device->boundary && device->boundary % chunk)
		return REFUSAL_CHUNK;
	return chunk && device->max > chunk ? REFUSAL_CHUNK : REFUSAL_NONE;
}

struct limits limits_cap(struct limits device, const struct queue *queue, uint32_t page_size)
{
	if (device.refusal)
		return device;
	if (queue->zoned)
		return limits_refused(REFUSAL_ZONED);
	if (!is_pow2(queue->block))
		return limits_refused(REFUSAL_QUEUE);
	enum refusal refusal = check_boundary(&device, queue->chunk);
	if (refusal)
		return limits_refused(refusal);

	uint64_t whole = min(min(queue->max_hw, guaranteed_bytes(queue, page_size)), LIMITS_MAX);
	uint64_t limit = limits_floor_pow2(whole);
	/* The smallest unit is never cut: below it the device promises nothing. */
	if (device.unit_min < queue->block || device.unit_min > limit)
		return limits_refused(REFUSAL_QUEUE);
	device.unit_max = (uint32_t)min(device.unit_max, limit);
	device.max = min(device.max, queue->max_hw);
	if (device.granularity)
		device.most = min(device.most, whole) / device.granularity * device.granularity;
	return device;
}

struct limits limits_of_partition(struct limits disk, uint64_t start)
{
	uint32_t grain = disk.boundary > disk.unit_min ? disk.boundary : disk.unit_min;

	if (disk.refusal || start % grain == 0)
		return disk;
	return limits_refused(REFUSAL_PARTITION);
}

const char *limits_explain(enum refusal refusal)
{
	static const char *const texts[REFUSAL_COUNT] = {
		[REFUSAL_NONE] = "no obstacle",
		[REFUSAL_NOT_A_DISK] = "not an NVMe namespace, SCSI disk, or a partition of one",
		[REFUSAL_IDENTIFY] = "the shim could not read the device's identify data",
		[REFUSAL_GARBAGE] = "its identify data contradict each other or the kernel",
		[REFUSAL_ZONED] = "it is a zoned device",
		[REFUSAL_BOUNDARY_OFFSET] = "its atomic boundaries start at an offset (NABO)",
		[REFUSAL_BOUNDARY] =
			"its atomic boundary is not a power of two that holds the unit",
		[REFUSAL_METADATA] = "its format carries metadata that a plain write cannot supply",
		[REFUSAL_PROTECTION_TYPE] = "it is formatted with type 2 protection information",
		[REFUSAL_CHUNK] = "its optimal I/O boundary (NOIOB) cuts the atomic unit",
		[REFUSAL_QUEUE] = "the kernel's queue limits could not be read, or make no sense",
		[REFUSAL_PARTITION] =
			"the partition does not start on a multiple of the atomic unit or boundary",
		[REFUSAL_NO_ATOMIC] = "the device promises none (VPD page B0h)",
		[REFUSAL_GRANULARITY] =
			"its atomic unit is not a multiple of its atomic alignment or granularity",
		[REFUSAL_PRIVILEGE] = "this process may not send it a write command",
	};

	return refusal < REFUSAL_COUNT ? texts[refusal] : "unknown";
}

const char *limits_origin(enum origin origin)
{
	static const char *const texts[ORIGIN_COUNT] = {
		[ORIGIN_BLOCK] = "one logical block",
		[ORIGIN_NAWUPF] = "NAWUPF of the namespace",
		[ORIGIN_VENDOR] = "Amazon's NTWPU",
		[ORIGIN_AWUPF] = "AWUPF of the controller",
		[ORIGIN_MAX_ATOMIC] = "the maximum atomic transfer length",
		[ORIGIN_MAX_BOUNDARY] = "the maximum atomic boundary size",
	};

	return origin < ORIGIN_COUNT ? texts[origin] : "unknown";
}
