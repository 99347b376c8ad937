/* SPDX-License-Identifier: MIT */
/*
 * One atomic write with pwritev2(2). It overwrites that part of the device!
 *
 *	cc -I include -o pwritev2 examples/pwritev2.c
 *	./pwritev2 /dev/nvmeXnY 0 16384                   # Linux 6.11 and later, if the disk can
 *	untorn run -- ./pwritev2 /dev/nvmeXnY 0 16384     # older kernels
 *
 * Prints "16384 bytes at 0, all or nothing", or why not.
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
		return "length not a power of two, offset not a multiple of it, or outside the "
		       "limits: untorn doctor DEVICE shows them, UNTORN_LOG=info says which";
	case EBUSY:
		return "it is in use: mounted, swap, or part of another device";
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
	/* Atomic writes are direct; O_EXCL refuses a device that is in use. */
	int fd = open(argv[1], O_RDWR | O_DIRECT | O_EXCL);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], explain(errno));
		return 1;
	}
	struct iovec iov = { aligned_alloc(4096, (length + 4095) & ~4095UL), length };
	if (!iov.iov_base)
		return 1;
	memset(iov.iov_base, 'A', length);
	/* One segment: block devices accept only one. */
	ssize_t written = pwritev2(fd, &iov, 1, offset, RWF_ATOMIC);
	if (written < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], explain(errno));
		return 1;
	}
	printf("%zd bytes at %lld, all or nothing\n", written, (long long)offset);
	free(iov.iov_base);
	return close(fd) < 0;
}
