/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of the preloaded shim for calls that it only passes on: through it, and past
 * it.
 *
 * Links: -luring
 */
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

enum { ROUNDS = 2000, ROUND_NS = 100000 };

static int null;
static char byte;
static struct io_uring ring;

static void call_write(void *function)
{
	((__typeof__(write) *)function)(null, &byte, 1);
}

static void call_pwrite(void *function)
{
	((__typeof__(pwrite) *)function)(null, &byte, 1, 0);
}

static void call_pwritev2(void *function)
{
	struct iovec iov = { &byte, 1 };

	((__typeof__(pwritev2) *)function)(null, &iov, 1, 0, 0);
}

static void call_statx(void *function)
{
	struct statx stx;

	((__typeof__(statx) *)function)(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &stx);
}

static void call_syscall(void *function)
{
	((__typeof__(syscall) *)function)(SYS_getppid);
}

static void call_close(void *function)
{
	((__typeof__(close) *)function)(dup(null));
}

static void call_open(void *function)
{
	close(((__typeof__(open) *)function)("/dev/null", O_RDONLY));
}

static void call_stat(void *function)
{
	struct stat st;

	((__typeof__(stat) *)function)("/dev/null", &st);
}

static void submit(void *function, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		io_uring_prep_nop(io_uring_get_sqe(&ring));
	if (((__typeof__(io_uring_submit) *)function)(&ring) != (int)count)
		exit(1);
	io_uring_cq_advance(&ring, count);
}

static void submit_one(void *function)
{
	submit(function, 1);
}

static void submit_many(void *function)
{
	submit(function, 32);
}

/* A ring as in a program without liburing, which makes system calls by syscall(). */
static struct raw {
	int fd;
	struct io_uring_params params;
	char *memory;
	struct io_uring_sqe *sqes;
} raw_through, raw_past;

static void *map(int fd, size_t size, off_t what)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, what);

	if (memory == MAP_FAILED)
		exit(1);
	return memory;
}

static void open_raw(struct raw *raw, __typeof__(syscall) *call)
{
	raw->fd = (int)call(SYS_io_uring_setup, 64, &raw->params);
	if (raw->fd < 0)
		exit(77);
	raw->memory =
		map(raw->fd,
		    raw->params.cq_off.cqes + raw->params.cq_entries * sizeof(struct io_uring_cqe),
		    IORING_OFF_SQ_RING);
	raw->sqes = map(raw->fd, 64 * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	memset(raw->sqes, 0, 64 * sizeof(struct io_uring_sqe)); /* NOPs */
}

static void enter(struct raw *raw, __typeof__(syscall) *call, unsigned count)
{
	const struct io_sqring_offsets *sq = &raw->params.sq_off;
	const struct io_cqring_offsets *cq = &raw->params.cq_off;
	unsigned *tail = (unsigned *)(raw->memory + sq->tail);

	for (unsigned i = 0; i < count; i++)
		((unsigned *)(raw->memory + sq->array))[(*tail + i) % 64] = (*tail + i) % 64;
	__atomic_store_n(tail, *tail + count, __ATOMIC_RELEASE);
	if (call(SYS_io_uring_enter, raw->fd, count, 0, 0, NULL, 0) != (long)count)
		exit(1);
	__atomic_store_n((unsigned *)(raw->memory + cq->head),
			 *(unsigned *)(raw->memory + cq->tail), __ATOMIC_RELEASE);
}

static void enter_one(void *function)
{
	enter(function == (void *)syscall ? &raw_through : &raw_past, function, 1);
}

static void enter_many(void *function)
{
	enter(function == (void *)syscall ? &raw_through : &raw_past, function, 32);
}

static const struct {
	const char *what, *name, *library;
	void *through;
	void (*call)(void *function);
	double most, times;
} rows[] = {
	{ "write()", "write", "libc.so.6", write, call_write, 3, 1.02 },
	{ "pwrite()", "pwrite", "libc.so.6", pwrite, call_pwrite, 3, 1.02 },
	{ "pwritev2()", "pwritev2", "libc.so.6", pwritev2, call_pwritev2, 3, 1.02 },
	{ "statx()", "statx", "libc.so.6", statx, call_statx, 3, 1.02 },
	{ "syscall()", "syscall", "libc.so.6", syscall, call_syscall, 3, 1.02 },
	{ "open() and close()", "open", "libc.so.6", open, call_open, 10, 0 },
	{ "stat()", "stat", "libc.so.6", stat, call_stat, 10, 0 },
	{ "dup() and close()", "close", "libc.so.6", close, call_close, 0, 0 },
	{ "io_uring_submit() of 1", "io_uring_submit", "liburing.so.2", io_uring_submit, submit_one,
	  15, 0 },
	{ "io_uring_submit() of 32", "io_uring_submit", "liburing.so.2", io_uring_submit,
	  submit_many, 15, 0 },
	{ "syscall(io_uring_enter) of 1", "syscall", "libc.so.6", syscall, enter_one, 15, 0 },
	{ "syscall(io_uring_enter) of 32", "syscall", "libc.so.6", syscall, enter_many, 15, 0 },
};

static double round_of(void (*call)(void *), void *function, int calls)
{
	double start = nanoseconds(CLOCK_MONOTONIC);

	for (int i = 0; i < calls; i++)
		call(function);
	return (nanoseconds(CLOCK_MONOTONIC) - start) / calls;
}

static void compare(int which)
{
	static struct pairs pairs;
	void *past = past_shim(rows[which].library, rows[which].name);
	void *both[] = { past, rows[which].through };
	void (*call)(void *) = rows[which].call;
	int calls = (int)(ROUND_NS / round_of(call, past, 1000)) + 1;

	pairs.count = 0;
	for (int i = 0; i < ROUNDS; i++) {
		double times[2];
		times[i % 2] = round_of(call, both[i % 2], calls);
		times[!(i % 2)] = round_of(call, both[!(i % 2)], calls);
		add_pair(&pairs, times[0], times[1]);
	}
	row_of_times(rows[which].what, &pairs, "ns", rows[which].most, rows[which].times);
}

int main(void)
{
	null = open("/dev/null", O_WRONLY);
	if (io_uring_queue_init(64, &ring, 0) < 0)
		return 77;
	open_raw(&raw_through, syscall);
	open_raw(&raw_past, past_shim("libc.so.6", "syscall"));
	for (int i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++)
		compare(i);
	return 0;
}
