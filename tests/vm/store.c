/* SPDX-License-Identifier: MIT */
/*
 * A storage engine's write-and-verify loop on a raw disk: io_uring, one-segment writev, O_DIRECT,
 * RWF_ATOMIC, 16 at a time, of 4 to 128 KiB in steps of 4 at any multiple of 4 KiB. It links a
 * static liburing, as such engines do. Prints the place and the length of each write, in blocks of
 * 512 bytes. store DISK ROUNDS
 *
 * Links: -l:liburing.a
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { LANES = 16, LANE = 4 << 20, STEP = 4096, MOST = 131072 };

static struct lane {
	char *data, *picture; /* to be written; what the disk should hold */
	struct iovec iov;
	off_t offset;
} lanes[LANES];

static int disk;
static struct io_uring ring;

static void prepare(struct lane *lane, unsigned number)
{
	size_t length = STEP * (size_t)(1 + random() % (MOST / STEP));

	lane->offset = random() % (LANE / STEP - MOST / STEP) * STEP;
	lane->iov = (struct iovec){ lane->data, length };
	for (size_t i = 0; i < length; i += sizeof(long))
		*(long *)(void *)(lane->data + i) = random();
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_writev(sqe, disk, &lane->iov, 1,
			     (uint64_t)number * LANE + (uint64_t)lane->offset);
	sqe->rw_flags = RWF_ATOMIC;
	io_uring_sqe_set_data(sqe, lane);
}

static bool complete(void)
{
	struct io_uring_cqe *cqe;

	if (io_uring_wait_cqe(&ring, &cqe) != 0)
		return false;
	struct lane *lane = io_uring_cqe_get_data(cqe);
	long result = cqe->res, number = lane - lanes;
	io_uring_cqe_seen(&ring, cqe);
	if (result != (long)lane->iov.iov_len) {
		fprintf(stderr, "%zu bytes: %ld\n", lane->iov.iov_len, result);
		return false;
	}
	memcpy(lane->picture + lane->offset, lane->data, lane->iov.iov_len);
	printf("%ld %ld\n", (number * LANE + lane->offset) / 512, result / 512);
	return true;
}

static bool write_round(void)
{
	for (unsigned i = 0; i < LANES; i++)
		prepare(&lanes[i], i);
	if (io_uring_submit(&ring) != LANES)
		return false;
	for (int i = 0; i < LANES; i++) {
		if (!complete())
			return false;
	}
	return true;
}

static bool verify(void)
{
	char *there = aligned_alloc(STEP, LANE);

	for (int i = 0; i < LANES; i++) {
		if (pread(disk, there, LANE, (off_t)i * LANE) != LANE ||
		    memcmp(there, lanes[i].picture, LANE) != 0)
			return false;
	}
	return true;
}

int main(int count, char **words)
{
	disk = count == 3 ? open(words[1], O_RDWR | O_DIRECT) : -1;
	if (disk < 0 || io_uring_queue_init(LANES, &ring, 0) < 0) {
		perror(words[count - 1]);
		return 2;
	}
	for (int i = 0; i < LANES; i++) {
		lanes[i].data = aligned_alloc(STEP, MOST);
		lanes[i].picture = calloc(1, LANE);
	}
	for (int i = 0; i < atoi(words[2]); i++) {
		if (!write_round())
			return 1;
	}
	return verify() ? 0 : 3;
}
