/* SPDX-License-Identifier: MIT */
/*
 * Tests limits made from Identify bytes. First against the measured answers of kernels
 * (tables_geometry.h, through the block layer's caps), then each rule alone, then a property over
 * random pages. The format's rules are in tests/unit/nvme_format.c.
 */
#include <stdint.h>
#include <string.h>

#include "identify_page.h"
#include "suite.h"
#include "tables_geometry.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct nvme_identity page;

static void check_geometry(const struct geometry *row, enum nvme_policy policy)
{
	struct geometry_limits expected = row->namespace_policy;
	struct queue queue = { .max_hw = row->max_hw ? row->max_hw : 512 << 10,
			       .segments = row->segments ? row->segments : 128,
			       .zoned = row->zoned };

	if (policy == NVME_POLICY_CONTROLLER &&
	    (row->controller_policy.max || row->controller_policy.refusal))
		expected = row->controller_policy;
	identify_page(&row->page, &page);
	queue.block = limits_nvme_format(&page).block;
	struct limits limits = limits_cap(limits_nvme(&page, policy), &queue, 4096);
	ck_assert_msg(limits.refusal == expected.refusal, "%s: refused: %s", row->why,
		      limits_explain(limits.refusal));
	ck_assert_msg(limits.unit_min == expected.min && limits.unit_max == expected.max &&
			      limits.max == expected.wmax && limits.boundary == expected.boundary,
		      "%s: %u/%u/%lu, %u", row->why, limits.unit_min, limits.unit_max,
		      (unsigned long)limits.max, limits.boundary);
}

START_TEST(geometry_is_what_kernels_from_7_0_say)
{
	check_geometry(&geometries[_i], NVME_POLICY_NAMESPACE);
}
END_TEST

START_TEST(geometry_is_what_kernels_to_6_19_say)
{
	check_geometry(&geometries[_i], NVME_POLICY_CONTROLLER);
}
END_TEST

