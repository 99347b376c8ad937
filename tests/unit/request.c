/* SPDX-License-Identifier: MIT */
/*
 * Tests the checks of an atomic pwritev2 on a block device: first each check alone, then which one
 * wins if two fail, then the measured answers of native kernels, then random requests against a
 * second formulation of the rule. #9 to #28 number the checks in the kernel's order.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "identify_page.h"
#include "rules/request.h"
#include "suite.h"
#include "untorn_uapi.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { UMIN = 512, UMAX = 16384, SIZE = 1 << 20, GOOD = REQUEST_GOOD, EMPTY = REQUEST_EMPTY };

/*
 * Zeroes in a row stand for a good write: UMAX bytes in one segment at offset 0 of a whole disk of
 * SIZE bytes with 512..16384, O_DIRECT, buffer at an address that is a multiple of 4096.
 */
struct row {
	const char *why;
	int expected;
	uint64_t offset, length;
	uint32_t segments;
	unsigned address;
	int rwf; /* besides RWF_ATOMIC */
	bool empty, no_segments, buffered, unsupported, read_only, swap;
	uint64_t size, start;
	uint32_t boundary, unit_min, block, dma_mask; /* dma_mask 0 means 3 */
	uint32_t physical, max;                       /* 0: no such; UMAX */
	int open_flags;
};

static int ask(const struct row *row)
{
	struct limits limits = { .unit_min = row->unit_min ? row->unit_min : UMIN,
				 .unit_max = UMAX,
				 .max = row->max ? row->max : UMAX,
				 .boundary = row->boundary };
	struct request request = {
		.offset = row->offset,
		.length = row->empty    ? 0
			  : row->length ? row->length
					: UMAX,
		.segments = row->no_segments ? 0
			    : row->segments  ? row->segments
					     : 1,
		.address = 0x10000 + row->address,
		.rwf = RWF_ATOMIC | row->rwf,
		.open_flags = O_RDWR | row->open_flags | (row->buffered ? 0 : O_DIRECT),
		.read_only = row->read_only,
		.swap = row->swap,
		.size = row->size ? row->size : SIZE,
		.start = row->start,
		.block = row->block ? row->block : 512,
		.physical = row->physical,
		.dma_mask = row->dma_mask ? row->dma_mask : 3,
	};

	if (row->unsupported)
		limits = limits_refused(REFUSAL_NOT_A_DISK);
	return request_check(&request, &limits);
}

/* Each check alone, in the kernel's order. */
static const struct row checks[] = {
	{ "good", GOOD, .length = UMAX },
	{ "#9 unknown flag", -EOPNOTSUPP, .rwf = 0x40000000 },
	{ "#10 append and not", -EINVAL, .rwf = RWF_APPEND | RWF_NOAPPEND },
	{ "#12 device without support", -EOPNOTSUPP, .unsupported = true },
	{ "#13 DONTCACHE is unknown to the kernel that we stand for", -EOPNOTSUPP,
	  .rwf = RWF_DONTCACHE },
	{ "#14 read-only device", -EPERM, .read_only = true },
	{ "#15 swap", -ETXTBSY, .swap = true },
	{ "#16 nothing to write", EMPTY, .empty = true },
	{ "#17 at the end", -ENOSPC, .offset = SIZE },
	{ "#18 NOWAIT, buffered", -EOPNOTSUPP, .rwf = RWF_NOWAIT, .buffered = true },
	{ "#19 two segments", -EINVAL, .segments = 2 },
	{ "#20 no power of two", -EINVAL, .length = 12288 },
	{ "#21 offset no multiple", -EINVAL, .offset = UMAX / 2 },
	{ "#22 buffered", -EOPNOTSUPP, .buffered = true },
	{ "#23 crosses the end", -EINVAL, .size = SIZE + UMAX / 2, .offset = SIZE },
	{ "#25 length within a block", -EINVAL, .length = 512, .block = 4096 },
	{ "#25 memory off", -EINVAL, .address = 2 },
	{ "#27 too long", -EINVAL, .length = 2 * UMAX },
	{ "#27 too short", -EINVAL, .length = UMIN, .unit_min = 2 * UMIN },
	{ "#28 across the device's boundary", -EINVAL, .boundary = 32768, .start = 24576 },
	{ "#28 off a physical block, as long as the disk can", -EINVAL, .start = 512,
	  .physical = 4096 },
	{ "on a physical block", GOOD, .start = 8192, .physical = 4096 },
	{ "off a physical block, and shorter", GOOD, .length = 8192, .start = 512,
	  .physical = 4096 },
	{ "off a physical block, but the disk could more", GOOD, .start = 512, .physical = 4096,
	  .max = 20480 },
	{ "off a physical block larger than any write", GOOD, .start = 512, .physical = 65536 },
};

