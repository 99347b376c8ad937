/* SPDX-License-Identifier: MIT */
/* Tests the log after a cut: whole, torn at its end, damaged within; and files that are no log. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"
#include "verify/log.h"

static const struct verify_layout layout = { 4711, 16 << 20, 512, 16384, 8, true };

/* Three acknowledged writes: pages 3, 5 and 3 again. */
static int log_of(uint64_t run, bool durable, int fd)
{
	struct verify_log log;
	struct verify_layout this = layout;

	this.run = run;
	ck_assert_int_eq(verify_log_start(&log, fd, &this, durable), 0);
	ck_assert_int_eq(verify_log_acknowledge(&log, 3, 10), 0);
	ck_assert_int_eq(verify_log_acknowledge(&log, 5, 9), 0);
	ck_assert_int_eq(verify_log_acknowledge(&log, 3, 12), 0);
	ck_assert_int_eq(verify_log_finish(&log), 0);
	ck_assert_uint_eq(log.count, 4);
	return fd;
}

static int new_file(void)
{
	return memfd_create("log", MFD_CLOEXEC);
}

static int read_back(int fd, struct verify_history *ret_history)
{
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return verify_log_read(fd, ret_history);
}

START_TEST(tells_what_was_acknowledged)
{
	struct verify_history h;
	int fd = log_of(1, _i, new_file());

	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 4 * VERIFY_RECORD);
	ck_assert_int_eq(read_back(fd, &h), 0);
	ck_assert(h.layout.run == 1 && h.layout.size == layout.size && h.layout.pages == 8);
	ck_assert(h.layout.unit_min == 512 && h.layout.unit_max == 16384 && h.layout.is_dense);
	ck_assert_int_eq(h.durable, _i);
	ck_assert_uint_eq(h.acknowledged, 3);
	ck_assert_uint_eq(h.damaged, 0);
	ck_assert(h.pages[3].sequence == 12 && h.pages[3].index == 3);
	ck_assert(h.pages[5].sequence == 9 && h.pages[5].index == 2);
	ck_assert(!h.pages[0].sequence && !h.pages[7].sequence);
	free(h.pages);
	close(fd);
}
END_TEST

START_TEST(a_torn_end_is_left_out)
{
	struct verify_history h;
	int fd = log_of(1, true, new_file());

	ck_assert_int_eq(ftruncate(fd, 3 * VERIFY_RECORD + _i), 0);
	ck_assert_int_eq(read_back(fd, &h), 0);
	ck_assert_uint_eq(h.acknowledged, 2);
	ck_assert_uint_eq(h.damaged, 0);
	ck_assert_uint_eq(h.pages[3].sequence, 10);
	free(h.pages);
	close(fd);
}
END_TEST

START_TEST(a_damaged_record_is_left_out)
{
	struct verify_history h;
	char byte;
	int fd = log_of(1, true, new_file());

	ck_assert_int_eq(pread(fd, &byte, 1, VERIFY_RECORD + _i), 1);
	byte ^= 4;
	ck_assert_int_eq(pwrite(fd, &byte, 1, VERIFY_RECORD + _i), 1);
	ck_assert_int_eq(read_back(fd, &h), 0);
	ck_assert_uint_eq(h.acknowledged, 2);
	ck_assert_uint_eq(h.damaged, 1);
	ck_assert_uint_eq(h.pages[3].sequence, 12);
	free(h.pages);
	close(fd);
}
END_TEST

START_TEST(the_last_run_counts)
{
	struct verify_history h;
	int fd = log_of(2, false, log_of(1, true, new_file()));

	ck_assert_int_eq(read_back(fd, &h), 0);
	ck_assert_uint_eq(h.layout.run, 2);
	ck_assert(!h.durable);
	ck_assert_uint_eq(h.acknowledged, 3);
	free(h.pages);
	close(fd);
}
END_TEST

/* 0 empty, 1 zeros, 2 a log without its beginning, 3 a cut one without a whole record. */
START_TEST(no_log)
{
	static const char zeros[640];
	struct verify_history h;
	int fd = new_file();

	if (_i == 1)
		ck_assert_int_eq(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	if (_i >= 2)
		log_of(1, true, fd);
	if (_i == 2)
		ck_assert_int_eq(pwrite(fd, zeros, VERIFY_RECORD, 0), VERIFY_RECORD);
	if (_i == 3)
		ck_assert_int_eq(ftruncate(fd, VERIFY_RECORD - 1), 0);
	ck_assert_int_eq(read_back(fd, &h), -EBADMSG);
	close(fd);
}
END_TEST

/* Records of a page that the run does not have, or of another run. */
START_TEST(what_is_not_of_this_run_is_left_out)
{
	struct verify_layout this = layout;
	struct verify_history h;
	struct verify_log log;
	int fd = new_file();

	this.run = 1;
	ck_assert_int_eq(verify_log_start(&log, fd, &this, true), 0);
	if (_i)
		log.run = 2;
	ck_assert_int_eq(verify_log_acknowledge(&log, _i ? 7 : 8, 4), 0);
	ck_assert_int_eq(read_back(fd, &h), 0);
	ck_assert_uint_eq(h.acknowledged, 0);
	ck_assert_uint_eq(h.pages[7].sequence, 0);
	free(h.pages);
	close(fd);
}
END_TEST

START_TEST(through_a_pipe)
{
	struct verify_history h;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	log_of(1, true, ends[1]);
	close(ends[1]);
	ck_assert_int_eq(verify_log_read(ends[0], &h), 0);
	ck_assert_uint_eq(h.acknowledged, 3);
	free(h.pages);
	close(ends[0]);
}
END_TEST

START_TEST(errors_are_told)
{
	struct verify_log log;
	struct verify_history h;
	int full = open("/dev/full", O_RDWR | O_CLOEXEC), bad = open("/", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(verify_log_start(&log, full, &layout, true), -ENOSPC);
	ck_assert_uint_eq(log.count, 0);
	ck_assert_int_eq(verify_log_read(bad, &h), -EISDIR);
	close(full);
	close(bad);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the log of acknowledged writes");
	TCase *tc = tcase_create("rows");

	tcase_add_loop_test(tc, tells_what_was_acknowledged, 0, 2);
	tcase_add_loop_test(tc, a_torn_end_is_left_out, 0, VERIFY_RECORD);
	tcase_add_loop_test(tc, a_damaged_record_is_left_out, 0, VERIFY_RECORD);
	tcase_add_test(tc, the_last_run_counts);
	tcase_add_loop_test(tc, no_log, 0, 4);
	tcase_add_loop_test(tc, what_is_not_of_this_run_is_left_out, 0, 2);
	tcase_add_test(tc, through_a_pipe);
	tcase_add_test(tc, errors_are_told);
	suite_add_tcase(s, tc);
	return s;
}
