/* SPDX-License-Identifier: MIT */
/*
 * Atomic writes with io_uring, several under way at once. They overwrite that part of the device!
 *
 *	cc -I include -o io_uring examples/io_uring.c -luring
 *	./io_uring /dev/nvmeXnY 16384 8                    # Linux 6.11 and later, if the disk can
 *	untorn run -- ./io_uring /dev/nvmeXnY 16384 8      # older kernels
 *
 * Prints "8 writes of 16384 bytes, each all or nothing", or why not.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { MAX = 64 };

static const char *explain(int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return "the kernel or the device has no atomic writes (try: untorn doctor)";
	case EINVAL:
		return "length not a power of two, offset not a multiple of it, or outside the "
		       "limits: untorn doctor DEVICE shows them, UNTORN_LOG=info says which";
	case EBUSY:
		return "it is in use: mounted, swap, or part of another device";
	default:
		return strerror(error);
	}
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, explain(-error));
	return 1;
}

/* All may be under way at once: they lie side by side, and none reads what another writes. */
static int submit(struct io_uring *ring, int fd, void *data, unsigned length, int count)
{
	for (int i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring); /* the ring holds MAX */
		io_uring_prep_write(sqe, fd, data, length, (uint64_t)length * (unsigned)i);
		sqe->rw_flags = RWF_ATOMIC;
	}
	int submitted = io_uring_submit(ring);
	if (submitted < 0)
		return submitted;
	return submitted == count ? 0 : -EIO;
}

/* A write is done only if its completion has the length as res; else res is -errno. */
static int collect(struct io_uring *ring, unsigned length, int count)
{
	struct io_uring_cqe *cqe;

	for (int done = 0; done < count; done++) {
		int error;
		while ((error = io_uring_wait_cqe(ring, &cqe)) == -EINTR)
			;
		if (error)
			return error;
		if (cqe->res != (int)length)
			return cqe->res < 0 ? cqe->res : -EIO;
		io_uring_cqe_seen(ring, cqe);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct io_uring ring;

	if (argc != 4 || atoi(argv[3]) < 1 || atoi(argv[3]) > MAX) {
		fprintf(stderr, "usage: %s DEVICE LENGTH COUNT, up to %d\n", argv[0], MAX);
		return 2;
	}
	unsigned length = (unsigned)strtoul(argv[2], NULL, 0);
	int count = atoi(argv[3]);
	/* Atomic writes are direct; O_EXCL refuses a device that is in use. */
	int fd = open(argv[1], O_RDWR | O_DIRECT | O_EXCL);
	if (fd < 0)
		return fail(argv[1], -errno);
	void *data = aligned_alloc(4096, (length + 4095) & ~4095U);
	if (!data)
		return fail("memory", -ENOMEM);
	memset(data, 'R', length);
	int error = io_uring_queue_init(MAX, &ring, 0);
	if (error)
		return fail("io_uring", error);
	error = submit(&ring, fd, data, length, count);
	if (!error)
		error = collect(&ring, length, count);
	if (error)
		return fail(argv[1], error);
	printf("%d writes of %u bytes, each all or nothing\n", count, length);
	io_uring_queue_exit(&ring);
	free(data);
	return close(fd) < 0;
}