/* Two checks fail: the errno is that of the earlier one. All checks after #22 give EINVAL, so their
 * order cannot be seen; the same is true of #19, #20 and #21. */
static const struct row pairs[] = {
	{ "#9 before #10", -EOPNOTSUPP, .rwf = 0x100 | RWF_APPEND | RWF_NOAPPEND },
	{ "#9 (DONTCACHE) before #10", -EOPNOTSUPP,
	  .rwf = RWF_DONTCACHE | RWF_APPEND | RWF_NOAPPEND },
	{ "#9 before #14", -EOPNOTSUPP, .rwf = 0x100, .read_only = true },
	{ "#9 before #16: only pwritev2's own door answers 0 first", -EOPNOTSUPP, .rwf = 0x100,
	  .empty = true },
	{ "#9 before #17", -EOPNOTSUPP, .rwf = 0x100, .offset = SIZE },
	{ "#9 before #20", -EOPNOTSUPP, .rwf = 0x100, .length = 12288 },
	{ "#10 before #12", -EINVAL, .rwf = RWF_APPEND | RWF_NOAPPEND, .unsupported = true },
	{ "#10 before #14", -EINVAL, .rwf = RWF_APPEND | RWF_NOAPPEND, .read_only = true },
	{ "#10 before #17", -EINVAL, .rwf = RWF_APPEND | RWF_NOAPPEND, .offset = SIZE },
	{ "#10 before #22", -EINVAL, .rwf = RWF_APPEND | RWF_NOAPPEND, .buffered = true },
	{ "#12 before #14", -EOPNOTSUPP, .unsupported = true, .read_only = true },
	{ "#12 before #15", -EOPNOTSUPP, .unsupported = true, .swap = true },
	{ "#12 before #16", -EOPNOTSUPP, .unsupported = true, .empty = true },
	{ "#12 before #17", -EOPNOTSUPP, .unsupported = true, .offset = SIZE },
	{ "#12 before #19", -EOPNOTSUPP, .unsupported = true, .segments = 2 },
	{ "#12 before #20", -EOPNOTSUPP, .unsupported = true, .length = 12288 },
	{ "#12 before #21", -EOPNOTSUPP, .unsupported = true, .offset = 512 },
	{ "#12 before #23", -EOPNOTSUPP, .unsupported = true, .size = 8192 },
	{ "#12 before #25", -EOPNOTSUPP, .unsupported = true, .address = 1 },
	{ "#12 before #27", -EOPNOTSUPP, .unsupported = true, .length = 2 * UMAX },
	{ "#14 before #15", -EPERM, .read_only = true, .swap = true },
	{ "#14 before #16", -EPERM, .read_only = true, .empty = true },
	{ "#14 before #17", -EPERM, .read_only = true, .offset = SIZE },
	{ "#14 before #18", -EPERM, .read_only = true, .rwf = RWF_NOWAIT, .buffered = true },
	{ "#14 before #20", -EPERM, .read_only = true, .length = 12288 },
	{ "#14 before #22", -EPERM, .read_only = true, .buffered = true },
	{ "#14 before #27", -EPERM, .read_only = true, .length = 2 * UMAX },
	{ "#15 before #16", -ETXTBSY, .swap = true, .empty = true },
	{ "#15 before #17", -ETXTBSY, .swap = true, .offset = SIZE },
	{ "#15 before #20", -ETXTBSY, .swap = true, .length = 1 },
	{ "#15 before #22", -ETXTBSY, .swap = true, .buffered = true },
	{ "#16 before #17", EMPTY, .empty = true, .offset = SIZE },
	{ "#16 before #18", EMPTY, .empty = true, .rwf = RWF_NOWAIT, .buffered = true },
	{ "#16 before #19", EMPTY, .empty = true, .segments = 2 },
	{ "#16 before #21", EMPTY, .empty = true, .offset = 1 },
	{ "#16 before #22", EMPTY, .empty = true, .buffered = true },
	{ "#16 before #25", EMPTY, .empty = true, .address = 1 },
	{ "#17 before #18", -ENOSPC, .offset = SIZE, .rwf = RWF_NOWAIT, .buffered = true },
	{ "#17 before #19", -ENOSPC, .offset = SIZE, .segments = 2 },
	{ "#17 before #20", -ENOSPC, .offset = SIZE, .length = 12288 },
	{ "#17 before #21", -ENOSPC, .offset = SIZE + 512 },
	{ "#17 before #22", -ENOSPC, .offset = SIZE, .buffered = true },
	{ "#17 before #25", -ENOSPC, .offset = SIZE, .address = 1 },
	{ "#17 before #27", -ENOSPC, .offset = SIZE, .length = 2 * UMAX },
	{ "#18 before #19", -EOPNOTSUPP, .rwf = RWF_NOWAIT, .buffered = true, .segments = 2 },
	{ "#18 before #20", -EOPNOTSUPP, .rwf = RWF_NOWAIT, .buffered = true, .length = 12288 },
	{ "#18 before #21", -EOPNOTSUPP, .rwf = RWF_NOWAIT, .buffered = true, .offset = 512 },
	{ "#19 before #22", -EINVAL, .segments = 2, .buffered = true },
	{ "#20 before #22", -EINVAL, .length = 12288, .buffered = true },
	{ "#21 before #22", -EINVAL, .offset = 512, .buffered = true },
	{ "#22 before #23", -EOPNOTSUPP, .buffered = true, .size = SIZE + 8192, .offset = SIZE },
	{ "#22 before #25 (block)", -EOPNOTSUPP, .buffered = true, .length = 512, .block = 4096 },
	{ "#22 before #25 (memory)", -EOPNOTSUPP, .buffered = true, .address = 1 },
	{ "#22 before #27 (long)", -EOPNOTSUPP, .buffered = true, .length = 2 * UMAX },
	{ "#22 before #27 (short)", -EOPNOTSUPP, .buffered = true, .length = UMIN,
	  .unit_min = 2 * UMIN },
	{ "#22 before #28", -EOPNOTSUPP, .buffered = true, .boundary = 32768, .start = 24576 },
};

