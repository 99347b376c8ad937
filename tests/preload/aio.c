/* SPDX-License-Identifier: MIT */
/*
 * Atomic writes through libaio, over the simulated disk: the results and errors must be a native
 * kernel's, some from io_submit() and some from the event. Also forks, threads, io_destroy() and
 * descriptors that change while writes are under way.
 *
 * Links: -laio
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aio_calls.h"

enum { IOCB_FLAG_IOPRIO_BIT = 2 }; /* IOCB_FLAG_IOPRIO of linux/aio_abi.h */

/* Submits one write. Returns the event's result, or 1000000 + io_submit()'s error. */
static long outcome(struct iocb *iocb)
{
	io_context_t context = context_of(4);
	struct iocb before = *iocb;
	struct io_event event;

	int accepted = io_submit(context, 1, &iocb);
	if (accepted < 0) {
		want(io_destroy(context) == 0);
		return 1000000 - accepted;
	}
	want(accepted == 1 && memcmp(&before, iocb, sizeof(before)) == 0);
	want(io_getevents(context, 1, 1, &event, NULL) == 1);
	want(event.obj == iocb && event.data == iocb->data && event.res2 == 0);
	struct timespec now = { 0, 0 };
	want(io_getevents(context, 0, 1, &event, &now) == 0);
	want(io_destroy(context) == 0);
	return (long)event.res;
}

#define SUBMIT(error) (1000000 + (error))

static void one(void)
{
	struct iocb iocb;
	int fd = open_disk();

	errno = 1234;
	want(outcome(prepare(&iocb, fd, buffer(UNIT, 'a'), UNIT, UNIT)) == UNIT && errno == 1234);
	want(holds(fd, UNIT, UNIT, 'a'));
	struct iovec iov = { buffer(512, 'v'), 512 };
	io_prep_pwritev2(&iocb, fd, &iov, 1, 0, RWF_ATOMIC | RWF_DSYNC);
	want(outcome(&iocb) == 512 && holds(fd, 0, 512, 'v'));
}

static long try(int fd, void *data, size_t length, off_t offset, int more)
{
	struct iocb iocb;

	prepare(&iocb, fd, data, length, offset);
	iocb.aio_rw_flags |= more;
	return outcome(&iocb);
}

static long try_vector(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct iocb iocb;

	io_prep_pwritev2(&iocb, fd, iov, count, offset, RWF_ATOMIC);
	return outcome(&iocb);
}

