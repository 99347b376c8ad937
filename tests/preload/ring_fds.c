/* SPDX-License-Identifier: MIT */
/*
 * Atomic writes through io_uring while descriptors are closed or become other files, or with
 * several descriptors: over the simulated disk, through liburing and (DOOR=raw) by our own system
 * calls.
 *
 * Links: -luring
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inline_call.h"
#include "ring_doors.h"
#include "untorn_uapi.h"

/* The close of the ring waits for its writes, because the program may then reuse their memory. */
static void closed_under_way(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(16);
	char *data[8];

	for (int i = 0; i < 8; i++) {
		data[i] = buffer(UNIT, 'q');
		prepare(ring, fd, data[i], UNIT, (off_t)UNIT * i, 1);
	}
	want(submit(ring, 0) == 8);
	end(ring);
	for (int i = 0; i < 8; i++)
		memset(data[i], 'x', UNIT);
	want(holds(fd, 0, 8 * UNIT, 'q'));
}

/* Descriptors are closed or become other files before the command is sent and its result comes. */
static void descriptors_taken_away(void)
{
	int fd = open_disk(), other = memfd_create("other", 0), kept = open_disk();
	struct io_uring *ring = ring_of(8);
	struct stat st;
	uint64_t tag;

	prepare(ring, fd, buffer(UNIT, 't'), UNIT, 0, 5);
	want(submit(ring, 0) == 1 && dup2(other, fd) == fd);
	want(result_of_next(ring, &tag) == UNIT && tag == 5 && holds(kept, 0, UNIT, 't'));
	want(fstat(other, &st) == 0 && st.st_size == 0);
	close_range(3, (unsigned)ring->ring_fd - 1, 0);
	close_range((unsigned)ring->ring_fd + 1, ~0U, 0);
	fd = open_disk();
	prepare(ring, fd, buffer(UNIT, 'T'), UNIT, UNIT, 6);
	want(submit(ring, 0) == 1);
	want(result_of_next(ring, &tag) == UNIT && tag == 6 && holds(fd, UNIT, UNIT, 'T'));
	/* The program closes the shim's descriptors while a write is under way. */
	prepare(ring, fd, buffer(UNIT, 'U'), UNIT, 2 * UNIT, 7);
	want(submit(ring, 0) == 1);
	close_range(512, ~0U, 0);
	want(*ring->cq.ktail != *ring->cq.khead); /* close_range() waited for it */
	want(result_of_next(ring, &tag) == UNIT && tag == 7 && holds(fd, 2 * UNIT, UNIT, 'U'));
	end(ring);
}

/* The same by an instruction that the shim does not see. The completion must still come, with the
 * result or EIO. */
static void descriptors_taken_away_unseen(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);
	uint64_t tag;

	prepare(ring, fd, buffer(UNIT, 'V'), UNIT, 0, 8);
	want(submit(ring, 0) == 1);
	inline_call(SYS_close_range, 512, ~0U, 0, 0, 0, 0);
	int result = result_of_next(ring, &tag);
	want(tag == 8 && (result == UNIT || result == -EIO));
	want(holds(fd, 0, UNIT, result == UNIT ? 'V' : 0));
	end(ring);
}

static void want_units(struct io_uring *ring, int count)
{
	uint64_t tag;

	for (int i = 0; i < count; i++)
		want(result_of_next(ring, &tag) == UNIT);
}

/* Writes to disk and partition in one submission; then the disk's number becomes the partition's.
 */
static void two_files(void)
{
	const off_t start = 1 << 20;
	int disk = open_disk(), part = open(DISK "p1", O_RDWR | O_DIRECT), number = dup(disk);
	struct io_uring *ring = ring_of(8);

	prepare(ring, disk, buffer(UNIT, 'a'), UNIT, 0, 1);
	prepare(ring, part, buffer(UNIT, 'b'), UNIT, 0, 2);
	prepare(ring, part, buffer(UNIT, 'c'), UNIT, UNIT, 3);
	prepare(ring, disk, buffer(UNIT, 'd'), UNIT, UNIT, 4);
	want(submit(ring, 0) == 4);
	want_units(ring, 4);
	want(holds(disk, 0, UNIT, 'a') && holds(disk, start, UNIT, 'b'));
	want(holds(disk, start + UNIT, UNIT, 'c') && holds(disk, UNIT, UNIT, 'd'));
	prepare(ring, number, buffer(UNIT, 'e'), UNIT, 2 * UNIT, 5);
	want(submit(ring, 0) == 1);
	want_units(ring, 1);
	want(dup2(part, number) == number);
	prepare(ring, number, buffer(UNIT, 'f'), UNIT, 3 * UNIT, 6);
	want(submit(ring, 0) == 1);
	want_units(ring, 1);
	want(holds(disk, 2 * UNIT, UNIT, 'e') && holds(disk, 3 * UNIT, UNIT, 0));
	want(holds(disk, start + 3 * UNIT, UNIT, 'f'));
	end(ring);
}

/* A chain is done while it is submitted: before its second write the number becomes another file's.
 */
static void replaced_between(void)
{
	int disk = open_disk(), number = dup(disk);
	struct io_uring *ring = ring_of(8);

	pthread_t id = replace_soon(number, open(DISK "p1", O_RDWR | O_DIRECT));
	prepare(ring, number, buffer(UNIT, 'r'), UNIT, 0, 1)->flags |= IOSQE_IO_LINK;
	prepare(ring, number, buffer(UNIT, 's'), UNIT, UNIT, 2);
	want(submit(ring, 0) == 2);
	want_units(ring, 2);
	want(pthread_join(id, NULL) == 0);
	want(holds(disk, 0, UNIT, 'r') && holds(disk, UNIT, UNIT, 0));
	want(holds(disk, (1 << 20) + UNIT, UNIT, 's'));
	end(ring);
}

const struct body bodies[] = {
	{ "closed_under_way", closed_under_way },
	{ "descriptors_taken_away", descriptors_taken_away },
	{ "descriptors_taken_away_unseen", descriptors_taken_away_unseen },
	{ "two_files", two_files },
	{ "replaced_between", replaced_between },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "closed_under_way", ",delay=20000", NULL, 8 },
	{ "closed_under_way", ",delay=20000", "DOOR=raw", 8 },
	{ "descriptors_taken_away", ",delay=20000", NULL, -1 },
	{ "descriptors_taken_away", ",delay=20000", "DOOR=raw", -1 },
	{ "descriptors_taken_away_unseen", ",delay=20000", NULL, -1 },
	{ "two_files", ",part=2048+32768", NULL, 6 },
	{ "two_files", ",part=2048+32768", "DOOR=raw", 6 },
	{ "replaced_between", ",part=2048+32768,delay=600000", NULL, 2 },
	{ "replaced_between", ",part=2048+32768,delay=600000", "DOOR=raw", 2 },
};

Suite *suite(void)
{
	return preload_suite("descriptors", rows, sizeof(rows) / sizeof(rows[0]));
}
