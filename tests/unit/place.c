/* SPDX-License-Identifier: MIT */
/* Tests the places of a file's pages: made from pieces as FIEMAP gives them, and their judgement.
 */
#include <string.h>

#include "rules/place.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { K = 1024, PAGE = 16 * K, PIECES = 6, HERE = 1 << 30 };

/* In KiB: start, length, place on the disk beyond HERE; and letters: u(nwritten), d(elayed),
 * s(hared), e(ncoded). */
struct piece {
	unsigned start, length, physical;
	const char *flags;
};

static const struct {
	const char *what;
	struct piece pieces[PIECES];
	unsigned pages; /* of the file */
	unsigned whole;
	enum place_fault fault;
	unsigned first; /* KiB */
	uint64_t align;
} files[] = {
	{ "one piece", { { 0, 64, 0, "" } }, 4, 4, FAULT_NONE, 0, PAGE },
	{ "one long piece, behind the end", { { 0, 6400, 0, "" } }, 4, 4, FAULT_NONE, 0, PAGE },
	{ "empty", { { 0 } }, 0, 0, FAULT_NONE, 0, PAGE },
	{ "off by 4 KiB", { { 0, 64, 4, "" } }, 4, 4, FAULT_NONE, 0, 4 * K },
	{ "the second half off",
	  { { 0, 32, 0, "" }, { 32, 32, 40, "" } },
	  4,
	  4,
	  FAULT_NONE,
	  0,
	  8 * K },
	{ "two pieces, side by side",
	  { { 0, 8, 0, "" }, { 8, 56, 8, "" } },
	  4,
	  4,
	  FAULT_NONE,
	  0,
	  PAGE },
	{ "two, each of whole pages",
	  { { 0, 16, 160, "" }, { 16, 48, 16, "" } },
	  4,
	  4,
	  FAULT_NONE,
	  0,
	  PAGE },
	{ "two, cut in a page",
	  { { 0, 24, 0, "" }, { 24, 40, 64, "" } },
	  4,
	  3,
	  FAULT_APART,
	  16,
	  8 * K },
	{ "a hole in front", { { 32, 32, 32, "" } }, 4, 2, FAULT_HOLE, 0, PAGE },
	{ "a hole behind", { { 0, 32, 0, "" } }, 4, 2, FAULT_HOLE, 32, PAGE },
	{ "a hole in a page",
	  { { 0, 20, 0, "" }, { 24, 40, 24, "" } },
	  4,
	  3,
	  FAULT_HOLE,
	  16,
	  PAGE },
	{ "a hole over three",
	  { { 0, 20, 0, "" }, { 60, 4, 60, "" } },
	  4,
	  1,
	  FAULT_HOLE,
	  16,
	  PAGE },
	{ "nothing but holes", { { 0 } }, 4, 0, FAULT_HOLE, 0, PAGE },
	{ "unwritten in the end",
	  { { 0, 40, 0, "" }, { 40, 24, 40, "u" } },
	  4,
	  2,
	  FAULT_UNWRITTEN,
	  32,
	  PAGE },
	{ "unwritten before",
	  { { 0, 8, 0, "u" }, { 8, 56, 8, "" } },
	  4,
	  3,
	  FAULT_UNWRITTEN,
	  0,
	  PAGE },
	{ "delayed", { { 0, 64, 0, "d" } }, 4, 0, FAULT_DELAYED, 0, PAGE },
	{ "shared",
	  { { 0, 16, 0, "" }, { 16, 16, 16, "s" }, { 32, 32, 32, "" } },
	  4,
	  3,
	  FAULT_SHARED,
	  16,
	  PAGE },
	{ "compressed", { { 0, 64, 0, "e" } }, 4, 0, FAULT_ENCODED, 0, PAGE },
	{ "in blocks, each elsewhere",
	  { { 0, 4, 0, "" }, { 4, 4, 100, "" }, { 8, 4, 200, "" }, { 12, 4, 300, "" } },
	  1,
	  0,
	  FAULT_APART,
	  0,
	  PAGE },
};

static struct place place;

static void walk(const struct piece *pieces, uint64_t end)
{
	struct place_walk from = { .page = PAGE };

	for (int i = 0; i < PIECES && pieces[i].length; i++) {
		const struct piece *p = &pieces[i];
		struct place_piece piece = { .start = p->start * K,
					     .length = p->length * K,
					     .physical = HERE + p->physical * K,
					     .is_unwritten = strchr(p->flags, 'u'),
					     .is_delayed = strchr(p->flags, 'd'),
					     .is_shared = strchr(p->flags, 's'),
					     .is_encoded = strchr(p->flags, 'e') };
		if (piece.start + piece.length > end)
			piece.length = end - piece.start;
		place_add(&place, &from, &piece);
	}
	place_end(&place, &from, end);
}