/* Measured answers of kernels 6.12 to 7.3 on a device of 512..16384. */
static const struct row seen[] = {
	{ "len unit_min", GOOD, .length = 512 },
	{ "len 1024", GOOD, .length = 1024 },
	{ "len 8192", GOOD, .length = 8192 },
	{ "len unit_max", GOOD, .length = 16384 },
	{ "len 1", -EINVAL, .length = 1 },
	{ "len 256", -EINVAL, .length = 256 },
	{ "len 511", -EINVAL, .length = 511 },
	{ "len 1536", -EINVAL, .length = 1536 },
	{ "len 3072", -EINVAL, .length = 3072 },
	{ "len 6144", -EINVAL, .length = 6144 },
	{ "len 12288", -EINVAL, .length = 12288 },
	{ "len 20480", -EINVAL, .length = 20480 },
	{ "len 32768", -EINVAL, .length = 32768 },
	{ "len 65536", -EINVAL, .length = 65536 },
	{ "len 2^62", -EINVAL, .length = UINT64_C(1) << 62 },
	{ "len below a unit of several blocks", -EINVAL, .length = 8192, .unit_min = 16384 },
	{ "len the only size", GOOD, .length = 16384, .unit_min = 16384 },
	{ "offset len", GOOD, .offset = 16384 },
	{ "offset 3 x len", GOOD, .offset = 3 * 512, .length = 512 },
	{ "offset len + 512", -EINVAL, .offset = 16384 + 512 },
	{ "offset 3.5 x len", -EINVAL, .offset = 57344 },
	{ "offset 1", -EINVAL, .offset = 1 },
	{ "offset 1, len 1: a multiple, yet no block", -EINVAL, .offset = 1, .length = 1 },
	{ "{umax, 0}", -EINVAL, .segments = 2 },
	{ "1024 segments", -EINVAL, .segments = 1024 },
	{ "no segments", EMPTY, .empty = true, .no_segments = true },
	{ "len 0", EMPTY, .empty = true },
	{ "len 0 at offset 1", EMPTY, .empty = true, .offset = 1 },
	{ "len 0 past the end", EMPTY, .empty = true, .offset = SIZE + 512 },
	{ "memory + 1", -EINVAL, .address = 1 },
	{ "memory + 2", -EINVAL, .address = 2 },
	{ "memory + 4", GOOD, .address = 4 },
	{ "memory + 512", GOOD, .address = 512 },
	{ "memory + 4, dma_alignment 511", -EINVAL, .address = 4, .dma_mask = 511 },
	{ "memory + 256, dma_alignment 511", -EINVAL, .address = 256, .dma_mask = 511 },
	{ "memory + 512, dma_alignment 511", GOOD, .address = 512, .dma_mask = 511 },
	{ "memory + 512, dma_alignment 4095", -EINVAL, .address = 512, .dma_mask = 4095 },
	{ "buffered, good", -EOPNOTSUPP, .buffered = true },
	{ "buffered, bad length", -EINVAL, .buffered = true, .length = 1536 },
	{ "buffered, bad offset", -EINVAL, .buffered = true, .offset = 512 },
	{ "buffered, over unit_max", -EOPNOTSUPP, .buffered = true, .length = 32768 },
	{ "buffered, below unit_min", -EOPNOTSUPP, .buffered = true, .length = 256 },
	{ "buffered, at the end", -ENOSPC, .buffered = true, .offset = SIZE },
	{ "buffered, NOWAIT", -EOPNOTSUPP, .buffered = true, .rwf = RWF_NOWAIT },
	{ "buffered, NOWAIT, bad length", -EOPNOTSUPP, .buffered = true, .rwf = RWF_NOWAIT,
	  .length = 1 },
	{ "ends at the end", GOOD, .offset = SIZE - UMAX },
	{ "starts at the end", -ENOSPC, .offset = SIZE },
	{ "starts past the end", -ENOSPC, .offset = SIZE + UMAX },
	{ "starts at the end, bad length", -ENOSPC, .offset = SIZE, .length = 3 },
	{ "straddles the end: never shortened", -EINVAL, .offset = SIZE, .size = SIZE + 8192 },
	{ "the rest of an odd size", GOOD, .offset = SIZE, .size = SIZE + 8192, .length = 8192 },
	{ "straddles by a block", -EINVAL, .offset = SIZE - UMAX, .size = SIZE - 512 },
	{ "a device of less than the write", -EINVAL, .size = 8192 },
	{ "beyond 4 GiB", GOOD, .offset = UINT64_C(1) << 40, .size = UINT64_C(2) << 40 },
	{ "O_DSYNC, O_APPEND, O_NONBLOCK", GOOD, .open_flags = O_DSYNC | O_APPEND | O_NONBLOCK },
	{ "DSYNC", GOOD, .rwf = RWF_DSYNC },
	{ "SYNC", GOOD, .rwf = RWF_SYNC },
	{ "NOWAIT", GOOD, .rwf = RWF_NOWAIT },
	{ "APPEND writes at the offset given", GOOD, .rwf = RWF_APPEND },
	{ "NOAPPEND", GOOD, .rwf = RWF_NOAPPEND },
	{ "HIPRI", GOOD, .rwf = RWF_HIPRI },
	{ "all that are known", GOOD,
	  .rwf = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_NOAPPEND },
	{ "DONTCACHE, which block devices take from 7.3 only", -EOPNOTSUPP, .rwf = 0x80 },
	{ "NOSIGNAL, as 6.12 says", -EOPNOTSUPP, .rwf = 0x100 },
	{ "the flag of the gate", -EOPNOTSUPP, .rwf = 0x40000000 },
	{ "the sign bit", -EOPNOTSUPP, .rwf = (int)0x80000000 },
	{ "unknown flag and bad length", -EOPNOTSUPP, .rwf = 0x200, .length = 3 },
	{ "read-only and bad length", -EPERM, .read_only = true, .length = 3 },
	{ "no support and APPEND with NOAPPEND", -EINVAL, .unsupported = true,
	  .rwf = RWF_APPEND | RWF_NOAPPEND },
};