/* The device's own limits, before any cap. 512-byte blocks unless said. */
static const struct {
	const char *why;
	struct identify_page page;
	enum nvme_policy policy;
	struct limits expected;
} rules[] = {
	{ "NAWUPF is nothing without NSFEAT bit 1",
	  { .nawupf = 31 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
	{ "nor are the other bits of NSFEAT bit 1",
	  { .nsfeat = 0xfd, .nawupf = 31 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
	{ "without bit 1 AWUPF is taken, not the NAWUPF that happens to be there",
	  { .nawupf = 31, .awupf = 7 },
	  NVME_POLICY_CONTROLLER,
	  { .unit_min = 512,
	    .unit_max = 4096,
	    .max = 4096,
	    .boundary = 0,
	    .origin = ORIGIN_AWUPF } },
	{ "bit 1 among all others is bit 1 (multiple atomicity mode is not used)",
	  { .nsfeat = 0xff, .nawupf = 31 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 0,
	    .origin = ORIGIN_NAWUPF } },
	{ "both bytes of NAWUPF count",
	  { .nsfeat = 2, .nawupf = 0x0100 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 131072,
	    .max = 257 * 512,
	    .boundary = 0,
	    .origin = ORIGIN_NAWUPF } },
	{ "the largest NAWUPF is 65536 blocks",
	  { .nsfeat = 2, .nawupf = 0xffff },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 32 << 20,
	    .max = 32 << 20,
	    .boundary = 0,
	    .origin = ORIGIN_NAWUPF } },
	{ "65536 blocks of 32 KiB still fit 32 bits",
	  { .nsfeat = 2, .nawupf = 0xffff, .lbads = 15 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 32768,
	    .unit_max = 1U << 31,
	    .max = 1U << 31,
	    .boundary = 0,
	    .origin = ORIGIN_NAWUPF } },
	{ "65536 blocks of 64 KiB do not: no unit of 0 comes out of it",
	  { .nsfeat = 2, .nawupf = 0xffff, .lbads = 16 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_GARBAGE } },
	{ "nor from AWUPF",
	  { .awupf = 0xffff, .lbads = 16 },
	  NVME_POLICY_CONTROLLER,
	  { .refusal = REFUSAL_GARBAGE } },
	{ "single: one format for all",
	  { .awupf = 31, .fna = 1, .nn = 32 },
	  NVME_POLICY_SINGLE,
	  { .unit_min = 512, .unit_max = 16384, .max = 16384, .origin = ORIGIN_AWUPF } },
	{ "single: one namespace",
	  { .awupf = 31, .nn = 1 },
	  NVME_POLICY_SINGLE,
	  { .unit_min = 512, .unit_max = 16384, .max = 16384, .origin = ORIGIN_AWUPF } },
	{ "single: several formats",
	  { .awupf = 31, .fna = 6, .nn = 2 },
	  NVME_POLICY_SINGLE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .origin = ORIGIN_BLOCK } },
	{ "single: another controller",
	  { .awupf = 31, .fna = 1, .nn = 1, .cmic = 2 },
	  NVME_POLICY_SINGLE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .origin = ORIGIN_BLOCK } },
	{ "single: a namespace may be made with another format",
	  { .awupf = 31, .fna = 1, .nn = 1, .oacs = 8 },
	  NVME_POLICY_SINGLE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .origin = ORIGIN_BLOCK } },
	{ "single: other commands of the administrator are no matter",
	  { .awupf = 31, .nn = 1, .oacs = 0x7f7 },
	  NVME_POLICY_SINGLE,
	  { .unit_min = 512, .unit_max = 16384, .max = 16384, .origin = ORIGIN_AWUPF } },
	{ "single: NAWUPF comes first",
	  { .nsfeat = 2, .nawupf = 7, .awupf = 31, .nn = 1 },
	  NVME_POLICY_SINGLE,
	  { .unit_min = 512, .unit_max = 4096, .max = 4096, .origin = ORIGIN_NAWUPF } },
	{ "both bytes of AWUPF count",
	  { .awupf = 0x0200 },
	  NVME_POLICY_CONTROLLER,
	  { .unit_min = 512,
	    .unit_max = 262144,
	    .max = 513 * 512,
	    .boundary = 0,
	    .origin = ORIGIN_AWUPF } },
	{ "the namespace policy never believes AWUPF",
	  { .awupf = 0xffff },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
	{ "AWUN and NAWUN are believed by nobody",
	  { .nsfeat = 2, .awun = 63, .nawun = 63 },
	  NVME_POLICY_CONTROLLER,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },

	{ "a boundary of one block is 0 in a 0's based field, which means none",
	  { .nsfeat = 2, .nawupf = 31, .nabspf = 0 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 0,
	    .origin = ORIGIN_NAWUPF } },
	{ "a boundary counts blocks",
	  { .nsfeat = 2, .nawupf = 3, .nabspf = 15, .lbads = 12 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 4096,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 65536,
	    .origin = ORIGIN_NAWUPF } },
	{ "a boundary of 2^32 bytes is not taken for none",
	  { .nsfeat = 2, .nawupf = 31, .nabspf = 0xffff, .lbads = 16 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_BOUNDARY } },
	{ "a boundary without bit 1 is not there",
	  { .nawupf = 31, .nabspf = 7 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
	{ "NABO counts even without bit 1, as in the kernel",
	  { .nabo = 1 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_BOUNDARY_OFFSET } },
	{ "NABO's upper byte counts",
	  { .nsfeat = 2, .nawupf = 31, .nabo = 0x0100 },
	  NVME_POLICY_CONTROLLER,
	  { .refusal = REFUSAL_BOUNDARY_OFFSET } },
	{ "NABO spoils Amazon's bytes too",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .nabo = 1 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_BOUNDARY_OFFSET } },

	{ "Amazon's 16 KiB by the block",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 0,
	    .origin = ORIGIN_VENDOR } },
	{ "Amazon's 16 KiB in steps of 4 KiB: smaller writes are not promised",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpg = 7 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 4096,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 0,
	    .origin = ORIGIN_VENDOR } },
	{ "Amazon's numbers count blocks of 4096 too",
	  { .vid = VENDOR_AMAZON, .ntwpu = 3, .ntwpg = 1, .lbads = 12 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 8192,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 0,
	    .origin = ORIGIN_VENDOR } },
	{ "Amazon's boundary",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpb = 255 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 131072,
	    .origin = ORIGIN_VENDOR } },
	{ "Amazon's boundary has 32 bits",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpb = 0x1ffff },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 64 << 20,
	    .origin = ORIGIN_VENDOR } },
	{ "2^32 blocks of boundary are not taken for none",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpb = 0xffffffff },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_BOUNDARY } },
	{ "2^23 blocks of 512 bytes are 2^32 bytes: not taken for none",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpb = (1 << 23) - 1 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_BOUNDARY } },
	{ "a grain that is no power of two has no alignment we could check",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpg = 2 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_GARBAGE } },
	{ "a grain larger than the unit",
	  { .vid = VENDOR_AMAZON, .ntwpu = 7, .ntwpg = 15 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_GARBAGE } },
	{ "a grain as large as the unit leaves one size",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpg = 31 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 16384,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 0,
	    .origin = ORIGIN_VENDOR } },
	{ "a grain of 2^32 bytes does not become 0",
	  { .vid = VENDOR_AMAZON, .ntwpu = 0xffff, .ntwpg = 0xffff, .lbads = 16 },
	  NVME_POLICY_NAMESPACE,
	  { .refusal = REFUSAL_GARBAGE } },
	{ "NTWPU 0: Amazon says nothing, whatever stands beside it",
	  { .vid = VENDOR_AMAZON, .ntwpg = 7, .ntwpb = 46 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
	{ "NTWPU 0 and AWUPF",
	  { .vid = VENDOR_AMAZON, .awupf = 7 },
	  NVME_POLICY_CONTROLLER,
	  { .unit_min = 512,
	    .unit_max = 4096,
	    .max = 4096,
	    .boundary = 0,
	    .origin = ORIGIN_AWUPF } },
	{ "Amazon's bytes win over AWUPF",
	  { .vid = VENDOR_AMAZON, .ntwpu = 7, .awupf = 31 },
	  NVME_POLICY_CONTROLLER,
	  { .unit_min = 512,
	    .unit_max = 4096,
	    .max = 4096,
	    .boundary = 0,
	    .origin = ORIGIN_VENDOR } },
	{ "NAWUPF wins over Amazon's bytes",
	  { .vid = VENDOR_AMAZON, .nsfeat = 2, .nawupf = 7, .ntwpu = 31, .ntwpg = 3 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 4096,
	    .max = 4096,
	    .boundary = 0,
	    .origin = ORIGIN_NAWUPF } },
	{ "bit 1 with NAWUPF 0 leaves it to Amazon's bytes",
	  { .vid = VENDOR_AMAZON, .nsfeat = 2, .ntwpu = 31 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512,
	    .unit_max = 16384,
	    .max = 16384,
	    .boundary = 0,
	    .origin = ORIGIN_VENDOR } },
	{ "the same bytes of another vendor mean nothing",
	  { .vid = VENDOR_OTHER, .ntwpu = 31, .ntwpg = 2, .ntwpb = 46 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
	{ "nor those of vendor 0",
	  { .ntwpu = 31 },
	  NVME_POLICY_CONTROLLER,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
	{ "the vendor is two bytes",
	  { .vid = VENDOR_AMAZON & 0xff, .ntwpu = 31 },
	  NVME_POLICY_NAMESPACE,
	  { .unit_min = 512, .unit_max = 512, .max = 512, .boundary = 0, .origin = ORIGIN_BLOCK } },
};

START_TEST(device_promises_by_its_own_fields)
{
	identify_page(&rules[_i].page, &page);
	struct limits limits = limits_nvme(&page, rules[_i].policy);
	const struct limits *expected = &rules[_i].expected;

	ck_assert_msg(limits.refusal == expected->refusal, "%s: refused: %s", rules[_i].why,
		      limits_explain(limits.refusal));
	ck_assert_msg(limits.unit_min == expected->unit_min &&
			      limits.unit_max == expected->unit_max &&
			      limits.max == expected->max && limits.boundary == expected->boundary,
		      "%s: %u/%u/%lu, %u", rules[_i].why, limits.unit_min, limits.unit_max,
		      (unsigned long)limits.max, limits.boundary);
	ck_assert_uint_eq(limits.most, limits.max);
	ck_assert_uint_eq(limits.granularity, limits.unit_min);
	ck_assert_uint_eq(limits.alignment, limits.unit_min);
	ck_assert_msg(limits.origin == expected->origin, "%s: from %s", rules[_i].why,
		      limits_origin(limits.origin));
}
END_TEST

/* limits_nvme() leaves these to limits_cap(), because the block layer judges them. */
static const struct {
	const char *why;
	struct identify_page page;
	enum refusal expected;
} boundaries[] = {
	{ "a boundary of 48 blocks",
	  { .nsfeat = 2, .nawupf = 31, .nabspf = 47 },
	  REFUSAL_BOUNDARY },
	{ "a boundary of half the unit (the specification forbids it)",
	  { .nsfeat = 2, .nawupf = 31, .nabspf = 15 },
	  REFUSAL_BOUNDARY },
	{ "a boundary of two blocks",
	  { .nsfeat = 2, .nawupf = 31, .nabspf = 1 },
	  REFUSAL_BOUNDARY },
	{ "the unit rounded down would fit, the promise itself does not",
	  { .nsfeat = 2, .nawupf = 32, .nabspf = 31 },
	  REFUSAL_BOUNDARY },
	{ "a boundary as large as the unit", { .nsfeat = 2, .nawupf = 31, .nabspf = 31 }, 0 },
	{ "Amazon's boundary of half the unit",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpb = 15 },
	  REFUSAL_BOUNDARY },
	{ "Amazon's boundary of 46 blocks",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpb = 45 },
	  REFUSAL_BOUNDARY },
	{ "Amazon's boundary as large as the unit",
	  { .vid = VENDOR_AMAZON, .ntwpu = 31, .ntwpb = 31 },
	  0 },
};

START_TEST(boundary_must_hold_the_unit)
{
	struct queue queue = { .block = 512, .max_hw = 512 << 10, .segments = 128 };

	identify_page(&boundaries[_i].page, &page);
	struct limits limits = limits_cap(limits_nvme(&page, NVME_POLICY_NAMESPACE), &queue, 4096);
	ck_assert_msg(limits.refusal == boundaries[_i].expected, "%s: %s", boundaries[_i].why,
		      limits_explain(limits.refusal));
	ck_assert_msg(!limits.refusal == !!limits.unit_max, "%s: %u", boundaries[_i].why,
		      limits.unit_max);
}
END_TEST

START_TEST(page_of_zeroes_is_refused)
{
	memset(&page, 0, sizeof(page));
	ck_assert_int_eq(limits_nvme(&page, _i).refusal, REFUSAL_GARBAGE);
	ck_assert_uint_eq(limits_nvme(&page, _i).unit_max, 0);
}
END_TEST

START_TEST(page_of_ones_is_refused)
{
	memset(&page, 0xff, sizeof(page));
	ck_assert_int_eq(limits_nvme(&page, _i).refusal, REFUSAL_GARBAGE);
	ck_assert_uint_eq(limits_nvme(&page, _i).unit_max, 0);
}
END_TEST

START_TEST(fields_are_read_where_the_specification_puts_them)
{
	identify_page(&(struct identify_page){ .vid = VENDOR_AMAZON,
					       .awun = 0x0102,
					       .awupf = 0x0304,
					       .nsfeat = 0x05,
					       .nawun = 0x0607,
					       .nawupf = 0x0809,
					       .nabsn = 0x0a0b,
					       .nabo = 0x0c0d,
					       .nabspf = 0x0e0f,
					       .ntwpu = 0x1011,
					       .ntwpg = 0x1213,
					       .ntwpb = 0x14151617 },
		      &page);
	page.controller[77] = 0x18;
	put16(page.namespace + 46, 0x191a);
	struct nvme_fields f = limits_nvme_fields(&page);
	ck_assert_uint_eq(f.vid, VENDOR_AMAZON);
	ck_assert_uint_eq(f.awun, 0x0102);
	ck_assert_uint_eq(f.awupf, 0x0304);
	ck_assert_uint_eq(f.nsfeat, 0x05);
	ck_assert_uint_eq(f.nawun, 0x0607);
	ck_assert_uint_eq(f.nawupf, 0x0809);
	ck_assert_uint_eq(f.nabsn, 0x0a0b);
	ck_assert_uint_eq(f.nabo, 0x0c0d);
	ck_assert_uint_eq(f.nabspf, 0x0e0f);
	ck_assert_uint_eq(f.ntwpu, 0x1011);
	ck_assert_uint_eq(f.ntwpg, 0x1213);
	ck_assert_uint_eq(f.ntwpb, 0x14151617);
	ck_assert_uint_eq(f.mdts, 0x18);
	ck_assert_uint_eq(f.noiob, 0x191a);
	put16(page.controller, VENDOR_OTHER);
	ck_assert_uint_eq(limits_nvme_fields(&page).ntwpu, 0);
	ck_assert_uint_eq(limits_nvme_fields(&page).ntwpg, 0);
	ck_assert_uint_eq(limits_nvme_fields(&page).ntwpb, 0);
}
END_TEST

static struct queue random_queue(uint64_t dice, uint32_t block)
{
	static const uint32_t segments[] = { 1, 2, 3, 5, 9, 127, 128, 129, 256, 300 };

	return (struct queue){ .block = block,
			       .max_hw = (uint64_t)(1 + (dice & 2047)) * 1024,
			       .segments = segments[(dice >> 11) % 10],
			       .chunk = dice >> 16 & 1 ? 1U << (10 + (dice >> 17) % 14) : 0 };
}

START_TEST(random_pages_promise_no_more_than_they_say)
{
	uint64_t state = 0x756e746f726e;
	unsigned accepted[ORIGIN_COUNT] = { 0 };

	for (unsigned i = 0; i < 200000; i++) {
		enum nvme_policy policy = i % 2 ? NVME_POLICY_CONTROLLER : NVME_POLICY_NAMESPACE;
		identify_random_page(&state, &page);
		struct limits device = limits_nvme(&page, policy);
		struct queue queue =
			random_queue(identify_random(&state), (uint32_t)identify_block(&page));
		struct limits limits = limits_cap(device, &queue, 4096);
		const char *wrong = identify_wrong_promise(&page, &device, policy);
		if (!wrong)
			wrong = identify_wrong_cap(&device, &queue, &limits);
		if (wrong)
			ck_abort_msg("page %u: %s", i, wrong);
		accepted[limits.origin] += !limits.refusal;
	}
	/* Else the pages were not random enough to show anything. */
	for (enum origin origin = ORIGIN_BLOCK; origin < ORIGIN_MAX_ATOMIC; origin++)
		ck_assert_msg(origin == ORIGIN_BLOCK || accepted[origin] > 1000, "%s: only %u",
			      limits_origin(origin), accepted[origin]);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("limits_nvme");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, geometry_is_what_kernels_from_7_0_say, 0, GEOMETRIES);
	tcase_add_loop_test(tc, geometry_is_what_kernels_to_6_19_say, 0, GEOMETRIES);
	tcase_add_loop_test(tc, device_promises_by_its_own_fields, 0, COUNT(rules));
	tcase_add_loop_test(tc, boundary_must_hold_the_unit, 0, COUNT(boundaries));
	tcase_add_loop_test(tc, page_of_zeroes_is_refused, NVME_POLICY_NAMESPACE,
			    NVME_POLICY_CONTROLLER + 1);
	tcase_add_loop_test(tc, page_of_ones_is_refused, NVME_POLICY_NAMESPACE,
			    NVME_POLICY_CONTROLLER + 1);
	tcase_add_test(tc, fields_are_read_where_the_specification_puts_them);
	suite_add_tcase(s, tc);
	tc = tcase_create("random");
	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, random_pages_promise_no_more_than_they_say);
	suite_add_tcase(s, tc);
	return s;
}
