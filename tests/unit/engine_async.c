/* SPDX-License-Identifier: MIT */
/* The two halves of a write, where they must not go on: the rest is seen at the disk, by
 * tests/preload/aio.c and tests/preload/uring.c. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/engine.h"
#include "suite.h"
#include "untorn_uapi.h"

START_TEST(descriptor_that_became_another_files_is_not_written_to)
{
	struct engine_job job = { .fd = open("/dev/null", O_RDWR), .is_kept = true };

	ck_assert_int_ge(job.fd, 0);
	ck_assert_int_eq(engine_finish(&job), -EIO);
	close(job.fd);
	ck_assert_int_eq(engine_finish(&job), -EIO);
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

/* Who uses libaio may not be let have an io_uring. */
START_TEST(libaio_gets_no_ring)
{
	static const struct transport_queue queue = { .open_node = open_something };
	static const struct transport transport = { .queue = &queue };
	struct engine_job job = { .device = { .number = 1, .transport = &transport } };

	for (int form = FORM_AIO; form <= FORM_POLLED; form++) {
		job.fd = open("/dev/null", O_RDWR);
		ck_assert(engine_keep(&job, (enum form)form) && job.is_kept);
		ck_assert(job.has_node == (form != FORM_AIO));
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("engine_async");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, descriptor_that_became_another_files_is_not_written_to);
	tcase_add_test(tc, what_is_no_block_device_is_the_kernels);
	tcase_add_test(tc, libaio_gets_no_ring);
	suite_add_tcase(s, tc);
	return s;
}
