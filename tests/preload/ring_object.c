/* SPDX-License-Identifier: MIT */
/*
 * A ring stays that ring even if its number changes hands, over the simulated disk. Completions
 * must go to the ring that the program submitted the write to, and a change of one ring must not
 * affect another. Also the end of a process with writes under way.
 *
 * Links: -luring
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inline_call.h"
#include "ring_doors.h"

static bool nothing_comes(struct io_uring *ring)
{
	struct __kernel_timespec soon = { .tv_nsec = 50000000 };
	struct io_uring_cqe *cqe;

	return io_uring_wait_cqe_timeout(ring, &cqe, &soon) == -ETIME;
}

static bool one_comes(struct io_uring *ring, uint64_t wanted)
{
	uint64_t tag;

	return result_of_next(ring, &tag) == UNIT && tag == wanted;
}

/* The program closes a ring past the doors while a write is under way; another ring gets its
 * number. */
static void number_of_another_under_way(void)
{
	int fd = open_disk();
	struct io_uring *one = ring_of(8);

	prepare(one, fd, buffer(UNIT, 'a'), UNIT, 0, 1);
	want(submit(one, 0) == 1);
	usleep(5000); /* the simulated disk has opened its log; the write is under way */
	int number = one->ring_fd;
	want(io_uring_register_ring_fd(one) == 1);
	want(inline_call(SYS_close, number, 0, 0, 0, 0, 0) == 0);
	struct io_uring *two = ring_of(8);
	want(two->ring_fd == number);
	prepare(two, fd, buffer(UNIT, 'b'), UNIT, UNIT, 2);
	want(submit(two, 0) == 1);
	want(one_comes(two, 2) && nothing_comes(two) && one_comes(one, 1));
}

/* The ring works on by its index alone: liburing still has the old number in its structure. */
static void number_of_another_by_index(void)
{
	int fd = open_disk(), other = getenv("FILE") ? memfd_create("other", 0) : -1;
	struct io_uring *one = ring_of(8), *two;

	want(io_uring_register_ring_fd(one) == 1);
	if (getenv("UNSEEN"))
		want(inline_call(SYS_dup2, other, one->ring_fd, 0, 0, 0, 0) == one->ring_fd);
	else
		want(other < 0 || dup2(other, one->ring_fd) == one->ring_fd);
	want(other >= 0 || close(one->ring_fd) == 0);
	two = ring_of(8);
	want(other >= 0 || two->ring_fd == one->ring_fd);
	prepare(one, fd, buffer(UNIT, 'i'), UNIT, 0, 1);
	want(submit(one, 0) == 1 && one_comes(one, 1) && nothing_comes(two));
	want(holds(fd, 0, UNIT, 'i') && (other < 0 || lseek(other, 0, SEEK_END) == 0));
}

/* The child has no workers: its close() must not wait for the parent's write. */
static void forked_without_a_word(void)
{
	int fd = open_disk(), status;
	struct io_uring *ring = ring_of(8);

	prepare(ring, fd, buffer(UNIT, 'f'), UNIT, 0, 1);
	want(submit(ring, 0) == 1);
	pid_t child = (pid_t)inline_call(SYS_fork, 0, 0, 0, 0, 0, 0);
	if (child == 0) {
		close(ring->ring_fd);
		_exit(7);
	}
	want(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
	want(one_comes(ring, 1) && holds(fd, 0, UNIT, 'f'));
}

/* Without a free descriptor the shim cannot probe the kernel's rings: it must probe later. */
static void no_descriptor_at_first(void)
{
	int fd = open_disk(), taken[64], count = 0, threads = entries_in("/proc/self/task");
	struct io_uring *ring = ring_of(8);
	const struct rlimit few = { 64, 64 };
	char *data = buffer(UNIT, 'n');
	uint64_t tag;

	want(atomic_write(fd, data, UNIT, 0) == UNIT && setrlimit(RLIMIT_NOFILE, &few) == 0);
	while ((taken[count] = dup(fd)) >= 0)
		count++;
	prepare(ring, fd, data, UNIT, 0, 1);
	want(submit(ring, 0) == 1 && result_of_next(ring, &tag) != -EIO);
	while (count > 0)
		close(taken[--count]);
	for (int i = 0; entries_in("/proc/self/task") != threads && i < 300; i++)
		usleep(10000); /* a worker without a ring ends, at the latest after a second */
	prepare(ring, fd, data, UNIT, UNIT, 2);
	want(submit(ring, 0) == 1 && one_comes(ring, 2) && holds(fd, UNIT, UNIT, 'n'));
	want(entries_in("/proc/self/task") > threads);
}

/* The lowest number from 512 on (the shim's) whose link contains this text, or -1. */
static int own_of(const char *containing)
{
	char path[40], name[200];

	for (int fd = 512; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, name, sizeof(name) - 1);
		name[length < 0 ? 0 : length] = '\0';
		if (strstr(name, containing))
			return fd;
	}
	return -1;
}

