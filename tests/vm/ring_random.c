/* SPDX-License-Identifier: MIT */
/*
 * An ordinary liburing program: ring_random DEVICE COUNT DEPTH [rewind|mixed]
 * COUNT atomic writes of 512 to 16384 bytes, DEPTH at a time, each to a place of its own, with NOPs
 * and fsyncs between; then reads everything back. Prints "SECTOR SECTORS" of each. With liburing
 * 2.14 and Linux 7 also on a ring that always begins at its first entry (rewind), or on one with
 * entries of two sizes (mixed), where the second half of a large entry looks like another entry.
 *
 * Links: -luring
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "untorn_uapi.h"

enum { UNIT = 16384, MOST = 64 };

#define want(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: not so: %s (%m)\n", __LINE__, #condition);       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* A completion's user_data: OTHER, or below it the place of a write. */
enum { OTHER = 1 << 30 };

static struct io_uring ring;
static int fd;
static int is_mixed;
static char *data[MOST], *back;
static int places[MOST]; /* the number of the write that uses this memory, or -1 */

static unsigned length_of(int number)
{
	return 512U << (number % 6);
}

static char letter_of(int number)
{
	return (char)('a' + number % 26);
}

static int free_place(int depth)
{
	for (int i = 0; i < depth; i++) {
		if (places[i] < 0)
			return i;
	}
	return -1;
}

static void prepare(int number, int place)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	want(sqe);
	places[place] = number;
	memset(data[place], letter_of(number), length_of(number));
	io_uring_prep_write(sqe, fd, data[place], length_of(number), (__u64)number * UNIT);
	sqe->rw_flags = RWF_ATOMIC;
	sqe->user_data = (__u64)place;
}

/* The second half of a large entry must not be read as an entry: it looks like a close(). */
static unsigned add_large(int number)
{
#ifdef IORING_SETUP_SQE_MIXED
	struct io_uring_sqe *sqe = io_uring_get_sqe128(&ring);

	want(sqe);
	io_uring_prep_nop128(sqe);
	sqe->user_data = OTHER;
	io_uring_prep_close(sqe + 1, number % 600);
	return 2;
#else
	return (unsigned)number * 0;
#endif
}

static unsigned add_others(int number)
{
	struct io_uring_sqe *sqe;

	if (is_mixed && number % 3 == 0)
		return add_large(number);
	if (number % 5)
		return 0;
	want((sqe = io_uring_get_sqe(&ring)));
	if (number % 10)
		io_uring_prep_nop(sqe);
	else
		io_uring_prep_fsync(sqe, fd, 0);
	sqe->user_data = OTHER;
	return 1;
}

static void reap(int *written)
{
	struct io_uring_cqe *cqe;

	want(io_uring_wait_cqe(&ring, &cqe) == 0);
	if (cqe->user_data == OTHER) {
		want(cqe->res == 0);
	} else {
		int place = (int)cqe->user_data, number = places[place];
		want(place < MOST && number >= 0 && cqe->res == (int)length_of(number));
		printf("%d %u\n", number * (UNIT / 512), length_of(number) / 512);
		places[place] = -1;
		(*written)++;
	}
	io_uring_cqe_seen(&ring, cqe);
}

static void check(int number)
{
	unsigned length = length_of(number);

	want(pread(fd, back, length, (off_t)number * UNIT) == (ssize_t)length);
	for (unsigned i = 0; i < length; i++)
		want(back[i] == letter_of(number));
}

static unsigned flags_of(const char *layout)
{
	is_mixed = strcmp(layout, "mixed") == 0;
#ifdef IORING_SETUP_SQE_MIXED
	if (is_mixed)
		return IORING_SETUP_SQE_MIXED;
	if (strcmp(layout, "rewind") == 0)
		return IORING_SETUP_SQ_REWIND | IORING_SETUP_NO_SQARRAY;
#endif
	want(!*layout);
	return 0;
}

int main(int argc, char **argv)
{
	want(argc == 4 || argc == 5);
	int count = atoi(argv[2]), depth = atoi(argv[3]), next = 0, written = 0;
	unsigned flags = flags_of(argc == 5 ? argv[4] : "");
	want(depth <= MOST);
	fd = open(argv[1], O_RDWR | O_DIRECT);
	want(fd >= 0 && io_uring_queue_init(2 * MOST, &ring, flags) == 0);
	want((back = aligned_alloc(4096, UNIT)));
	for (int i = 0; i < MOST; i++) {
		want((data[i] = aligned_alloc(4096, UNIT)));
		places[i] = -1;
	}
	while (written < count) {
		unsigned prepared = 0;
		for (int place; next < count && (place = free_place(depth)) >= 0; next++) {
			prepare(next, place);
			prepared += 1 + add_others(next);
		}
		int submitted = io_uring_submit(&ring);
		/* liburing adds an entry where a large one does not fit before the ring's end. */
		want(submitted == (int)prepared || (is_mixed && submitted == (int)prepared + 1));
		reap(&written);
	}
	io_uring_queue_exit(&ring);
	for (int i = 0; i < count; i++)
		check(i);
	return 0;
}
