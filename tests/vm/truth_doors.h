/* SPDX-License-Identifier: MIT */
/* For truth.c: the ways in which a program can ask for a write, each a function and a row. */
#ifndef TRUTH_DOORS_H
#define TRUTH_DOORS_H

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/* The arguments of a write. A door_write returns >= 0 or -errno. */
struct arguments {
	int fd;
	const struct iovec *iov; /* may be unreadable */
	int count;
	off_t offset;
	int rwf;
	struct iovec single; /* for doors that take one buffer; independent of iov */
};
typedef long door_write(const struct arguments *a);

#define give_up()                                                                                  \
	do {                                                                                       \
		fprintf(stderr, "truth: line %d: %m\n", __LINE__);                                 \
		exit(1);                                                                           \
	} while (0)

static long negative(long result)
{
	return result < 0 ? -errno : result;
}

static long by_pwritev2(const struct arguments *a)
{
	return negative(pwritev2(a->fd, a->iov, a->count, a->offset, a->rwf));
}

static long by_syscall(const struct arguments *a)
{
	return negative(syscall(SYS_pwritev2, a->fd, a->iov, a->count, a->offset, 0L, a->rwf));
}

/* Marks an error of io_submit() itself, as opposed to one of the event. */
enum { BY_SUBMIT = -100000 };

static long by_aio(const struct arguments *a, int opcode, const void *data, uint64_t count)
{
	static aio_context_t context;
	struct iocb iocb = {
		.aio_lio_opcode = (uint16_t)opcode,
		.aio_fildes = (uint32_t)a->fd,
		.aio_buf = (uintptr_t)data,
		.aio_nbytes = count,
		.aio_offset = a->offset,
		.aio_rw_flags = a->rwf,
	}, *list = &iocb;
	struct io_event event;

	if (!context && syscall(SYS_io_setup, 8, &context) < 0)
		give_up();
	long accepted = negative(syscall(SYS_io_submit, context, 1L, &list));
	if (accepted != 1)
		return BY_SUBMIT + accepted;
	long got;
	do /* an io_uring of this process may interrupt the call by work for this thread */
		got = syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		give_up();
	return event.res;
}

static long by_aio_vector(const struct arguments *a)
{
	return by_aio(a, IOCB_CMD_PWRITEV, a->iov, (uint64_t)(int64_t)a->count);
}

static long by_aio_single(const struct arguments *a)
{
	return by_aio(a, IOCB_CMD_PWRITE, a->single.iov_base, a->single.iov_len);
}

/* There is one ring of each kind; a plain one where the kernel lacks the kind. */
struct ring_kind {
	unsigned setup, waits, sqe_flags; /* IORING_SETUP_*, IOSQE_* */
	bool vector, raw, fixed_file;
	enum { ALONE, BETWEEN, AFTER_BAD, HEAD, BEFORE_DRAIN } batch;
};
enum { TAG = 12345, NOP_TAG, NOP_TAG_2, MSG_RING = 40 /* IORING_OP_MSG_RING, 5.18 */ };

/* Whether the device polls. For a partition the queue is in its disk's folder. */
static bool polls(int fd)
{
	struct stat st;
	char path[64], answer = '0';

	for (int i = 0; i < 2 && fstat(fd, &st) == 0; i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%squeue/io_poll",
			 major(st.st_rdev), minor(st.st_rdev), i ? "../" : "");
		int file = open(path, O_RDONLY);
		if (file >= 0 && read(file, &answer, 1) == 1 && answer == '1')
			i = 2;
		close(file);
	}
	return answer == '1';
}

static bool device_polls;

/* A polled ring gets the shim's completions only by message, which came with Linux 5.18. */
static unsigned possible_setup(unsigned setup)
{
	struct io_uring_probe *probe = io_uring_get_probe();
	bool posts = probe && io_uring_opcode_supported(probe, MSG_RING);

	free(probe);
	return posts && device_polls ? setup : setup & ~IORING_SETUP_IOPOLL;
}

