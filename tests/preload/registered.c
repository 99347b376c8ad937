/* SPDX-License-Identifier: MIT */
/*
 * Files and rings that a program registers and then uses without descriptors, over the simulated
 * disk: through liburing, and by its own system calls.
 *
 * Links: -luring
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>

#include "ring_doors.h"

/* Files without descriptors: registered, replaced, and changed by entries. */
static void registered_files(void)
{
	int fd = open_disk(), other = open("/dev/null", O_RDWR), kept = open_disk();
	int files[] = { other, fd, -1 }, none[] = { -1 };
	struct io_uring *ring = ring_of(8);
	char *data = buffer(UNIT, 'f');

	want(io_uring_register_files(ring, files, 3) == 0);
	close(fd);
	prepare(ring, 1, data, UNIT, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == UNIT && holds(kept, 0, UNIT, 'f'));
	prepare(ring, 1, data, 12288, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EINVAL);
	prepare(ring, 0, data, UNIT, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EOPNOTSUPP);
	prepare(ring, 2, data, UNIT, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EBADF);
	/* The slot becomes another file: a write must not go to the old disk. */
	want(io_uring_register_files_update(ring, 1, &other, 1) == 1);
	prepare(ring, 1, data, UNIT, UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EOPNOTSUPP);
	want(io_uring_register_files_update(ring, 2, &kept, 1) == 1);
	prepare(ring, 2, data, UNIT, UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == UNIT && holds(kept, UNIT, UNIT, 'f'));
	/* Removed by an entry. */
	struct io_uring_sqe *sqe = next_entry(ring);
	io_uring_prep_files_update(sqe, none, 1, 2);
	sqe->user_data = 77;
	want(outcome(ring) == 1);
	prepare(ring, 2, data, UNIT, 2 * UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EBADF);
	/* Closed by an entry in the write's batch. */
	want(io_uring_register_files_update(ring, 2, &kept, 1) == 1);
	sqe = next_entry(ring);
	io_uring_prep_close_direct(sqe, 2);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	prepare(ring, 2, data, UNIT, 2 * UNIT, 78)->flags |= IOSQE_FIXED_FILE;
	want(submit(ring, 0) == 2);
	uint64_t tag;
	want(result_of_next(ring, &tag) == -EBADF && tag == 78);
	want(io_uring_unregister_files(ring) == 0);
	prepare(ring, 2, data, UNIT, 2 * UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EBADF && holds(kept, 2 * UNIT, UNIT, 0));
	end(ring);
}

/* Files and the ring itself by number, through system calls. */
static void registered_by_system_calls(void)
{
	int fd = open_disk(), other = open("/dev/null", O_RDWR), kept = open_disk();
	struct io_uring *ring = ring_of(8);
	struct io_uring_rsrc_update itself = { .offset = UINT32_MAX,
					       .data = (uint64_t)ring->ring_fd };
	struct io_uring_files_update update = { .offset = 1, .fds = (uintptr_t)&other };
	char *data = buffer(UNIT, 'r');

	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES, &fd, 1) == 0);
	close(fd);
	prepare(ring, 0, data, UNIT, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == UNIT && holds(kept, 0, UNIT, 'r'));
	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_RING_FDS, &itself, 1) ==
	     1);
	registered = (int)itself.offset;
	prepare(ring, 0, data, UNIT, UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == UNIT && holds(kept, UNIT, UNIT, 'r'));
	update.offset = 0;
	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES_UPDATE, &update,
		     1) == 1);
	prepare(ring, 0, data, UNIT, 2 * UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EOPNOTSUPP && holds(kept, 2 * UNIT, UNIT, 0));
	update.fds = (uintptr_t)&kept;
	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES_UPDATE, &update,
		     1) == 1);
	prepare(ring, 0, data, UNIT, 2 * UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == UNIT && holds(kept, 2 * UNIT, UNIT, 'r'));
	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_UNREGISTER_FILES, NULL, 0) == 0);
	prepare(ring, 0, data, UNIT, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EBADF);
	itself.data = 0;
	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_UNREGISTER_RING_FDS, &itself,
		     1) == 1);
	prepare(ring, kept, data, UNIT, 3 * UNIT, 77);
	want_error(enter(ring, 1, 1) < 0 ? -1 : 0, EBADF);
	registered = -1;
	want(outcome(ring) == UNIT);
	end(ring);
}

/* Another descriptor of the ring changes its table of files: a write must not go to the old file.
 */
