/* SPDX-License-Identifier: MIT */
/*
 * One atomic write with pwritev2(2).
 *
 *	cc -I include -o pwritev2 examples/pwritev2.c
 *	./pwritev2 /dev/nvme0n1 0 16384                   # Linux 6.11 and later, if the disk can
 *	untorn run -- ./pwritev2 /dev/nvme0n1 0 16384     # older kernels
 *
 * Overwrites that part of the device! Prints "16384 bytes at 0, all or nothing", or why not.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

static const char *explain(int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return "the kernel or the device has no atomic writes (try: untorn doctor)";
	case EINVAL:
		return "length or offset do not fit the limits that statx reports";
	default:
		return strerror(error);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: %s DEVICE OFFSET LENGTH\n", argv[0]);
		return 2;
	}
	off_t offset = strtoll(argv[2], NULL, 0);
	size_t length = strtoull(argv[3], NULL, 0);
	int fd = open(argv[1], O_RDWR | O_DIRECT); /* atomic writes are direct */
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	struct iovec iov = { aligned_alloc(4096, (length + 4095) & ~4095UL), length };
	if (!iov.iov_base)
		return 1;
	memset(iov.iov_base, 'A', length);
	/* One segment: a block device takes no more. */
	ssize_t written = pwritev2(fd, &iov, 1, offset, RWF_ATOMIC);
	if (written < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], explain(errno));
		return 1;
	}
	printf("%zd bytes at %lld, all or nothing\n", written, (long long)offset);
	free(iov.iov_base);
	return close(fd) < 0;
}
