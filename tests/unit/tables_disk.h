/* SPDX-License-Identifier: MIT */
/*
 * A real block device for unit tests: a loop disk over memory, with two partitions. It vanishes
 * with the last process that has it open. Needs root. Where it is not available, test_disk_make()
 * returns false, and the tests that need it are left out, with a line that says so.
 */
#ifndef TABLES_DISK_H
#define TABLES_DISK_H

#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	TEST_DISK_SIZE = 8 << 20,
	TEST_DISK_START_1 = 1 << 20, /* bytes, of its first partition */
	TEST_DISK_START_2 = (2 << 20) + 4096,
	TEST_DISK_PARTITION = 512 << 10, /* bytes, of each */
};

struct test_disk {
	int fd;
	char path[32], partition_path[2][40];
	dev_t number, partition[2];
};

/* Whether another test's disk has already taken a freed number. */
static inline bool test_disk_is_number_taken(dev_t number)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(number), minor(number));
	return access(path, F_OK) == 0;
}

static inline int test_disk_blkpg(const struct test_disk *disk, int op, int number, uint64_t start)
{
	struct blkpg_partition partition = { .start = (long long)start,
					     .length = TEST_DISK_PARTITION,
					     .pno = number };
	struct blkpg_ioctl_arg argument = { .op = op,
					    .datalen = sizeof(partition),
					    .data = &partition };

	return ioctl(disk->fd, BLKPG, &argument);
}

/* Puts memory of the right size behind a loop device that is open and free. */
static inline int test_disk_configure(int fd, uint32_t block)
{
	int memory = memfd_create("untorn-test", MFD_CLOEXEC);
	struct loop_config config = { .fd = (uint32_t)memory,
				      .block_size = block,
				      .info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN };

	int error = memory < 0 || ftruncate(memory, TEST_DISK_SIZE) < 0 ||
		    ioctl(fd, LOOP_CONFIGURE, &config) < 0;
	close(memory);
	return error ? -1 : 0;
}

static inline bool test_disk_add(struct test_disk *disk, int index, uint64_t start)
{
	struct stat st;

	snprintf(disk->partition_path[index], sizeof(disk->partition_path[index]), "%sp%d",
		 disk->path, index + 1);
	if (test_disk_blkpg(disk, BLKPG_ADD_PARTITION, index + 1, start) < 0 ||
	    stat(disk->partition_path[index], &st) < 0)
		return false;
	disk->partition[index] = st.st_rdev;
	return true;
}

static inline bool test_disk_open(struct test_disk *disk, uint32_t block)
{
	struct stat st;
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return false;
	int number = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(disk->path, sizeof(disk->path), "/dev/loop%d", number);
	disk->fd = open(disk->path, O_RDWR | O_CLOEXEC);
	if (number < 0 || disk->fd < 0)
		return false;
	if (test_disk_configure(disk->fd, block) == 0 && fstat(disk->fd, &st) == 0) {
		disk->number = st.st_rdev;
		return true;
	}
	close(disk->fd);
	return false;
}

static inline bool test_disk_make(struct test_disk *disk, uint32_t block)
{
	*disk = (struct test_disk){ .fd = -1 };
	/* Another process may take the free number between the two calls. */
	for (int attempt = 0; attempt < 5; attempt++) {
		if (!test_disk_open(disk, block))
			continue;
		if (test_disk_add(disk, 0, TEST_DISK_START_1) &&
		    test_disk_add(disk, 1, TEST_DISK_START_2))
			return true;
		close(disk->fd);
		break;
	}
	printf("no loop disk with partitions here: its tests are left out\n");
	return false;
}

#endif
