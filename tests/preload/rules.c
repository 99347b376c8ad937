/* SPDX-License-Identifier: MIT */
/*
 * Tests UNTORN_RULES=device, which accepts writes that the disk promises to do whole but that no
 * native kernel takes: of any number of blocks, at any block. Compares the simulated disk after
 * random writes by every interface with a copy in memory.
 *
 * Links: -luring -laio
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { BLOCK = 512, MOST = UNIT / BLOCK, AREA = 1 << 20 };

static int disk;

static long by_pwritev2(const struct iovec *iov, off_t offset)
{
	ssize_t result = pwritev2(disk, iov, 1, offset, RWF_ATOMIC);

	return result < 0 ? -errno : result;
}

static long by_syscall(const struct iovec *iov, off_t offset)
{
	long result = syscall(SYS_pwritev2, disk, iov, 1, offset, 0, RWF_ATOMIC);

	return result < 0 ? -errno : result;
}

static long by_position(const struct iovec *iov, off_t offset)
{
	want(lseek(disk, offset, SEEK_SET) == offset);
	ssize_t result = pwritev2(disk, iov, 1, -1, RWF_ATOMIC);

	return result < 0 ? -errno : result;
}

static long by_aio(const struct iovec *iov, off_t offset)
{
	static io_context_t context;
	struct iocb iocb, *list = &iocb;
	struct io_event event;

	want(context || io_setup(1, &context) == 0);
	io_prep_pwrite(&iocb, disk, iov->iov_base, iov->iov_len, offset);
	iocb.aio_rw_flags = RWF_ATOMIC;
	int submitted = io_submit(context, 1, &list);
	if (submitted < 0)
		return submitted;
	want(io_getevents(context, 1, 1, &event, NULL) == 1);
	return (long)event.res;
}

static long by_ring(const struct iovec *iov, off_t offset)
{
	static struct io_uring ring;
	struct io_uring_cqe *cqe;

	want(ring.ring_fd || io_uring_queue_init(2, &ring, 0) == 0);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_writev(sqe, disk, iov, 1, (uint64_t)offset);
	sqe->rw_flags = RWF_ATOMIC;
	want(io_uring_submit(&ring) == 1 && io_uring_wait_cqe(&ring, &cqe) == 0);
	long result = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static long (*const doors[])(const struct iovec *, off_t) = { by_pwritev2, by_syscall, by_position,
							      by_aio, by_ring };
enum { DOORS = sizeof(doors) / sizeof(doors[0]) };

static char *data, *picture;

static bool is_promised(size_t length, off_t offset)
{
	off_t boundary = getenv("BOUNDARY") ? atoi(getenv("BOUNDARY")) : 0;

	if (length > UNIT || length % BLOCK || offset % BLOCK)
		return false;
	return !boundary || offset / boundary == (offset + (off_t)length - 1) / boundary;
}

static void try(int door, size_t length, off_t offset)
{
	struct iovec iov = { data, length };

	memset(data, rand(), length);
	long result = doors[door](&iov, offset);
	if (is_promised(length, offset)) {
		want(result == (long)length);
		memcpy(picture + offset, data, length);
	} else
		want(result == -EINVAL);
}

static void compare(void)
{
	char *there = buffer(AREA, 0);

	want(pread(disk, there, AREA, 0) == AREA && memcmp(there, picture, AREA) == 0);
}

static void random_writes(void)
{
	disk = open_disk();
	data = buffer(2 * UNIT, 0);
	picture = buffer(AREA, 0);
	srand(1);
	for (int i = 0; i < 2000; i++) {
		size_t length = (size_t)(1 + rand() % (MOST + 4)) * BLOCK;
		try(i % DOORS, length, rand() % (AREA / BLOCK - MOST - 4) * BLOCK);
	}
	for (int door = 0; door < DOORS; door++) {
		try(door, 12288, 512 * 3);
		try(door, 700, 0);
		try(door, 1024, 100);
		try(door, 2 * UNIT, 0);
	}
	compare();
}

/* Writes that Linux takes work as before, and statx() reports only their limits. */
static void what_linux_takes(void)
{
	struct statx stx;

	disk = open_disk();
	for (int i = 0; i < 4; i++)
		check_write(disk, UNIT * i, (char)('a' + i));
	check_statx(disk);
	want(statx(disk, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) == 0);
	want(untorn_statx_atomic(&stx)->unit_min == BLOCK);
}

static void many_segments(void)
{
	struct iovec iov[2] = { { buffer(BLOCK, 'a'), BLOCK }, { buffer(BLOCK, 'b'), BLOCK } };

	disk = open_disk();
	want_error(pwritev2(disk, iov, 2, 0, RWF_ATOMIC), EINVAL);
	want_error(pwritev2(disk, iov, 1, DISK_SIZE - BLOCK / 2, RWF_ATOMIC), EINVAL);
	want_error(pwritev2(disk, iov, 1, DISK_SIZE, RWF_ATOMIC), ENOSPC);
	iov[0].iov_base = buffer(2 * BLOCK, 0);
	iov[0].iov_len = 2 * BLOCK;
	want_error(pwritev2(disk, iov, 1, DISK_SIZE - BLOCK, RWF_ATOMIC), EINVAL);
}

/* Without UNTORN_RULES Linux's rules hold. */
static void linux_rules(void)
{
	struct iovec iov = { buffer(UNIT, 0), 12288 };

	disk = open_disk();
	want_error(pwritev2(disk, &iov, 1, 0, RWF_ATOMIC), EINVAL);
	iov.iov_len = UNIT;
	want_error(pwritev2(disk, &iov, 1, BLOCK, RWF_ATOMIC), EINVAL);
	want(pwritev2(disk, &iov, 1, UNIT, RWF_ATOMIC) == UNIT);
}

const struct body bodies[] = {
	{ "random_writes", random_writes },
	{ "what_linux_takes", what_linux_takes },
	{ "many_segments", many_segments },
	{ "linux_rules", linux_rules },
	{ NULL, NULL },
};

#define DEVICE "UNTORN_RULES=device"

static const struct preload_row rows[] = {
	{ "random_writes", "", DEVICE, -1 },
	{ "random_writes", "", DEVICE "\nUNTORN_MODE=command\nUNTORN_AIO=inline", -1 },
	{ "random_writes", ",nabspf=63", DEVICE "\nBOUNDARY=32768", -1 },
	{ "what_linux_takes", "", DEVICE, 4 },
	{ "many_segments", "", DEVICE, 0 },
	{ "linux_rules", "", NULL, 1 },
	{ "linux_rules", "", "UNTORN_RULES=linux", 1 },
	{ "linux_rules", "", "UNTORN_RULES=Device", 1 },
};

Suite *suite(void)
{
	return preload_suite("device rules", rows, sizeof(rows) / sizeof(rows[0]));
}
