/* SPDX-License-Identifier: MIT */
/*
 * The simulated SCSI disk's commands: a write must reach the right place of the image, or be
 * refused or fail as on a disk. tests/sim/sg.c has the driver before the disk, tests/sim/inquiry.c
 * the disk's answers about itself.
 */
#include "call.h"

#include <time.h>

static const uint8_t writes[] = { WRITE_10, WRITE_16, ATOMIC_16 };

/* By each write command: the data must be in its place and readable, and nothing else may change.
 */
static void places(void)
{
	static const struct {
		uint64_t lba;
		unsigned blocks;
	} rows[] = { { 0, 1 }, { 1, 1 }, { 7, 32 }, { 131071, 1 }, { 131040, 32 } };
	int fd = open_disk();

	for (size_t way = 0; way < COUNT(writes); way++) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			char letter = (char)('a' + way * 8 + i);
			size_t length = rows[i].blocks * 512;
			off_t at = (off_t)rows[i].lba * 512;
			char *data = buffer(length, letter), *back = buffer(length, 0);
			want(move(fd, writes[way], data, rows[i].lba, rows[i].blocks) == 0);
			want(image_holds(at, length, letter) && holds(fd, at, length, letter));
			if (at + (off_t)length < DISK_SIZE)
				want(!image_holds(at + (off_t)length, 512, letter));
			want(!at || !image_holds(at - 512, 512, letter));
			want(move(fd, READ_10, back, rows[i].lba, rows[i].blocks) == 0);
			want(memcmp(data, back, length) == 0);
			memset(back, 0, length);
			want(move(fd, READ_16, back, rows[i].lba, rows[i].blocks) == 0);
			want(memcmp(data, back, length) == 0);
		}
		want(move(fd, writes[way], NULL, 0, 0) == 0);
		want(move(fd, writes[way], NULL, 131072, 0) == 0);
	}
	want(move(fd, READ_16, NULL, 5, 0) == 0);
}

static void past_the_end(void)
{
	static const uint64_t rows[][2] = {
		{ 131072, 1 },     { 131071, 2 },    { 131072 - 31, 32 }, { 131073, 0 },
		{ UINT32_MAX, 1 }, { 1LL << 32, 1 }, { 1LL << 55, 1 },    { UINT64_MAX, 1 },
	};
	static const uint8_t opcodes[] = {
		READ_10, WRITE_10, READ_16, WRITE_16, ATOMIC_16, SYNC_16
	};
	int fd = open_disk();
	char *data = buffer(UNIT, 'p');

	for (size_t o = 0; o < COUNT(opcodes); o++) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			if (opcodes[o] < 0x80 && rows[i][0] > UINT32_MAX)
				continue;
			want(move(fd, opcodes[o], data, rows[i][0], (uint32_t)rows[i][1]) ==
			     OUT_OF_RANGE);
		}
	}
	want(image_holds(0, 2 * UNIT, 0) && image_holds(DISK_SIZE - UNIT, UNIT, 0));
}

/* SIM_RULE is "LBA:BLOCKS:BOUNDARY:SENSE". */
static void atomic_rule(void)
{
	unsigned lba, blocks, boundary, expected;
	char *data = buffer(65536, 'r');
	struct call call;

	want(sscanf(getenv("SIM_RULE"), "%u:%u:%u:%x", &lba, &blocks, &boundary, &expected) == 4);
	set_call(&call, ATOMIC_16, data, lba, blocks);
	put(call.cdb + 10, 2, boundary);
	long result = run(open_disk(), &call);
	if (result != expected)
		fprintf(stderr, "%lx, not %x\n", result, expected);
	want(result == expected);
	want(image_holds((off_t)lba * 512, 512, blocks && !expected ? 'r' : 0));
	want(image_holds((off_t)(lba + blocks) * 512, 512, 0));
}

static void other_commands(void)
{
	static const uint8_t unknown[] = { 0x03, 0x08, 0x0a, 0x1a, 0x2e, 0x3b, 0x5e,
					   0x5f, 0x7f, 0x93, 0xa0, 0xa8, 0xaa, 0xff };
	int fd = open_disk();

	want(move(fd, 0x00, NULL, 0, 0) == 0);
	want(move(fd, SYNC_10, NULL, 0, 0) == 0 && move(fd, SYNC_16, NULL, 0, 0) == 0);
	for (size_t i = 0; i < COUNT(unknown); i++)
		want(move(fd, unknown[i], NULL, 0, 0) == INVALID_OPCODE);
}

