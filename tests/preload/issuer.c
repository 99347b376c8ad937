/* SPDX-License-Identifier: MIT */
/*
 * Submissions that the kernel refuses, over the simulated disk: by another thread than the ring's
 * only one, by a child, and to a ring that is or was disabled. The shim may do no atomic write
 * among them.
 *
 * Links: -luring
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "ring_doors.h"

static int fd;
static struct io_uring *ring;

static int try(off_t offset, unsigned waits)
{
	prepare(ring, fd, buffer(UNIT, 'i'), UNIT, offset, 77);
	return submit(ring, waits);
}

static void *submit_elsewhere(void *waits)
{
	int result = try(0, waits ? 1 : 0);

	want(result == -EEXIST || errno == EEXIST);
	return NULL;
}

static void in_a_thread(void *waits)
{
	pthread_t thread;

	want(pthread_create(&thread, NULL, submit_elsewhere, waits) == 0);
	want(pthread_join(thread, NULL) == 0);
	want(holds(fd, 0, UNIT, 0));
}

/* A refused entry stays in the ring, and goes with the right thread's next submission. liburing has
 * published it by then: so the kernel gets the write and refuses it. */
static void other_thread(void)
{
	uint64_t tag;

	fd = open_disk();
	ring = ring_of(8);
	in_a_thread(NULL);
	in_a_thread(&fd);
	want(try(UNIT, 0) > 0);
	for (int i = 0, done = 0; i < 3; i++) {
		int result = result_of_next(ring, &tag);
		want(result == UNIT || (!is_raw() && result == -EOPNOTSUPP));
		done += result == UNIT;
		want(i < 2 || done == (is_raw() ? 3 : 1));
	}
	want(holds(fd, 0, UNIT, is_raw() ? 'i' : 0) && holds(fd, UNIT, UNIT, 'i'));
	end(ring);
}

static void child(void)
{
	int status;

	fd = open_disk();
	ring = ring_of(8);
	pid_t pid = fork();
	if (pid == 0) {
		int result = try(0, 0);
		_exit(result != -EEXIST && errno != EEXIST);
	}
	want(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	want(holds(fd, 0, UNIT, 0));
}

/* SETUP has IORING_SETUP_R_DISABLED. Once enabled, the ring may have restrictions: the shim leaves
 * it to the kernel. */
static void disabled(void)
{
	fd = open_disk();
	ring = ring_of(8);
	int result = try(0, 0);
	want(result == -EBADFD || errno == EBADFD);
	want(holds(fd, 0, UNIT, 0));
	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) ==
	     0);
	uint64_t tag;
	want(submit(ring, 1) == 1 && result_of_next(ring, &tag) == -EOPNOTSUPP);
	want(holds(fd, 0, UNIT, 0));
	end(ring);
}

/* The same with the kernel's polling thread: the kernel refuses the write, too. */
static void disabled_and_polled(void)
{
	uint64_t tag;

	fd = open_disk();
	ring = ring_of(8);
	want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) ==
	     0);
	prepare(ring, fd, buffer(UNIT, 'i'), UNIT, 0, 77);
	__atomic_store_n(ring->sq.ktail, ring->sq.sqe_tail, __ATOMIC_RELEASE);
	want(syscall(SYS_io_uring_enter, ring->ring_fd, 1, 1,
		     IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP, NULL, 0) >= 0);
	want(result_of_next(ring, &tag) == -EOPNOTSUPP && holds(fd, 0, UNIT, 0));
}

const struct body bodies[] = {
	{ "disabled_and_polled", disabled_and_polled },
	{ "other_thread", other_thread },
	{ "child", child },
	{ "disabled", disabled },
	{ NULL, NULL },
};

/* SINGLE_ISSUER; SINGLE_ISSUER with DEFER_TASKRUN; R_DISABLED */
#define SINGLE   "SETUP=0x1000"
#define DEFER    "SETUP=0x3000"
#define DISABLED "SETUP=0x40"
#define RAW      "DOOR=raw\n"

static const struct preload_row rows[] = {
	{ "other_thread", "", SINGLE, 1 },
	{ "other_thread", "", RAW SINGLE, 3 },
	{ "other_thread", "", DEFER, 1 },
	{ "other_thread", "", RAW DEFER, 3 },
	{ "child", "", SINGLE, 0 },
	{ "child", "", RAW DEFER, 0 },
	{ "disabled", "", DISABLED, 0 },
	{ "disabled", "", RAW DISABLED, 0 },
	{ "disabled", "", "SETUP=0x3040", 0 },
	{ "disabled_and_polled", "", RAW "UNTORN_MODE=command\nSETUP=0x42", 0 },
};

Suite *suite(void)
{
	return preload_suite("submissions that are refused", rows, sizeof(rows) / sizeof(rows[0]));
}
