/* SPDX-License-Identifier: MIT */
/*
 * NVMe commands to the simulated disk, by both of the driver's ioctls: a Write must reach the right
 * place of the image, and commands must fail as the driver's. Identify is in tests/sim/admin.c.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/nvme_ioctl.h>

enum { PRACT = 1 << 13, FUA = 1 << 14 };

static long submit(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	struct nvme_user_io io = {
		.opcode = 1, .nblocks = (uint16_t)(blocks - 1), .addr = (uintptr_t)data, .slba = lba
	};

	return ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io);
}

static struct nvme_passthru_cmd write_command(const void *data, uint64_t lba, unsigned blocks)
{
	return (struct nvme_passthru_cmd){ .opcode = 1,
					   .nsid = 1,
					   .addr = (uintptr_t)data,
					   .data_len = blocks * 512,
					   .cdw10 = (uint32_t)lba,
					   .cdw11 = (uint32_t)(lba >> 32),
					   .cdw12 = blocks - 1 };
}

static long io(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	struct nvme_passthru_cmd command = write_command(data, lba, blocks);

	return ioctl(fd, NVME_IOCTL_IO_CMD, &command);
}

static long identify(int fd, void *page)
{
	struct nvme_admin_cmd command = {
		.opcode = 6, .addr = (uintptr_t)page, .data_len = 4096, .cdw10 = 1
	};

	return ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);
}

static void unprivileged(void)
{
	int fd = open_disk();
	char *data = buffer(4096, 'u');

	want(ioctl(fd, NVME_IOCTL_ID) == 1);
	want_error(identify(fd, data), EACCES);
	want_error(io(fd, data, 0, 8), EACCES);
	want(image_holds(0, 4096, 0));
	want(submit(fd, data, 0, 8) == 0);
	want(image_holds(0, 4096, 'u'));
}

static void no_submit(void)
{
	int fd = open_disk();
	char *data = buffer(4096, 'n');

	want_error(submit(fd, data, 0, 8), EACCES);
	want(image_holds(0, 4096, 0));
	want(io(fd, data, 0, 8) == 0 && image_holds(0, 4096, 'n'));
}

static void no_nvme(void)
{
	int fd = open_disk();
	char *data = buffer(4096, 'n');

	want_error(ioctl(fd, NVME_IOCTL_ID), ENOTTY);
	want_error(identify(fd, data), ENOTTY);
	want_error(submit(fd, data, 0, 8), ENOTTY);
	want_error(io(fd, data, 0, 8), ENOTTY);
	want(image_holds(0, 4096, 0));
}

static long (*const ways[])(int, const void *, uint64_t, unsigned) = { submit, io };

/* By both ioctls: the data must be in its place, and nothing else may change. */
static void places(void)
{
	static const struct {
		uint64_t lba;
		unsigned blocks;
	} rows[] = { { 0, 1 }, { 1, 1 }, { 7, 32 }, { 131071, 1 }, { 130048, 1024 } };
	int fd = open_disk();

	for (int way = 0; way < 2; way++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			char letter = (char)('a' + way * 8 + (int)i);
			size_t length = rows[i].blocks * 512;
			off_t at = (off_t)rows[i].lba * 512;
			char *data = buffer(length, letter);
			want(ways[way](fd, data, rows[i].lba, rows[i].blocks) == 0);
			want(image_holds(at, length, letter) && holds(fd, at, length, letter));
			if (at + (off_t)length < DISK_SIZE)
				want(!image_holds(at + (off_t)length, 512, letter));
			want(!at || !image_holds(at - 512, 512, letter));
		}
	}
}

static void past_the_end(void)
{
	static const struct {
		uint64_t lba;
		unsigned blocks;
	} rows[] = {
		{ 131072, 1 },
		{ 131071, 2 },
		{ 131072 - 31, 32 },
		{ 1 << 20, 1 },
		{ UINT32_MAX, 1 },
		{ UINT64_C(1) << 32, 1 },
		{ UINT64_C(1) << 55, 1 },
		{ (UINT64_C(1) << 55) + 8, 8 },
		{ UINT64_C(1) << 63, 32 },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, 2 },
	};
	int fd = open_disk();
	char *data = buffer(UNIT, 'p');

	for (int way = 0; way < 2; way++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			long result = ways[way](fd, data, rows[i].lba, rows[i].blocks);
			if (result != 0x4080)
				fprintf(stderr, "way %d row %zu: %#lx\n", way, i, result);
			want(result == 0x4080);
		}
	}
	want(image_holds(0, 2 * UNIT, 0) && image_holds(DISK_SIZE - UNIT, UNIT, 0));
}