/* The LBA is the disk's, through any descriptor. */
static void partition(void)
{
	int part = open(DISK "p1", O_RDWR | O_DIRECT), generic = open(GENERIC, O_RDWR);
	char *data = buffer(UNIT, 'a');

	want(part >= 0 && move(part, ATOMIC_16, data, 2048, 32) == 0);
	want(image_holds(2048 * 512, UNIT, 'a') && holds(part, 0, UNIT, 'a'));
	want(move(generic, ATOMIC_16, data, 0, 32) == 0 && image_holds(0, UNIT, 'a'));
	want(move(part, WRITE_16, data, 131072, 1) == OUT_OF_RANGE);
	want(move(part, WRITE_16, data, 2048 + 4096, 1) == 0);
	want(image_holds((2048 + 4096) * 512, 512, 'a'));
}

/* The device refuses writes. SG_IO never asks whether the kernel would. */
static void read_only(void)
{
	int fd = open_disk();
	char *data = buffer(512, 'r');

	for (size_t i = 0; i < COUNT(writes); i++)
		want(move(fd, writes[i], data, 0, 1) == 0x072700);
	want(move(fd, writes[0], data, 131072, 1) == OUT_OF_RANGE);
	want(move(fd, READ_16, data, 0, 1) == 0 && *data == 0 && image_holds(0, 512, 0));
}

/* fault=2:sense:0b/00/06, 3:status:28, 4:host:07, 5:resid:100, 6:-5, 7:resid:1000, 8:status:02 */
static void faults(void)
{
	static const char expected[] = { 'x', 0, 0, 0, 'x', 0, 'x', 0, 'x' };
	char *data = buffer(512, 'x');
	int fd = open_disk();
	struct call calls[9];
	long results[9];

	for (int i = 0; i < 9; i++) {
		set_call(&calls[i], writes[i % 3], data, (uint64_t)i, 1);
		results[i] = run(fd, &calls[i]);
		want(image_holds((off_t)i * 512, 512, expected[i]));
		want(pwrite(fd, data, 512, 50L * 512) == 512);
	}
	want(results[0] == 0 && results[8] == 0);
	want(results[1] == 0x0b0006 && calls[1].sense[0] == 0x70);
	want_answer(&calls[1].header, 2, 18);
	want(results[2] == -2 && calls[2].header.masked_status == 0x14);
	want_answer(&calls[2].header, 0x28, 0);
	want(results[3] == -2 && calls[3].header.host_status == 7);
	want_answer(&calls[3].header, 0, 0);
	want(results[4] == 0 && calls[4].header.resid == 100 && results[5] == -1);
	want(results[6] == 0 && calls[6].header.resid == 512 && results[7] == -2);
	want_answer(&calls[7].header, 2, 0);
	want_error(move(fd, ATOMIC_16, data, 20, 1), EIO); /* 10:-5 */
}

/* gone=3: the third write and all later commands fail. */
static void gone(void)
{
	int fd = open_disk(), generic = open(GENERIC, O_RDWR), version;
	char *data = buffer(512, 'g');

	want(move(fd, ATOMIC_16, data, 0, 1) == 0 && move(generic, WRITE_10, data, 1, 1) == 0);
	want(move(fd, READ_16, data, 0, 1) == 0);
	want_error(move(fd, ATOMIC_16, data, 3, 1), ENODEV);
	want_error(move(generic, WRITE_16, data, 4, 1), ENODEV);
	want_error(move(fd, 0x00, NULL, 0, 0), ENODEV);
	want_error(ioctl(generic, SG_GET_VERSION_NUM, &version), ENODEV);
	want_error(pwrite(fd, data, 512, 512 * 5L), EIO);
	want(image_holds(0, 512L * 2, 'g') && image_holds(512L * 2, 512L * 4, 0));
}