static void registered_by_a_duplicate(void)
{
	int first = open(DISK "p1", O_RDWR | O_DIRECT), second = open(DISK "p2", O_RDWR | O_DIRECT);
	struct io_uring *ring = ring_of(8);
	int duplicate = dup(ring->ring_fd), null = open("/dev/null", O_RDWR);
	struct io_uring_files_update update = { .fds = (uintptr_t)&second };
	char *data = buffer(UNIT, 'd');

	want(first >= 0 && second >= 0 && duplicate >= 0);
	want(io_uring_register_files(ring, &first, 1) == 0);
	want(syscall(SYS_io_uring_register, duplicate, IORING_REGISTER_FILES_UPDATE, &update, 1) ==
	     1);
	prepare(ring, 0, data, UNIT, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == UNIT && holds(second, 0, UNIT, 'd') && holds(first, 0, UNIT, 0));
	update.fds = (uintptr_t)&null;
	want(syscall(SYS_io_uring_register, duplicate, IORING_REGISTER_FILES_UPDATE, &update, 1) ==
	     1);
	prepare(ring, 0, data, UNIT, UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EOPNOTSUPP && holds(second, UNIT, UNIT, 0));
	want(syscall(SYS_io_uring_register, duplicate, IORING_UNREGISTER_FILES, NULL, 0) == 0);
	prepare(ring, 0, data, UNIT, UNIT, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EBADF);
	end(ring);
}

/* A registered ring is used by its index. Its descriptor was closed and is now another ring's. */
static void index_outlives_descriptor(void)
{
	int fd = open_disk();
	struct io_uring *old = ring_of(8);
	struct io_uring_rsrc_update itself = { .offset = UINT32_MAX,
					       .data = (uint64_t)old->ring_fd };

	want(syscall(SYS_io_uring_register, old->ring_fd, IORING_REGISTER_RING_FDS, &itself, 1) ==
	     1);
	want(close(old->ring_fd) == 0);
	struct io_uring *new = ring_of(8);
	want(new->ring_fd == old->ring_fd);
	prepare(new, fd, buffer(UNIT, 'n'), UNIT, 0, 77);
	__atomic_store_n(new->sq.ktail, new->sq.sqe_tail, __ATOMIC_RELEASE);
	registered = (int)itself.offset;
	io_uring_prep_nop(next_entry(old));
	want(submit(old, 1) == 1 && *old->cq.ktail == 1);
	registered = -1;
	want(*new->sq.khead == 0 && holds(fd, 0, UNIT, 0));
	want(outcome(new) == UNIT && holds(fd, 0, UNIT, 'n'));
}

static long updated = -1;

/* The thread is cancelled before it calls the function, which is not a cancellation point. */
static void *update_slot(void *argument)
{
	struct io_uring *ring = argument;
	int other = open("/dev/null", O_RDWR);
	struct io_uring_files_update update = { .fds = (uintptr_t)&other };

	pthread_cancel(pthread_self());
	updated = syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES_UPDATE,
			  &update, 1);
	pthread_testcancel();
	return NULL;
}

static void registered_under_cancellation(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);
	pthread_t thread;
	void *result;

	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES, &fd, 1) == 0);
	want(pthread_create(&thread, NULL, update_slot, ring) == 0);
	want(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED && updated == 1);
	prepare(ring, 0, buffer(UNIT, 'c'), UNIT, 0, 77)->flags |= IOSQE_FIXED_FILE;
	want(outcome(ring) == -EOPNOTSUPP && holds(fd, 0, UNIT, 0));
	end(ring);
}

const struct body bodies[] = {
	{ "registered_files", registered_files },
	{ "registered_by_system_calls", registered_by_system_calls },
	{ "registered_by_a_duplicate", registered_by_a_duplicate },
	{ "index_outlives_descriptor", index_outlives_descriptor },
	{ "registered_under_cancellation", registered_under_cancellation },
	{ NULL, NULL },
};

#define RAW "DOOR=raw\n"

static const struct preload_row rows[] = {
	{ "registered_files", "", NULL, 2 },
	{ "registered_files", "", "WAIT=1", 2 },
	{ "registered_files", "", "DOOR=raw", 2 },
	{ "registered_files", "", RAW "WAIT=1", 2 },
	{ "registered_by_system_calls", "", "DOOR=raw", 4 },
	{ "registered_by_system_calls", "", RAW "WAIT=1", 4 },
	{ "registered_by_a_duplicate", ",part=2048+4096,part=8192+4096", NULL, 1 },
	{ "registered_by_a_duplicate", ",part=2048+4096,part=8192+4096", "DOOR=raw", 1 },
	{ "index_outlives_descriptor", "", "DOOR=raw", 1 },
	{ "index_outlives_descriptor", "", RAW "WAIT=1", 1 },
	{ "registered_under_cancellation", "", "DOOR=raw", 0 },
};

Suite *suite(void)
{
	return preload_suite("registered files and rings", rows, sizeof(rows) / sizeof(rows[0]));
}