static void begin(const struct ring_kind *kind, struct io_uring *ring)
{
	struct io_uring_params params = { .flags = possible_setup(kind->setup) };
	int fd;

	if (ring->sq.sqes)
		return;
	if (!kind->raw) {
		if (io_uring_queue_init(8, ring, params.flags) < 0 &&
		    io_uring_queue_init(8, ring, 0) < 0)
			give_up();
		return;
	}
	fd = (int)syscall(SYS_io_uring_setup, 8, &params);
	if (fd < 0) {
		params = (struct io_uring_params){ 0 };
		fd = (int)syscall(SYS_io_uring_setup, 8, &params);
	}
	if (fd < 0 || io_uring_queue_mmap(fd, &params, ring) < 0)
		give_up();
	for (unsigned i = 0; i < params.sq_entries; i++)
		ring->sq.array[i] = i;
}

static int enter(struct io_uring *ring, unsigned waits)
{
	unsigned count = ring->sq.sqe_tail - *ring->sq.khead;
	unsigned flags = (waits ? IORING_ENTER_GETEVENTS : 0) |
			 (ring->flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);

	__atomic_store_n(ring->sq.ktail, ring->sq.sqe_tail, __ATOMIC_RELEASE);
	return (int)negative(
		syscall(SYS_io_uring_enter, ring->ring_fd, count, waits, flags, NULL, 0));
}

static void add_nop(struct io_uring *ring, unsigned tag, unsigned opcode, unsigned flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_nop(sqe);
	sqe->opcode = (uint8_t)opcode;
	sqe->flags = (uint8_t)flags;
	sqe->user_data = tag;
}

static void add_write(const struct arguments *a, const struct ring_kind *kind,
		      struct io_uring *ring, bool fixed)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (kind->vector)
		io_uring_prep_writev(sqe, a->fd, a->iov, (unsigned)a->count, (uint64_t)a->offset);
	else
		io_uring_prep_write(sqe, a->fd, a->single.iov_base, (unsigned)a->single.iov_len,
				    (uint64_t)a->offset);
	/* Once a ring has drained, a write with RWF_NOWAIT waits on some kernels (6.12), but not on
	 * others. */
	sqe->rw_flags = a->rwf & (kind->batch == BEFORE_DRAIN ? ~RWF_NOWAIT : ~0);
	sqe->flags = (uint8_t)(kind->sqe_flags | (kind->batch == HEAD ? IOSQE_IO_LINK : 0));
	if (fixed) {
		sqe->fd = 0;
		sqe->flags |= IOSQE_FIXED_FILE;
	}
	sqe->user_data = TAG;
}

/* Adds the write and the entries around it; returns the number of entries. */
static unsigned add_batch(const struct arguments *a, const struct ring_kind *kind,
			  struct io_uring *ring, bool fixed)
{
	if (kind->batch == BETWEEN || kind->batch == AFTER_BAD)
		add_nop(ring, NOP_TAG, kind->batch == BETWEEN ? IORING_OP_NOP : 0xff, 0);
	add_write(a, kind, ring, fixed);
	if (kind->batch == BETWEEN || kind->batch == HEAD)
		add_nop(ring, NOP_TAG_2, IORING_OP_NOP, 0);
	if (kind->batch == BEFORE_DRAIN)
		add_nop(ring, NOP_TAG_2, IORING_OP_NOP, IOSQE_IO_DRAIN);
	return ring->sq.sqe_tail - *ring->sq.khead;
}

