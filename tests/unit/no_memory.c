/* SPDX-License-Identifier: MIT */
/* Tests what the command says when memory runs out. The functions that then fail are replaced. */
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command/command.h"
#include "command/report.h"
#include "suite.h"
#include "verify/power.h"
#include "verify/race.h"

void *aligned_alloc(size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	return NULL;
}

const char *json_object_to_json_string_ext(struct json_object *object, int flags)
{
	(void)object;
	(void)flags;
	errno = ENOMEM;
	return NULL;
}

/* command.c cannot be linked: it has a main(). */
int cmd_help(const char *verb)
{
	(void)verb;
	return 0;
}

int cmd_fail(int status, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	return status;
}

static const struct verify_target target = {
	.fd = -1, .layout = { .unit_min = 4096, .unit_max = 4096, .pages = 16, .size = 1 << 20 }
};

START_TEST(a_race_without_memory)
{
	struct verify_report report = verify_report_of("disk", "race");

	ck_assert_int_eq(verify_race(&target, 60, &report), 0);
	ck_assert_str_eq(report.failure, "allocating a buffer: Cannot allocate memory");
	ck_assert_int_eq(verify_report_print(&report, false, false), 2);
}
END_TEST

START_TEST(a_power_cut_without_memory)
{
	struct verify_report report = verify_report_of("disk", "power-cut");

	ck_assert_int_eq(verify_power(&target, memfd_create("log", 0), false, 60, &report), 0);
	ck_assert_str_eq(report.failure, "allocating a buffer: Cannot allocate memory");
}
END_TEST

START_TEST(a_failure_at_a_place)
{
	struct verify_report report = verify_report_of("disk", "race");

	verify_report_fail(&report, "writing", (struct verify_place){ 8192, 4096 }, 5);
	ck_assert_str_eq(report.failure, "writing of 4096 bytes at byte 8192: Input/output error");
}
END_TEST

START_TEST(counters_without_memory)
{
	char stat[] = "untorn stat", json[] = "--json", *arguments[] = { stat, json, NULL };

	ck_assert_int_eq(cmd_stat(2, arguments), 1);
}
END_TEST

/* The reporter has no exit status to tell it by. */
START_TEST(a_report_without_memory)
{
	char said[256] = "";
	int pipes[2], status;

	ck_assert_int_eq(pipe(pipes), 0);
	if (fork() == 0) {
		dup2(pipes[1], STDERR_FILENO);
		bool ready =
			cmd_report_prepare(&(struct cmd_report){ "/dev/null", true, false }) == 0;
		_exit(!ready || !cmd_report_beside(&status));
	}
	close(pipes[1]);
	ck_assert_int_gt(read(pipes[0], said, sizeof(said) - 1), 0);
	ck_assert_str_eq(said, "--report: Cannot allocate memory");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("no memory");
	TCase *tc = tcase_create("no memory");

	tcase_add_test(tc, a_race_without_memory);
	tcase_add_test(tc, a_power_cut_without_memory);
	tcase_add_test(tc, a_failure_at_a_place);
	tcase_add_test(tc, counters_without_memory);
	tcase_add_test(tc, a_report_without_memory);
	suite_add_tcase(s, tc);
	return s;
}
