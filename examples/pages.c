/* SPDX-License-Identifier: MIT */
/*
 * A small engine that writes pages as a database does, and counts the damage of a power cut. It
 * overwrites the device!
 *
 *	cc -I include -o pages examples/pages.c
 *
 *	pages write  DEVICE COUNT [plain]    writes COUNT pages of 16 KiB, over and over, each with
 *	                                     RWF_ATOMIC, or with plain writes
 *	pages check  DEVICE COUNT            counts torn pages: neither old nor new
 *
 * A page has its version in each of its 512-byte blocks: so a mix is seen at once.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { PAGE = 16384, BLOCK = 512 };

static void fill(uint64_t *page, uint64_t number, uint64_t version)
{
	for (size_t i = 0; i < PAGE / sizeof(*page); i += 2) {
		page[i] = number;
		page[i + 1] = version;
	}
}

static int write_pages(int fd, uint64_t count, int flags)
{
	uint64_t *page = aligned_alloc(4096, PAGE);
	struct iovec iov = { page, PAGE };

	for (uint64_t version = 1;; version++) {
		for (uint64_t number = 0; number < count; number++) {
			fill(page, number, version);
			if (pwritev2(fd, &iov, 1, (off_t)(number * PAGE), flags) != PAGE) {
				perror("pwritev2");
				return 1;
			}
		}
	}
}

static int is_torn(const uint64_t *page)
{
	for (size_t i = 2; i < PAGE / sizeof(*page); i++) {
		if (page[i] != page[i % 2])
			return 1;
	}
	return 0;
}

static int check_pages(int fd, uint64_t count)
{
	uint64_t *page = aligned_alloc(4096, PAGE), torn = 0;

	for (uint64_t number = 0; number < count; number++) {
		if (pread(fd, page, PAGE, (off_t)(number * PAGE)) != PAGE) {
			perror("pread");
			return 2;
		}
		torn += is_torn(page);
	}
	printf("%llu\n", (unsigned long long)torn);
	return torn != 0;
}

int main(int argc, char **argv)
{
	if (argc < 4 || (strcmp(argv[1], "write") && strcmp(argv[1], "check"))) {
		fprintf(stderr, "usage: %s write|check DEVICE COUNT [plain]\n", argv[0]);
		return 2;
	}
	int writing = strcmp(argv[1], "write") == 0;
	/* O_EXCL refuses a device that is in use. */
	int fd = open(argv[2], (writing ? O_RDWR | O_EXCL : O_RDONLY) | O_DIRECT);
	if (fd < 0) {
		perror(argv[2]);
		return 2;
	}
	uint64_t count = strtoull(argv[3], NULL, 0);
	return writing ? write_pages(fd, count, argc > 4 ? 0 : RWF_ATOMIC) : check_pages(fd, count);
}