static int switched, to_and_fro[2];
static _Atomic bool over;

static void *switch_number(void *unused)
{
	for (unsigned i = 0; !over; i++)
		want(inline_call(SYS_dup2, to_and_fro[i & 1], switched, 0, 0, 0, 0) == switched);
	return unused;
}

/* A thread gives the number of the shim's descriptor for a slot's disk to another disk and back all
 * the time, past the doors: no write may reach the other disk. */
static void slot_number_switched(void)
{
	int first = open(DISK "p1", O_RDWR | O_DIRECT), second = open(DISK "p2", O_RDWR | O_DIRECT);
	struct io_uring *ring = ring_of(8);
	char *data = buffer(UNIT, 's');
	pthread_t thread;
	uint64_t tag;
	int good = 0;

	want(io_uring_register_files(ring, &first, 1) == 0);
	want((switched = own_of("image")) > 0);
	to_and_fro[0] = second;
	to_and_fro[1] = first;
	want(pthread_create(&thread, NULL, switch_number, NULL) == 0);
	for (int i = 0; i < 15000; i++) {
		prepare(ring, 0, data, UNIT, 0, 1)->flags |= IOSQE_FIXED_FILE;
		want(submit(ring, i & 1) == 1);
		good += result_of_next(ring, &tag) == UNIT;
	}
	over = true;
	want(pthread_join(thread, NULL) == 0 && good > 0);
	want(holds(first, 0, UNIT, 's') && holds(second, 0, UNIT, 0));
}

/* The number of the shim's descriptor of a ring becomes a program's file, which must stay open. */
static void number_of_ours_taken(void)
{
	int fd = open_disk(), other = memfd_create("other", 0), own;
	struct io_uring *ring = ring_of(8);

	prepare(ring, fd, buffer(UNIT, 'q'), UNIT, 0, 1)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	want(submit(ring, 0) == 1 && (own = own_of("[io_uring]")) > 0);
	want(inline_call(SYS_dup2, other, own, 0, 0, 0, 0) == own);
	end(ring); /* this waits for the write */
	want(holds(fd, 0, UNIT, 'q') && fcntl(own, F_GETFD) >= 0);
}

/* The ring's number is closed while a write is under way: the worker may get it for its own files.
 */
static void number_that_a_worker_gets(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);

	want(io_uring_register_ring_fd(ring) == 1);
	prepare(ring, fd, buffer(UNIT, 'w'), UNIT, 0, 1);
	want(submit(ring, 0) == 1);
	want(inline_call(SYS_close, ring->ring_fd, 0, 0, 0, 0, 0) == 0);
	want(one_comes(ring, 1) && holds(fd, 0, UNIT, 'w'));
}

/* Register calls and entries of one ring must not affect another ring's table of files. */
static void another_ring_registers(void)
{
	int fd = open_disk();
	struct io_uring *one = ring_of(8), *two = ring_of(8);
	char *data = buffer(UNIT, 'o');

	want(io_uring_register_files(one, &fd, 1) == 0);
	syscall(SYS_io_uring_register, two->ring_fd, 29 /* IORING_REGISTER_CLOCK */, NULL, 0);
	struct io_uring_sqe *sqe = next_entry(two);
	io_uring_prep_nop(sqe);
	sqe->opcode = 52; /* IORING_OP_FUTEX_WAKE */
	submit(two, 1);
	prepare(one, 0, data, UNIT, 0, 1)->flags |= IOSQE_FIXED_FILE;
	want(submit(one, 0) == 1 && one_comes(one, 1) && holds(fd, 0, UNIT, 'o'));
}

