/* SPDX-License-Identifier: MIT */
/*
 * A small storage engine with asynchronous writes, and the check of what a power cut left. It
 * overwrites the first MiB of the device!
 *
 *	cc -I include -o engine examples/engine.c
 *
 *	engine write DEVICE ROUNDS [plain] [noflush]
 *	engine check DEVICE ROUND
 *
 * In each round the engine writes all of 64 pages of 16 KiB, 32 at once, with RWF_ATOMIC unless
 * "plain". It flushes the device, unless "noflush", and prints the number of the round: that is its
 * acknowledgement. Keep the numbers where the power cut does not reach them. "check" takes the last
 * one, or 0, and counts pages that are
 *
 *	torn    a mix of rounds: RWF_ATOMIC prevents that
 *	lost    whole, but older than what was acknowledged: the flush prevents that
 *
 * It makes libaio's system calls itself; libaio.c shows the library.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { PAGES = 64, PAGE = 16384, DEPTH = 32 };

static int fail(const char *what, int error)
{
	const char *why = strerror(error);

	if (error == EOPNOTSUPP)
		why = "the kernel or the device has no atomic writes (try: untorn run, untorn doctor)";
	if (error == EINVAL)
		why = "the device cannot write 16 KiB like that (try: untorn doctor)";
	fprintf(stderr, "engine: %s: %s\n", what, why);
	return 2;
}

/* Page and round determine each word of a page. A blank page is one of round 0. */
static void fill(uint64_t *words, uint64_t page, uint64_t round)
{
	for (size_t i = 0; i < PAGE / sizeof(*words); i++)
		words[i] = i % 2 ? round * (page + 1) : round;
}

/* A database would check a checksum. */
static int is_whole(const uint64_t *words, uint64_t page)
{
	static uint64_t expected[PAGE / sizeof(*words)];

	fill(expected, page, words[0]);
	return memcmp(words, expected, PAGE) == 0;
}

struct found {
	uint64_t torn, lost, newest;
};

/* Reads all pages after a crash. Returns 0, or 2 after a message. */
static int scan(int fd, uint64_t acknowledged, struct found *found)
{
	uint64_t *words = aligned_alloc(4096, PAGE);

	for (uint64_t page = 0; page < PAGES; page++) {
		if (pread(fd, words, PAGE, (off_t)(page * PAGE)) != PAGE)
			return fail("pread", errno);
		int whole = is_whole(words, page);
		found->torn += !whole;
		found->lost += whole && words[0] < acknowledged;
		if (whole && words[0] > found->newest)
			found->newest = words[0];
	}
	free(words);
	return 0;
}

static int check(int fd, uint64_t acknowledged)
{
	struct found found = { 0 };

	if (scan(fd, acknowledged, &found))
		return 2;
	printf("%" PRIu64 " torn, %" PRIu64 " lost\n", found.torn, found.lost);
	return found.torn || found.lost;
}

/* io_submit() may take fewer writes than it is given. The next call then returns the error. */
static int submit(aio_context_t context, struct iocb **list)
{
	for (long done = 0, taken; done < DEPTH; done += taken) {
		taken = syscall(SYS_io_submit, context, DEPTH - done, list + done);
		if (taken <= 0)
			return fail("io_submit", taken < 0 ? errno : EIO);
	}
	return 0;
}

/* A write is done when its event has come with its length as the result. */
static int collect(aio_context_t context)
{
	struct io_event events[DEPTH];
	long got = syscall(SYS_io_getevents, context, (long)DEPTH, (long)DEPTH, events, NULL);

	if (got != DEPTH)
		return fail("io_getevents", got < 0 ? errno : EINTR);
	for (long i = 0; i < got; i++) {
		if (events[i].res != PAGE)
			return fail("a write", events[i].res < 0 ? (int)-events[i].res : EIO);
	}
	return 0;
}

/* Writes DEPTH pages from `first` on, all under way together. */
static int write_batch(int fd, aio_context_t context, uint64_t first, uint64_t round, int flags)
{
	static _Alignas(4096) uint64_t memory[DEPTH][PAGE / sizeof(uint64_t)];
	struct iocb requests[DEPTH], *list[DEPTH];

	for (uint64_t i = 0; i < DEPTH; i++) {
		fill(memory[i], first + i, round);
		requests[i] = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PWRITE,
					     .aio_fildes = (uint32_t)fd,
					     .aio_buf = (uintptr_t)memory[i],
					     .aio_nbytes = PAGE,
					     .aio_offset = (int64_t)((first + i) * PAGE),
					     .aio_rw_flags = flags };
		list[i] = &requests[i];
	}
	return submit(context, list) || collect(context);
}

/* Continues after the newest round on the device. */
static int write_rounds(int fd, uint64_t rounds, int flags, int flushes)
{
	struct found found = { 0 };
	aio_context_t context = 0;

	if (scan(fd, 0, &found))
		return 2;
	if (syscall(SYS_io_setup, DEPTH, &context) < 0)
		return fail("io_setup", errno);
	for (uint64_t round = found.newest + 1; round <= found.newest + rounds; round++) {
		for (uint64_t first = 0; first < PAGES; first += DEPTH) {
			if (write_batch(fd, context, first, round, flags))
				return 2;
		}
		if (flushes && fdatasync(fd) < 0)
			return fail("fdatasync", errno);
		printf("%" PRIu64 "\n", round);
		fflush(stdout); /* from here on the round is acknowledged */
	}
	return 0;
}

int main(int argc, char **argv)
{
	int flags = RWF_ATOMIC, flushes = 1, writes = argc > 3 && strcmp(argv[1], "write") == 0;

	if (!writes && (argc != 4 || strcmp(argv[1], "check"))) {
		fprintf(stderr, "usage: engine write DEVICE ROUNDS [plain] [noflush]\n"
				"       engine check DEVICE ROUND\n");
		return 2;
	}
	for (int i = 4; i < argc; i++) {
		flags = strcmp(argv[i], "plain") ? flags : 0;
		flushes = strcmp(argv[i], "noflush") ? flushes : 0;
	}
	/* O_EXCL refuses a device that is in use. */
	int fd = open(argv[2], (writes ? O_RDWR | O_EXCL : O_RDONLY) | O_DIRECT);
	if (fd < 0)
		return fail(argv[2], errno);
	uint64_t number = strtoull(argv[3], NULL, 10);
	return writes ? write_rounds(fd, number, flags, flushes) : check(fd, number);
}
