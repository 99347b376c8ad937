/* SPDX-License-Identifier: MIT */
/*
 * Tests limits made from READ CAPACITY (16) and VPD page B0h. The rows marked "seen" are
 * Linux 7.3's answers for scsi_debug with these parameters; tests/vm/long_scsi_statx.sh checks them
 * again.
 */
#include <stdint.h>
#include <string.h>

#include "rules/limits_scsi.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* In logical blocks; block 0 stands for 512. */
struct page {
	uint32_t max, align, gran, max_bndry, bndry, block;
	unsigned exponent, protection; /* protection: byte 12 as it is */
	unsigned length;               /* of the page; 0 stands for 64 */
};

static void put(uint8_t *bytes, unsigned size, uint64_t value)
{
	for (; size-- > 0; value >>= 8)
		bytes[size] = (uint8_t)value;
}

static struct scsi_identity identity_of(const struct page *page)
{
	struct scsi_identity identity = { 0 };
	uint8_t *limits = identity.block_limits;

	put(identity.capacity + 8, 4, page->block ? page->block : 512);
	identity.capacity[12] = (uint8_t)page->protection;
	identity.capacity[13] = (uint8_t)page->exponent;
	limits[1] = 0xb0;
	put(limits + 2, 2, (page->length ? page->length : 64) - 4);
	put(limits + 44, 4, page->max);
	put(limits + 48, 4, page->align);
	put(limits + 52, 4, page->gran);
	put(limits + 56, 4, page->max_bndry);
	put(limits + 60, 4, page->bndry);
	return identity;
}

static const struct {
	const char *why;
	struct page page;
	uint32_t unit_min, unit_max;
	uint64_t max;
	enum refusal refusal;
	enum origin origin;
} rows[] = {
	{ "seen", { .max = 32, .align = 1, .gran = 1 }, 512, 16384, 16384, 0, ORIGIN_MAX_ATOMIC },
	{ "seen", { .max = 128, .align = 2, .gran = 2 }, 1024, 65536, 65536, 0, ORIGIN_MAX_ATOMIC },
	{ "seen", { .max = 32, .align = 0, .gran = 0 }, 512, 16384, 16384, 0, ORIGIN_MAX_ATOMIC },
	{ "seen",
	  { .max = 32, .align = 8, .gran = 8, .exponent = 3 },
	  4096,
	  16384,
	  16384,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "seen",
	  { .max = 128, .align = 1, .gran = 32 },
	  16384,
	  65536,
	  65536,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "seen: the alignment of 1 block is not looked at",
	  { .max = 128, .align = 32, .gran = 1 },
	  512,
	  65536,
	  65536,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "seen",
	  { .max = 48, .align = 32, .gran = 32 },
	  16384,
	  16384,
	  24576,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "seen", { .max = 48, .align = 1, .gran = 1 }, 512, 16384, 24576, 0, ORIGIN_MAX_ATOMIC },
	{ "seen", { .max = 96, .align = 3, .gran = 3 }, .refusal = REFUSAL_GRANULARITY },
	{ "seen", { .max = 96, .align = 3, .gran = 1 }, .refusal = REFUSAL_GRANULARITY },
	{ "seen", { .max = 32, .align = 64, .gran = 8 }, .refusal = REFUSAL_GRANULARITY },
	{ "seen",
	  { .max = 4, .align = 1, .gran = 1, .block = 4096 },
	  4096,
	  16384,
	  16384,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "seen",
	  { .max = 0, .align = 1, .gran = 1, .max_bndry = 128, .bndry = 32 },
	  512,
	  16384,
	  65536,
	  0,
	  ORIGIN_MAX_BOUNDARY },
	{ "seen",
	  { .max = 0, .align = 1, .gran = 1, .max_bndry = 64, .bndry = 128 },
	  .refusal = REFUSAL_GARBAGE },
	{ "seen",
	  { .max = 0, .align = 1, .gran = 1, .max_bndry = 64, .bndry = 0 },
	  .refusal = REFUSAL_GARBAGE },
	{ "seen: only the form without a boundary",
	  { .max = 32, .align = 1, .gran = 1, .max_bndry = 128, .bndry = 64 },
	  512,
	  16384,
	  16384,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "nothing", { .max = 0 }, .refusal = REFUSAL_NO_ATOMIC },
	{ "a boundary alone", { .bndry = 32 }, .refusal = REFUSAL_NO_ATOMIC },
	{ "the smallest unit is the physical block's",
	  { .max = 32, .exponent = 3 },
	  4096,
	  16384,
	  16384,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "which is larger than the largest",
	  { .max = 4, .exponent = 3 },
	  .refusal = REFUSAL_GARBAGE },
	{ "the granularity is larger than the largest",
	  { .max = 16, .align = 1, .gran = 32 },
	  .refusal = REFUSAL_GRANULARITY },
	{ "a page of 60 bytes ends before the boundary",
	  { .max = 32, .align = 1, .gran = 1, .length = 60 },
	  .refusal = REFUSAL_NO_ATOMIC },
	{ "a longer page",
	  { .max = 32, .align = 1, .gran = 1, .length = 255 },
	  512,
	  16384,
	  16384,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "type 1", { .max = 32, .protection = 1 }, 512, 16384, 16384, 0, ORIGIN_MAX_ATOMIC },
	{ "type 2", { .max = 32, .protection = 3 }, .refusal = REFUSAL_PROTECTION_TYPE },
	{ "type 3", { .max = 32, .protection = 5 }, 512, 16384, 16384, 0, ORIGIN_MAX_ATOMIC },
	{ "type 4", { .max = 32, .protection = 7 }, .refusal = REFUSAL_GARBAGE },
	{ "a type that is not enabled",
	  { .max = 32, .protection = 2 },
	  512,
	  16384,
	  16384,
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "blocks of 520 bytes", { .max = 32, .block = 520 }, .refusal = REFUSAL_GARBAGE },
	{ "blocks of 256 bytes", { .max = 32, .block = 256 }, .refusal = REFUSAL_GARBAGE },
	{ "blocks of 128 KiB", { .max = 32, .block = 131072 }, .refusal = REFUSAL_GARBAGE },
	{ "just below 4 GiB",
	  { .max = 0x7fffff },
	  512,
	  UINT32_C(1) << 31,
	  UINT64_C(0xfffffe00),
	  0,
	  ORIGIN_MAX_ATOMIC },
	{ "4 GiB, which the kernel's arithmetic wraps",
	  { .max = 0x800000 },
	  .refusal = REFUSAL_GARBAGE },
	{ "all ones", { .max = UINT32_MAX }, .refusal = REFUSAL_GARBAGE },
};