/* Attributes (Linux 6.14): the kernel gets the write, and refuses them or the flag. */
static void with_attributes(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);
	struct io_uring_sqe *sqe = prepare(ring, fd, buffer(UNIT, 'a'), UNIT, 0, 1);
	const uint64_t unknown = UINT64_C(1) << 40;
	uint64_t tag;

	memcpy((char *)sqe + 56, &unknown, sizeof(unknown));
	want(submit(ring, 0) == 1 && result_of_next(ring, &tag) < 0 && holds(fd, 0, UNIT, 0));
}

/* If liburing refuses before it submits, the entries stay prepared. */
static void refused_by_liburing(void)
{
	int (*wait_min)(struct io_uring *, struct io_uring_cqe **, unsigned,
			struct __kernel_timespec *, unsigned, sigset_t *) =
		(__typeof__(wait_min))dlsym(RTLD_DEFAULT, "io_uring_submit_and_wait_min_timeout");
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	struct io_uring *ring = ring_of(8);
	struct io_uring_cqe *cqe;
	int fd = open_disk();

	want(wait_min != NULL);
	ring->features &= ~(1U << 15); /* IORING_FEAT_MIN_TIMEOUT */
	for (int i = 0; i < 2; i++)
		prepare(ring, fd, buffer(UNIT, 'm'), UNIT, i * UNIT, 1);
	want(wait_min(ring, &cqe, 2, &soon, 10, NULL) < 0 && io_uring_sq_ready(ring) == 2);
	want(submit(ring, 0) == 2 && one_comes(ring, 1) && one_comes(ring, 1));
}

static void write_in_vain(struct io_uring *ring, int file)
{
	uint64_t tag;

	for (int i = 0; i < 3; i++)
		prepare(ring, file, buffer(UNIT, 'k'), UNIT, i * UNIT, 1);
	want(submit(ring, 0) == 3);
	for (int i = 0; i < 3; i++)
		want(result_of_next(ring, &tag) < 0);
}

/* Writes to files that are none of ours cost no thread and no descriptor. */
static void left_to_the_kernel(void)
{
	int file = memfd_create("file", 0);
	struct io_uring *ring = ring_of(8);

	int threads = entries_in("/proc/self/task");
	write_in_vain(ring, file); /* which also makes the counters' descriptor */
	int numbers = entries_in("/proc/self/fd");
	write_in_vain(ring, file);
	want(entries_in("/proc/self/task") == threads && entries_in("/proc/self/fd") == numbers);
}

static int submit_and_wait_until(struct io_uring *ring, struct __kernel_timespec *soon)
{
	struct io_uring_getevents_arg argument = { .ts = (uintptr_t)soon };
	struct io_uring_cqe *cqe;

	if (!is_raw())
		return io_uring_submit_and_wait_timeout(ring, &cqe, 1, soon, NULL);
	__atomic_store_n(ring->sq.ktail, ring->sq.sqe_tail, __ATOMIC_RELEASE);
	return (int)syscall(SYS_io_uring_enter, ring->ring_fd, 1, 1,
			    IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
			    sizeof(argument));
}

/* A slow disk: the time-out ends the wait before the write is done. */
static void time_out_ends_the_wait(void)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);

	prepare(ring, fd, buffer(UNIT, 'o'), UNIT, 0, 1);
	submit_and_wait_until(ring, &soon);
	want(*ring->cq.ktail == *ring->cq.khead);
	want(one_comes(ring, 1) && holds(fd, 0, UNIT, 'o'));
}

static void *write_soon(void *pipe)
{
	usleep(20000);
	want(write(*(int *)pipe, "p", 1) == 1);
	return NULL;
}

