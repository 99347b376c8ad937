/* SPDX-License-Identifier: MIT */
/* Tests the judgement of a page that was read back, against its write. */
#include <stdbool.h>
#include <string.h>

#include "suite.h"
#include "verify/page.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { LENGTH = 16384, SECTORS = LENGTH / VERIFY_SECTOR, RUN = 77, OFFSET = 1 << 20 };

static _Alignas(8) char page[LENGTH];

static void fill(char *data, uint64_t run, uint64_t sequence, uint64_t offset, uint32_t length)
{
	verify_page_fill(data, &(struct verify_tag){ .run = run,
						     .sequence = sequence,
						     .after = sequence * 10,
						     .offset = offset,
						     .length = length,
						     .writer = 2 });
}

static struct verify_sight look(void)
{
	return verify_page_look(page, RUN, OFFSET, LENGTH);
}

START_TEST(every_length_is_whole)
{
	uint32_t length = 512u << _i;

	fill(page, RUN, 5, OFFSET, length);
	struct verify_sight sight = verify_page_look(page, RUN, OFFSET, length);
	ck_assert_int_eq(sight.state, VERIFY_WHOLE);
	ck_assert_uint_eq(sight.sequence, 5);
	ck_assert_uint_eq(sight.after, 50);
}
END_TEST

/* The page has the second write from this sector on, or up to it. */
START_TEST(torn_at_every_sector)
{
	_Alignas(8) char newer[LENGTH];
	size_t at = (size_t)(_i / 2 + 1) * VERIFY_SECTOR;
	bool head = _i % 2;

	fill(page, RUN, 5, OFFSET, LENGTH);
	fill(newer, RUN, 6, OFFSET, LENGTH);
	memcpy(page + (head ? 0 : at), newer + (head ? 0 : at), head ? at : LENGTH - at);
	struct verify_sight sight = look();
	ck_assert_int_eq(sight.state, VERIFY_TORN);
	ck_assert_uint_eq(sight.sequence, head ? 6 : 5);
	ck_assert_uint_eq(sight.other, head ? 5 : 6);
	ck_assert_uint_eq(sight.sector, at / VERIFY_SECTOR);
	ck_assert_uint_eq(sight.after, head ? 60 : 50);
}
END_TEST

START_TEST(one_sector_of_another_write)
{
	_Alignas(8) char newer[LENGTH];
	size_t at = (size_t)_i * VERIFY_SECTOR;

	fill(page, RUN, 5, OFFSET, LENGTH);
	fill(newer, RUN, 9, OFFSET, LENGTH);
	memcpy(page + at, newer + at, VERIFY_SECTOR);
	struct verify_sight sight = look();
	ck_assert_int_eq(sight.state, VERIFY_TORN);
	ck_assert_uint_eq(sight.sector, _i ? _i : 1);
}
END_TEST

/* Data that is not of this run was there before: zeros, noise, another run's page. */
START_TEST(from_before)
{
	memset(page, _i == 1 ? 0x5a : 0, LENGTH);
	if (_i == 2)
		fill(page, RUN + 1, 5, OFFSET, LENGTH);
	struct verify_sight sight = look();
	ck_assert_int_eq(sight.state, VERIFY_WHOLE);
	ck_assert_uint_eq(sight.sequence, 0);
	ck_assert_uint_eq(sight.after, 0);

	_Alignas(8) char ours[LENGTH];
	fill(ours, RUN, 3, OFFSET, LENGTH);
	memcpy(page + 4096, ours + 4096, 4096);
	sight = look();
	ck_assert_int_eq(sight.state, VERIFY_TORN);
	ck_assert_uint_eq(sight.sequence, 0);
	ck_assert_uint_eq(sight.other, 3);
	ck_assert_uint_eq(sight.sector, 8);
}
END_TEST

/* A bit of any byte behind magic and run, in any sector. */
START_TEST(a_bit_turned)
{
	unsigned sector = (unsigned)_i % SECTORS;

	for (unsigned byte = 16; byte < VERIFY_SECTOR; byte += 3) {
		fill(page, RUN, 5, OFFSET, LENGTH);
		page[sector * VERIFY_SECTOR + byte] ^= 1 << byte % 8;
		struct verify_sight sight = look();
		ck_assert_int_eq(sight.state, VERIFY_GARBLED);
		ck_assert_uint_eq(sight.sector, sector);
	}
}
END_TEST

/* A write of this run, but to another place, of another length, or with sectors changed round. */
START_TEST(in_the_wrong_place)
{
	char kept[VERIFY_SECTOR];

	fill(page, RUN, 5, OFFSET + (_i == 0 ? LENGTH : 0), _i == 1 ? LENGTH / 2 : LENGTH);
	if (_i == 1)
		fill(page + LENGTH / 2, RUN, 5, OFFSET + LENGTH / 2, LENGTH / 2);
	if (_i == 2) {
		memcpy(kept, page, sizeof(kept));
		memcpy(page, page + VERIFY_SECTOR, sizeof(kept));
		memcpy(page + VERIFY_SECTOR, kept, sizeof(kept));
	}
	ck_assert_int_eq(look().state, VERIFY_GARBLED);
	ck_assert_uint_eq(look().sector, 0);
}
END_TEST

START_TEST(random_numbers_differ)
{
	static uint64_t seen[2000];
	unsigned equal = 0;

	for (uint64_t i = 0; i < COUNT(seen); i++) {
		seen[i] = i % 2 ? verify_random(7, i) : verify_random(i << 40, 1);
		for (uint64_t before = 0; before < i; before++)
			equal += seen[before] == seen[i];
	}
	ck_assert_uint_eq(equal, 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("self-describing pages");
	TCase *tc = tcase_create("rows");

	tcase_add_loop_test(tc, every_length_is_whole, 0, 6);
	tcase_add_loop_test(tc, torn_at_every_sector, 0, 2 * (SECTORS - 1));
	tcase_add_loop_test(tc, one_sector_of_another_write, 0, SECTORS);
	tcase_add_loop_test(tc, from_before, 0, 3);
	tcase_add_loop_test(tc, a_bit_turned, 0, SECTORS);
	tcase_add_loop_test(tc, in_the_wrong_place, 0, 3);
	tcase_add_test(tc, random_numbers_differ);
	suite_add_tcase(s, tc);
	return s;
}
