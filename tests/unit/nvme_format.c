/* SPDX-License-Identifier: MIT */
/*
 * Tests the reading of an NVMe namespace's format (limits_nvme_format), and which formats a plain
 * Write command can serve (limits_nvme).
 */
#include "identify_page.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct nvme_identity page;

/* The place of the format's entry, and the allowed block sizes. */
static const struct {
	const char *why;
	struct identify_page page;
	uint32_t block; /* 0: not readable, refused as garbage */
} formats[] = {
	{ "512 bytes, the smallest", { .lbads = 9 }, 512 },
	{ "4096 bytes", { .lbads = 12 }, 4096 },
	{ "65536 bytes, the largest that a kernel takes", { .lbads = 16 }, 65536 },
	{ "256 bytes are smaller than a sector", { .lbads = 8 }, 0 },
	{ "one byte", { .lbads = 1 }, 0 },
	{ "128 KiB are larger than any page", { .lbads = 17 }, 0 },
	{ "a shift by 32 would be undefined", { .lbads = 32 }, 0 },
	{ "a shift by 41 would look like 9", { .lbads = 41 }, 0 },
	{ "255", { .lbads = 255 }, 0 },
	{ "entry 1 of 2", { .nlbaf = 1, .flbas = 1, .entry = 1, .lbads = 12 }, 4096 },
	{ "entry 15 of 16", { .nlbaf = 15, .flbas = 15, .entry = 15, .lbads = 12 }, 4096 },
	{ "entry 1 of 1: beyond NLBAF", { .nlbaf = 0, .flbas = 1, .entry = 1, .lbads = 12 }, 0 },
	{ "entry 5 of 5: beyond NLBAF", { .nlbaf = 4, .flbas = 5, .entry = 5, .lbads = 9 }, 0 },
	{ "an entry that is not filled in", { .nlbaf = 1, .flbas = 1, .entry = 0, .lbads = 9 }, 0 },
	{ "bits 6:5 are no index with 16 formats",
	  { .nlbaf = 15, .flbas = 0x61, .entry = 1, .lbads = 12 },
	  4096 },
	{ "bits 6:5 are no index with one format", { .nlbaf = 0, .flbas = 0x20, .lbads = 9 }, 512 },
	{ "bits 6:5 are the upper index with 17 formats",
	  { .nlbaf = 16, .flbas = 0x20, .entry = 16, .lbads = 12 },
	  4096 },
	{ "with 17 formats, 17 is beyond NLBAF",
	  { .nlbaf = 16, .flbas = 0x21, .entry = 17, .lbads = 12 },
	  0 },
	{ "bit 6 is worth 32", { .nlbaf = 63, .flbas = 0x42, .entry = 34, .lbads = 12 }, 4096 },
	{ "entry 63 of 64, the last in the page",
	  { .nlbaf = 63, .flbas = 0x6f, .entry = 63, .lbads = 12 },
	  4096 },
	{ "bit 7 is reserved", { .nlbaf = 63, .flbas = 0x80, .lbads = 12 }, 4096 },
	{ "NLBAF may lie about more entries than there are",
	  { .nlbaf = 255, .flbas = 0x6f, .entry = 63, .lbads = 9 },
	  512 },
};

START_TEST(block_size_comes_from_the_format_in_use)
{
	identify_page(&formats[_i].page, &page);
	ck_assert_msg(limits_nvme_format(&page).block == formats[_i].block, "%s: %u",
		      formats[_i].why, limits_nvme_format(&page).block);
	struct limits limits = limits_nvme(&page, NVME_POLICY_NAMESPACE);
	ck_assert_msg(limits.unit_min == formats[_i].block, "%s: unit_min %u", formats[_i].why,
		      limits.unit_min);
	ck_assert_msg(limits.refusal == (formats[_i].block ? REFUSAL_NONE : REFUSAL_GARBAGE),
		      "%s: %s", formats[_i].why, limits_explain(limits.refusal));
}
END_TEST

/* A Write without a metadata buffer can serve only one kind of metadata: 8 bytes of protection
 * information, which the controller makes. FLBAS bit 4: at the end of each block. */
