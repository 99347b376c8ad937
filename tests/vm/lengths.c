/* SPDX-License-Identifier: MIT */
/*
 * Prints the outcome of an atomic write of each power of two from 512 bytes to 2 MiB, on one line:
 *	lengths [LABEL=]DEVICE...
 * Writes each length at offset 0 and at an offset of the same length, and reads it back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { LONGEST = 2 << 20 };

static char *data, *back;

static const char *write_one(int fd, size_t length, off_t offset)
{
	struct iovec iov = { data, length };

	memset(data, 'A' + (int)(offset / (off_t)length), length);
	ssize_t written = pwritev2(fd, &iov, 1, offset, RWF_ATOMIC);
	if (written < 0)
		return strerrorname_np(errno);
	if ((size_t)written != length)
		return "SHORT";
	if (pread(fd, back, length, offset) != written)
		return "UNREADABLE";
	return memcmp(data, back, length) == 0 ? "ok" : "DIFFERENT";
}

static void write_all(const char *label, const char *path)
{
	int fd = open(path, O_RDWR | O_DIRECT);

	printf("%s lengths", label);
	for (size_t length = 512; length <= LONGEST; length *= 2) {
		for (int i = 0; i < 2; i++)
			printf(" %s", write_one(fd, length, (off_t)(i * length)));
	}
	putchar('\n');
	close(fd);
}

int main(int argc, char **argv)
{
	data = aligned_alloc(4096, LONGEST);
	back = aligned_alloc(4096, LONGEST);
	for (int i = 1; i < argc; i++) {
		char *path = strchr(argv[i], '=');
		if (path)
			*path++ = '\0';
		write_all(argv[i], path ? path : argv[i]);
	}
	free(data);
	free(back);
	return 0;
}
