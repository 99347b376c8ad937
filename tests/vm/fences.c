/* SPDX-License-Identifier: MIT */
/*
 * Changes to a disk between two atomic writes of one process, on a real kernel:
 *	fences DISK
 * The disk, NVMe or SCSI, has a unit of 16 KiB, no partitions and nothing of value. Runs natively
 * and under the shim alike. Each printed line is a fence that held; a failure ends the program.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { UNIT = 16384, SECTOR = 512 };

#define want(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("line %d: not so: %s (%m)\n", __LINE__, #condition);                \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static const char *disk;
static char part_path[64];

static char *buffer(char letter)
{
	char *data = aligned_alloc(4096, UNIT);

	memset(data, letter, UNIT);
	return data;
}

static ssize_t atomic_write_by(int flags, int fd, char letter, off_t offset)
{
	struct iovec iov = { buffer(letter), UNIT };
	ssize_t result = pwritev2(fd, &iov, 1, offset, RWF_ATOMIC | flags);

	free(iov.iov_base);
	return result;
}

static ssize_t atomic_write(int fd, char letter, off_t offset)
{
	return atomic_write_by(0, fd, letter, offset);
}

/* Reads the device directly, past every cache. */
static char letter_on_disk(off_t offset)
{
	char *data = buffer('?'), letter;
	int fd = open(disk, O_RDONLY | O_DIRECT);

	want(fd >= 0 && pread(fd, data, UNIT, offset) == UNIT);
	letter = memchr(data, data[0] ^ 1, UNIT) ? '?' : data[0];
	close(fd);
	free(data);
	return letter;
}

static void change_partition(int operation, long long start, long long sectors)
{
	struct blkpg_partition partition = {
		.pno = 1,
		.start = start * SECTOR,
		.length = sectors * SECTOR,
	};
	struct blkpg_ioctl_arg argument = {
		.op = operation,
		.datalen = sizeof(partition),
		.data = &partition,
	};
	int fd = open(disk, O_RDONLY);

	want(fd >= 0 && ioctl(fd, BLKPG, &argument) == 0);
	close(fd);
}

static int open_part(void)
{
	int fd = -1;

	for (int i = 0; i < 100 && fd < 0; i++) { /* the node may come a moment later */
		fd = open(part_path, O_RDWR | O_DIRECT);
		usleep(fd < 0 ? 10000 : 0);
	}
	want(fd >= 0);
	return fd;
}

/* Commands use the disk's addresses: with a stale start the data would go to other blocks. */
static void partition_created_anew(void)
{
	static const long long starts[] = { 2048, 4096, 32769 };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		change_partition(BLKPG_ADD_PARTITION, starts[i], 4096);
		int fd = open_part();
		want(atomic_write(fd, (char)('a' + i), UNIT) == UNIT);
		want(letter_on_disk(starts[i] * SECTOR + UNIT) == (char)('a' + i));
		close(fd);
		change_partition(BLKPG_DEL_PARTITION, 0, 0);
	}
	want(letter_on_disk(2048 * SECTOR + UNIT) == 'a');
	puts("partition created anew at another place");
}

/* A partition may shrink and grow while it is open. */
static void partition_resized(void)
{
	change_partition(BLKPG_ADD_PARTITION, 8192, 4096);
	int fd = open_part();
	const off_t end = 4096 * SECTOR;
	want(atomic_write(fd, 'r', end - UNIT) == UNIT);
	change_partition(BLKPG_RESIZE_PARTITION, 8192, 2048);
	errno = 0;
	want(atomic_write(fd, 's', end - UNIT) == -1 && errno == ENOSPC);
	want(letter_on_disk(8192 * SECTOR + end - UNIT) == 'r');
	change_partition(BLKPG_RESIZE_PARTITION, 8192, 4096);
	want(atomic_write(fd, 't', end - UNIT) == UNIT);
	close(fd);
	change_partition(BLKPG_DEL_PARTITION, 0, 0);
	puts("partition resized under an open descriptor");
}

static void made_read_only(void)
{
	int fd = open(disk, O_RDWR | O_DIRECT), one = 1, zero = 0;

	want(atomic_write(fd, 'o', 0) == UNIT);
	want(ioctl(fd, BLKROSET, &one) == 0);
	errno = 0;
	want(atomic_write(fd, 'x', 0) == -1 && errno == EPERM);
	want(ioctl(fd, BLKROSET, &zero) == 0);
	want(letter_on_disk(0) == 'o');
	close(fd);
	puts("made read-only, against root's rights too");
}

static void write_swap_header(int fd)
{
	static char page[4096];
	unsigned *info = (unsigned *)(page + 1024); /* version, last page; mkswap(8) */

	info[0] = 1;
	info[1] = 1024;
	memcpy(page + sizeof(page) - 10, "SWAPSPACE2", 10);
	want(pwrite(fd, page, sizeof(page), 0) == sizeof(page) && fsync(fd) == 0);
}

static void used_as_swap(void)
{
	int buffered = open(disk, O_RDWR), fd = open(disk, O_RDWR | O_DIRECT);

	write_swap_header(buffered);
	want(swapon(disk, 0) == 0);
	errno = 0;
	want(atomic_write(fd, 'x', 16 * UNIT) == -1 && errno == ETXTBSY);
	want(swapoff(disk) == 0);
	want(atomic_write(fd, 'w', 16 * UNIT) == UNIT);
	close(fd);
	close(buffered);
	puts("in use as swap space");
}

