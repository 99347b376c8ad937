/* SPDX-License-Identifier: MIT */
/*
 * Atomic writes on a simulated SCSI disk through the shim, with and without privilege: checks the
 * program's results, the data on the disk, and the commands in the disk's log.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "untorn_uapi.h"

#define SCSI     ",kind=scsi,max_atomic=32,atomic_align=1,atomic_gran=1"
#define BOUNDARY ",kind=scsi,max_atomic_bndry=64,max_bndry=32"
#define ATOMIC   "via=atomic"

static struct statx limits_of(const char *path)
{
	struct statx stx = { 0 };

	want(statx(AT_FDCWD, path, 0, STATX_WRITE_ATOMIC, &stx) == 0);
	return stx;
}

static void reports(unsigned unit_min, unsigned unit_max)
{
	struct statx stx = limits_of(DISK);

	want(!!(stx.stx_mask & STATX_WRITE_ATOMIC) == !!unit_max);
	want(untorn_statx_atomic(&stx)->unit_min == unit_min);
	want(untorn_statx_atomic(&stx)->unit_max == unit_max);
}

static void writes_one(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'a');

	reports(512, UNIT);
	want(atomic_write(fd, data, UNIT, 3 * UNIT) == UNIT);
	want(holds(fd, 3 * UNIT, UNIT, 'a'));
}

static void writes_durably(void)
{
	int fd = open(DISK, O_RDWR | O_DIRECT | O_DSYNC);

	want(atomic_write(fd, buffer(UNIT, 'a'), UNIT, 0) == UNIT);
}

static void writes_on_partition(void)
{
	int fd = open(DISK "p1", O_RDWR | O_DIRECT);

	want(fd >= 0 && atomic_write(fd, buffer(UNIT, 'p'), UNIT, UNIT) == UNIT);
	want(holds(open_disk(), 2048 * 512 + UNIT, UNIT, 'p'));
}

static void has_none(void)
{
	int fd = open_disk();

	reports(0, 0);
	want_error(atomic_write(fd, buffer(UNIT, 'a'), UNIT, 0), EOPNOTSUPP);
	want(holds(fd, 0, UNIT, 0));
}

static void fails_with(int error)
{
	int fd = open_disk();

	errno = 0;
	want(atomic_write(fd, buffer(UNIT, 'a'), UNIT, 0) == -1 && errno == error);
	want(holds(fd, 0, UNIT, 0));
}

static void fails_with_eremoteio(void)
{
	fails_with(EREMOTEIO);
}

static void fails_with_eio(void)
{
	fails_with(EIO);
}

static void fails_with_ebade(void)
{
	fails_with(EBADE);
}

static void fails_with_enospc(void)
{
	fails_with(ENOSPC);
}

static void is_gone(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'a');

	for (int i = 0; i < 3; i++)
		want(atomic_write(fd, data, UNIT, i * UNIT) == UNIT);
	want_error(atomic_write(fd, data, UNIT, 3 * UNIT), ENODEV);
	want_error(atomic_write(fd, data, UNIT, 4 * UNIT), ENODEV);
}

/* The device took fewer bytes than the command had: the write must fail. */
static void is_short(void)
{
	want_error(atomic_write(open_disk(), buffer(UNIT, 'a'), UNIT, 0), EIO);
}

static void on_alarm(int number)
{
	(void)number;
}

/* About 200 signals while commands go through the generic node, which gives up a command at a
 * signal. */
static void under_signals(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	int fd = open_disk();
	char *data = buffer(UNIT, 's');

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 50; i++)
		want(atomic_write(fd, data, UNIT, (off_t)i * UNIT) == UNIT);
	setitimer(ITIMER_REAL, &never, NULL);
	want(holds(fd, 49 * UNIT, UNIT, 's'));
}

const struct body bodies[] = {
	{ "writes_one", writes_one },
	{ "writes_durably", writes_durably },
	{ "writes_on_partition", writes_on_partition },
	{ "has_none", has_none },
	{ "fails_with_eremoteio", fails_with_eremoteio },
	{ "fails_with_eio", fails_with_eio },
	{ "fails_with_ebade", fails_with_ebade },
	{ "fails_with_enospc", fails_with_enospc },
	{ "is_gone", is_gone },
	{ "is_short", is_short },
	{ "under_signals", under_signals },
	{ 0 },
};

