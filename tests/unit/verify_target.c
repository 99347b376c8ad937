/* SPDX-License-Identifier: MIT */
/*
 * Tests plain writes that verify submits together, on a file. None of them may stay under way: the
 * next run would take its result for its own. Here the kernel accepts fewer, or a signal comes.
 *
 * Links: -Wl,--wrap=syscall
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command/command.h"
#include "suite.h"
#include "verify/target.h"

enum { PAGE = 4096 };

static struct verify_target target;
static struct verify_tag tags[VERIFY_RUN];
static void *buffer;
static long most = VERIFY_RUN, submitted, ended;
static int signals; /* calls that wait for results and get EINTR instead */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	va_list rest;
	long a[5];

	va_start(rest, number);
	for (int i = 0; i < 5; i++)
		a[i] = va_arg(rest, long);
	va_end(rest);
	if (number == SYS_io_submit && a[1] > most)
		a[1] = most;
	if (number == SYS_io_getevents && signals > 0) {
		signals--;
		errno = EINTR;
		return -1;
	}
	long result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4]);
	submitted += number == SYS_io_submit && result > 0 ? result : 0;
	ended += number == SYS_io_getevents && result > 0 ? result : 0;
	return result;
}

/* command.c cannot be linked: it has a main(). */
int cmd_fail(int status, const char *format, ...)
{
	(void)format;
	return status;
}

static void set_up(void)
{
	char path[] = "/var/tmp/untorn-test-XXXXXX";

	target = (struct verify_target){ .fd = mkstemp(path), .is_plain = true };
	ck_assert_int_ge(target.fd, 0);
	unlink(path);
	target.layout = (struct verify_layout){ .unit_min = PAGE, .unit_max = PAGE };
	buffer = verify_target_buffer(&target);
	for (unsigned i = 0; i < VERIFY_RUN; i++)
		tags[i] = (struct verify_tag){ .offset = i * PAGE, .length = PAGE };
}

static int write_run(void)
{
	return verify_target_write_run(&target, buffer, tags, VERIFY_RUN, false);
}

START_TEST(accepted_in_part)
{
	most = 3;
	ck_assert_int_eq(write_run(), -EIO);
	ck_assert_int_eq(submitted, 3);
	ck_assert_int_eq(ended, submitted);
	most = VERIFY_RUN;
	ck_assert_int_eq(write_run(), 0);
	ck_assert_int_eq(ended, submitted);
}
END_TEST

START_TEST(signals_come)
{
	signals = 2;
	ck_assert_int_eq(write_run(), 0);
	ck_assert_int_eq(submitted, VERIFY_RUN);
	ck_assert_int_eq(ended, submitted);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("verify_target");
	TCase *tc = tcase_create("verify_target");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, accepted_in_part);
	tcase_add_test(tc, signals_come);
	suite_add_tcase(s, tc);
	return s;
}
