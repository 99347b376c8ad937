/* SPDX-License-Identifier: MIT */
/* A record of root's may be believed only if our code made it, and if it is about this disk. */
#include <errno.h>

#include "device/published.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* The right magic has 'u', 0 and the version. */
#define MAGIC(first, seventh, version)                                                             \
	{                                                                                          \
		first, 'n', 't', 'o', 'r', 'n', seventh, version                                   \
	}

static const struct published record = { MAGIC('u', 0, 3), 1, 512, 7, 9, 0, 0, 0 };

static const struct {
	const char *why;
	struct published record;
	int expected;
} records[] = {
	{ "as written", { MAGIC('u', 0, 3), 1, 512, 7, 9, 0, 0, 0 }, 0 },
	{ "another magic", { MAGIC('U', 0, 3), 1, 512, 7, 9, 0, 0, 0 }, -EBADMSG },
	{ "another version", { MAGIC('u', 0, 2), 1, 512, 7, 9, 0, 0, 0 }, -EBADMSG },
	{ "version 0", { MAGIC('u', 0, 0), 1, 512, 7, 9, 0, 0, 0 }, -EBADMSG },
	{ "the byte before the version counts",
	  { MAGIC('u', '!', 3), 1, 512, 7, 9, 0, 0, 0 },
	  -EBADMSG },
	{ "another kind", { MAGIC('u', 0, 3), 2, 512, 7, 9, 0, 0, 0 }, -EBADMSG },
	{ "kind 0", { MAGIC('u', 0, 3), 0, 512, 7, 9, 0, 0, 0 }, -EBADMSG },
	{ "all zero", { "", 0, 0, 0, 0, 0, 0, 0 }, -EBADMSG },
	{ "reformatted since", { MAGIC('u', 0, 3), 1, 4096, 7, 9, 0, 0, 0 }, -ESTALE },
	{ "another disk took the number", { MAGIC('u', 0, 3), 1, 512, 8, 9, 0, 0, 0 }, -ESTALE },
	{ "written before the kernel numbered disks",
	  { MAGIC('u', 0, 3), 1, 512, 0, 9, 0, 0, 0 },
	  -ESTALE },
	{ "another directory in /sys", { MAGIC('u', 0, 3), 1, 512, 7, 10, 0, 0, 0 }, -ESTALE },
	{ "number equal in 32 bits",
	  { MAGIC('u', 0, 3), 1, 512, 7 + (UINT64_C(1) << 32), 9, 0, 0, 0 },
	  -ESTALE },
	{ "inode equal in 32 bits",
	  { MAGIC('u', 0, 3), 1, 512, 7, 9 + (UINT64_C(1) << 32), 0, 0, 0 },
	  -ESTALE },
	{ "garbage and stale is garbage", { MAGIC('u', 0, 2), 1, 4096, 8, 10, 0, 0, 0 }, -EBADMSG },
};

START_TEST(record_must_be_ours_and_about_this_disk)
{
	int error = published_check(&records[_i].record, &record);

	ck_assert_msg(error == records[_i].expected, "%s: %d", records[_i].why, error);
}
END_TEST

START_TEST(record_is_48_bytes_without_holes)
{
	ck_assert_uint_eq(sizeof(struct published), 48);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("published_record");
	TCase *tc = tcase_create("pure");

	tcase_add_loop_test(tc, record_must_be_ours_and_about_this_disk, 0, COUNT(records));
	tcase_add_test(tc, record_is_48_bytes_without_holes);
	suite_add_tcase(s, tc);
	return s;
}
