/* SPDX-License-Identifier: MIT */
/* Tests NVMe status to errno: one row per code that Linux's nvme_error_status() knows. */
#include <errno.h>

#include "rules/status.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	int status, expected;
} statuses[] = {
	/* Generic command status: type 0. */
	{ 0x001, -EOPNOTSUPP }, /* invalid opcode */
	{ 0x002, -EOPNOTSUPP }, /* invalid field */
	{ 0x00b, -EOPNOTSUPP }, /* invalid namespace or format */
	{ 0x021, -EREMOTEIO },  /* command interrupted */
	{ 0x080, -EREMOTEIO },  /* LBA out of range */
	{ 0x081, -ENOSPC },     /* capacity exceeded */
	{ 0x082, -EREMOTEIO },  /* namespace not ready */
	{ 0x083, -EBADE },      /* reservation conflict */
	/* Command specific status: type 1. */
	{ 0x180, -EOPNOTSUPP },   /* conflicting attributes */
	{ 0x181, -EILSEQ },       /* invalid protection information */
	{ 0x182, -ENODATA },      /* write to read only range */
	{ 0x1bd, -EOVERFLOW },    /* too many active zones */
	{ 0x1be, -ETOOMANYREFS }, /* too many open zones */
	/* Media and data integrity errors: type 2. */
	{ 0x280, -ENODATA }, /* write fault */
	{ 0x281, -ENODATA }, /* unrecovered read error */
	{ 0x282, -EILSEQ },  /* guard check */
	{ 0x283, -EILSEQ },  /* application tag check */
	{ 0x284, -EILSEQ },  /* reference tag check */
	{ 0x285, -ENODATA }, /* compare failure */
	{ 0x286, -ENODATA }, /* access denied */
	{ 0x287, -ENODATA }, /* deallocated or unwritten block */
	/* Path related: type 3. */
	{ 0x370, -ENOLINK }, /* host path error */
	/* The rest is an I/O error. */
	{ 0x003, -EIO }, /* command ID conflict */
	{ 0x004, -EIO }, /* data transfer error */
	{ 0x005, -EIO }, /* power loss notification */
	{ 0x006, -EIO }, /* internal error */
	{ 0x007, -EIO }, /* abort requested */
	{ 0x013, -EIO }, /* PRP offset invalid */
	{ 0x014, -EIO }, /* atomic write unit exceeded */
	{ 0x020, -EIO }, /* namespace is write protected */
	{ 0x084, -EIO }, /* format in progress */
	{ 0x1bc, -EIO }, /* zone invalid write */
	{ 0x300, -EIO }, /* internal path error */
	{ 0x371, -EIO }, /* command aborted by host */
	{ 0x7ff, -EIO }, /* vendor specific */
	/* The type is part of the code: the same low byte under another type is another error. */
	{ 0x101, -EIO }, /* 001 is invalid opcode */
	{ 0x202, -EIO }, /* 002 is invalid field */
	{ 0x380, -EIO }, /* 080, 180, 280 are known */
	{ 0x381, -EIO },
	{ 0x070, -EIO }, /* 370 is host path error */
	{ 0x481, -EIO }, /* 081 is capacity exceeded; bit 10 belongs to the type */
};

/* Command retry delay (bits 11, 12), more (13) and do not retry (14) are no part of the code. */
static const int noise[] = { 0, 0x0800, 0x1000, 0x1800, 0x2000, 0x4000, 0x6000, 0x7800 };

START_TEST(code_becomes_the_kernels_errno)
{
	for (int i = 0; i < COUNT(noise); i++)
		ck_assert_msg(status_to_errno(statuses[_i].status | noise[i]) ==
				      statuses[_i].expected,
			      "%#x", (unsigned)(statuses[_i].status | noise[i]));
}
END_TEST

/* A status that reaches us is never a success, whatever its bits. */
START_TEST(every_status_is_an_error)
{
	for (int status = 1; status <= 0x7fff; status++)
		ck_assert_msg(status_to_errno(status) < 0, "%#x", (unsigned)status);
}
END_TEST

static const struct {
	const char *why;
	int status;
	bool retry;
} retries[] = {
	{ "success", 0, false },
	{ "an errno is no status: the command may not have been sent", -EIO, false },
	{ "EINTR", -EINTR, false },
	{ "internal error", 0x006, true },
	{ "internal error, do not retry", 0x4006, false },
	{ "command interrupted", 0x021, true },
	{ "namespace not ready", 0x082, true },
	{ "namespace not ready, do not retry", 0x4082, false },
	{ "with a delay and more", 0x3882, true },
	{ "with a delay and more, do not retry", 0x7882, false },
	{ "write fault", 0x280, true },
	{ "LBA out of range as QEMU gives it", 0x4080, false },
};

START_TEST(retry_is_forbidden_by_dnr_alone)
{
	ck_assert_msg(status_may_retry(retries[_i].status) == retries[_i].retry, "%s",
		      retries[_i].why);
}
END_TEST

START_TEST(path_errors_are_those_of_type_3)
{
	for (int status = -4096; status < 0x8000; status++)
		ck_assert_int_eq(status_is_of_path(status),
				 status > 0 && !(status & 0x4000) && (status >> 8 & 7) == 3);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("status");
	TCase *tc = tcase_create("status");

	tcase_add_loop_test(tc, code_becomes_the_kernels_errno, 0, COUNT(statuses));
	tcase_add_test(tc, every_status_is_an_error);
	tcase_add_loop_test(tc, retry_is_forbidden_by_dnr_alone, 0, COUNT(retries));
	tcase_add_test(tc, path_errors_are_those_of_type_3);
	suite_add_tcase(s, tc);
	return s;
}
