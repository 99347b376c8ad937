/* SPDX-License-Identifier: MIT */
/* Helpers of holds.c: writes, direct reads, partitions. */
#ifndef HOLDS_H
#define HOLDS_H

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/nvme_ioctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { UNIT = 16384, SECTOR = 512, START = 2048, SECTORS = 8192, NOBODY = 65534 };

#define want(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("line %d: not so: %s (%m)\n", __LINE__, #condition);                \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static char disk[64], part[80];
static unsigned pause_us = 1100000; /* after a second the shim asks the disk again */

static char *buffer(char letter)
{
	char *data = aligned_alloc(4096, UNIT);

	want(data);
	memset(data, letter, UNIT);
	return data;
}

static ssize_t atomic_write(int fd, char letter, off_t offset)
{
	struct iovec iov = { buffer(letter), UNIT };
	ssize_t result = pwritev2(fd, &iov, 1, offset, RWF_ATOMIC);
	int error = errno;

	free(iov.iov_base);
	errno = error;
	return result;
}

/* By libaio's system calls. */
static long asynchronous_write(int fd, char letter, off_t offset)
{
	aio_context_t context = 0;
	char *data = buffer(letter);
	struct iocb iocb = { .aio_fildes = (uint32_t)fd,
			     .aio_lio_opcode = IOCB_CMD_PWRITE,
			     .aio_rw_flags = RWF_ATOMIC,
			     .aio_buf = (uintptr_t)data,
			     .aio_nbytes = UNIT,
			     .aio_offset = offset },
		    *list = &iocb;
	struct io_event event = { .res = -1 };

	want(syscall(SYS_io_setup, 8, &context) == 0);
	want(syscall(SYS_io_submit, context, 1L, &list) == 1);
	want(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) == 1);
	want(syscall(SYS_io_destroy, context) == 0);
	free(data);
	return (long)event.res;
}

static int open_direct(const char *path)
{
	int fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);

	want(fd >= 0);
	return fd;
}

/* The letter that the device itself has there: a Read command bypasses the page cache. */
static char letter_on_disk(off_t offset)
{
	char *data = buffer('?'), letter;
	struct nvme_user_io read = { .opcode = 2,
				     .nblocks = UNIT / SECTOR - 1,
				     .addr = (uintptr_t)data,
				     .slba = (uint64_t)offset / SECTOR };
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	want(fd >= 0 && ioctl(fd, NVME_IOCTL_SUBMIT_IO, &read) == 0);
	letter = memchr(data, data[0] ^ 1, UNIT) ? '?' : data[0];
	close(fd);
	free(data);
	return letter;
}

static int change_partition(int operation, long long start, long long sectors)
{
	struct blkpg_partition partition = { .pno = 1,
					     .start = start * SECTOR,
					     .length = sectors * SECTOR };
	struct blkpg_ioctl_arg argument = { .op = operation,
					    .datalen = sizeof(partition),
					    .data = &partition };
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	want(fd >= 0);
	int error = ioctl(fd, BLKPG, &argument) < 0 ? errno : 0;
	close(fd);
	return error;
}

static void add_partition(void)
{
	want(change_partition(BLKPG_ADD_PARTITION, START, SECTORS) == 0);
	for (int i = 0; i < 100 && access(part, F_OK); i++)
		usleep(10000); /* the node may come a moment later */
}

static int delete_partition(void)
{
	return change_partition(BLKPG_DEL_PARTITION, 0, 0);
}

static int ended_well(pid_t child)
{
	int status;

	want(child > 0 && waitpid(child, &status, 0) == child);
	return status == 0;
}

#endif