static void errors(void)
{
	int fd = open_disk(), buffered = open(DISK, O_RDWR),
	    reading = open(DISK, O_RDONLY | O_DIRECT);
	char *data = buffer(2 * UNIT, 'e'),
	     *hole = mmap(NULL, UNIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec two[] = { { data, 512 }, { data + 512, 512 } };
	int on = 1, off = 0;

	want(try(fd, data, 12288, 0, 0) == -EINVAL);
	want(try(fd, data, 2 * UNIT, 0, 0) == -EINVAL);
	want(try(fd, data, UNIT, 512, 0) == -EINVAL);
	want(try(fd, data + 1, UNIT, 0, 0) == -EINVAL);
	want(try(fd, hole, UNIT, 0, 0) == -EFAULT);
	want(try(fd, data, 0, 0, 0) == 0);
	want(try(fd, data, UNIT, DISK_SIZE, 0) == -ENOSPC);
	want(try(fd, data, UNIT, -2, 0) == SUBMIT(EINVAL));
	want(try(fd, data, UNIT, -1, 0) == SUBMIT(EINVAL));
	want(try(fd, data, UNIT, INT64_MAX - 100, 0) == SUBMIT(EINVAL));
	want(try(buffered, data, UNIT, 0, 0) == -EOPNOTSUPP);
	want(try(buffered, data, 12288, 0, 0) == -EINVAL);
	want(try(reading, data, UNIT, 0, 0) == SUBMIT(EBADF));
	want(try(reading, data, UNIT, 0, 0x1000) == SUBMIT(EOPNOTSUPP));
	want(try(-1, data, UNIT, 0, 0) == SUBMIT(EBADF));
	want(try(fd, data, UNIT, 0, 0x1000) == SUBMIT(EOPNOTSUPP));
	want(try(fd, data, UNIT, 0, RWF_APPEND | RWF_NOAPPEND) == SUBMIT(EINVAL));
	want(try(fd, data, UNIT, 0, RWF_HIPRI) == UNIT);
	want(try_vector(fd, two, 2, 0) == -EINVAL);
	want(try_vector(fd, two, 0, 0) == 0);
	want(try_vector(fd, two, 1025, 0) == SUBMIT(EINVAL));
	want(try_vector(fd, (struct iovec *)hole, 1, 0) == SUBMIT(EFAULT));
	want(ioctl(fd, BLKROSET, &on) == 0);
	want(try(fd, data, UNIT, 0, 0) == -EPERM);
	want(ioctl(fd, BLKROSET, &off) == 0);
	want(holds(fd, UNIT, UNIT, 0));
}

enum { DEPTH = 32 };

/* 1000 writes, 32 at a time, each to a place of its own. FAULT=ERRNO: one command fails, and
 * exactly one event must have this error. */
static void many(void)
{
	static struct iocb iocbs[DEPTH];
	static struct io_event events[DEPTH];
	struct iocb *free_ones[DEPTH], *batch[DEPTH];
	int fd = open_disk(), idle = DEPTH, next = 0, done = 0, failed = 0, error = 0;
	io_context_t context = context_of(DEPTH);
	char *data[26];

	if (getenv("FAULT"))
		want(sscanf(getenv("FAULT"), "%d", &error) == 1);
	for (int i = 0; i < 26; i++)
		data[i] = buffer(UNIT, (char)('A' + i));
	for (int i = 0; i < DEPTH; i++)
		free_ones[i] = &iocbs[i];
	while (done < 1000) {
		int count = 0;
		for (; idle && next < 1000; next++)
			batch[count++] = prepare(free_ones[--idle], fd, data[next % 26], UNIT,
						 (off_t)UNIT * next);
		want(count == 0 || io_submit(context, count, batch) == count);
		int got = io_getevents(context, 1, DEPTH, events, NULL);
		want(got > 0);
		for (int i = 0; i < got; i++, done++) {
			bool good = (long)events[i].res == UNIT;
			want(good || (error && (long)events[i].res == -error));
			failed += !good;
			want(holds(fd, events[i].obj->u.c.offset, UNIT,
				   good ? *(char *)events[i].obj->u.c.buf : 0));
			free_ones[idle++] = events[i].obj;
		}
	}
	want(failed == (error != 0));
	want(io_destroy(context) == 0);
}

/* io_submit() stops at the first bad iocb, and returns how many it took. */
static void bad_one_in_the_middle(void)
{
	struct iocb iocbs[4], *list[4];
	struct io_event events[4];
	int fd = open_disk();
	io_context_t context = context_of(8);

	for (int i = 0; i < 4; i++)
		list[i] = prepare(&iocbs[i], fd, buffer(UNIT, 'm'), UNIT, (off_t)UNIT * i);
	iocbs[2].aio_rw_flags |= 0x1000;
	want(io_submit(context, 4, list) == 2);
	want(io_getevents(context, 2, 4, events, NULL) == 2);
	want(events[0].res == UNIT && events[1].res == UNIT);
	want(io_submit(context, 2, list + 2) == -EOPNOTSUPP);
	want(holds(fd, 0, 2 * UNIT, 'm') && holds(fd, 2 * UNIT, 2 * UNIT, 0));
	/* The context has no room for more events: the refused write may not reach the disk. */
	io_context_t full = context_of(1);
	int taken = 0, result;
	while ((result = io_submit(full, 1, list)) == 1)
		taken++;
	/* No second try: the kernel may have room left on another processor. */
	want(taken > 0 && result == -EAGAIN);
	want(io_submit((io_context_t)4096, 1, &list[3]) == -EINVAL);
	want(io_destroy(full) == 0 && io_destroy(context) == 0);
	want(holds(fd, 3 * UNIT, UNIT, 0));
}

static void told_by_eventfd(void)
{
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	uint64_t count = 0;
	int fd = open_disk(), told = eventfd(0, 0);
	io_context_t context = context_of(1);

	prepare(&iocb, fd, buffer(UNIT, 't'), UNIT, 0);
	io_set_eventfd(&iocb, told);
	want(io_submit(context, 1, &list) == 1);
	want(read(told, &count, sizeof(count)) == sizeof(count) && count == 1);
	want(io_getevents(context, 1, 1, &event, NULL) == 1 && event.res == UNIT);
}

/* On a slow disk: io_destroy() must wait for the writes, because it gives the program its memory
 * back. */
static void destroyed_under_way(void)
{
	struct iocb iocbs[8], *list[8];
	int fd = open_disk();
	io_context_t context = context_of(8);

	for (int i = 0; i < 8; i++)
		list[i] = prepare(&iocbs[i], fd, buffer(UNIT, 'd'), UNIT, (off_t)UNIT * i);
	want(io_submit(context, 8, list) == 8);
	want(io_cancel(context, list[3], &(struct io_event){ 0 }) == -EINVAL);
	want(io_destroy(context) == 0);
	for (int i = 0; i < 8; i++)
		memset(iocbs[i].u.c.buf, 'x', UNIT);
	want(holds(fd, 0, 8 * UNIT, 'd'));
}

/* Priorities that the kernel accepts, and some that it refuses. */
static void priorities(void)
{
	static const struct {
		int class, level;
		long expected;
	} asked[] = { { 0, 0, UNIT },
		      { 2, 0, UNIT },
		      { 2, 7, UNIT },
		      { 3, 0, UNIT },
		      { 3, 7, UNIT },
		      { 0, 1, 1000000 + EINVAL },
		      { 4, 0, 1000000 + EINVAL } };
	int fd = open_disk();
	struct iocb iocb;

	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		prepare(&iocb, fd, buffer(UNIT, (char)('0' + i)), UNIT, (off_t)i * UNIT);
		iocb.aio_reqprio = (short)(asked[i].class << 13 | asked[i].level);
		iocb.u.c.flags = IOCB_FLAG_IOPRIO_BIT;
		want(outcome(&iocb) == asked[i].expected);
		want(holds(fd, (off_t)i * UNIT, UNIT,
			   asked[i].expected == UNIT ? (char)('0' + i) : 0));
	}
}

