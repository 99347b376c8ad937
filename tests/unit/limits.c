/* SPDX-License-Identifier: MIT */
/*
 * Tests the block layer's caps, the partition rule, and the texts. The numbers follow a rule that
 * was measured on native kernels: the unit is cut to the largest power of two that fits max_hw and
 * 2 blocks + (segments - 2) pages.
 */
#include <string.h>

#include "rules/limits.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define K            1024
#define M            (1024 * K)

static const struct {
	uint64_t value, expected;
} floors[] = {
	{ 0, 0 },
	{ 1, 1 },
	{ 2, 2 },
	{ 3, 2 },
	{ 4, 4 },
	{ 511, 256 },
	{ 512, 512 },
	{ 513, 512 },
	{ 15872, 8192 },
	{ 0xffffffff, 0x80000000 },
	{ 0x100000000, 0x100000000 },
	{ 0x1ffffffff, 0x100000000 },
	{ UINT64_MAX, UINT64_C(1) << 63 },
};

START_TEST(floor_is_the_largest_power_of_two_within)
{
	ck_assert_uint_eq(limits_floor_pow2(floors[_i].value), floors[_i].expected);
}
END_TEST

/* The bytes that a command can carry, on a device that promises far more. */
static const struct {
	uint32_t block, max_hw, segments, page, unit_max; /* 0: refused for its queue */
} guaranteed[] = {
	/* One segment surely holds one block, two hold two: memory may be cut anywhere. */
	{ 512, 8 * M, 1, 4 * K, 512 },
	{ 512, 8 * M, 2, 4 * K, 1 * K },
	/* From the third on there is a whole page more; the measured rows have 3, 5 and 9. */
	{ 512, 8 * M, 3, 4 * K, 4 * K },
	{ 512, 8 * M, 4, 4 * K, 8 * K },
	{ 512, 8 * M, 5, 4 * K, 8 * K },
	{ 512, 8 * M, 6, 4 * K, 16 * K },
	{ 512, 8 * M, 9, 4 * K, 16 * K },
	{ 512, 8 * M, 10, 4 * K, 32 * K },
	{ 512, 8 * M, 65, 4 * K, 128 * K },
	{ 512, 8 * M, 66, 4 * K, 256 * K },
	/* NVMe's 127 (to 6.1), 128 (6.12) and 129 (MDTS 512 KiB, 7.2). */
	{ 512, 8 * M, 127, 4 * K, 256 * K },
	{ 512, 8 * M, 128, 4 * K, 256 * K },
	{ 512, 8 * M, 129, 4 * K, 256 * K },
	{ 512, 8 * M, 130, 4 * K, 512 * K },
	/* No bio has more than 256 vectors, whatever the queue takes. */
	{ 512, 8 * M, 256, 4 * K, 512 * K },
	{ 512, 8 * M, 257, 4 * K, 512 * K },
	{ 512, 8 * M, 300, 4 * K, 512 * K },
	{ 512, 8 * M, UINT32_MAX, 4 * K, 512 * K },
	{ 2048, 8 * M, 300, 4 * K, 512 * K }, /* one vector more would make it 1 MiB */
	/* A block as large as a page makes all segments count alike. */
	{ 4096, 8 * M, 1, 4 * K, 4 * K },
	{ 4096, 8 * M, 2, 4 * K, 8 * K },
	{ 4096, 8 * M, 3, 4 * K, 8 * K },
	{ 4096, 8 * M, 5, 4 * K, 16 * K },
	{ 4096, 8 * M, 9, 4 * K, 32 * K },
	{ 4096, 8 * M, 127, 4 * K, 256 * K },
	{ 4096, 8 * M, 128, 4 * K, 512 * K },
	{ 4096, 8 * M, 129, 4 * K, 512 * K },
	{ 4096, 8 * M, 255, 4 * K, 512 * K },
	{ 4096, 8 * M, 256, 4 * K, 1 * M },
	{ 4096, 8 * M, 300, 4 * K, 1 * M },
	/* arm64's pages of 16 and 64 KiB. */
	{ 512, 8 * M, 3, 16 * K, 16 * K },
	{ 512, 8 * M, 128, 16 * K, 1 * M },
	{ 512, 8 * M, 3, 64 * K, 64 * K },
	{ 512, 8 * M, 128, 64 * K, 2 * M }, /* LIMITS_MAX, for the page cache */
	/* The hardware's own limit, power of two or not; smaller than a block it is nonsense. */
	{ 512, 512, 128, 4 * K, 512 },
	{ 512, 1 * K, 128, 4 * K, 1 * K },
	{ 512, 8 * K, 3, 4 * K, 4 * K },
	{ 512, 16 * K, 5, 4 * K, 8 * K },
	{ 512, 32 * K, 9, 4 * K, 16 * K },
	{ 512, 48 * K, 128, 4 * K, 32 * K },
	{ 512, 127 * K, 128, 4 * K, 64 * K },
	{ 512, 1280 * K, 256, 4 * K, 512 * K },
	{ 4096, 4 * K, 128, 4 * K, 4 * K },
	{ 4096, 2 * K, 128, 4 * K, 0 },
	{ 512, 511, 128, 4 * K, 0 },
};