/* The boundary counts from the start of the disk, the alignment from that of the partition. */
static const struct row boundaries[] = {
	{ "within", GOOD, .boundary = 32768, .offset = 16384 },
	{ "as long as the boundary", GOOD, .boundary = 16384, .offset = 16384 },
	{ "partition on a boundary", GOOD, .boundary = 32768, .start = 1 << 20 },
	{ "partition half a boundary off, first half", GOOD, .boundary = 32768, .start = 16384 },
	{ "partition off: first and last byte in two windows", -EINVAL, .boundary = 32768,
	  .start = 24576 },
	{ "the same place, a smaller write", GOOD, .boundary = 32768, .start = 24576,
	  .length = 8192 },
	{ "the next place is as bad", -EINVAL, .boundary = 32768, .start = 24576, .offset = 32768 },
	{ "the place between is good", GOOD, .boundary = 32768, .start = 24576, .offset = 16384 },
	{ "off by one block, the last block crosses", -EINVAL, .boundary = 16384, .start = 512 },
	{ "one block never crosses", GOOD, .boundary = 16384, .start = 512, .length = 512 },
	{ "two blocks over a boundary", -EINVAL, .boundary = 1024, .start = 512, .length = 1024 },
	{ "beyond 4 GiB the upper bits count", -EINVAL, .boundary = 32768,
	  .start = (UINT64_C(1) << 42) + 24576 },
	{ "a boundary of 2 GiB", GOOD, .boundary = 1U << 31, .start = (UINT64_C(1) << 31) - 16384 },
	{ "across a boundary of 2 GiB", -EINVAL, .boundary = 1U << 31,
	  .start = (UINT64_C(1) << 31) - 8192 },
	{ "no boundary, odd start", GOOD, .start = 32769 * 512 },
	{ "longer than the boundary", -EINVAL, .boundary = 8192 },
	{ "longer than the longest command", -EINVAL, .physical = 4096, .max = 8192 },
	{ "longer than the unit, not than the longest command", -EINVAL, .length = 2 * UMAX,
	  .max = 4 * UMAX },
};