static const struct {
	const char *why;
	uint16_t ms;
	uint8_t dps, flbas;
	enum refusal expected;
} metadata[] = {
	{ "none", 0, 0, 0, REFUSAL_NONE },
	{ "type 1", 8, 1, 0, REFUSAL_NONE },
	{ "type 3", 8, 3, 0, REFUSAL_NONE },
	{ "type 2 wants an expected tag in a larger command", 8, 2, 0, REFUSAL_PROTECTION_TYPE },
	{ "type 1, in the first bytes of metadata: with 8 there is no other place", 8, 9, 0,
	  REFUSAL_NONE },
	{ "type 3, in the first bytes", 8, 0xb, 0, REFUSAL_NONE },
	{ "type 2, in the first bytes", 8, 0xa, 0, REFUSAL_PROTECTION_TYPE },
	{ "8 bytes that are the host's own", 8, 0, 0, REFUSAL_METADATA },
	{ "16 bytes of the host's own", 16, 0, 0, REFUSAL_METADATA },
	{ "64 bytes of the host's own", 64, 0, 0, REFUSAL_METADATA },
	{ "16 bytes, half of them type 1", 16, 1, 0, REFUSAL_METADATA },
	{ "64 bytes, some of them type 3", 64, 3, 0, REFUSAL_METADATA },
	{ "16 bytes of type 2", 16, 2, 0, REFUSAL_METADATA },
	{ "one byte", 1, 1, 0, REFUSAL_METADATA },
	{ "256 + 8: the upper byte counts", 0x108, 1, 0, REFUSAL_METADATA },
	{ "256: the upper byte counts alone", 0x100, 0, 0, REFUSAL_METADATA },
	{ "8 bytes of type 1 at the end of each block", 8, 1, 0x10, REFUSAL_METADATA },
	{ "8 bytes of type 2 at the end of each block", 8, 2, 0x10, REFUSAL_METADATA },
	{ "8 bytes of type 3 at the end of each block", 8, 3, 0x10, REFUSAL_METADATA },
	{ "64 bytes at the end of each block", 64, 0, 0x10, REFUSAL_METADATA },
	{ "at the end of each block, but none", 0, 0, 0x10, REFUSAL_NONE },
	{ "type 1 without room for it", 0, 1, 0, REFUSAL_GARBAGE },
	{ "type 2 without room for it", 0, 2, 0, REFUSAL_GARBAGE },
	{ "type 4 is reserved", 8, 4, 0, REFUSAL_GARBAGE },
	{ "type 5 is reserved", 8, 5, 0, REFUSAL_GARBAGE },
	{ "type 6 is reserved", 8, 6, 0, REFUSAL_GARBAGE },
	{ "type 7 is reserved", 8, 7, 0, REFUSAL_GARBAGE },
	{ "type 4 without metadata", 0, 4, 0, REFUSAL_GARBAGE },
};

START_TEST(metadata_that_a_plain_write_cannot_supply_is_refused)
{
	for (unsigned lbads = 9; lbads <= 12; lbads += 3) {
		struct identify_page row = { .nsfeat = 2,
					     .nawupf = 31,
					     .lbads = (uint8_t)lbads,
					     .ms = metadata[_i].ms,
					     .dps = metadata[_i].dps,
					     .flbas = metadata[_i].flbas };

		identify_page(&row, &page);
		struct limits limits = limits_nvme(&page, NVME_POLICY_NAMESPACE);
		ck_assert_msg(limits.refusal == metadata[_i].expected, "%s: %s", metadata[_i].why,
			      limits_explain(limits.refusal));
		ck_assert_msg(limits.unit_max == (limits.refusal ? 0 : 32U << lbads), "%s: %u",
			      metadata[_i].why, limits.unit_max);
	}
}
END_TEST

START_TEST(format_tells_its_metadata)
{
	struct identify_page row = { .ms = 0x1008, .dps = 0x0b, .flbas = 0x10 };

	identify_page(&row, &page);
	struct nvme_format format = limits_nvme_format(&page);
	ck_assert_uint_eq(format.metadata, 0x1008);
	ck_assert_uint_eq(format.protection, 3);
	ck_assert(format.extended);
	page.namespace[26] = 0xef; /* every bit of FLBAS but that one */
	page.namespace[25] = 63;
	put16(page.namespace + 128 + 63 * 4, 8);
	page.namespace[130 + 63 * 4] = 12;
	ck_assert(!limits_nvme_format(&page).extended);
	ck_assert_uint_eq(limits_nvme_format(&page).metadata, 8);
}
END_TEST

START_TEST(format_that_cannot_be_read_is_all_zero)
{
	struct identify_page row = { .lbads = 8, .ms = 8, .dps = 1, .flbas = 0x10 };

	identify_page(&row, &page);
	struct nvme_format format = limits_nvme_format(&page);
	ck_assert(!format.block && !format.metadata && !format.extended && !format.protection);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("nvme_format");
	TCase *tc = tcase_create("format");

	tcase_add_loop_test(tc, block_size_comes_from_the_format_in_use, 0, COUNT(formats));
	tcase_add_loop_test(tc, metadata_that_a_plain_write_cannot_supply_is_refused, 0,
			    COUNT(metadata));
	tcase_add_test(tc, format_tells_its_metadata);
	tcase_add_test(tc, format_that_cannot_be_read_is_all_zero);
	suite_add_tcase(s, tc);
	return s;
}