START_TEST(unit_is_what_fits_one_command_wherever_the_buffer_lies)
{
	uint32_t block = guaranteed[_i].block, expected = guaranteed[_i].unit_max;
	struct limits device = { .unit_min = block,
				 .unit_max = 1U << 31,
				 .max = 1U << 31,
				 .most = 1U << 31,
				 .granularity = block };
	struct queue queue = { .block = block,
			       .max_hw = guaranteed[_i].max_hw,
			       .segments = guaranteed[_i].segments };
	struct limits limits = limits_cap(device, &queue, guaranteed[_i].page);

	ck_assert_uint_eq(limits.unit_max, expected);
	ck_assert_uint_eq(limits.unit_min, expected ? block : 0);
	ck_assert_uint_eq(limits.max, expected ? guaranteed[_i].max_hw : 0);
	ck_assert_int_eq(limits.refusal, expected ? REFUSAL_NONE : REFUSAL_QUEUE);
	if (expected) /* by device rules: the unit is the largest power of two in it */
		ck_assert(limits.most >= expected && limits.most < 2 * (uint64_t)expected &&
			  limits.most % block == 0 && limits.most <= guaranteed[_i].max_hw);
}
END_TEST

/* The other rules. Zeroes in a row stand for a usual disk: 512..16384, queue of 512 KiB and 128
 * segments, blocks of 512. */
struct cap {
	const char *why;
	uint32_t unit_min, unit_max, max, boundary;
	enum refusal already;
	uint32_t chunk;
	bool zoned;
	enum refusal expected;
};