/* delay=30000 microseconds each. */
static void delay(void)
{
	int fd = open_disk();
	char *data = buffer(512, 'd');
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	want(move(fd, ATOMIC_16, data, 0, 1) == 0 && move(fd, WRITE_16, data, 1, 1) == 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	want((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >= 59);
}

static void log_lines(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'l');
	struct call call;

	want(move(fd, WRITE_10, data, 5, 32) == 0 && move(fd, ATOMIC_16, data, 131071, 1) == 0);
	set_call(&call, WRITE_16, data, 96, 16);
	call.cdb[1] = FUA;
	want(run(fd, &call) == 0);
	set_call(&call, ATOMIC_16, data, 64, 32);
	call.cdb[1] = FUA;
	put(call.cdb + 10, 2, 8);
	want(run(fd, &call) == 0);
	want(move(fd, ATOMIC_16, data, 131072, 1) == OUT_OF_RANGE);
	want(move(fd, ATOMIC_16, data, 0, 0) == 0 && move(fd, READ_16, data, 0, 1) == 0);
}

const struct body bodies[] = {
	{ "places", places },
	{ "past_the_end", past_the_end },
	{ "atomic_rule", atomic_rule },
	{ "other_commands", other_commands },
	{ "partition", partition },
	{ "read_only", read_only },
	{ "faults", faults },
	{ "gone", gone },
	{ "delay", delay },
	{ "log_lines", log_lines },
	{ NULL, NULL },
};

#define ATOMIC ",kind=scsi,max_atomic=32"
#define FAULTS                                                                                     \
	",fault=2:sense:0b/00/06,fault=3:status:28,fault=4:host:07,fault=5:resid:100"              \
	",fault=6:-5,fault=7:resid:1000,fault=8:status:02,fault=10:-5"

static const struct {
	const char *body, *disk;
	int plain, atomic; /* write commands in the log */
} rows[] = {
	{ "places", ATOMIC, 10, 5 },
	{ "past_the_end", ATOMIC, 0, 0 },
	{ "other_commands", ATOMIC, 0, 0 },
	{ "partition", ATOMIC ",sg=sg3,part=2048+4096", 1, 2 },
	{ "read_only", ATOMIC ",readonly", 0, 0 },
	{ "faults", ATOMIC FAULTS, 6, 4 },
	{ "gone", ATOMIC ",sg=sg3,gone=3", 1, 2 },
	{ "delay", ATOMIC ",delay=30000", 1, 1 },
};

START_TEST(a_command_does_what_a_disk_does)
{
	preload_run(rows[_i].body, rows[_i].disk, NULL);
	ck_assert_int_eq(preload_log_count("via=sg\n"), rows[_i].plain);
	ck_assert_int_eq(preload_log_count("via=atomic boundary="), rows[_i].atomic);
}
END_TEST

#define BOUND ",kind=scsi,max_atomic=16,max_atomic_bndry=64,max_bndry=8"

/* SIM_RULE: LBA:BLOCKS:BOUNDARY:SENSE */
static const struct {
	const char *disk, *rule;
} rules[] = {
	{ ATOMIC, "0:1:0:0" },
	{ ATOMIC, "5:32:0:0" },
	{ ATOMIC, "5:33:0:52400" },
	{ ATOMIC, "8:0:0:0" },
	{ ATOMIC, "8:8:1:52400" },
	/* with a boundary, another limit counts */
	{ BOUND, "0:16:0:0" },
	{ BOUND, "0:17:0:52400" },
	{ BOUND, "0:17:8:0" },
	{ BOUND, "3:64:1:0" },
	{ BOUND, "0:65:8:52400" },
	{ BOUND, "0:16:9:52400" },
	{ BOUND, "0:4:8:0" },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=64", "0:32:32:0" },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=64", "0:32:0:52400" },
	/* alignment and granularity */
	{ ATOMIC ",atomic_align=8", "8:3:0:0" },
	{ ATOMIC ",atomic_align=8", "4:8:0:52400" },
	{ ATOMIC ",atomic_gran=8", "3:16:0:0" },
	{ ATOMIC ",atomic_gran=8", "8:4:0:52400" },
	{ ATOMIC ",atomic_gran=8", "8:12:0:52400" },
	{ ATOMIC ",atomic_align=1,atomic_gran=1", "3:3:0:0" },
	/* the command exists as soon as one field is not zero */
	{ ",kind=scsi", "0:1:0:52000" },
	{ ",kind=scsi", "0:0:0:52000" },
	{ ",kind=scsi,atomic_align=1", "0:1:0:52400" },
	{ ",kind=scsi,atomic_gran=1", "0:1:0:52400" },
	{ ",kind=scsi,max_bndry=1", "0:1:0:52400" },
	{ ",kind=scsi,max_atomic_bndry=1", "0:1:0:52400" },
	{ ATOMIC ",vpd_length=16,no_vpd", "0:32:0:0" },
};

START_TEST(an_atomic_write_is_within_the_limits)
{
	char environment[64];

	snprintf(environment, sizeof(environment), "SIM_RULE=%s", rules[_i].rule);
	preload_run("atomic_rule", rules[_i].disk, environment);
}
END_TEST

START_TEST(each_write_is_logged_as_it_was_given)
{
	preload_run("log_lines", BOUND, NULL);
	ck_assert_int_eq(preload_log_count("write slba=5 nlb=32 fua=0 via=sg\n"), 1);
	ck_assert_int_eq(preload_log_count("write slba=96 nlb=16 fua=1 via=sg\n"), 1);
	ck_assert_int_eq(preload_log_count("slba=131071 nlb=1 fua=0 via=atomic boundary=0\n"), 1);
	ck_assert_int_eq(preload_log_count("slba=64 nlb=32 fua=1 via=atomic boundary=8\n"), 1);
	ck_assert_int_eq(preload_log_count(""), 4);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the simulated SCSI disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_command_does_what_a_disk_does, 0, COUNT(rows));
	tcase_add_loop_test(tc, an_atomic_write_is_within_the_limits, 0, COUNT(rules));
	tcase_add_test(tc, each_write_is_logged_as_it_was_given);
	suite_add_tcase(s, tc);
	return s;
}
