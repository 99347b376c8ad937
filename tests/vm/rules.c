/* SPDX-License-Identifier: MIT */
/*
 * Random atomic writes by device rules, one after another, through each door in turn: of 1 to 40
 * blocks of 512 bytes, on a disk that promises 32 and has a boundary at each 64. Prints the place
 * and the length, in blocks, of the writes within the promise; the shim must refuse the others.
 * rules DISK COUNT
 *
 * Links: -luring -laio
 */
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { BLOCK = 512, UNIT = 32, BOUNDARY = 64, MOST = 40, BLOCKS = (64 << 20) / BLOCK - MOST };

static int disk;
static io_context_t context;
static struct io_uring ring;

static long by_pwritev2(struct iovec *iov, off_t offset)
{
	ssize_t result = pwritev2(disk, iov, 1, offset, RWF_ATOMIC);

	return result < 0 ? -errno : result;
}

static long by_syscall(struct iovec *iov, off_t offset)
{
	long result = syscall(SYS_pwritev2, disk, iov, 1, offset, 0, RWF_ATOMIC);

	return result < 0 ? -errno : result;
}

static long by_aio(struct iovec *iov, off_t offset)
{
	struct iocb iocb, *list = &iocb;
	struct io_event event;

	io_prep_pwritev(&iocb, disk, iov, 1, offset);
	iocb.aio_rw_flags = RWF_ATOMIC;
	int submitted = io_submit(context, 1, &list);
	if (submitted < 0)
		return submitted;
	return io_getevents(context, 1, 1, &event, NULL) == 1 ? (long)event.res : -EPROTO;
}

static long by_ring(struct iovec *iov, off_t offset)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe;

	io_uring_prep_writev(sqe, disk, iov, 1, (uint64_t)offset);
	sqe->rw_flags = RWF_ATOMIC;
	if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe) != 0)
		return -EPROTO;
	long result = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static bool is_promised(long blocks, long place)
{
	return blocks <= UNIT && place / BOUNDARY == (place + blocks - 1) / BOUNDARY;
}

int main(int count, char **words)
{
	static long (*const doors[])(struct iovec *, off_t) = { by_pwritev2, by_syscall, by_aio,
								by_ring };
	static char data[MOST * BLOCK] __attribute__((aligned(4096)));

	disk = count == 3 ? open(words[1], O_RDWR | O_DIRECT) : -1;
	if (disk < 0 || io_setup(1, &context) < 0 || io_uring_queue_init(2, &ring, 0) < 0) {
		perror(words[count - 1]);
		return 2;
	}
	for (long i = 0; i < atol(words[2]); i++) {
		long blocks = 1 + random() % MOST, place = random() % BLOCKS;
		struct iovec iov = { data, (size_t)(blocks * BLOCK) };
		long wanted = is_promised(blocks, place) ? blocks * BLOCK : -EINVAL;
		long result = doors[i % 4](&iov, place * BLOCK);
		if (result != wanted) {
			fprintf(stderr, "write %ld, %ld blocks at %ld: %ld, not %ld\n", i, blocks,
				place, result, wanted);
			return 1;
		}
		if (wanted > 0)
			printf("%ld %ld\n", place, blocks);
	}
	return 0;
}