/* With BEHIND in the environment the kernel stops at a bad entry, and the read stays published. */
static void read_pipe(struct io_uring *ring, int pipe, char *byte)
{
	uint64_t tag;

	if (getenv("BEHIND")) {
		struct io_uring_sqe *bad = next_entry(ring);
		io_uring_prep_nop(bad);
		bad->flags = 1 << 7;
	}
	io_uring_prep_read(next_entry(ring), pipe, byte, 1, 0);
	want(submit(ring, 0) == 1);
	want(!getenv("BEHIND") || result_of_next(ring, &tag) == -EINVAL);
}

/* A slow disk, and a read of a pipe under way: the wait may be for that. */
static void wait_for_something_else(void)
{
	int fd = open_disk(), pipes[2];
	struct io_uring *ring = ring_of(8);
	pthread_t id;
	uint64_t tag;
	char byte;

	want(pipe(pipes) == 0);
	read_pipe(ring, pipes[0], &byte);
	want(pthread_create(&id, NULL, write_soon, &pipes[1]) == 0);
	prepare(ring, fd, buffer(UNIT, 'w'), UNIT, 0, 1);
	want(submit(ring, 1) >= 1);
	want(result_of_next(ring, &tag) == 1 && byte == 'p');
	want(*ring->cq.ktail == *ring->cq.khead);
	want(one_comes(ring, 1) && holds(fd, 0, UNIT, 'w'));
	want(pthread_join(id, NULL) == 0);
}

/* The entry that drains waits for the first write, but for nothing that was prepared for the
 * second, which is the kernel's, and refused. */
static void drain_between(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);
	uint64_t tag;

	prepare(ring, fd, buffer(UNIT, 'd'), UNIT, 0, 1);
	struct io_uring_sqe *drain = next_entry(ring);
	io_uring_prep_nop(drain);
	drain->flags = IOSQE_IO_DRAIN;
	drain->user_data = 2;
	prepare(ring, fd, buffer(UNIT, 'd'), UNIT, UNIT, 3);
	want(submit(ring, 0) == 3 && one_comes(ring, 1));
	want(result_of_next(ring, &tag) == 0 && tag == 2);
	want(result_of_next(ring, &tag) == -EOPNOTSUPP && tag == 3);
	want(holds(fd, 0, UNIT, 'd') && holds(fd, UNIT, UNIT, 0));
}

static int handlers_disk;
static struct io_uring *handlers_ring;
static char *handlers_data;
static volatile sig_atomic_t handled;

static void write_by_slot(struct io_uring *ring, off_t offset)
{
	prepare(ring, 0, handlers_data, UNIT, offset, 1)->flags |= IOSQE_FIXED_FILE;
	want(submit(ring, 1) == 1 && one_comes(ring, 1));
}

static void in_handler(int signal)
{
	int before = errno;

	(void)signal;
	write_by_slot(handlers_ring, UNIT);
	handled++;
	ualarm(300, 0);
	errno = before;
}

static void slots_in_a_handler(void)
{
	struct sigaction action = { .sa_handler = in_handler, .sa_flags = SA_RESTART };
	struct io_uring *ring = ring_of(8);

	handlers_disk = open_disk();
	handlers_ring = ring_of(8);
	handlers_data = buffer(UNIT, 's');
	want(io_uring_register_files(ring, &handlers_disk, 1) == 0);
	want(io_uring_register_files(handlers_ring, &handlers_disk, 1) == 0);
	want(sigaction(SIGALRM, &action, NULL) == 0);
	ualarm(300, 0);
	for (int i = 0; i < 300 || handled < 20; i++)
		write_by_slot(ring, 0);
	signal(SIGALRM, SIG_IGN);
}

