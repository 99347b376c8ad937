/* SPDX-License-Identifier: MIT */
/*
 * Plain direct writes of 16 KiB, as a database makes them: pages PATH SIZE. The trace of the disk
 * below shows how many commands they become. 256 neighbours, 32 at once by libaio's system calls;
 * 256 at random, one by one; 256 at random, 32 at once.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 16384, ALL = 256, DEPTH = 32 };

#define want(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: not so: %s (%m)\n", __LINE__, #condition);       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static int fd;
static char *data;
static aio_context_t context;

static void write_together(const uint64_t places[DEPTH])
{
	struct iocb blocks[DEPTH] = { 0 }, *list[DEPTH];
	struct io_event events[DEPTH];

	for (int i = 0; i < DEPTH; i++) {
		blocks[i] = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PWRITE,
					   .aio_fildes = (uint32_t)fd,
					   .aio_buf = (uintptr_t)data + (uintptr_t)i * PAGE,
					   .aio_nbytes = PAGE,
					   .aio_offset = (int64_t)(places[i] * PAGE) };
		list[i] = &blocks[i];
	}
	want(syscall(SYS_io_submit, context, DEPTH, list) == DEPTH);
	want(syscall(SYS_io_getevents, context, DEPTH, DEPTH, events, NULL) == DEPTH);
	for (int i = 0; i < DEPTH; i++)
		want(events[i].res == PAGE);
}

/* A random page, but not the first, where a label may be. No page is drawn twice within a batch. */
static uint64_t drawn(uint64_t pages, int i)
{
	uint64_t part = (pages - 1) / DEPTH;

	return 1 + (uint64_t)(i % DEPTH) * part + (uint64_t)random() % part;
}

int main(int argc, char **argv)
{
	uint64_t places[DEPTH];

	want(argc == 3);
	uint64_t pages = strtoull(argv[2], NULL, 0) / PAGE;
	want(pages > ALL + 1);
	want((data = aligned_alloc(4096, (size_t)DEPTH * PAGE)));
	memset(data, 'p', (size_t)DEPTH * PAGE);
	want((fd = open(argv[1], O_RDWR | O_DIRECT)) >= 0);
	want(syscall(SYS_io_setup, DEPTH, &context) == 0);
	for (int i = 0; i < ALL; i++) {
		places[i % DEPTH] = 1 + (uint64_t)i;
		if (i % DEPTH == DEPTH - 1)
			write_together(places);
	}
	for (int i = 0; i < ALL; i++)
		want(pwrite(fd, data, PAGE, (off_t)(drawn(pages, i) * PAGE)) == PAGE);
	for (int i = 0; i < ALL; i++) {
		places[i % DEPTH] = drawn(pages, i);
		if (i % DEPTH == DEPTH - 1)
			write_together(places);
	}
	return 0;
}
