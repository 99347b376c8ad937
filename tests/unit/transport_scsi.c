/* SPDX-License-Identifier: MIT */
/*
 * Tests WRITE ATOMIC (16) byte for byte, by the disk's own node and by its generic one, with our
 * own ioctl(), write(), read() and openat(). tests/preload/scsi.c tests the results.
 */
#include <errno.h>
#include <fcntl.h>
#include <scsi/scsi.h>
#include <scsi/sg.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suite.h"
#include "device/transport.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { DISK_FD = 1077, NODE_FD = 1078 };

static const struct row {
	const char *why;
	uint64_t lba;
	uint32_t length, block;
	bool fua, boundary;
	int direct_error, node_error; /* of SG_IO on the disk; of opening the node */
	uint8_t cdb[16];
	ssize_t expected; /* 0: the length */
	int sent;         /* commands that reach the disk */
} rows[] = {
	{ "one block", 5, 512, 512, .cdb = { 0x9c, 0, [9] = 5, [13] = 1 }, .sent = 1 },
	{ "64 bits of LBA", 0x0102030405060708, 16384, 512,
	  .cdb = { 0x9c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 32 }, .sent = 1 },
	{ "FUA", 0, 4096, 512, .fua = true, .cdb = { 0x9c, 0x08, [13] = 8 }, .sent = 1 },
	{ "blocks of 4096", 1, 16384, 4096, .cdb = { 0x9c, 0, [9] = 1, [13] = 4 }, .sent = 1 },
	{ "the largest", 0, 2 << 20, 512, .cdb = { 0x9c, [12] = 0x10 }, .sent = 1 },
	{ "its length as boundary", 0, 16384, 512, .boundary = true,
	  .cdb = { 0x9c, [11] = 32, [13] = 32 }, .sent = 1 },
	{ "no right: by the node", 7, 512, 512, .direct_error = EPERM,
	  .cdb = { 0x9c, [9] = 7, [13] = 1 }, .sent = 1 },
	{ "of a partition: by the node", 7, 512, 512, .direct_error = ENOTTY,
	  .cdb = { 0x9c, [9] = 7, [13] = 1 }, .sent = 1 },
	{ "no right to either", 7, 512, 512, .direct_error = EPERM, .node_error = EACCES,
	  .expected = -EOPNOTSUPP },
	{ "no node", 7, 512, 512, .direct_error = EPERM, .node_error = ENOENT,
	  .expected = -EOPNOTSUPP },
	{ "somebody has the node for himself", 7, 512, 512, .direct_error = EPERM,
	  .node_error = EBUSY, .expected = -EBUSY },
	{ "gone", 7, 512, 512, .direct_error = ENODEV, .expected = -ENODEV },
	{ "gone, as sg says it", 7, 512, 512, .direct_error = ENXIO, .expected = -ENODEV },
	{ "unreadable", 7, 512, 512, .direct_error = EFAULT, .expected = -EFAULT },
};

static const struct row *row;
static const char data[2 << 20];
static int sent;
static bool waits;

static int refuse(int error)
{
	errno = error;
	return -1;
}

/* A signal at this point would make the driver give up a command under way. */
static void check_signals_are_blocked(void)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	ck_assert_msg(sigismember(&mask, SIGALRM) && sigismember(&mask, SIGTERM),
		      "%s: signals may come in", row->why);
}

static int take(const struct sg_io_hdr *io)
{
	ck_assert_int_eq(io->interface_id, 'S');
	ck_assert_int_eq(io->dxfer_direction, SG_DXFER_TO_DEV);
	ck_assert_int_eq(io->cmd_len, 16);
	ck_assert_msg(memcmp(io->cmdp, row->cdb, 16) == 0, "%s: another command", row->why);
	ck_assert(io->dxferp == data && io->dxfer_len == row->length && io->iovec_count == 0);
	ck_assert_int_eq(io->timeout, 30000);
	sent++;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;

	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	if (request == SG_IO) /* on the node it could be restarted and send a second command */
		return fd != DISK_FD       ? refuse(EIO)
		       : row->direct_error ? refuse(row->direct_error)
					   : take(argument);
	if (request == SG_GET_SCSI_ID) {
		*(struct sg_scsi_id *)argument = (struct sg_scsi_id){ .host_no = 2, .scsi_id = 1 };
		return 0;
	}
	if (request != SCSI_IOCTL_GET_IDLUN)
		return refuse(ENOTTY);
	memcpy(argument, (uint32_t[]){ 0x02000001, 0 }, 8);
	return 0;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	if (fd != NODE_FD)
		return syscall(SYS_write, fd, bytes, size);
	check_signals_are_blocked();
	ck_assert(waits && size == sizeof(struct sg_io_hdr));
	return take(bytes) < 0 ? -1 : (ssize_t)size;
}

ssize_t read(int fd, void *bytes, size_t size)
{
	if (fd != NODE_FD)
		return syscall(SYS_read, fd, bytes, size);
	check_signals_are_blocked();
	ck_assert(sent == 1 && size == sizeof(struct sg_io_hdr));
	return (ssize_t)size;
}

/* The node is opened with O_NONBLOCK. */
int fcntl(int fd, int command, ...)
{
	va_list list;

	va_start(list, command);
	long argument = va_arg(list, long);
	va_end(list);
	if (fd != NODE_FD)
		return (int)syscall(SYS_fcntl, fd, command, argument);
	waits = command == F_SETFL && !(argument & O_NONBLOCK);
	return 0;
}

int openat(int dirfd, const char *path, int flags, ...)
{
	(void)dirfd;
	(void)flags;
	if (strcmp(path, "/dev/sg77") != 0)
		return refuse(ENOENT);
	return row->node_error ? refuse(row->node_error) : NODE_FD;
}

int close(int fd)
{
	return fd == NODE_FD ? 0 : (int)syscall(SYS_close, fd);
}

START_TEST(every_row)
{
	struct disk disk = { .generic = { .node = "sg77", .host = 2, .target = 1 } };
	sigset_t before, after;

	row = &rows[_i];
	disk.block = row->block;
	disk.boundary = row->boundary;
	struct command command = {
		.lba = row->lba, .data = data, .length = row->length, .fua = row->fua
	};
	sigprocmask(SIG_SETMASK, NULL, &before);
	ssize_t result = transport_scsi.write(&disk, DISK_FD, &command);
	sigprocmask(SIG_SETMASK, NULL, &after);
	ck_assert_msg(result == (row->expected ? row->expected : (ssize_t)row->length), "%s: %zd",
		      row->why, result);
	ck_assert_int_eq(sent, row->sent);
	ck_assert_int_eq(sigismember(&before, SIGALRM), sigismember(&after, SIGALRM));
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("SCSI transport");
	TCase *tc = tcase_create("commands");

	tcase_add_loop_test(tc, every_row, 0, COUNT(rows));
	suite_add_tcase(suite, tc);
	return suite;
}
