/* SPDX-License-Identifier: MIT */
/*
 * Counts the pages that readers see half old, half new:
 *	torn DEVICE LENGTH READS RWF
 * One writer writes page after page to the same place, each full of its own number. Two readers
 * read it directly, READS times in all, and count the pages with more than one number. RWF are the
 * writer's flags: 0x40 for atomic writes, 0 for plain ones. With plain writes the first torn page
 * ends the program. A call that fails ends it with status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READERS = 2, SECTOR = 512 };

static const char *device;
static size_t length;
static int flags;
static _Atomic long reads_left, reads, torn, writes;
static _Atomic int failed;

static void fail(const char *what)
{
	perror(what);
	atomic_store(&failed, 1);
	atomic_store(&reads_left, 0);
}

static void fill(uint64_t *page, uint64_t number)
{
	for (size_t i = 0; i < length / sizeof(*page); i++)
		page[i] = number;
}

static void *write_on(void *unused)
{
	int fd = open(device, O_RDWR | O_DIRECT);
	uint64_t *page = aligned_alloc(4096, length);
	struct iovec iov = { page, length };
	uint64_t number = 0;

	while (atomic_load(&reads_left) > 0) {
		fill(page, ++number);
		if (pwritev2(fd, &iov, 1, 0, flags) != (ssize_t)length) {
			fail("write");
			break;
		}
		writes++;
	}
	free(page);
	close(fd);
	return unused;
}

static int is_torn(const uint64_t *page)
{
	for (size_t i = 0; i < length; i += SECTOR) {
		if (page[i / sizeof(*page)] != page[0])
			return 1;
	}
	return 0;
}

static void *read_on(void *unused)
{
	int fd = open(device, O_RDONLY | O_DIRECT);
	uint64_t *page = aligned_alloc(4096, length);

	while (atomic_fetch_sub(&reads_left, 1) > 0) {
		if (pread(fd, page, length, 0) != (ssize_t)length) {
			fail("read");
			break;
		}
		reads++;
		if (is_torn(page) && ++torn && !flags)
			atomic_store(&reads_left, 0);
	}
	free(page);
	close(fd);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[1 + READERS];

	if (argc != 5)
		return 2;
	device = argv[1];
	length = strtoul(argv[2], NULL, 0);
	reads_left = strtol(argv[3], NULL, 0);
	flags = (int)strtol(argv[4], NULL, 0);
	for (int i = 0; i <= READERS; i++)
		pthread_create(&threads[i], NULL, i ? read_on : write_on, NULL);
	for (int i = 0; i <= READERS; i++)
		pthread_join(threads[i], NULL);
	printf("%ld reads, %ld torn, %ld writes\n", (long)reads, (long)torn, (long)writes);
	return failed;
}