static const struct cap caps[] = {
	{ .why = "a usual disk" },
	/* The device's promise is cut only where it is larger than the queue's limit. */
	{ .why = "15.5 KiB: the unit is less than the largest request",
	  .unit_max = 8 * K,
	  .max = 15872 },
	{ .why = "a unit of several blocks", .unit_min = 4 * K },
	{ .why = "a single size", .unit_min = 16 * K },
	{ .why = "a device that was refused stays so",
	  .already = REFUSAL_METADATA,
	  .expected = REFUSAL_METADATA },
	{ .why = "the first refusal is the one that is told",
	  .already = REFUSAL_METADATA,
	  .zoned = true,
	  .expected = REFUSAL_METADATA },
	{ .why = "zoned", .zoned = true, .expected = REFUSAL_ZONED },
	{ .why = "zoned wins over a bad boundary",
	  .zoned = true,
	  .boundary = 24 * K,
	  .expected = REFUSAL_ZONED },

	{ .why = "boundary as large as the promise", .boundary = 16 * K },
	{ .why = "boundary larger", .boundary = 32 * K },
	{ .why = "boundary that is no power of two",
	  .boundary = 24 * K,
	  .expected = REFUSAL_BOUNDARY },
	{ .why = "boundary of half the unit", .boundary = 8 * K, .expected = REFUSAL_BOUNDARY },
	{ .why = "7.2: the promise, not the unit, must fit the boundary",
	  .unit_max = 8 * K,
	  .max = 15872,
	  .boundary = 8 * K,
	  .expected = REFUSAL_BOUNDARY },
	{ .why = "the promise fits by a hair",
	  .unit_max = 8 * K,
	  .max = 15872,
	  .boundary = 16 * K },
	{ .why = "boundary of 2 GiB, the largest", .boundary = 1U << 31 },
	{ .why = "7.2: a promise larger than the queue's is still judged before it is cut",
	  .unit_max = 1 * M,
	  .max = 1 * M,
	  .boundary = 512 * K,
	  .expected = REFUSAL_BOUNDARY },

	/* chunk_sectors, from NOIOB. */
	{ .why = "chunk as large as the promise", .chunk = 16 * K },
	{ .why = "chunk larger", .chunk = 128 * K },
	{ .why = "chunk larger and no power of two", .chunk = 48 * K },
	{ .why = "7.2: chunk smaller than the promise", .chunk = 8 * K, .expected = REFUSAL_CHUNK },
	{ .why = "7.2: chunk smaller than the promise by a hair",
	  .chunk = 16 * K - 512,
	  .expected = REFUSAL_CHUNK },
	{ .why = "7.2: the promise, not the unit, must fit the chunk",
	  .unit_max = 8 * K,
	  .max = 15872,
	  .chunk = 8 * K,
	  .expected = REFUSAL_CHUNK },
	{ .why = "7.2: a promise larger than the queue's is still judged before it is cut",
	  .unit_max = 1 * M,
	  .max = 1 * M,
	  .chunk = 512 * K,
	  .expected = REFUSAL_CHUNK },

	/* Both: the larger must be a multiple of the smaller. */
	{ .why = "chunk equals boundary", .boundary = 32 * K, .chunk = 32 * K },
	{ .why = "chunk is a multiple of the boundary", .boundary = 32 * K, .chunk = 96 * K },
	{ .why = "boundary is a multiple of the chunk", .boundary = 64 * K, .chunk = 32 * K },
	{ .why = "chunk larger, no multiple",
	  .boundary = 32 * K,
	  .chunk = 48 * K,
	  .expected = REFUSAL_CHUNK },
	{ .why = "boundary larger, no multiple",
	  .boundary = 64 * K,
	  .chunk = 24 * K,
	  .expected = REFUSAL_CHUNK },
	{ .why = "they agree, but the promise crosses the chunk",
	  .boundary = 32 * K,
	  .chunk = 8 * K,
	  .expected = REFUSAL_CHUNK },
	{ .why = "a bad boundary is told before a bad chunk",
	  .boundary = 24 * K,
	  .chunk = 8 * K,
	  .expected = REFUSAL_BOUNDARY },
};

static struct limits device_of(const struct cap *row)
{
	uint32_t unit_max = row->unit_max ? row->unit_max : 16 * K;

	if (row->already)
		return limits_refused(row->already);
	return (struct limits){ .unit_min = row->unit_min ? row->unit_min : 512,
				.unit_max = unit_max,
				.max = row->max ? row->max : unit_max,
				.boundary = row->boundary,
				.origin = ORIGIN_NAWUPF };
}

START_TEST(what_7_2_refuses_is_refused)
{
	const struct cap *row = &caps[_i];
	struct limits device = device_of(row);
	struct queue queue = { .block = 512,
			       .max_hw = 512 * K,
			       .segments = 128,
			       .chunk = row->chunk,
			       .zoned = row->zoned };
	struct limits limits = limits_cap(device, &queue, 4096);

	ck_assert_msg(limits.refusal == row->expected, "%s: %s", row->why,
		      limits_explain(limits.refusal));
	if (row->expected)
		ck_assert(!limits.unit_min && !limits.unit_max && !limits.max && !limits.boundary);
	else
		ck_assert_msg(memcmp(&limits, &device, sizeof(limits)) == 0, "%s: %u/%u/%lu",
			      row->why, limits.unit_min, limits.unit_max,
			      (unsigned long)limits.max);
}
END_TEST