static void bad_memory(void)
{
	int fd = open_disk();
	char *map =
		mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(map, 'm', UNIT);
	want(mprotect(map + UNIT, UNIT, PROT_NONE) == 0);
	for (int way = 0; way < 2; way++) {
		want_error(ways[way](fd, map + UNIT, 0, 32), EFAULT);
		want_error(ways[way](fd, map + UNIT / 2, 0, 32), EFAULT);
		want_error(ways[way](fd, map + UNIT - 511, 0, 1), EFAULT);
		want(ways[way](fd, NULL, 0, 1) == 0); /* as the driver: no data, zeroes here */
	}
	want(image_holds(0, 2 * UNIT, 0));
	want(submit(fd, map, 0, 32) == 0 && image_holds(0, UNIT, 'm'));
}

/* max_hw_sectors_kb=32 is the driver's limit, mdts=2 (16 KiB) the controller's. */
static void too_large(void)
{
	int fd = open_disk();
	char *data = buffer(4 * UNIT, 'l');
	const char *limit = getenv("SIM_LIMIT");

	for (int way = 0; way < 2; way++) {
		if (strcmp(limit, "hw") == 0) {
			want_error(ways[way](fd, data, 0, 65), EINVAL);
			want_error(ways[way](fd, data, 0, 128), EINVAL);
			want_error(ways[way](fd, data, 1 << 20, 128), EINVAL);
			want(image_holds(way * 2 * UNIT, 512, 0));
			want(ways[way](fd, data, (uint64_t)way * 64, 64) == 0);
			want(image_holds(way * 2 * UNIT, (size_t)2 * UNIT, 'l'));
		} else {
			want(ways[way](fd, data, 0, 33) == 0x4002);
			want(ways[way](fd, data, 1 << 20, 33) == 0x4002);
			want(image_holds(way * UNIT, 512, 0));
			want(ways[way](fd, data, (uint64_t)way * 32, 32) == 0);
			want(image_holds(way * UNIT, UNIT, 'l'));
		}
	}
}

static void command_fields(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'f');
	static const unsigned lengths[] = { 0, 512, 8 * 512 - 1, 8 * 512 + 1, 9 * 512, UNIT };
	static const unsigned namespaces[] = { 0, 2, 0xffffffff };
	static const uint8_t opcodes[] = { 0x02, 0x04, 0x08, 0x09, 0x80, 0xff };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct nvme_passthru_cmd command = write_command(data, 0, 8);
		command.data_len = lengths[i];
		want(ioctl(fd, NVME_IOCTL_IO_CMD, &command) == 0x4002);
	}
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		struct nvme_passthru_cmd command = write_command(data, 0, 8);
		command.nsid = namespaces[i];
		want_error(ioctl(fd, NVME_IOCTL_IO_CMD, &command), EINVAL);
	}
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		struct nvme_passthru_cmd command = write_command(data, 0, 8);
		struct nvme_user_io io = { .opcode = opcodes[i],
					   .nblocks = 7,
					   .addr = (uintptr_t)data };
		command.opcode = opcodes[i];
		want(ioctl(fd, NVME_IOCTL_IO_CMD, &command) == 0x4001);
		want_error(ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io), EINVAL);
	}
	want(image_holds(0, UNIT, 0));
}

static void flush(void)
{
	struct nvme_passthru_cmd flush = { .opcode = 0, .nsid = 1 };
	struct nvme_user_io submitted = { .opcode = 0 };
	int fd = open_disk();

	want(ioctl(fd, NVME_IOCTL_IO_CMD, &flush) == 0);
	flush.nsid = 2;
	want_error(ioctl(fd, NVME_IOCTL_IO_CMD, &flush), EINVAL);
	want_error(ioctl(fd, NVME_IOCTL_SUBMIT_IO, &submitted), EINVAL);
}

/* The driver ignores partitions: the LBA is the disk's, through any descriptor. */
static void partition(void)
{
	int part = open(DISK "p1", O_RDWR | O_DIRECT);
	char *data = buffer(UNIT, 'a');

	want(part >= 0 && submit(part, data, 2048, 32) == 0);
	want(image_holds(2048 * 512, UNIT, 'a') && holds(part, 0, UNIT, 'a'));
	memset(data, 'b', UNIT);
	want(io(part, data, 0, 32) == 0);
	want(image_holds(0, UNIT, 'b') && holds(part, 0, UNIT, 'a'));
	want(submit(part, data, 131072, 1) == 0x4080);
	want(submit(part, data, 2048 + 4096, 1) == 0);
	want(image_holds((2048 + 4096) * 512, 512, 'b'));
}

