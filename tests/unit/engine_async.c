/* SPDX-License-Identifier: MIT */
/* Tests the two halves of a write where they must not go on. tests/preload/aio.c and
 * tests/preload/uring.c test the rest at the simulated disk. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/real.h"
#include "engine/engine.h"
#include "suite.h"
#include "tables_disk.h"
#include "untorn_uapi.h"

static struct test_disk loop;

static struct hold hold_on(int fd)
{
	struct hold hold = { .state = 2, .fd = fd };

	look_at_node(fd, &hold.node);
	hold.node.flags = O_RDWR;
	return hold;
}

START_TEST(hold_that_was_closed_past_the_doors_is_not_written_to)
{
	int fd = open(loop.path, O_RDWR);
	struct hold hold = hold_on(fd);
	struct engine_job job = { .hold = &hold };

	ck_assert(engine_is_sound(&job));
	close(fd);
	ck_assert_int_eq(engine_finish(&job), -EIO);
	ck_assert_ptr_null(job.hold);
	ck_assert_int_eq(open("/dev/zero", O_RDWR), fd);
	job.hold = &hold;
	ck_assert_int_eq(engine_finish(&job), -EIO);
	close(fd);
}
END_TEST

/* Between the proof and the look at the page cache, or the command. */
START_TEST(hold_that_is_closed_just_now_is_no_fault_of_the_programs)
{
	int fd = open(loop.path, O_RDWR | O_DIRECT);
	struct hold hold = hold_on(fd);
	struct limits limits = { .unit_min = 512, .unit_max = 4096 };
	struct request request = { .length = 4096,
				   .address = 4096,
				   .segments = 1,
				   .rwf = RWF_ATOMIC,
				   .open_flags = O_RDWR | O_DIRECT,
				   .size = 4096,
				   .block = 512 };
	struct device device = { .transport = &transport_nvme, .disk.block = 512 };

	close(fd);
	ck_assert_int_eq(engine_judge(&hold, &request, &limits, false), -EIO);
	request.rwf |= RWF_NOWAIT;
	ck_assert_int_eq(engine_judge(&hold, &request, &limits, false), -EIO);
	ck_assert_int_eq(engine_send(&hold, &device, &request), -EIO);
	ck_assert_int_eq(engine_judge(NULL, &request, &limits, false), -EBADF);
}
END_TEST

START_TEST(what_is_no_block_device_is_the_kernels)
{
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct write_call call = { .iov = &iov, .count = 1, .flags = RWF_ATOMIC };
	struct engine_job job;
	bool early;

	for (int form = FORM_AIO; form <= FORM_RING; form++) {
		call.fd = open("/dev/null", O_RDWR);
		errno = 1234;
		ck_assert_int_eq(engine_start(&call, (enum form)form, &job, &early), ENGINE_KERNEL);
		ck_assert(!early && errno == 1234);
		close(call.fd);
		ck_assert_int_eq(engine_start(&call, (enum form)form, &job, &early), ENGINE_KERNEL);
	}
}
END_TEST

static int open_something(const struct disk *disk, int fd, dev_t device)
{
	(void)disk, (void)fd, (void)device;
	return open("/dev/null", O_RDWR);
}

/* If nobody has asked about the page cache, the second half does. */
START_TEST(what_nobody_has_asked_about_is_asked)
{
	int fd = open(loop.path, O_RDWR | O_DIRECT);
	struct hold hold = hold_on(fd);
	struct engine_job job = { .hold = &hold,
				  .asks = true,
				  .own.limits = { .unit_min = 512, .unit_max = 512 },
				  .request = { .offset = TEST_DISK_SIZE,
					       .length = 512,
					       .segments = 1,
					       .size = UINT64_MAX,
					       .block = 512,
					       .open_flags = O_RDWR | O_DIRECT } };

	ck_assert_int_eq(engine_finish(&job), -ENOSPC);
	ck_assert_ptr_null(job.hold);
	close(fd);
}
END_TEST

/* An answer about one file must not be used for the next. */
START_TEST(each_of_several_is_about_its_own_file)
{
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct engine_file file = { .known = false };
	struct write_call call = { .iov = &iov, .count = 1, .flags = RWF_ATOMIC, .file = &file };
	struct engine_job job;
	bool early;

	for (int i = 0; i < 4; i++) {
		call.fd = open(i & 1 ? "/dev/null" : loop.path, O_RDWR);
		ck_assert_int_eq(engine_start(&call, FORM_AIO, &job, &early), ENGINE_KERNEL);
		ck_assert_uint_eq(job.own.number, i & 1 ? 0 : loop.number);
		close(call.fd);
	}
	engine_forget(&file);
}
END_TEST

/* A job that waits for a worker must be checked again: the disk may be formatted meanwhile. */
START_TEST(what_has_waited_is_looked_at_again)
{
	int fd = open(loop.path, O_RDWR);
	struct hold hold = hold_on(fd);
	struct engine_job job = { .hold = &hold, .request.block = 512 };
	const uint64_t second = UINT64_C(1000000000), now = real_now();

	job.own.number = loop.number;
	job.own.told = now - 3 * second;
	ck_assert(engine_is_still(&job, real_now())); /* no time has passed */
	job.since = now;
	ck_assert(engine_is_still(&job, real_now()));
	job.since = now - second;
	ck_assert(!engine_is_still(&job, real_now()));
	job.own.told = now - second;
	ck_assert(engine_is_still(&job, real_now()));
	job.request.block = 4096;
	ck_assert(!engine_is_still(&job, real_now()));
	ck_assert_int_eq(engine_finish(&job), -EIO);
	close(fd);
}
END_TEST

/* A command in a flight is one entry: the worker would have to wait for the flush after it. */
START_TEST(what_is_flushed_goes_alone)
{
	static const struct transport_queue queue = { .open_node = open_something };
	static const struct transport transport = { .queue = &queue };
	struct engine_job job = { .own = { .number = 1, .transport = &transport },
				  .request.block = 512 };
	struct hold hold = hold_on(open("/dev/null", O_RDWR));

	job.hold = &hold;
	for (int i = 0; i < 4; i++) {
		job.own.queue.durable = i & 1 ? DURABLE_BY_FLUSH : DURABLE_BY_FUA;
		job.request.rwf = i & 2 ? RWF_DSYNC : 0;
		engine_leave(&job);
		ck_assert(job.has_node == (i != 3));
		ck_assert(engine_command(&job.own, &job.request).fua == (i == 2));
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("engine_async");
	TCase *tc = tcase_create("all");

	if (test_disk_make(&loop, 512)) {
		tcase_add_test(tc, hold_that_was_closed_past_the_doors_is_not_written_to);
		tcase_add_test(tc, hold_that_is_closed_just_now_is_no_fault_of_the_programs);
		tcase_add_test(tc, what_nobody_has_asked_about_is_asked);
		tcase_add_test(tc, each_of_several_is_about_its_own_file);
		tcase_add_test(tc, what_has_waited_is_looked_at_again);
	}
	tcase_add_test(tc, what_is_no_block_device_is_the_kernels);
	tcase_add_test(tc, what_is_flushed_goes_alone);
	suite_add_tcase(s, tc);
	return s;
}
