/* SPDX-License-Identifier: MIT */
/* Tests the checks before the device, in the orders of libaio and of io_uring: each alone, then
 * which one wins if several fail. */
#include <errno.h>

#include "rules/entrance.h"
#include "suite.h"
#include "untorn_uapi.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct row {
	const char *why;
	int aio, ring;
	bool closed, reading, unsupported;
	int import, rwf;
	int64_t offset;
} rows[] = {
	{ "good", 0, 0, .offset = 0 },
	{ "closed", -EBADF, -EBADF, .closed = true },
	{ "open for reading", -EBADF, -EBADF, .reading = true },
	{ "segments that cannot be read", -EFAULT, -EFAULT, .import = -EFAULT },
	{ "too many segments", -EINVAL, -EINVAL, .import = -EINVAL },
	{ "unknown flag", -EOPNOTSUPP, -EOPNOTSUPP, .rwf = 0x1000 },
	{ "append and not", -EINVAL, -EINVAL, .rwf = RWF_APPEND | RWF_NOAPPEND },
	{ "no such device", -EOPNOTSUPP, -EOPNOTSUPP, .unsupported = true },
	{ "to be polled", 0, -EINVAL, .rwf = RWF_HIPRI },
	{ "the file position", -EINVAL, 0, .offset = -1 },
	{ "before the start", -EINVAL, -EINVAL, .offset = -2 },
	{ "past what can be counted", -EINVAL, -EINVAL, .offset = INT64_MAX - 4095 },
	{ "as far as can be counted", 0, 0, .offset = INT64_MAX - 4096 },
	{ "reading and unknown flag", -EOPNOTSUPP, -EBADF, .reading = true, .rwf = 0x1000 },
	{ "closed and unknown flag", -EBADF, -EBADF, .closed = true, .rwf = 0x1000 },
	{ "reading and unreadable", -EBADF, -EFAULT, .reading = true, .import = -EFAULT },
	{ "closed and unreadable", -EBADF, -EFAULT, .closed = true, .import = -EFAULT },
	{ "unknown flag and unreadable", -EOPNOTSUPP, -EFAULT, .rwf = 0x1000, .import = -EFAULT },
	{ "unreadable and before the start", -EFAULT, -EFAULT, .import = -EFAULT, .offset = -2 },
	{ "unknown flag and before the start", -EOPNOTSUPP, -EOPNOTSUPP, .rwf = 0x1000,
	  .offset = -2 },
};

START_TEST(first_check_that_fails_is_told)
{
	const struct row *row = &rows[_i / 2];
	struct limits limits = { .unit_min = 512, .unit_max = row->unsupported ? 0 : 16384 };
	struct entrance entrance = {
		.open = !row->closed,
		.writable = !row->reading && !row->closed,
		.direct = _i % 2, /* which makes no difference to a ring that is not polled */
		.import = row->import,
		.offset = row->offset,
		.length = 4096,
		.rwf = RWF_ATOMIC | row->rwf,
	};

	entrance.form = FORM_AIO;
	ck_assert_msg(entrance_check(&entrance, &limits) == row->aio, "aio: %s", row->why);
	entrance.form = FORM_RING;
	ck_assert_msg(entrance_check(&entrance, &limits) == row->ring, "ring: %s", row->why);
}
END_TEST

/* On a polled ring: a device that cannot be polled fails before the range does; RWF_HIPRI has no
 * effect. */
START_TEST(ring_that_is_polled)
{
	struct limits limits = { .unit_min = 512, .unit_max = 16384 };
	struct entrance entrance = { .form = FORM_POLLED,
				     .open = true,
				     .writable = true,
				     .direct = true,
				     .length = 4096,
				     .rwf = RWF_ATOMIC | RWF_HIPRI };

	ck_assert_int_eq(entrance_check(&entrance, &limits), 0);
	entrance.offset = -2;
	ck_assert_int_eq(entrance_check(&entrance, &limits), -EINVAL);
	entrance.direct = false;
	ck_assert_int_eq(entrance_check(&entrance, &limits), -EOPNOTSUPP);
	entrance.writable = false;
	ck_assert_int_eq(entrance_check(&entrance, &limits), -EBADF);
	entrance.writable = true;
	entrance.offset = 0;
	entrance.rwf = RWF_ATOMIC;
	ck_assert_int_eq(entrance_check(&entrance, &limits), -EOPNOTSUPP);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("entrance");
	TCase *tc = tcase_create("rows");

	tcase_add_loop_test(tc, first_check_that_fails_is_told, 0, 2 * COUNT(rows));
	tcase_add_test(tc, ring_that_is_polled);
	suite_add_tcase(s, tc);
	return s;
}