/* SIM_PI is "CONTROL:REFTAG-LBA:RESULT"; a negative result is an errno's. */
static void protection(void)
{
	int control, reftag, expected, fd = open_disk();
	char *data = buffer(UNIT, 'i');

	want(sscanf(getenv("SIM_PI"), "%i:%i:%i", &control, &reftag, &expected) == 3);
	struct nvme_user_io one = { .opcode = 1,
				    .nblocks = 7,
				    .control = (uint16_t)control,
				    .addr = (uintptr_t)data,
				    .slba = 16,
				    .reftag = (uint32_t)(16 + reftag) };
	struct nvme_passthru_cmd two = write_command(data, 32, 8);
	two.cdw12 |= (uint32_t)control << 16;
	two.cdw14 = (uint32_t)(32 + reftag);
	long submitted = ioctl(fd, NVME_IOCTL_SUBMIT_IO, &one);
	want(expected < 0 ? submitted == -1 && errno == -expected : submitted == expected);
	long passed = ioctl(fd, NVME_IOCTL_IO_CMD, &two);
	want(expected < 0 ? passed == -1 && errno == -expected : passed == expected);
	want(image_holds(16L * 512, 4096, expected ? 0 : 'i'));
	want(image_holds(32L * 512, 4096, expected ? 0 : 'i'));
}

/* fault=2:0x4014, 4:-5, 5:-16, 6:0x4280: the data of failing commands is not stored. */
static void faults(void)
{
	int fd = open_disk();
	char *data = buffer(512, 'x');

	want(submit(fd, data, 0, 1) == 0);
	want(pwrite(fd, data, 512, 50L * 512) == 512);
	want(submit(fd, data, 1, 1) == 0x4014);
	want(io(fd, data, 2, 1) == 0);
	want_error(io(fd, data, 3, 1), EIO);
	want_error(submit(fd, data, 4, 1), EBUSY);
	want(pwrite(fd, data, 512, 51L * 512) == 512);
	want(io(fd, data, 5, 1) == 0x4280);
	want(submit(fd, data, 6, 1) == 0);
	static const char expected[] = { 'x', 0, 'x', 0, 0, 0, 'x', 0 };
	for (size_t i = 0; i < sizeof(expected); i++)
		want(image_holds((off_t)i * 512, 512, expected[i]));
	want(image_holds(50L * 512, 1024, 'x'));
}

/* gone=3: the third command and all later ones fail. */
static void gone(void)
{
	int fd = open_disk();
	char *data = buffer(512, 'g');
	struct nvme_passthru_cmd flush = { .opcode = 0, .nsid = 1 };

	want(submit(fd, data, 0, 1) == 0 && io(fd, data, 1, 1) == 0);
	want(pwrite(fd, data, 512, 512 * 2L) == 512);
	want_error(io(fd, data, 3, 1), ENODEV);
	want_error(submit(fd, data, 4, 1), ENODEV);
	want_error(pwrite(fd, data, 512, 512 * 5L), EIO);
	want_error(pread(fd, data, 512, 0), EIO);
	want(image_holds(0, 512L * 3, 'g') && image_holds(512L * 3, 512L * 3, 0));
	want(ioctl(fd, NVME_IOCTL_IO_CMD, &flush) == -1);
}

/* delay=30000 microseconds each. */
static void delay(void)
{
	int fd = open_disk();
	char *data = buffer(512, 'd');
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	want(submit(fd, data, 0, 1) == 0 && io(fd, data, 1, 1) == 0);
	want(pwrite(fd, data, 512, 512) == 512);
	clock_gettime(CLOCK_MONOTONIC, &to);
	long took = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
	want(took >= 89);
}

/* One command of ours and two of a child: with fault=3 the child's second one fails. */
static void over_fork(void)
{
	int fd = open_disk(), status;
	char *data = buffer(512, 'c');

	want(submit(fd, data, 0, 1) == 0);
	pid_t child = fork();
	if (child == 0)
		_exit(submit(fd, data, 1, 1) == 0 && io(fd, data, 2, 1) == 0x4014 ? 0 : 1);
	want(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
	want(submit(fd, data, 3, 1) == 0);
}

static void log_lines(void)
{
	int fd = open_disk(), synchronous = open(DISK, O_WRONLY | O_DSYNC);
	char *data = buffer(UNIT, 'l');
	struct nvme_user_io io_fua = {
		.opcode = 1, .nblocks = 31, .control = FUA, .addr = (uintptr_t)data, .slba = 64
	};
	struct nvme_passthru_cmd fua = write_command(data, 96, 16);

	want(submit(fd, data, 5, 32) == 0);
	want(ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io_fua) == 0);
	want(io(fd, data, 131071, 1) == 0);
	fua.cdw12 |= (uint32_t)FUA << 16;
	want(ioctl(fd, NVME_IOCTL_IO_CMD, &fua) == 0);
	want(pwrite(fd, data, 1024, 4096) == 1024);
	want(pwrite(synchronous, data, 10, 512) == 10);
	want(submit(fd, data, 131072, 1) == 0x4080);
	want(pread(fd, data, 512, 0) == 512);
}