START_TEST(pages_are_found)
{
	place = (struct place){ .align = PAGE };
	walk(files[_i].pieces, files[_i].pages * (uint64_t)PAGE);
	ck_assert_msg(place.seen == files[_i].pages, "%s: %u pages", files[_i].what,
		      (unsigned)place.seen);
	ck_assert_msg(place.faults[FAULT_NONE] == files[_i].whole, "%s: %u whole", files[_i].what,
		      (unsigned)place.faults[FAULT_NONE]);
	ck_assert_msg(place.fault == files[_i].fault, "%s: %s", files[_i].what,
		      place_fault(place.fault));
	ck_assert_uint_eq(place.first_fault, files[_i].first * K);
	ck_assert_msg(place.align == files[_i].align, "%s: aligned to %u", files[_i].what,
		      (unsigned)place.align);
}
END_TEST

static struct place_finding findings[PLACE_CONDITIONS];
static unsigned count;

static enum stack_answer answer(enum place_condition condition)
{
	for (unsigned i = 0; i < count; i++) {
		if (findings[i].condition == condition)
			return findings[i].answer;
	}
	return (enum stack_answer)9; /* none */
}

static void judge(const char *type)
{
	snprintf(place.type, sizeof(place.type), "%s", type);
	count = place_judge(&place, PAGE, findings);
	ck_assert_uint_le(count, PLACE_CONDITIONS);
}

static void set_up(void)
{
	place = (struct place){ .has_direct = true, .unit = PAGE, .pages = 4, .seen = 4 };
	place.faults[FAULT_NONE] = 4;
}

START_TEST(file)
{
	judge("ext4");
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(findings[i].answer, STACK_YES);
	ck_assert_uint_eq(count, 4);
	place.unit = 4096; /* does not matter for the present place */
	judge("xfs");
	ck_assert_int_eq(answer(PLACE_PAGES), STACK_YES);
	place.fault = FAULT_APART;
	judge("xfs");
	ck_assert_int_eq(answer(PLACE_PAGES), STACK_NO);
	place.map_error = -95;
	judge("xfs");
	ck_assert_int_eq(answer(PLACE_PAGES), STACK_UNKNOWN);
}
END_TEST

START_TEST(folder)
{
	place.is_folder = true;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_UNIT), STACK_YES);
	place.unit = 2 * PAGE;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_UNIT), STACK_YES);
	place.unit = 4096;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_UNIT), STACK_NO);
	place.unit = 0;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_UNIT), STACK_UNKNOWN);
}
END_TEST

START_TEST(file_that_has_yet_no_page)
{
	place.pages = place.seen = 0;
	place.unit = 4096;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_UNIT), STACK_NO);
}
END_TEST

START_TEST(direct)
{
	place.direct = PAGE;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_DIRECT), STACK_YES);
	place.direct = 2 * PAGE;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_DIRECT), STACK_NO);
	place.direct = 0;
	place.has_direct = false;
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_DIRECT), STACK_NO);
}
END_TEST

START_TEST(kind)
{
	bool *flags[] = { &place.is_encrypted, &place.is_compressed, &place.is_verity,
			  &place.is_journaled, &place.is_realtime };

	for (int i = 0; i < COUNT(flags); i++) {
		*flags[i] = true;
		judge("ext4");
		ck_assert_int_eq(answer(PLACE_KIND), STACK_NO);
		*flags[i] = false;
	}
	judge("ext4");
	ck_assert_int_eq(answer(PLACE_KIND), STACK_YES);
}
END_TEST

START_TEST(filesystems)
{
	static const char *const no[] = { "btrfs", "zfs",  "overlay",  "nfs4",   "fuse.sshfs",
					  "tmpfs", "f2fs", "bcachefs", "fuseblk" };

	for (int i = 0; i < COUNT(no); i++) {
		judge(no[i]);
		ck_assert_uint_eq(count, 1);
		ck_assert_int_eq(findings[0].answer, STACK_NO);
		ck_assert_ptr_nonnull(findings[0].why);
	}
	judge("minix");
	ck_assert_int_eq(answer(PLACE_TYPE_KNOWN), STACK_UNKNOWN);
	judge("");
	ck_assert_int_eq(answer(PLACE_TYPE_KNOWN), STACK_UNKNOWN);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("place");
	TCase *tc = tcase_create("place");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(tc, pages_are_found, 0, COUNT(files));
	tcase_add_test(tc, file);
	tcase_add_test(tc, folder);
	tcase_add_test(tc, file_that_has_yet_no_page);
	tcase_add_test(tc, direct);
	tcase_add_test(tc, kind);
	tcase_add_test(tc, filesystems);
	suite_add_tcase(s, tc);
	return s;
}
