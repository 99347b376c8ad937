/* SPDX-License-Identifier: MIT */
/*
 * Tests writes, and the probe whether the driver lets them through, with a driver of our own
 * (nvme_driver.h). tests/unit/identify.c has the rest.
 */
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <sys/mman.h>

#include "nvme_driver.h"
#include "device/transport.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Data that nobody may read: a read kills the test. */
static const void *untouchable(void)
{
	void *data = mmap(NULL, LONGEST, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(data, MAP_FAILED);
	return data;
}

static const struct {
	const char *why;
	uint32_t block, nsid;
	bool protected, fua;
	uint64_t lba;
	uint32_t length;
	/* The expected command. */
	uint16_t control, nblocks;
	uint32_t tag, cdw10, cdw11, cdw12;
} writes[] = {
	{ "one small block at 0", 512, 1, false, false, 0, 512, 0, 0, 0, 0, 0, 0 },
	{ "one large block at 0", 4096, 1, false, false, 0, 4096, 0, 0, 0, 0, 0, 0 },
	{ "16 KiB of small blocks", 512, 1, false, false, 2048, 16 * KIB, 0, 31, 0, 2048, 0, 31 },
	{ "16 KiB of large blocks", 4096, 2, false, false, 9, 16 * KIB, 0, 3, 0, 9, 0, 3 },
	{ "64 KiB of small blocks", 512, 1, false, false, 7, 64 * KIB, 0, 127, 0, 7, 0, 127 },
	{ "the longest, small blocks", 512, 1, false, false, 1, LONGEST, 0, 1023, 0, 1, 0, 1023 },
	{ "the longest, large blocks", 4096, 1, false, false, 1, LONGEST, 0, 127, 0, 1, 0, 127 },
	{ "the largest namespace", 512, 0xfffffffe, false, false, 8, 512, 0, 0, 0, 8, 0, 0 },
	{ "last LBA of 32 bits", 512, 1, false, false, 0xffffffff, 512, 0, 0, 0, 0xffffffff, 0, 0 },
	{ "first LBA past 32 bits", 512, 1, false, false, 0x100000000, 512, 0, 0, 0, 0, 1, 0 },
	{ "an LBA of many bits", 4096, 1, false, false, 0x123456789abcdef0, 8192, 0, 1, 0,
	  0x9abcdef0, 0x12345678, 1 },
	{ "FUA", 4096, 1, false, true, 3, 8192, 0x4000, 1, 0, 3, 0, 0x40000001 },
	{ "FUA, the longest", 512, 1, false, true, 3, LONGEST, 0x4000, 1023, 0, 3, 0, 0x400003ff },
	{ "protected", 512, 1, true, false, 0x77, 4096, 0x2000, 7, 0x77, 0x77, 0, 0x20000007 },
	{ "protected, at 0", 4096, 1, true, false, 0, 4096, 0x2000, 0, 0, 0, 0, 0x20000000 },
	{ "protected, past 32 bits", 4096, 3, true, false, 0x5deadbeef, 4096, 0x2000, 0, 0xdeadbeef,
	  0xdeadbeef, 5, 0x20000000 },
	{ "protected, FUA", 4096, 1, true, true, 0x10, 16 * KIB, 0x6000, 3, 0x10, 0x10, 0,
	  0x60000003 },
};

static void expect_write(int row, const void *data)
{
	driver.submit = (struct nvme_user_io){
		.opcode = 1,
		.control = writes[row].control,
		.nblocks = writes[row].nblocks,
		.addr = (uintptr_t)data,
		.slba = writes[row].lba,
		.reftag = writes[row].tag,
	};
	driver.io_cmd = (struct nvme_passthru_cmd){
		.opcode = 1,
		.nsid = writes[row].nsid,
		.addr = (uintptr_t)data,
		.data_len = writes[row].length,
		.cdw10 = writes[row].cdw10,
		.cdw11 = writes[row].cdw11,
		.cdw12 = writes[row].cdw12,
		.cdw14 = writes[row].tag,
	};
}

enum { PLAIN_ROW = 3, PROTECTED_ROW = 13, DONE = 1 };

/* expected: -errno, or DONE for the length. */
static void check_write(int row, const char *why, const struct step *script, int expected)
{
	struct disk disk = {
		.block = writes[row].block,
		.nsid = writes[row].nsid,
		.protected = writes[row].protected,
	};
	struct command command = {
		.lba = writes[row].lba,
		.data = untouchable(),
		.length = writes[row].length,
		.fua = writes[row].fua,
	};

	driver_start(why, script);
	expect_write(row, command.data);
	ssize_t written = transport_nvme.write(&disk, DISK_FD, &command);
	driver_end();
	ssize_t want = expected == DONE ? (ssize_t)writes[row].length : expected;
	ck_assert_msg(written == want, "%s: %zd, expected %zd", why, written, want);
}

START_TEST(write_is_one_submit_io)
{
	static const struct step script[STEPS] = { { SUBMIT, 0 } };

	check_write(_i, writes[_i].why, script, DONE);
}
END_TEST

START_TEST(write_that_may_not_be_submitted_is_one_io_cmd)
{
	static const struct step script[STEPS] = { { SUBMIT, -EACCES }, { IO_CMD, 0 } };

	check_write(_i, writes[_i].why, script, DONE);
}
END_TEST

/* A retry starts from the beginning, with the same command. */
START_TEST(write_is_sent_again_unchanged)
{
	static const struct step script[STEPS] = {
		{ SUBMIT, 0x006 },   { SUBMIT, -EPERM }, { IO_CMD, 0x2082 },
		{ SUBMIT, -EACCES }, { IO_CMD, 0x021 },  { SUBMIT, 0 },
	};

	check_write(_i, writes[_i].why, script, DONE);
}
END_TEST

static const struct {
	const char *why;
	bool protected;
	struct step script[STEPS];
	int expected;
} outcomes[] = {
	{ "done at once", false, { { SUBMIT, 0 } }, DONE },
	/* Not let through: the other ioctl. */
	{ "EACCES", false, { { SUBMIT, -EACCES }, { IO_CMD, 0 } }, DONE },
	{ "EPERM", false, { { SUBMIT, -EPERM }, { IO_CMD, 0 } }, DONE },
	{ "protected, EACCES", true, { { SUBMIT, -EACCES }, { IO_CMD, 0 } }, DONE },
	{ "protected, EPERM", true, { { SUBMIT, -EPERM }, { IO_CMD, 0 } }, DONE },
	{ "protected, EINVAL", true, { { SUBMIT, -EINVAL }, { IO_CMD, 0 } }, DONE },
	{ "not protected, EINVAL", false, { { SUBMIT, -EINVAL } }, -EINVAL },
	/* Neither is let through. */
	{ "both EACCES", false, { { SUBMIT, -EACCES }, { IO_CMD, -EACCES } }, -EOPNOTSUPP },
	{ "both EPERM", false, { { SUBMIT, -EPERM }, { IO_CMD, -EPERM } }, -EOPNOTSUPP },
	{ "EACCES, EPERM", false, { { SUBMIT, -EACCES }, { IO_CMD, -EPERM } }, -EOPNOTSUPP },
	{ "EACCES, ENOTTY", false, { { SUBMIT, -EACCES }, { IO_CMD, -ENOTTY } }, -EOPNOTSUPP },
	{ "EINVAL, EACCES", true, { { SUBMIT, -EINVAL }, { IO_CMD, -EACCES } }, -EOPNOTSUPP },
	{ "both EINVAL", true, { { SUBMIT, -EINVAL }, { IO_CMD, -EINVAL } }, -EINVAL },
	{ "no NVMe disk", false, { { SUBMIT, -ENOTTY } }, -EOPNOTSUPP },
	/* No path: a read waits for one, then the write is sent again; or the read's error counts.
	 */
	{ "no path", false, { { SUBMIT, -EWOULDBLOCK }, { WAIT, 4096 }, { SUBMIT, 0 } }, DONE },
	{ "host path", false, { { SUBMIT, 0x370 }, { WAIT, 4096 }, { SUBMIT, 0 } }, DONE },
	{ "aborted", false, { { SUBMIT, 0x371 }, { WAIT, 4096 }, { SUBMIT, 0 } }, DONE },
	{ "ANA loss", false, { { SUBMIT, 0x301 }, { WAIT, -EIO } }, -EIO },
	{ "ANA transition", false, { { SUBMIT, 0x303 }, { WAIT, -ENOLINK } }, -ENOLINK },
	{ "no path, gone", false, { { SUBMIT, -EWOULDBLOCK }, { WAIT, -ENODEV } }, -ENODEV },
	{ "path error, DNR", false, { { SUBMIT, 0x4370 } }, -ENOLINK },
	{ "cancelled", false, { { SUBMIT, -EINTR }, { WAIT, 4096 }, { SUBMIT, 0 } }, DONE },
	{ "cancelled, bad medium",
	  false,
	  { { SUBMIT, -EINTR }, { WAIT, -ENODATA }, { SUBMIT, 0 } },
	  DONE },
	{ "not readable", false, { { SUBMIT, -EINTR }, { WAIT, -EBADF }, { SUBMIT, 0 } }, DONE },
	{ "IO_CMD no path",
	  false,
	  { { SUBMIT, -EACCES },
	    { IO_CMD, -EWOULDBLOCK },
	    { WAIT, 4096 },
	    { SUBMIT, -EACCES },
	    { IO_CMD, 0 } },
	  DONE },
	/* A command that may have been sent gets no retry and no other ioctl. */
	{ "EFAULT", false, { { SUBMIT, -EFAULT } }, -EFAULT },
	{ "ENODEV", false, { { SUBMIT, -ENODEV } }, -ENODEV },
	{ "EIO", false, { { SUBMIT, -EIO } }, -EIO },
	{ "ENOMEM", false, { { SUBMIT, -ENOMEM } }, -ENOMEM },
	{ "protected, EFAULT", true, { { SUBMIT, -EFAULT } }, -EFAULT },
	{ "IO_CMD EFAULT", false, { { SUBMIT, -EACCES }, { IO_CMD, -EFAULT } }, -EFAULT },
	{ "IO_CMD EINVAL", false, { { SUBMIT, -EPERM }, { IO_CMD, -EINVAL } }, -EINVAL },
	{ "IO_CMD ENODEV", false, { { SUBMIT, -EACCES }, { IO_CMD, -ENODEV } }, -ENODEV },
	{ "IO_CMD EIO", false, { { SUBMIT, -EACCES }, { IO_CMD, -EIO } }, -EIO },
	{ "IO_CMD ENOMEM", false, { { SUBMIT, -EACCES }, { IO_CMD, -ENOMEM } }, -ENOMEM },
	/* The result of the retry counts. */
	{ "gone meanwhile", false, { { SUBMIT, 0x006 }, { SUBMIT, -ENODEV } }, -ENODEV },
	{ "no path later",
	  false,
	  { { SUBMIT, 0x006 }, { SUBMIT, -EAGAIN }, { WAIT, -EIO } },
	  -EIO },
	{ "another status", false, { { SUBMIT, 0x006 }, { SUBMIT, 0x4081 } }, -ENOSPC },
	{ "EINVAL later", false, { { SUBMIT, 0x006 }, { SUBMIT, -EINVAL } }, -EINVAL },
	{ "no more",
	  false,
	  { { SUBMIT, 4 }, { SUBMIT, -EPERM }, { IO_CMD, -EPERM } },
	  -EOPNOTSUPP },
	{ "IO_CMD, DNR", false, { { SUBMIT, -EACCES }, { IO_CMD, 0x4080 } }, -EREMOTEIO },
};

START_TEST(write_tells_what_became_of_it)
{
	check_write(outcomes[_i].protected ? PROTECTED_ROW : PLAIN_ROW, outcomes[_i].why,
		    outcomes[_i].script, outcomes[_i].expected);
}
END_TEST

static const struct {
	int status, expected;
} statuses[] = {
	{ 0x001, -EOPNOTSUPP }, { 0x002, -EOPNOTSUPP },   { 0x00b, -EOPNOTSUPP },
	{ 0x180, -EOPNOTSUPP }, { 0x021, -EREMOTEIO },    { 0x080, -EREMOTEIO },
	{ 0x082, -EREMOTEIO },  { 0x081, -ENOSPC },       { 0x083, -EBADE },
	{ 0x181, -EILSEQ },     { 0x282, -EILSEQ },       { 0x283, -EILSEQ },
	{ 0x284, -EILSEQ },     { 0x182, -ENODATA },      { 0x280, -ENODATA },
	{ 0x281, -ENODATA },    { 0x285, -ENODATA },      { 0x286, -ENODATA },
	{ 0x1bd, -EOVERFLOW },  { 0x1be, -ETOOMANYREFS }, { 0x006, -EIO },
	{ 0x014, -EIO },        { 0x7ff, -EIO },
};

/* The same status `sends` times; by IO_CMD, each time after a SUBMIT_IO that is refused. */
static void script_repeat(struct step *script, int sends, int status, bool by_io_cmd)
{
	for (int i = 0; i < sends; i++) {
		if (by_io_cmd) {
			*script++ = (struct step){ SUBMIT, -EACCES };
			*script++ = (struct step){ IO_CMD, status };
		} else {
			*script++ = (struct step){ SUBMIT, status };
		}
	}
	*script = (struct step){ END, 0 };
}

/* Waits for a path do not count as retries; commands that the driver cancelled do. */
START_TEST(paths_may_come_and_go)
{
	struct step script[3 * STEPS] = { { END, 0 } };

	for (int i = 0; i < 2 * STEPS; i += 2) {
		script[i] = (struct step){ SUBMIT, i % 4 ? 0x370 : -EWOULDBLOCK };
		script[i + 1] = (struct step){ WAIT, 4096 };
	}
	script[2 * STEPS] = (struct step){ SUBMIT, 0 };
	check_write(PLAIN_ROW, "come and go", script, DONE);
	for (int i = 0; i < 2 * SENDS; i += 2)
		script[i].result = -EINTR;
	script[2 * SENDS - 1].kind = END;
	check_write(PLAIN_ROW, "cancelled each time", script, -EIO);
}
END_TEST

START_TEST(status_with_do_not_retry_is_an_error_at_once)
{
	struct step script[STEPS];

	script_repeat(script, 1, statuses[_i].status | 0x4000, false);
	check_write(PLAIN_ROW, "DNR", script, statuses[_i].expected);
}
END_TEST

START_TEST(status_that_stays_is_an_error_after_five_retries)
{
	struct step script[STEPS];

	for (int by_io_cmd = 0; by_io_cmd < 2; by_io_cmd++) {
		script_repeat(script, SENDS, statuses[_i].status, by_io_cmd);
		check_write(PLAIN_ROW, "stays", script, statuses[_i].expected);
		ck_assert_int_eq(driver.calls, by_io_cmd ? 2 * SENDS : SENDS);
	}
}
END_TEST

/* _i: which send is the good one. */
START_TEST(write_succeeds_when_a_retry_does)
{
	struct step script[STEPS];

	for (int by_io_cmd = 0; by_io_cmd < 2; by_io_cmd++) {
		script_repeat(script, _i, 0x082, by_io_cmd);
		script[(by_io_cmd ? 2 : 1) * _i - 1].result = 0;
		check_write(PLAIN_ROW, "succeeds", script, DONE);
	}
}
END_TEST

static const struct {
	const char *why;
	struct step script[STEPS];
	const char *expected;
	int error;
} probes[] = {
	{ "memory looked at", { { SUBMIT, -EFAULT } }, "NVME_IOCTL_SUBMIT_IO", 0 },
	{ "sent", { { SUBMIT, 0x4080 } }, "NVME_IOCTL_SUBMIT_IO", 0 },
	{ "sent, may retry", { { SUBMIT, 0x004 } }, "NVME_IOCTL_SUBMIT_IO", 0 },
	{ "EACCES", { { SUBMIT, -EACCES }, { IO_CMD, -EFAULT } }, "NVME_IOCTL_IO_CMD", 0 },
	{ "EPERM", { { SUBMIT, -EPERM }, { IO_CMD, -EFAULT } }, "NVME_IOCTL_IO_CMD", 0 },
	{ "EINVAL", { { SUBMIT, -EINVAL }, { IO_CMD, -EFAULT } }, "NVME_IOCTL_IO_CMD", 0 },
	{ "IO_CMD sent", { { SUBMIT, -EACCES }, { IO_CMD, 0x4080 } }, "NVME_IOCTL_IO_CMD", 0 },
	{ "both EACCES", { { SUBMIT, -EACCES }, { IO_CMD, -EACCES } }, NULL, -EACCES },
	{ "EACCES, EPERM", { { SUBMIT, -EACCES }, { IO_CMD, -EPERM } }, NULL, -EPERM },
	{ "both EINVAL", { { SUBMIT, -EINVAL }, { IO_CMD, -EINVAL } }, NULL, -EINVAL },
	{ "no NVMe disk", { { SUBMIT, -ENOTTY } }, NULL, -ENOTTY },
	{ "gone", { { SUBMIT, -ENODEV } }, NULL, -ENODEV },
};

/* A tag of 1 stands for that of the LBA; see check_submit(). */
static void expect_probe(const struct disk *disk)
{
	uint16_t control = disk->protected ? 0x2000 : 0;

	driver.probing = true;
	driver.submit = (struct nvme_user_io){
		.opcode = 1,
		.control = control,
		.reftag = disk->protected,
	};
	driver.io_cmd = (struct nvme_passthru_cmd){
		.opcode = 1,
		.nsid = disk->nsid,
		.data_len = disk->block,
		.cdw12 = (uint32_t)control << 16,
		.cdw14 = disk->protected,
	};
}

static const struct disk disks[] = {
	{ .block = 512, .nsid = 1 },
	{ .block = 4096, .nsid = 7 },
	{ .block = 512, .nsid = 1, .protected = true },
	{ .block = 4096, .nsid = 1, .protected = true },
};

START_TEST(means_is_the_ioctl_that_is_let_through)
{
	for (int i = 0; i < COUNT(disks); i++) {
		int error = 0;
		if (probes[_i].script[0].result == -EINVAL && !disks[i].protected)
			continue; /* EINVAL is about protection information */
		driver_start(probes[_i].why, probes[_i].script);
		expect_probe(&disks[i]);
		const char *means = transport_nvme.means(&disks[i], DISK_FD, &error);
		driver_end();
		ck_assert_pstr_eq(means, probes[_i].expected);
		if (!means)
			ck_assert_int_eq(error, probes[_i].error);
	}
}
END_TEST

START_TEST(disk_without_a_block_size_is_not_asked)
{
	static const struct step script[STEPS] = { { END, 0 } };
	struct disk disk = { .nsid = 1 };
	int error = 0;

	driver_start("no block size", script);
	ck_assert_ptr_null(transport_nvme.means(&disk, DISK_FD, &error));
	ck_assert_int_lt(error, 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("transport_nvme");
	TCase *tc = tcase_create("write");

	tcase_add_loop_test(tc, write_is_one_submit_io, 0, COUNT(writes));
	tcase_add_loop_test(tc, write_that_may_not_be_submitted_is_one_io_cmd, 0, COUNT(writes));
	tcase_add_loop_test(tc, write_is_sent_again_unchanged, 0, COUNT(writes));
	tcase_add_loop_test(tc, write_tells_what_became_of_it, 0, COUNT(outcomes));
	tcase_add_test(tc, paths_may_come_and_go);
	tcase_add_loop_test(tc, status_with_do_not_retry_is_an_error_at_once, 0, COUNT(statuses));
	tcase_add_loop_test(tc, status_that_stays_is_an_error_after_five_retries, 0,
			    COUNT(statuses));
	tcase_add_loop_test(tc, write_succeeds_when_a_retry_does, 1, SENDS + 1);
	suite_add_tcase(s, tc);

	tc = tcase_create("means");
	tcase_add_loop_test(tc, means_is_the_ioctl_that_is_let_through, 0, COUNT(probes));
	tcase_add_test(tc, disk_without_a_block_size_is_not_asked);
	suite_add_tcase(s, tc);
	return s;
}