/* Prints a wrong result: one came once, and nobody knows which. */
static void want_length(const struct io_event *event)
{
	if (event->res != UNIT)
		fprintf(stderr, "the event's result is %ld\n", (long)event->res);
	want(event->res == UNIT);
}

static void write_eight(int fd, off_t place, char letter)
{
	struct iocb iocbs[8], *list[8];
	struct io_event events[8];
	io_context_t context = context_of(8);
	char *data = buffer(UNIT, letter);

	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 8; i++)
			list[i] = prepare(&iocbs[i], fd, data, UNIT, place + (off_t)UNIT * i);
		want(io_submit(context, 8, list) == 8);
		want(io_getevents(context, 8, 8, events, NULL) == 8);
		for (int i = 0; i < 8; i++)
			want_length(&events[i]);
	}
	want(holds(fd, place, 8 * UNIT, letter));
	want(io_destroy(context) == 0);
	free(data);
}

static void forked(void)
{
	write_in_a_child_too(write_eight);
}

static void threads(void)
{
	write_in_threads(write_eight);
}

/* The system calls, as programs without libaio make them. */
static void by_syscall(void)
{
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	io_context_t context = NULL;
	int fd = open_disk();

	prepare(&iocb, fd, buffer(UNIT, 's'), UNIT, 0);
	want(syscall(SYS_io_setup, 4, &context) == 0);
	want(syscall(SYS_io_submit, context, 1L, &list) == 1);
	want(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) == 1 && event.res == UNIT);
	want(syscall(SYS_io_submit, context, 1L, &list) == 1);
	want(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, NULL, NULL) == 1 &&
	     event.res == UNIT);
	want_error(syscall(SYS_io_submit, context, -1L, &list), EINVAL);
	want(syscall(SYS_io_destroy, context) == 0);
	want(holds(fd, 0, UNIT, 's'));
}