START_TEST(every_row)
{
	struct scsi_identity identity = identity_of(&rows[_i].page);
	struct limits limits = limits_scsi(&identity);

	ck_assert_msg(limits.refusal == rows[_i].refusal, "%s (%d): refused: %s", rows[_i].why, _i,
		      limits_explain(limits.refusal));
	ck_assert_msg(limits.unit_min == rows[_i].unit_min && limits.unit_max == rows[_i].unit_max,
		      "%s (%d): %u to %u", rows[_i].why, _i, limits.unit_min, limits.unit_max);
	ck_assert_msg(limits.max == rows[_i].max && limits.boundary == 0, "%s (%d): %lu, %u",
		      rows[_i].why, _i, (unsigned long)limits.max, limits.boundary);
	ck_assert_int_eq(limits.origin, rows[_i].origin);
	ck_assert_uint_eq(limits.most, limits.origin == ORIGIN_MAX_ATOMIC ? limits.max : 0);
	if (limits.most) {
		unsigned block = rows[_i].page.block ? rows[_i].page.block : 512;
		ck_assert_uint_eq(limits.granularity, (rows[_i].page.gran ?: 1) * block);
		ck_assert_uint_eq(limits.alignment, (rows[_i].page.align ?: 1) * block);
	}
}
END_TEST

START_TEST(another_page_is_none)
{
	struct scsi_identity identity =
		identity_of(&(struct page){ .max = 32, .align = 1, .gran = 1 });

	identity.block_limits[1] = 0xb1;
	ck_assert_int_eq(limits_scsi(&identity).refusal, REFUSAL_NO_ATOMIC);
	memset(identity.block_limits, 0, sizeof(identity.block_limits));
	ck_assert_int_eq(limits_scsi(&identity).refusal, REFUSAL_NO_ATOMIC);
	memset(&identity, 0xff, sizeof(identity));
	ck_assert_int_eq(limits_scsi(&identity).refusal, REFUSAL_GARBAGE);
}
END_TEST

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static bool is_pow2(uint64_t value)
{
	return value && !(value & (value - 1));
}

static void check_property(const struct scsi_identity *identity)
{
	struct scsi_fields f = limits_scsi_fields(identity);
	struct queue queue = { .block = f.block, .max_hw = 512 << 10, .segments = 128 };
	struct limits limits = limits_cap(limits_scsi(identity), &queue, 4096);

	if (limits.refusal) {
		ck_assert(limits.unit_min == 0 && limits.unit_max == 0);
		return;
	}
	ck_assert(is_pow2(limits.unit_min) && is_pow2(limits.unit_max));
	ck_assert(limits.unit_min >= f.block && limits.unit_min <= limits.unit_max);
	ck_assert(limits.unit_max <= limits.max && limits.max <= queue.max_hw);
	uint32_t blocks = limits.unit_max / f.block;
	ck_assert(blocks <= (f.max_atomic ? f.max_atomic : f.max_with_boundary));
	ck_assert(f.max_atomic || blocks <= f.max_boundary);
	ck_assert(f.granularity <= 1 || blocks % f.granularity == 0);
}

/* Random bytes, and random small fields in an otherwise good page. */
START_TEST(limits_are_within_what_any_page_promises)
{
	uint64_t seed = 20261124;
	int accepted = 0;

	for (int i = 0; i < 50000; i++) {
		struct page page = { .max = (uint32_t)(next(&seed) % 300),
				     .align = (uint32_t)(next(&seed) % 9),
				     .gran = (uint32_t)(next(&seed) % 9),
				     .max_bndry = (uint32_t)(next(&seed) % 300),
				     .bndry = (uint32_t)(next(&seed) % 300),
				     .block = 512U << next(&seed) % 4,
				     .exponent = (unsigned)(next(&seed) % 4) };
		struct scsi_identity identity = identity_of(&page);
		for (int bytes = (int)(next(&seed) % 4); bytes > 0; bytes--)
			((uint8_t *)&identity)[next(&seed) % sizeof(identity)] =
				(uint8_t)next(&seed);
		check_property(&identity);
		accepted += !limits_scsi(&identity).refusal;
	}
	ck_assert_int_gt(accepted, 1000);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("SCSI limits");
	TCase *tc = tcase_create("tables");

	tcase_add_loop_test(tc, every_row, 0, COUNT(rows));
	tcase_add_test(tc, another_page_is_none);
	tcase_add_test(tc, limits_are_within_what_any_page_promises);
	suite_add_tcase(suite, tc);
	return suite;
}