static const struct {
	const char *why;
	struct queue queue;
} unreadable[] = {
	{ "nothing could be read", { 0 } },
	{ "no block size", { .max_hw = 512 * K, .segments = 128 } },
	{ "no largest command", { .block = 512, .segments = 128 } },
	{ "no segments", { .block = 512, .max_hw = 512 * K } },
	{ "a block of 520 bytes", { .block = 520, .max_hw = 512 * K, .segments = 128 } },
	{ "a block of 384 bytes", { .block = 384, .max_hw = 512 * K, .segments = 128 } },
	{ "a block larger than the device's unit",
	  { .block = 4096, .max_hw = 512 * K, .segments = 128 } },
};

START_TEST(queue_that_makes_no_sense_is_refused)
{
	struct limits device = { .unit_min = 512, .unit_max = 16 * K, .max = 16 * K };
	struct limits limits = limits_cap(device, &unreadable[_i].queue, 4096);

	ck_assert_msg(limits.refusal == REFUSAL_QUEUE, "%s: %s", unreadable[_i].why,
		      limits_explain(limits.refusal));
	ck_assert_uint_eq(limits.unit_max, 0);
}
END_TEST

/* Grains of several blocks, as in Amazon's NTWPG: smaller writes are not promised. */
static const struct {
	uint32_t unit_min, max_hw, segments, expected_max; /* 0: refused */
} grains[] = {
	{ 4 * K, 512 * K, 128, 16 * K }, { 16 * K, 16 * K, 128, 16 * K },
	{ 16 * K, 15 * K, 128, 0 },      { 8 * K, 512 * K, 3, 0 },
	{ 4 * K, 512 * K, 3, 4 * K },    { 1 * K, 512 * K, 1, 0 },
};

START_TEST(grain_larger_than_a_command_is_refused_and_not_cut)
{
	struct limits device = { .unit_min = grains[_i].unit_min,
				 .unit_max = 16 * K,
				 .max = 16 * K };
	struct queue queue = { .block = 512,
			       .max_hw = grains[_i].max_hw,
			       .segments = grains[_i].segments };
	struct limits limits = limits_cap(device, &queue, 4096);

	ck_assert_uint_eq(limits.unit_max, grains[_i].expected_max);
	ck_assert_uint_eq(limits.unit_min, limits.unit_max ? grains[_i].unit_min : 0);
}
END_TEST

/* A partition must start on a multiple of the unit and of the boundary, but not of unit_max. */
static const struct {
	const char *why;
	uint64_t start;
	uint32_t unit_min, boundary;
	bool supported;
} partitions[] = {
	{ "the disk itself", 0, 512, 0, true },
	{ "the disk itself, with a boundary", 0, 512, 32768, true },
	/* Measured with 512..16384 and no boundary. */
	{ "sector 2048", 2048 * 512, 512, 0, true },
	{ "sector 16392", 16392 * 512, 512, 0, true },
	{ "sector 32769: alignment counts from the partition", 32769 * 512, 512, 0, true },
	/* Measured with a boundary of 32768. */
	{ "sector 2048, boundary", 2048 * 512, 512, 32768, true },
	{ "sector 16392, boundary", 16392 * 512, 512, 32768, false },
	{ "sector 32769, boundary", 32769 * 512, 512, 32768, false },
	{ "half the boundary", 16384, 512, 32768, false },
	/* Measured with a unit of 64 blocks. */
	{ "sector 32, unit of 64", 32 * 512, 32768, 0, false },
	{ "sector 7936, unit of 64", 7936 * 512, 32768, 0, true },
	{ "sector 63, blocks of 4096", 63 * 512, 4096, 0, false },
	{ "sector 2048, blocks of 4096", 2048 * 512, 4096, 0, true },
	{ "one sector off a unit, beyond 4 GiB", (UINT64_C(1) << 40) + 512, 1024, 0, false },
	{ "a boundary beyond 4 GiB", UINT64_C(5) << 40, 512, 1U << 31, true },
	{ "off the boundary beyond 4 GiB", (UINT64_C(5) << 40) + (1U << 30), 512, 1U << 31, false },
	{ "the unit is larger than the boundary", 16384, 32768, 16384, false },
};