/* More writes than any table has room for, on a ring for which no write can be done in place. */
static void very_many(void)
{
	enum { VERY_MANY = 3000 };
	int fd = open_disk();
	struct io_uring *ring = ring_of(4096);
	char *data = buffer(UNIT, 'v');
	uint64_t tag;

	for (int i = 0; i < VERY_MANY; i++)
		prepare(ring, fd, data, UNIT, (off_t)(i % 64) * UNIT, 1);
	want(submit(ring, 0) == VERY_MANY);
	for (int i = 0; i < VERY_MANY; i++)
		want(result_of_next(ring, &tag) == UNIT);
	want(holds(fd, 0, 64 * UNIT, 'v'));
	end(ring);
}

/* The process must end with the program's last thread, although the shim has threads. */
static void main_ends(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);

	prepare(ring, fd, buffer(UNIT, 'e'), UNIT, 0, 1);
	want(submit(ring, 0) == 1 && one_comes(ring, 1));
#ifndef __SANITIZE_THREAD__ /* ThreadSanitizer's own thread stays */
	pthread_exit(NULL);
#endif
}

/* main() returns: the shim must do all accepted writes before the process ends. */
static void main_returns(void)
{
	enum { COUNT = 200 };
	int fd = open_disk();
	struct io_uring *ring = ring_of(256);
	char *data = buffer(UNIT, 'r');

	for (int i = 0; i < COUNT; i++)
		prepare(ring, fd, data, UNIT, (off_t)i * UNIT, 1);
	want(submit(ring, 0) == COUNT);
}

const struct body bodies[] = {
	{ "number_of_another_under_way", number_of_another_under_way },
	{ "number_of_another_by_index", number_of_another_by_index },
	{ "forked_without_a_word", forked_without_a_word },
	{ "no_descriptor_at_first", no_descriptor_at_first },
	{ "slot_number_switched", slot_number_switched },
	{ "number_of_ours_taken", number_of_ours_taken },
	{ "number_that_a_worker_gets", number_that_a_worker_gets },
	{ "another_ring_registers", another_ring_registers },
	{ "with_attributes", with_attributes },
	{ "refused_by_liburing", refused_by_liburing },
	{ "left_to_the_kernel", left_to_the_kernel },
	{ "time_out_ends_the_wait", time_out_ends_the_wait },
	{ "wait_for_something_else", wait_for_something_else },
	{ "drain_between", drain_between },
	{ "slots_in_a_handler", slots_in_a_handler },
	{ "very_many", very_many },
	{ "main_ends", main_ends },
	{ "main_returns", main_returns },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "number_of_another_under_way", ",delay=20000", "", 2 },
	{ "number_of_another_by_index", "", "", 1 },
	{ "number_of_another_by_index", "", "FILE=1", 1 },
	{ "number_of_another_by_index", "", "FILE=1\nUNSEEN=1", 1 },
	{ "forked_without_a_word", ",delay=300000", "", 1 },
	{ "no_descriptor_at_first", "", "", -1 },
	{ "slot_number_switched", ",part=2048+32768,part=40960+32768", "", -1 },
	{ "number_of_ours_taken", ",delay=200000", "", 1 },
	{ "number_that_a_worker_gets", ",delay=20000", "", 1 },
	{ "another_ring_registers", "", "", 1 },
	{ "with_attributes", "", "", 0 },
	{ "refused_by_liburing", "", "", 2 },
	{ "left_to_the_kernel", "", "", 0 },
	{ "time_out_ends_the_wait", ",delay=600000", "", 1 },
	{ "time_out_ends_the_wait", ",delay=600000", "DOOR=raw", 1 },
	{ "wait_for_something_else", ",delay=600000", "", 1 },
	{ "wait_for_something_else", ",delay=600000", "DOOR=raw", 1 },
	{ "wait_for_something_else", ",delay=600000", "BEHIND=1", 1 },
	{ "drain_between", "", "", 1 },
	{ "drain_between", "", "DOOR=raw", 1 },
	{ "slots_in_a_handler", "", "", -1 },
	{ "very_many", "", "SETUP=1", 3000 }, /* IORING_SETUP_IOPOLL */
	{ "main_ends", "", "", 1 },
	{ "main_returns", ",delay=20000", "", 200 },
};

Suite *suite(void)
{
	return preload_suite("a ring is that ring", rows, sizeof(rows) / sizeof(rows[0]));
}