static void answers(const struct row *row)
{
	int result = ask(row);

	ck_assert_msg(result == row->expected, "%s: %d", row->why, result);
}

START_TEST(each_check_alone)
{
	answers(&checks[_i]);
}
END_TEST

START_TEST(earlier_check_wins)
{
	answers(&pairs[_i]);
}
END_TEST

START_TEST(answer_is_what_native_kernels_gave)
{
	answers(&seen[_i]);
}
END_TEST

START_TEST(boundary_counts_from_the_start_of_the_disk)
{
	answers(&boundaries[_i]);
}
END_TEST

/* Every flag bit on its own: 0x7f is what 6.12 knows. */
START_TEST(flag_is_known_to_6_12_or_refused)
{
	struct row row = { "", _i < 7 ? GOOD : -EOPNOTSUPP, .rwf = (int)(1U << _i) };

	answers(&row);
	row.expected = -EOPNOTSUPP;
	row.unsupported = true;
	answers(&row);
}
END_TEST

/* request_needs_state(): a request whose answer read_only or swap would change. */
static const struct {
	struct row row;
	bool needs;
} states[] = {
	{ { "good: the kernel's own preparation tells", 0, .length = UMAX }, false },
	{ { "unknown flag comes first", 0, .rwf = 0x100 }, false },
	{ { "contradicting flags come first", 0, .rwf = RWF_APPEND | RWF_NOAPPEND }, false },
	{ { "no support comes first", 0, .unsupported = true }, false },
	{ { "bad length comes after", 0, .length = 3 }, true },
	{ { "the end comes after", 0, .offset = SIZE }, true },
	{ { "two segments come after", 0, .segments = 2 }, true },
	{ { "buffered comes after", 0, .buffered = true }, true },
	{ { "NOWAIT buffered comes after", 0, .buffered = true, .rwf = RWF_NOWAIT }, true },
	{ { "memory comes after", 0, .address = 1 }, true },
	{ { "too long comes after", 0, .length = 32768 }, true },
};

START_TEST(state_is_asked_for_where_it_would_change_the_error)
{
	const struct row *row = &states[_i].row;
	struct limits limits = { .unit_min = UMIN, .unit_max = UMAX, .max = UMAX };
	struct request request = { .offset = row->offset,
				   .length = row->length ? row->length : UMAX,
				   .segments = row->segments ? row->segments : 1,
				   .address = 0x10000 + row->address,
				   .rwf = RWF_ATOMIC | row->rwf,
				   .open_flags = O_RDWR | (row->buffered ? 0 : O_DIRECT),
				   .size = SIZE,
				   .block = 512,
				   .dma_mask = 3 };

	if (row->unsupported)
		limits = limits_refused(REFUSAL_ZONED);
	ck_assert_msg(request_needs_state(&request, &limits) == states[_i].needs, "%s", row->why);
	request.read_only = true;
	if (states[_i].needs)
		ck_assert_int_eq(request_check(&request, &limits), -EPERM);
}
END_TEST

static bool multiple(uint64_t value, uint64_t of)
{
	return value / of * of == value;
}