/* commands: how many atomic commands the log must have; line: one of them. */
static const struct {
	const char *why, *body, *options;
	int commands;
	const char *line;
} rows[] = {
	{ "one command", "writes_one", SCSI, 1, "slba=96 nlb=32 fua=0 via=atomic boundary=0" },
	{ "O_DSYNC is FUA", "writes_durably", SCSI, 1, "slba=0 nlb=32 fua=1 via=atomic" },
	{ "without FUA a flush follows", "writes_durably", SCSI ",no_fua", 1, "flush" },
	{ "nothing volatile, no FUA", "writes_durably", SCSI ",no_cache", 1,
	  "slba=0 nlb=32 fua=0 via=atomic" },
	{ "the boundary is the length", "writes_one", BOUNDARY, 1,
	  "slba=96 nlb=32 fua=0 via=atomic boundary=32" },
	{ "a partition's place is the disk's", "writes_on_partition", SCSI ",part=2048+4096", 1,
	  "slba=2080 nlb=32" },
	{ "type 1 protection", "writes_one", SCSI ",pi=1", 1, ATOMIC },
	{ "type 2 protection", "has_none", SCSI ",pi=2", 0, "" },
	{ "type 3 protection", "writes_one", SCSI ",pi=3", 1, ATOMIC },
	{ "no copy of the page in /sys", "writes_one", SCSI ",no_vpd", 1, ATOMIC },
	{ "a page from before SBC-4", "has_none", SCSI ",vpd_length=48", 0, "" },
	{ "and asked from the disk", "has_none", SCSI ",vpd_length=48,no_vpd", 0, "" },
	{ "no limits", "has_none", ",kind=scsi", 0, "" },
	{ "the alignment does not divide", "has_none", SCSI ",atomic_align=3", 0, "" },
	{ "no right and no node", "has_none", SCSI ",unprivileged", 0, "" },
	{ "no right to the node", "has_none", SCSI ",unprivileged,sg=sg3,sg_closed", 0, "" },
	{ "another disk's node", "has_none", SCSI ",unprivileged,sg=sg3,sg_other", 0, "" },
	{ "by the node", "writes_one", SCSI ",unprivileged,sg=sg3", 1, "slba=96 nlb=32" },
	{ "of a partition by the node", "writes_on_partition",
	  SCSI ",unprivileged,sg=sg3,part=2048+4096", 1, "slba=2080 nlb=32" },
	{ "by the node, no copy of the page", "writes_one", SCSI ",unprivileged,sg=sg3,no_vpd", 1,
	  ATOMIC },
	{ "signals", "under_signals", SCSI ",unprivileged,sg=sg3,delay=2000", 50, ATOMIC },
	{ "unit attention first", "writes_one", SCSI ",fault=1:sense:06/29/00", 2, ATOMIC },
	{ "unit attention for good", "fails_with_eio",
	  SCSI ",fault=1:sense:06/29/00,fault=2:sense:06/29/00,fault=3:sense:06/29/00"
	       ",fault=4:sense:06/29/00,fault=5:sense:06/29/00,fault=6:sense:06/29/00",
	  6, ATOMIC },
	{ "busy, then a full queue", "writes_one",
	  SCSI ",fault=1:status:08,fault=2:status:28,fault=3:status:08", 4, ATOMIC },
	{ "becoming ready", "writes_one", SCSI ",fault=1:sense:02/04/01", 2, ATOMIC },
	{ "invalid opcode", "fails_with_eremoteio", SCSI ",fault=1:sense:05/20/00", 1, ATOMIC },
	{ "invalid field", "fails_with_eremoteio", SCSI ",fault=1:sense:05/24/00", 1, ATOMIC },
	{ "reservation conflict", "fails_with_ebade", SCSI ",fault=1:status:18", 1, ATOMIC },
	{ "thin pool full", "fails_with_enospc", SCSI ",fault=1:sense:07/27/07", 1, ATOMIC },
	{ "a bus error passes", "writes_one", SCSI ",fault=1:host:07", 2, ATOMIC },
	{ "no connection", "fails_with_eio", SCSI ",fault=1:host:01", 1, ATOMIC },
	{ "less than it was told", "is_short", SCSI ",fault=1:resid:512", 1, ATOMIC },
	{ "gone in mid-run", "is_gone", SCSI ",gone=4", -1, ATOMIC },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

START_TEST(every_row)
{
	preload_run(rows[_i].body, rows[_i].options, NULL);
	int commands = preload_log_count(ATOMIC);
	ck_assert_msg(rows[_i].commands < 0 || commands == rows[_i].commands,
		      "%s: %d commands, not %d", rows[_i].why, commands, rows[_i].commands);
	ck_assert_msg(!commands || preload_log_count(rows[_i].line), "%s: no %s", rows[_i].why,
		      rows[_i].line);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("SCSI through the shim");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_row, 0, ROWS);
	suite_add_tcase(suite, tc);
	return suite;
}