/* UNTORN_AIO=inline: the kernel's own event has the result; io_submit() returns a failure. */
static void inline_writes(void)
{
	int fd = open_disk();
	io_context_t context = context_of(8);
	struct iocb iocbs[3], *list[] = { &iocbs[0], &iocbs[1], &iocbs[2] };
	struct io_event *events;
	struct {
		unsigned id, count, head, tail, magic, features, incompatible, header;
	} *ring = (void *)context; /* programs that do not call io_getevents() read this */

	prepare(&iocbs[0], fd, buffer(UNIT, 'i'), UNIT, 0);
	prepare(&iocbs[1], fd, buffer(512, 'j'), 512, UNIT);
	prepare(&iocbs[2], fd, buffer(UNIT, 'k'), 12288, 2 * UNIT);
	struct iocb before = iocbs[0];
	want(io_submit(context, 3, list) == 2 && memcmp(&before, &iocbs[0], sizeof(before)) == 0);
	want(ring->magic == 0xa10a10a1 && ring->tail == 2);
	events = (struct io_event *)((char *)ring + ring->header);
	want(events[0].res == UNIT && events[0].obj == &iocbs[0]);
	want(events[1].res == 512 && events[1].obj == &iocbs[1]);
	want(holds(fd, 0, UNIT, 'i') && holds(fd, UNIT, 512, 'j') && holds(fd, 2 * UNIT, UNIT, 0));
	list[0] = &iocbs[2];
	want(io_submit(context, 1, list) == -EINVAL);
	want(io_destroy(context) == 0);
}

/* Before the second write the number becomes another file's. */
static void inline_replaced_between(void)
{
	int disk = open_disk(), number = dup(disk);
	io_context_t context = context_of(8);
	struct iocb iocbs[2], *list[] = { &iocbs[0], &iocbs[1] };

	prepare(&iocbs[0], number, buffer(UNIT, 'r'), UNIT, 0);
	prepare(&iocbs[1], number, buffer(UNIT, 's'), UNIT, UNIT);
	pthread_t id = replace_soon(number, open(DISK "p1", O_RDWR | O_DIRECT));
	want(io_submit(context, 2, list) == 2 && pthread_join(id, NULL) == 0);
	want(holds(disk, 0, UNIT, 'r') && holds(disk, UNIT, UNIT, 0));
	want(holds(disk, (1 << 20) + UNIT, UNIT, 's'));
	want(io_destroy(context) == 0);
}

/* Writes to files that are none of ours cost no thread and no descriptor. */
static void left_to_the_kernel(void)
{
	int file = memfd_create("file", 0);
	io_context_t context = context_of(8);
	struct iocb iocb, *list = &iocb;

	int threads = entries_in("/proc/self/task");
	prepare(&iocb, file, buffer(UNIT, 'k'), UNIT, 0);
	want(io_submit(context, 1, &list) == -EOPNOTSUPP); /* makes the counters' descriptor */
	int numbers = entries_in("/proc/self/fd");
	want(io_submit(context, 1, &list) == -EOPNOTSUPP);
	want(entries_in("/proc/self/task") == threads && entries_in("/proc/self/fd") == numbers);
	want(io_destroy(context) == 0);
}

static io_context_t habits;
static int habits_disk;

static void submit_one(int number)
{
	static struct iocb iocbs[32];
	struct iocb *iocb =
		prepare(&iocbs[number], habits_disk, buffer(512, 'o'), 512, number * 512);

	want(io_submit(habits, 1, &iocb) == 1);
}

static long wait_for_one(void)
{
	struct io_event event;

	want(io_getevents(habits, 1, 1, &event, NULL) == 1);
	return (long)event.res;
}

static int events_now(void)
{
	struct io_event events[4];
	struct timespec now = { 0, 0 };

	return io_getevents(habits, 0, 4, events, &now);
}

static void wait_for_each(int first, int count)
{
	for (int i = 0; i < count; i++) {
		submit_one(first + i);
		want(wait_for_one() == 512);
	}
}

