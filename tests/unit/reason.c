/* SPDX-License-Identifier: MIT */
/* Tests the reasons that are given for refusals, and that each has a text. */
#include <errno.h>
#include <fcntl.h>

#include "rules/reason.h"
#include "suite.h"
#include "untorn_uapi.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct limits limits = { .unit_min = 512, .unit_max = 16384, .boundary = 32768 };

/* A good request, except for the row's values. */
static const struct {
	uint64_t offset, length;
	uint32_t segments;
	uintptr_t address;
	uint32_t block;
	int error;
	enum reason reason;
} shapes[] = {
	{ 0, 4096, 2, 0, 512, EINVAL, REASON_SEGMENTS },
	{ 0, 4096, 0, 0, 512, EINVAL, REASON_SEGMENTS },
	{ 0, 3072, 1, 0, 512, EINVAL, REASON_LENGTH },
	{ 0, 0, 1, 0, 512, EINVAL, REASON_LENGTH },
	{ 512, 4096, 1, 0, 512, EINVAL, REASON_OFFSET },
	{ 1 << 20, 4096, 1, 0, 512, EINVAL, REASON_END },
	{ 0, 256, 1, 0, 512, EINVAL, REASON_ALIGNMENT },
	{ 0, 4096, 1, 1, 512, EINVAL, REASON_ALIGNMENT },
	{ 0, 32768, 1, 0, 512, EINVAL, REASON_SIZE },
	{ 0, 4096, 1, 0, 0, EINVAL, REASON_ARGUMENT },
	{ 0, 4096, 1, 0, 512, EINVAL, REASON_ARGUMENT }, /* no reason is known */
	{ 0, 4096, 1, 0, 512, ENOSPC, REASON_END },
	{ 0, 4096, 1, 0, 512, EBADF, REASON_DESCRIPTOR },
	{ 0, 4096, 1, 0, 512, EFAULT, REASON_MEMORY },
	{ 0, 4096, 1, 0, 512, EPERM, REASON_READ_ONLY },
	{ 0, 4096, 1, 0, 512, ETXTBSY, REASON_SWAP },
	{ 0, 4096, 1, 0, 512, EAGAIN, REASON_WAIT },
	{ 0, 4096, 1, 0, 512, ENOMEM, REASON_OTHER },
};

START_TEST(reason_of_a_shape)
{
	struct request request = {
		.offset = shapes[_i].offset,
		.length = shapes[_i].length,
		.segments = shapes[_i].segments,
		.address = shapes[_i].address,
		.block = shapes[_i].block,
		.open_flags = O_DIRECT | O_RDWR,
		.rwf = RWF_ATOMIC,
		.size = 1 << 20,
		.dma_mask = 3,
	};

	ck_assert_int_eq(reason_of(&request, &limits, -shapes[_i].error), shapes[_i].reason);
}
END_TEST

START_TEST(boundary_is_counted_from_the_disks_start)
{
	struct request request = { .length = 16384, .segments = 1, .block = 512, .size = 1 << 20 };

	request.start = 24576;
	ck_assert_int_eq(reason_of(&request, &limits, -EINVAL), REASON_BOUNDARY);
	request.start = 16384;
	ck_assert_int_eq(reason_of(&request, &limits, -EINVAL), REASON_ARGUMENT);
}
END_TEST

START_TEST(not_supported)
{
	struct request request = { .rwf = RWF_ATOMIC, .block = 512, .open_flags = O_RDWR };
	struct limits none = limits_refused(REFUSAL_ZONED);

	ck_assert_int_eq(reason_of(&request, &limits, -EOPNOTSUPP), REASON_NOT_DIRECT);
	ck_assert_int_eq(reason_of(&request, &none, -EOPNOTSUPP),
			 (int)REASON_DEVICE + (int)REFUSAL_ZONED);
	request.rwf |= 0x400;
	ck_assert_int_eq(reason_of(&request, &limits, -EOPNOTSUPP), REASON_FLAGS);
}
END_TEST

START_TEST(each_has_a_text)
{
	ck_assert_ptr_nonnull(reason_text((enum reason)_i));
	ck_assert_str_ne(reason_text((enum reason)_i), "");
	ck_assert_ptr_nonnull(reason_name((enum reason)_i));
}
END_TEST

START_TEST(names_of_errors)
{
	ck_assert_str_eq(reason_errno(-EINVAL), "EINVAL");
	ck_assert_str_eq(reason_errno(EINVAL), "EINVAL");
	ck_assert_str_eq(reason_errno(-12345), "error");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("reason");
	TCase *tc = tcase_create("reason");

	tcase_add_loop_test(tc, reason_of_a_shape, 0, COUNT(shapes));
	tcase_add_test(tc, boundary_is_counted_from_the_disks_start);
	tcase_add_test(tc, not_supported);
	tcase_add_loop_test(tc, each_has_a_text, 0, REASON_COUNT + 5);
	tcase_add_test(tc, names_of_errors);
	suite_add_tcase(s, tc);
	return s;
}
