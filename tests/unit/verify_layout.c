/* SPDX-License-Identifier: MIT */
/* Tests the places of pages: inside the device, apart from each other, each a good atomic write. */
#include <stdbool.h>

#include "suite.h"
#include "verify/layout.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	uint64_t size;
	uint32_t min, max, wanted, pages;
} rows[] = {
	{ 16 << 20, 512, 16384, 256, 256 }, { UINT64_C(4) << 40, 4096, 262144, 65536, 65536 },
	{ 16384, 512, 16384, 256, 1 },      { 40000, 512, 16384, 256, 2 },
	{ 16383, 512, 16384, 256, 0 },      { 1 << 20, 512, 512, 100, 100 },
	{ 1 << 20, 0, 0, 100, 0 },
};

START_TEST(pages_are_good_writes)
{
	struct verify_layout layout = { _i + 1, rows[_i].size, rows[_i].min, rows[_i].max, 0, false };
	uint64_t end = 0, good = 0;

	layout.pages = verify_layout_pages(rows[_i].size, rows[_i].max, rows[_i].wanted);
	ck_assert_uint_eq(layout.pages, rows[_i].pages);
	for (uint32_t page = 0; page < layout.pages; page++) {
		struct verify_place place = verify_layout_place(&layout, page);
		good += place.length >= rows[_i].min && place.length <= rows[_i].max &&
			!(place.length & (place.length - 1)) && place.offset % place.length == 0 &&
			place.offset >= end && place.offset + place.length <= rows[_i].size;
		end = place.offset + place.length;
	}
	ck_assert_uint_eq(good, rows[_i].pages);
}
END_TEST

/* All lengths come, and the longest often; odd and even slots; other runs have other places. */
START_TEST(pages_are_of_every_kind)
{
	struct verify_layout layout = { 1, 64 << 20, 512, 16384, 1000, false }, other = layout;
	unsigned lengths = 0, longest = 0, odd = 0, moved = 0;

	other.run = 2;
	for (uint32_t page = 0; page < layout.pages; page++) {
		struct verify_place place = verify_layout_place(&layout, page);
		lengths |= place.length;
		longest += place.length == 16384;
		odd += place.offset / 16384 % 2;
		moved += place.offset != verify_layout_place(&other, page).offset;
	}
	ck_assert_uint_eq(lengths, 32768 - 512);
	ck_assert(longest > 400 && odd > 300 && odd < 700 && moved > 500);
}
END_TEST

/* Dense pages are neighbours: so verify can see whether the kernel merges them. */
START_TEST(dense_pages_are_side_by_side)
{
	struct verify_layout layout = { 1, 64 << 20, 16384, 16384, 1000, true };

	for (uint32_t page = 0; page < layout.pages; page++) {
		struct verify_place place = verify_layout_place(&layout, page);
		ck_assert(place.offset == page * UINT64_C(16384) && place.length == 16384);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("where the pages lie");
	TCase *tc = tcase_create("rows");

	tcase_add_loop_test(tc, pages_are_good_writes, 0, COUNT(rows));
	tcase_add_test(tc, pages_are_of_every_kind);
	tcase_add_test(tc, dense_pages_are_side_by_side);
	suite_add_tcase(s, tc);
	return s;
}