START_TEST(partition_starts_on_unit_and_boundary)
{
	struct limits disk = { .unit_min = partitions[_i].unit_min,
			       .unit_max = 64 * K,
			       .max = 64 * K,
			       .boundary = partitions[_i].boundary,
			       .origin = ORIGIN_NAWUPF };
	struct limits limits = limits_of_partition(disk, partitions[_i].start);

	if (partitions[_i].supported) {
		ck_assert_msg(memcmp(&limits, &disk, sizeof(disk)) == 0, "%s", partitions[_i].why);
		return;
	}
	ck_assert_msg(limits.refusal == REFUSAL_PARTITION, "%s: %s", partitions[_i].why,
		      limits_explain(limits.refusal));
	ck_assert(!limits.unit_min && !limits.unit_max && !limits.max && !limits.boundary);
}
END_TEST

START_TEST(partition_of_a_refused_disk_tells_the_disks_reason)
{
	struct limits limits = limits_of_partition(limits_refused(REFUSAL_ZONED), 512);

	ck_assert_int_eq(limits.refusal, REFUSAL_ZONED);
	ck_assert_uint_eq(limits.unit_max, 0);
}
END_TEST

START_TEST(refused_limits_allow_nothing)
{
	struct limits limits = limits_refused(_i);

	ck_assert_int_eq(limits.refusal, _i);
	ck_assert(!limits.unit_min && !limits.unit_max && !limits.max && !limits.boundary);
}
END_TEST

START_TEST(every_refusal_has_a_text_of_its_own)
{
	ck_assert_ptr_nonnull(limits_explain(_i));
	ck_assert_str_ne(limits_explain(_i), "unknown");
	for (int other = 0; other < _i; other++)
		ck_assert_str_ne(limits_explain(_i), limits_explain(other));
}
END_TEST

START_TEST(every_origin_has_a_text_of_its_own)
{
	ck_assert_ptr_nonnull(limits_origin(_i));
	ck_assert_str_ne(limits_origin(_i), "unknown");
	for (int other = 0; other < _i; other++)
		ck_assert_str_ne(limits_origin(_i), limits_origin(other));
}
END_TEST

START_TEST(texts_are_total)
{
	ck_assert_str_eq(limits_explain(REFUSAL_COUNT), "unknown");
	ck_assert_str_eq(limits_explain((enum refusal) ~0U), "unknown");
	ck_assert_str_eq(limits_origin(ORIGIN_COUNT), "unknown");
	ck_assert_str_eq(limits_origin((enum origin) ~0U), "unknown");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("limits");
	TCase *tc = tcase_create("limits");

	tcase_add_loop_test(tc, floor_is_the_largest_power_of_two_within, 0, COUNT(floors));
	tcase_add_loop_test(tc, unit_is_what_fits_one_command_wherever_the_buffer_lies, 0,
			    COUNT(guaranteed));
	tcase_add_loop_test(tc, what_7_2_refuses_is_refused, 0, COUNT(caps));
	tcase_add_loop_test(tc, queue_that_makes_no_sense_is_refused, 0, COUNT(unreadable));
	tcase_add_loop_test(tc, grain_larger_than_a_command_is_refused_and_not_cut, 0,
			    COUNT(grains));
	tcase_add_loop_test(tc, partition_starts_on_unit_and_boundary, 0, COUNT(partitions));
	tcase_add_test(tc, partition_of_a_refused_disk_tells_the_disks_reason);
	tcase_add_loop_test(tc, refused_limits_allow_nothing, 1, REFUSAL_COUNT);
	tcase_add_loop_test(tc, every_refusal_has_a_text_of_its_own, 0, REFUSAL_COUNT);
	tcase_add_loop_test(tc, every_origin_has_a_text_of_its_own, 0, ORIGIN_COUNT);
	tcase_add_test(tc, texts_are_total);
	suite_add_tcase(s, tc);
	return s;
}