static void look_for_each(int first, int count)
{
	for (int i = 0; i < count; i++) {
		submit_one(first + i);
		usleep(150000);
		want(events_now() == 1);
	}
}

/* A thread that waits for each write has them done within io_submit(), until it does otherwise. */
static void one_by_one(void)
{
	struct iocb poll, *list = &poll;
	int pipes[2];

	habits_disk = open_disk();
	habits = context_of(8);
	want(pipe(pipes) == 0);
	wait_for_each(0, 7);
	submit_one(7); /* not yet: by another thread */
	want(events_now() == 0 && wait_for_one() == 512);
	wait_for_each(8, 8);
	submit_one(16); /* here */
	submit_one(17); /* by another thread: the first was not waited for */
	want(events_now() == 1 && wait_for_one() == 512);
	wait_for_each(18, 9);
	io_prep_poll(&poll, pipes[0], 1 /* POLLIN */);
	want(io_submit(habits, 1, &list) == 1);
	submit_one(27); /* by another thread: the wait may be for the poll */
	want(events_now() == 0 && wait_for_one() == 512);
	habits = context_of(8);
	wait_for_each(0, 9);
	habits = context_of(8);
	submit_one(28); /* of this context nothing is known yet */
	want(events_now() == 0 && wait_for_one() == 512);
	look_for_each(0, 8);
	submit_one(29); /* it looks, and does not wait */
	want(events_now() == 0 && wait_for_one() == 512);
	want(holds(habits_disk, 0, 30 * 512, 'o'));
}

/* The event has the error, not io_submit(). */
static void one_by_one_with_a_fault(void)
{
	habits_disk = open_disk();
	habits = context_of(8);
	wait_for_each(0, 10);
	submit_one(10);
	want(wait_for_one() == -ENODATA);
	wait_for_each(11, 1);
}

const struct body bodies[] = {
	{ "one", one },
	{ "errors", errors },
	{ "many", many },
	{ "bad_one_in_the_middle", bad_one_in_the_middle },
	{ "told_by_eventfd", told_by_eventfd },
	{ "destroyed_under_way", destroyed_under_way },
	{ "priorities", priorities },
	{ "forked", forked },
	{ "threads", threads },
	{ "by_syscall", by_syscall },
	{ "inline_writes", inline_writes },
	{ "inline_replaced_between", inline_replaced_between },
	{ "left_to_the_kernel", left_to_the_kernel },
	{ "one_by_one", one_by_one },
	{ "one_by_one_with_a_fault", one_by_one_with_a_fault },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "one", "", NULL, 2 },
	{ "errors", "", NULL, -1 },
	{ "many", "", NULL, 1000 },
	{ "many", ",delay=1000", NULL, 1000 },
	{ "many", ",fault=77:0x4280", "FAULT=61", 1000 },  /* ENODATA */
	{ "many", ",fault=500:0x4083", "FAULT=52", 1000 }, /* EBADE */
	{ "bad_one_in_the_middle", "", NULL, -1 },
	{ "told_by_eventfd", "", NULL, 1 },
	{ "destroyed_under_way", ",delay=200000", NULL,
	  8 }, /* long, because io_destroy() itself is slow */
	{ "priorities", "", NULL, 5 },
	{ "forked", "", "TSAN_OPTIONS=die_after_fork=0", 192 },
	{ "threads", "", NULL, 576 },
	{ "by_syscall", "", NULL, 2 },
	{ "inline_writes", "", "UNTORN_AIO=inline", 2 },
	{ "inline_replaced_between", ",part=2048+32768,delay=600000", "UNTORN_AIO=inline", 2 },
	{ "many", "", "UNTORN_AIO=inline", 1000 },
	{ "left_to_the_kernel", "", NULL, 0 },
	{ "one_by_one", ",delay=100000", NULL, 47 },
	{ "one_by_one_with_a_fault", ",fault=11:0x4280", NULL, 12 },
};

Suite *suite(void)
{
	return preload_suite("libaio over the simulated disk", rows,
			     sizeof(rows) / sizeof(rows[0]));
}