const struct body bodies[] = {
	{ "unprivileged", unprivileged },
	{ "no_submit", no_submit },
	{ "no_nvme", no_nvme },
	{ "places", places },
	{ "past_the_end", past_the_end },
	{ "bad_memory", bad_memory },
	{ "too_large", too_large },
	{ "command_fields", command_fields },
	{ "flush", flush },
	{ "partition", partition },
	{ "protection", protection },
	{ "faults", faults },
	{ "gone", gone },
	{ "delay", delay },
	{ "over_fork", over_fork },
	{ "log_lines", log_lines },
	{ NULL, NULL },
};

static const struct {
	const char *body, *disk, *environment;
	int submitted, passed; /* Write commands in the log; -1: not looked at */
} rows[] = {
	{ "unprivileged", ",unprivileged", NULL, 1, 0 },
	{ "no_submit", ",nosubmit", NULL, 0, 1 },
	{ "no_nvme", ",kind=none", NULL, 0, 0 },
	{ "places", "", NULL, 5, 5 },
	{ "past_the_end", "", NULL, 0, 0 },
	{ "bad_memory", "", NULL, 2, 1 },
	{ "too_large", ",max_hw_sectors_kb=32", "SIM_LIMIT=hw", 1, 1 },
	{ "too_large", ",mdts=2", "SIM_LIMIT=mdts", 1, 1 },
	{ "too_large", ",max_hw_sectors_kb=32,mdts=8", "SIM_LIMIT=hw", 1, 1 },
	{ "command_fields", "", NULL, 0, 0 },
	{ "flush", "", NULL, 0, 0 },
	{ "partition", ",part=2048+4096", NULL, 2, 1 },
	{ "protection", "", "SIM_PI=0:0:0", 1, 1 },
	{ "protection", "", "SIM_PI=0x2000:5:0", 1, 1 },
	{ "protection", ",ms=8", "SIM_PI=0:0:0", 1, 1 },
	{ "protection", ",ms=8,pi=1", "SIM_PI=0:0:-22", 0, 0 },
	{ "protection", ",ms=8,pi=1", "SIM_PI=0x2000:0:0", 1, 1 },
	{ "protection", ",ms=8,pi=1", "SIM_PI=0x2000:1:0x4284", 0, 0 },
	{ "protection", ",ms=8,pi=1", "SIM_PI=0x2000:-16:0x4284", 0, 0 },
	{ "protection", ",ms=8,pi=2", "SIM_PI=0x4000:0:-22", 0, 0 },
	{ "protection", ",ms=8,pi=2", "SIM_PI=0x2000:1:0", 1, 1 },
	{ "protection", ",ms=8,pi=3", "SIM_PI=0:0:-22", 0, 0 },
	{ "protection", ",ms=8,pi=3", "SIM_PI=0x2000:7:0", 1, 1 },
	{ "protection", ",ms=16,pi=1", "SIM_PI=0x2000:0:-22", 0, 0 },
	{ "faults", ",fault=2:0x4014,fault=4:-5,fault=5:-16,fault=6:0x4280", NULL, 4, 3 },
	{ "gone", ",gone=3", NULL, -1, -1 },
	{ "delay", ",delay=30000", NULL, 1, 1 },
	{ "over_fork", ",fault=3:0x4014", NULL, 3, 1 },
};

START_TEST(a_command_does_what_a_controller_does)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
	if (rows[_i].submitted < 0)
		return;
	ck_assert_int_eq(preload_log_count("via=submit"), rows[_i].submitted);
	ck_assert_int_eq(preload_log_count("via=io"), rows[_i].passed);
}
END_TEST

START_TEST(each_write_is_logged_as_it_was_given)
{
	preload_run("log_lines", "", NULL);
	ck_assert_int_eq(preload_log_count("write slba=5 nlb=32 fua=0 via=submit\n"), 1);
	ck_assert_int_eq(preload_log_count("write slba=64 nlb=32 fua=1 via=submit\n"), 1);
	ck_assert_int_eq(preload_log_count("write slba=131071 nlb=1 fua=0 via=io\n"), 1);
	ck_assert_int_eq(preload_log_count("write slba=96 nlb=16 fua=1 via=io\n"), 1);
	ck_assert_int_eq(preload_log_count("write slba=8 nlb=2 fua=0 via=pwrite\n"), 1);
	ck_assert_int_eq(preload_log_count("write slba=1 nlb=1 fua=1 via=pwrite\n"), 1);
	ck_assert_int_eq(preload_log_count(""), 6);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the simulated disk's NVMe driver");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_command_does_what_a_controller_does, 0,
			    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, each_write_is_logged_as_it_was_given);
	suite_add_tcase(s, tc);
	return s;
}