/* The rule once more, as one sentence. */
static bool is_good(const struct request *r, const struct limits *l)
{
	uint64_t first = r->start + r->offset, end = r->offset + r->length;
	bool allowed = !r->read_only && !r->swap && l->unit_max && (r->open_flags & O_DIRECT);
	bool flags = r->rwf >= 0 && r->rwf < 0x80 && (r->rwf & 0x30) != 0x30;
	bool shape = r->segments == 1 && __builtin_popcountll(r->length) == 1;
	bool fits = shape && r->length >= l->unit_min && r->length <= l->unit_max &&
		    multiple(r->offset, r->length) && end <= r->size;

	if (l->most)
		fits = r->segments == 1 && r->length <= l->most && end <= r->size &&
		       multiple(r->length, l->granularity) && multiple(first, l->alignment);

	if (!allowed || !flags || !fits)
		return false;
	if (l->boundary && first % l->boundary + r->length > l->boundary)
		return false;
	return multiple(r->length, r->block) && multiple(r->offset, r->block) &&
	       multiple(r->address, r->dma_mask + 1U);
}

static struct limits random_limits(uint64_t dice)
{
	unsigned low = 9 + (dice & 3), high = low + (dice >> 2 & 7);

	if (!(dice >> 5 & 31))
		return limits_refused(REFUSAL_ZONED);
	return (struct limits){ .unit_min = 1U << low,
				.unit_max = 1U << high,
				.max = 1U << high,
				.boundary = dice >> 10 & 1 ? 1U << (high + (dice >> 11 & 1)) : 0,
				.most = dice >> 12 & 1 ? (1U << high) + (dice >> 13 & 3) * 512 : 0,
				.granularity = 1U << low,
				.alignment = 512U << (dice >> 15 & 3) };
}

static struct request random_request(uint64_t *state, const struct limits *limits)
{
	uint64_t a = identify_random(state), b = identify_random(state);
	uint64_t length = UINT64_C(1) << (8 + a % 14);

	if (!(a >> 4 & 7))
		length += (a >> 7 & 3) * 256;
	return (struct request){
		.offset = (b & 63) * (a >> 16 & 7 ? length : 512),
		.length = a >> 19 & 31 ? length : 0,
		.segments = a >> 24 & 7 ? 1 : (uint32_t)(b >> 6 & 3),
		.address = (b >> 8 & 7) * (a >> 27 & 1 ? 512 : 2),
		.rwf = a >> 28 & 3 ? RWF_ATOMIC : (int)(b >> 11 & 0xff),
		.open_flags = O_RDWR | (a >> 30 & 7 ? O_DIRECT : 0),
		.read_only = !(a >> 33 & 31),
		.swap = !(a >> 38 & 31),
		.size = (1 + (b >> 20 & 0xfff)) * 512 * 16,
		.start = (b >> 32 & 0xffff) * (a >> 43 & 1 ? 512 : 65536),
		.block = limits->unit_min >> (a >> 44 & 1 && limits->unit_min > 512) ?: 512,
		.dma_mask = a >> 45 & 1 ? 3 : 511,
	};
}

START_TEST(random_requests_are_good_exactly_when_all_conditions_hold)
{
	uint64_t state = 0x746f726e;
	unsigned good = 0;

	for (unsigned i = 0; i < 1000000; i++) {
		struct limits limits = random_limits(identify_random(&state));
		struct request request = random_request(&state, &limits);
		int result = request_check(&request, &limits);
		bool expected = request.length && is_good(&request, &limits);

		if ((result == REQUEST_GOOD) != expected || result > REQUEST_GOOD ||
		    (result == REQUEST_EMPTY && request.length))
			ck_abort_msg("request %u: %d", i, result);
		good += expected;
	}
	ck_assert_uint_ge(good, 10000); /* else too few were good */
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("request");
	TCase *tc = tcase_create("checks");

	tcase_add_loop_test(tc, each_check_alone, 0, COUNT(checks));
	tcase_add_loop_test(tc, earlier_check_wins, 0, COUNT(pairs));
	tcase_add_loop_test(tc, answer_is_what_native_kernels_gave, 0, COUNT(seen));
	tcase_add_loop_test(tc, boundary_counts_from_the_start_of_the_disk, 0, COUNT(boundaries));
	tcase_add_loop_test(tc, flag_is_known_to_6_12_or_refused, 0, 32);
	tcase_add_loop_test(tc, state_is_asked_for_where_it_would_change_the_error, 0,
			    COUNT(states));
	suite_add_tcase(s, tc);
	tc = tcase_create("random");
	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, random_requests_are_good_exactly_when_all_conditions_hold);
	suite_add_tcase(s, tc);
	return s;
}