/* A page is mapped and dirty when the write comes. */
static void mapped_and_dirty(void)
{
	int buffered = open(disk, O_RDWR), fd = open(disk, O_RDWR | O_DIRECT);
	const off_t offset = 64 * UNIT;
	char *map = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, buffered, offset);

	want(map != MAP_FAILED);
	for (int i = 0; i < 50; i++) {
		char letter = (char)('A' + i % 26);
		memset(map, '#', 100); /* only one page is dirty */
		want(atomic_write_by(RWF_NOWAIT, fd, '!', offset) == -1 && errno == EAGAIN);
		want(map[0] == '#');
		want(atomic_write(fd, letter, offset) == UNIT);
		want(map[0] == letter && map[UNIT - 1] == letter);
		want(msync(map, UNIT, MS_SYNC) == 0 && fsync(buffered) == 0);
		want(letter_on_disk(offset) == letter);
	}
	munmap(map, UNIT);
	close(fd);
	close(buffered);
	puts("mapped and dirty pages");
}

/* The write covers part of a page: the page's other data must survive. */
static void part_of_a_page(void)
{
	int buffered = open(disk, O_RDWR), fd = open(disk, O_RDWR | O_DIRECT);
	char page[4096], sector[SECTOR] __attribute__((aligned(512)));
	const off_t offset = 128 * UNIT;
	struct iovec iov = { sector, SECTOR };

	memset(page, 'p', sizeof(page));
	memset(sector, 'q', sizeof(sector));
	want(pwrite(buffered, page, sizeof(page), offset) == sizeof(page)); /* dirty in the cache */
	want(pwritev2(fd, &iov, 1, offset + SECTOR, RWF_ATOMIC) == SECTOR);
	want(pread(buffered, page, sizeof(page), offset) == sizeof(page));
	want(page[0] == 'p' && page[SECTOR] == 'q' && page[2 * SECTOR - 1] == 'q');
	want(page[2 * SECTOR] == 'p' && page[4095] == 'p');
	close(fd);
	close(buffered);
	puts("one block of a dirty page");
}

/* Root could write by other means: the descriptor's mode must count. It is checked before the
 * memory. */
static void opened_for_reading(void)
{
	int fd = open(disk, O_RDONLY | O_DIRECT);
	void *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = 0;
	want(atomic_write(fd, 'x', 0) == -1 && errno == EBADF);
	errno = 0;
	want(pwritev2(fd, hole, 1, 0, RWF_ATOMIC) == -1 && errno == EBADF);
	close(fd);
	puts("opened for reading");
}

static volatile int racing;

static void *read_on(void *unused)
{
	int fd = open(disk, O_RDONLY);
	char page[4096];

	while (racing)
		want(pread(fd, page, sizeof(page), 192 * UNIT) == sizeof(page));
	close(fd);
	return unused;
}

/* A reader brings old pages into the page cache all the time. */
static void raced_by_a_reader(void)
{
	int buffered = open(disk, O_RDONLY), fd = open(disk, O_RDWR | O_DIRECT);
	pthread_t reader;
	char page[4096];

	racing = 1;
	want(pthread_create(&reader, NULL, read_on, NULL) == 0);
	for (int i = 0; i < 500; i++) {
		char letter = (char)('A' + i % 26);
		want(atomic_write(fd, letter, 192 * UNIT) == UNIT);
		want(pread(buffered, page, sizeof(page), 192 * UNIT) == sizeof(page));
		want(page[0] == letter && page[4095] == letter);
	}
	racing = 0;
	pthread_join(reader, NULL);
	close(fd);
	close(buffered);
	puts("raced by a reader through the page cache");
}

/* NVMe Base 2.0 figure 138; the formats are QEMU's: 0 has blocks of 512 bytes, 4 of 4096. */
static void format(unsigned which)
{
	struct nvme_passthru_cmd command = { .opcode = 0x80, .nsid = 1, .cdw10 = which };
	int fd = open(disk, O_RDWR);

	want(fd >= 0 && ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command) == 0);
	close(fd);
}

static ssize_t write_some(int fd, size_t length, off_t offset)
{
	struct iovec iov = { buffer('f'), length };
	ssize_t result = pwritev2(fd, &iov, 1, offset, RWF_ATOMIC);

	free(iov.iov_base);
	return result;
}

/* After the format the partition ends within a block, and its addresses count in larger blocks. */
static void formatted_to_larger_blocks(void)
{
	change_partition(BLKPG_ADD_PARTITION, 2048, 2049);
	int fd = open_part();
	want(write_some(fd, SECTOR, 2048 * SECTOR) == SECTOR);
	format(4);
	errno = 0;
	want(write_some(fd, 4096, 2048 * SECTOR) == -1 && errno == EINVAL);
	errno = 0;
	want(write_some(fd, SECTOR, 2048 * SECTOR) == -1 && errno == EINVAL);
	want(letter_on_disk(4096 * SECTOR) == 0 && letter_on_disk(0) == 0);
	want(write_some(fd, 4096, 4096) == 4096);
	want(letter_on_disk(2048 * SECTOR + 8192) == 0);
	close(fd);
	format(0);
	change_partition(BLKPG_DEL_PARTITION, 0, 0);
	puts("formatted to larger blocks under an open descriptor");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	disk = argv[1];
	/* nvme0n1p1 has a "p", sda1 has none. */
	const char *between = isdigit((unsigned char)disk[strlen(disk) - 1]) ? "p" : "";
	snprintf(part_path, sizeof(part_path), "%s%s1", disk, between);
	partition_created_anew();
	partition_resized();
	made_read_only();
	used_as_swap();
	mapped_and_dirty();
	part_of_a_page();
	raced_by_a_reader();
	opened_for_reading();
	if (strstr(disk, "nvme"))
		formatted_to_larger_blocks();
	return 0;
}
