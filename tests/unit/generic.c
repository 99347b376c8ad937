/* SPDX-License-Identifier: MIT */
/*
 * Tests which descriptor may be taken for a disk's generic node, with our own open(), readlink()
 * and ioctl(), which know one disk and one node. A wrong yes would write to another disk.
 *
 * Links: -Wl,--wrap=real_close
 */
#include <errno.h>
#include <fcntl.h>
#include <scsi/scsi.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/generic.h"
#include "suite.h"

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { DISK_FD = 1077, NODE_FD = 1078, CLOSED = -1 };

/* Zeroes stand for a disk at 2:0:1:0 that is there, and its own node. */
static const struct row {
	const char *why;
	int expected;               /* 0: the node */
	int open_error;             /* of the node */
	int node_target, node_host; /* the node's answer, instead of 1 and 2 */
	int idlun_error;            /* of asking the disk for its address */
	uint32_t idlun;             /* the disk's answer, instead of its address */
	uint64_t diskseq, now;      /* of the descriptor's disk, of the number now, instead of 5 */
	bool old_kernel;            /* without diskseq */
	const char *address;        /* where the number leads now, instead of 2:0:1:0 */
} rows[] = {
	{ "its own node", .expected = 0 },
	{ "no such node", -ENOENT, .open_error = ENOENT },
	{ "no right to it", -EACCES, .open_error = EACCES },
	{ "somebody has it for himself", -EBUSY, .open_error = EBUSY },
	{ "the node of another target", -ENODEV, .node_target = 9 },
	{ "the node of another host", -ENODEV, .node_host = 3 },
	{ "no generic node at all", -ENODEV, .node_target = CLOSED },
	{ "the disk was taken away", -ENODEV, .idlun_error = ENODEV },
	{ "the disk says another address", -ENODEV, .idlun = 0x02000009 },
	{ "the disk says another host", -ENODEV, .idlun = 0x03000001 },
	{ "a partition, whose disk is the number's", 0, .idlun_error = ENOTTY },
	{ "a partition, whose number another disk has now", -ENODEV, .idlun_error = ENOTTY,
	  .now = 6 },
	{ "a partition of another disk than the number's", -ENODEV, .idlun_error = ENOTTY,
	  .diskseq = 4 },
	{ "a partition, whose disk moved", -ENODEV, .idlun_error = ENOTTY, .address = "2:0:9:0" },
	{ "a partition, where disks have no numbers", 0, .idlun_error = ENOTTY,
	  .old_kernel = true },
	{ "a partition whose disk moved, where disks have no numbers", -ENODEV,
	  .idlun_error = ENOTTY, .old_kernel = true, .address = "2:0:9:0" },
	{ "a partition whose disk is gone, where disks have no numbers", -ENODEV,
	  .idlun_error = ENOTTY, .old_kernel = true, .address = "" },
	{ "a partition, whose disk is gone", -ENODEV, .idlun_error = ENOTTY, .address = "" },
};

static const struct row *row = rows;
static int closed_nodes;

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;

	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	if (fd == NODE_FD && request == SG_GET_SCSI_ID && row->node_target != CLOSED) {
		struct sg_scsi_id id = { .host_no = row->node_host ? row->node_host : 2,
					 .scsi_id = row->node_target ? row->node_target : 1 };
		memcpy(argument, &id, sizeof(id));
		return 0;
	}
	if (fd == DISK_FD && request == SCSI_IOCTL_GET_IDLUN && !row->idlun_error) {
		uint32_t id[2] = { row->idlun ? row->idlun : 0x02000001, 0 };
		memcpy(argument, id, sizeof(id));
		return 0;
	}
	if (fd == DISK_FD && request == BLKGETDISKSEQ && !row->old_kernel) {
		uint64_t sequence = row->diskseq ? row->diskseq : 5;
		memcpy(argument, &sequence, sizeof(sequence));
		return 0;
	}
	errno = fd == DISK_FD ? row->idlun_error : ENOTTY;
	return -1;
}

static int file_with(uint64_t number)
{
	char text[32];
	int fd = memfd_create("attribute", MFD_CLOEXEC);

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)number);
	ck_assert_int_gt(pwrite(fd, text, strlen(text), 0), 0);
	return fd;
}

int openat(int dirfd, const char *path, int flags, ...)
{
	(void)dirfd;
	if (strcmp(path, "/dev/sg77") == 0) {
		ck_assert_int_eq(flags & O_ACCMODE, O_RDWR);
		ck_assert(flags & O_CLOEXEC);
		errno = row->open_error;
		return row->open_error ? -1 : NODE_FD;
	}
	if (strcmp(path, "/sys/dev/block/8:1/../diskseq") == 0)
		return file_with(row->now ? row->now : 5);
	errno = ENOENT;
	return -1;
}

int stat(const char *restrict path, struct stat *restrict st)
{
	(void)st;
	errno = ENOENT;
	return strcmp(path, "/sys/dev/block/8:1/partition") == 0 ? 0 : -1;
}

/* Before glibc 2.33 stat() calls this. */
int __xstat(int version, const char *path, struct stat *st);
int __xstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return stat(path, st);
}

ssize_t readlink(const char *restrict path, char *restrict buffer, size_t size)
{
	char target[64];

	if (strcmp(path, "/sys/dev/block/8:1/../device") != 0 || (row->address && !*row->address)) {
		errno = ENOENT;
		return -1;
	}
	snprintf(target, sizeof(target), "../../../%s", row->address ? row->address : "2:0:1:0");
	size_t length = strlen(target) < size ? strlen(target) : size;
	memcpy(buffer, target, length);
	return (ssize_t)length;
}

void __wrap_real_close(int fd);
void __wrap_real_close(int fd)
{
	closed_nodes += fd == NODE_FD;
	if (fd != NODE_FD)
		syscall(SYS_close, fd);
}

static const struct generic sg77 = { .node = "sg77", .host = 2, .target = 1 };

START_TEST(every_row)
{
	struct generic generic = sg77;

	generic.disk = makedev(8, 1);
	row = &rows[_i];
	int node = generic_open(&generic, DISK_FD);
	ck_assert_msg(node == (row->expected ? row->expected : NODE_FD), "%s: %d", row->why, node);
	int opened = !row->open_error;
	ck_assert_msg(closed_nodes == (row->expected ? opened : 0), "%s: closed %d times", row->why,
		      closed_nodes);
}
END_TEST

START_TEST(disk_without_a_node_has_none)
{
	struct generic generic = sg77;

	*generic.node = '\0';
	ck_assert_int_eq(generic_open(&generic, DISK_FD), -ENOENT);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("generic node");
	TCase *tc = tcase_create("proof");

	tcase_add_loop_test(tc, every_row, 0, COUNT(rows));
	tcase_add_test(tc, disk_without_a_node_has_none);
	suite_add_tcase(suite, tc);
	return suite;
}