/* Returns the write's result. The other entries' results must agree with it. */
static long reap(const struct ring_kind *kind, struct io_uring *ring, unsigned count)
{
	long results[3] = { -EILSEQ, 0, 0 };
	struct io_uring_cqe *cqe;

	for (unsigned i = 0; i < count; i++) {
		if (io_uring_wait_cqe(ring, &cqe) != 0 || cqe->user_data - TAG > 2)
			give_up();
		results[cqe->user_data - TAG] = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	bool cancelled = kind->batch == HEAD && results[0] < 0;
	if (results[1] != (kind->batch == AFTER_BAD ? -EINVAL : 0) ||
	    results[2] != (cancelled ? -ECANCELED : 0))
		return -EILSEQ;
	return results[0];
}

static long by_ring(const struct arguments *a, const struct ring_kind *kind, struct io_uring *ring)
{
	begin(kind, ring);
	bool fixed = kind->fixed_file && io_uring_register_files(ring, &a->fd, 1) == 0;
	unsigned count = add_batch(a, kind, ring, fixed);
	for (unsigned done = 0; done < count;) {
		int result = kind->raw ? enter(ring, kind->waits)
				       : io_uring_submit_and_wait(ring, kind->waits);
		if (result <= 0)
			give_up();
		done += (unsigned)result;
	}
	long result = reap(kind, ring, count);
	if (fixed)
		io_uring_unregister_files(ring);
	return result;
}

#define DEFER (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

/* Function, name, and the kind of ring. */
#define RING_DOORS(X)                                                                              \
	X(write, "ring", .waits = 0)                                                               \
	X(wait, "ring-wait", .waits = 1)                                                           \
	X(vector, "ring-vector", .vector = true)                                                   \
	X(vector_wait, "ring-vector-wait", .vector = true, .waits = 1)                             \
	X(async, "ring-async", .sqe_flags = IOSQE_ASYNC)                                           \
	X(link, "ring-link", .sqe_flags = IOSQE_IO_LINK)                                           \
	X(sqpoll, "ring-sqpoll", .setup = IORING_SETUP_SQPOLL)                                     \
	X(defer, "ring-defer", .setup = DEFER)                                                     \
	X(iopoll, "ring-iopoll", .setup = IORING_SETUP_IOPOLL)                                     \
	X(file, "ring-file", .fixed_file = true)                                                   \
	X(file_wait, "ring-file-wait", .fixed_file = true, .waits = 1)                             \
	X(batch, "ring-batch", .batch = BETWEEN)                                                   \
	X(bad, "ring-bad", .batch = AFTER_BAD)                                                     \
	X(bad_all, "ring-bad-all", .batch = AFTER_BAD, .setup = IORING_SETUP_SUBMIT_ALL)           \
	X(head, "ring-head", .batch = HEAD)                                                        \
	X(drain, "ring-drain", .batch = BEFORE_DRAIN)                                              \
	X(raw, "raw", .raw = true)                                                                 \
	X(raw_wait, "raw-wait", .raw = true, .waits = 1)                                           \
	X(raw_vector, "raw-vector", .raw = true, .vector = true)                                   \
	X(raw_sqpoll, "raw-sqpoll", .raw = true, .setup = IORING_SETUP_SQPOLL)                     \
	X(raw_defer, "raw-defer", .raw = true, .setup = DEFER)                                     \
	X(raw_file, "raw-file", .raw = true, .fixed_file = true)                                   \
	X(raw_batch, "raw-batch", .raw = true, .batch = BETWEEN)                                   \
	X(raw_bad, "raw-bad", .raw = true, .batch = AFTER_BAD)                                     \
	X(raw_bad_all, "raw-bad-all", .raw = true, .batch = AFTER_BAD,                             \
	  .setup = IORING_SETUP_SUBMIT_ALL)                                                        \
	X(raw_head, "raw-head", .raw = true, .batch = HEAD)                                        \
	X(raw_drain, "raw-drain", .raw = true, .batch = BEFORE_DRAIN)

#define RING_DOOR(function, name, ...)                                                             \
	static long by_ring_##function(const struct arguments *a)                                  \
	{                                                                                          \
		static const struct ring_kind kind = { __VA_ARGS__ };                              \
		static struct io_uring ring;                                                       \
		return by_ring(a, &kind, &ring);                                                   \
	}
RING_DOORS(RING_DOOR)

#define ROW(function, name, ...) { name, by_ring_##function },
static const struct {
	const char *name;
	door_write *write;
} doors[] = { { "pwritev2", by_pwritev2 },
	      { "syscall", by_syscall },
	      { "aio-vector", by_aio_vector },
	      { "aio", by_aio_single },
	      RING_DOORS(ROW) };

#endif
