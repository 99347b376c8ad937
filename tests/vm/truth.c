/* SPDX-License-Identifier: MIT */
/*
 * One list of atomic writes, whose outcome is printed a line per call: what came back, where the
 * file position is, and what then lies at both ends of the range. The same program runs natively
 * and under the shim on different kernels, and the outputs are compared as text. Another door is
 * another row of the table `doors`.
 *
 *	truth DEVICE UNIT                  the fixed matrix
 *	truth DEVICE UNIT SEED COUNT       COUNT random calls; 60s: as many as 60 seconds hold
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

#include "untorn_uapi.h"

enum { SPAN = 2 << 20 }; /* four times the largest unit of a kernel before 7, and room for skew */
enum { MAX_SKEW = 512 };

/* How a call is made; every member is an index into its table below. */
struct call {
	unsigned length, place, open, shape, memory, rwf, state, door;
};

static uint64_t unit, size;
static char *good, *hole;

/* Numbers that stand for others: 0 .. 15 are bytes, UNIT + n multiples of the unit. */
static const struct {
	const char *name;
	uint64_t bytes, units_num, units_den;
} lengths[] = {
	{ "unit", 0, 1, 1 },     { "unit/2", 0, 1, 2 },  { "unit/4", 0, 1, 4 },
	{ "512", 512, 0, 1 },    { "1024", 1024, 0, 1 }, { "4096", 4096, 0, 1 },
	{ "0", 0, 0, 1 },        { "1", 1, 0, 1 },       { "256", 256, 0, 1 },
	{ "511", 511, 0, 1 },    { "1536", 1536, 0, 1 }, { "unit*3/4", 0, 3, 4 },
	{ "unit*5/4", 0, 5, 4 }, { "unit*2", 0, 2, 1 },  { "unit*4", 0, 4, 1 },
};

/* An offset from the length and the size. */
enum place {
	AT_ZERO,
	AT_LENGTH,
	AT_3_LENGTHS,
	AT_LAST,
	AT_HALF,
	AT_512,
	AT_ONE,
	AT_END,
	AT_STRADDLE,
	AT_FAR,
	AT_MINUS_2,
	AT_OVERFLOW,
	AT_POSITION,
	AT_ODD_POSITION,
	PLACES
};
static const char *const places[PLACES] = {
	"zero", "length",   "3*length", "last", "length/2", "512",      "1",
	"end",  "straddle", "far",      "-2",   "overflow", "position", "odd-position",
};

static const struct {
	const char *name;
	int flags, set; /* set: F_SETFL afterwards, -1 none */
} opens[] = {
	{ "rw-direct", O_RDWR | O_DIRECT, -1 },
	{ "w-direct", O_WRONLY | O_DIRECT, -1 },
	{ "rw-direct-append", O_RDWR | O_DIRECT | O_APPEND, -1 },
	{ "rw-direct-nonblock", O_RDWR | O_DIRECT | O_NONBLOCK, -1 },
	{ "rw-direct-dsync", O_RDWR | O_DIRECT | O_DSYNC, -1 },
	{ "rw-direct-sync", O_RDWR | O_DIRECT | O_SYNC, -1 },
	{ "rw-then-direct", O_RDWR, O_DIRECT },
	{ "rw", O_RDWR, -1 },
	{ "rw-direct-then-not", O_RDWR | O_DIRECT, 0 },
	{ "r-direct", O_RDONLY | O_DIRECT, -1 },
	{ "r", O_RDONLY, -1 },
	{ "path", O_PATH, -1 },
};

enum shape { ONE, TWO, AND_EMPTY, EMPTY_AND, NONE, TOO_MANY, NEGATIVE, BAD_ARRAY, SHAPES };
static const char *const shapes[SHAPES] = {
	"one", "two", "one+empty", "empty+one", "none", "1025", "-1", "bad-array",
};

static const struct {
	const char *name;
	int skew; /* of the buffer; -1 unreadable, -2 NULL */
} memories[] = {
	{ "aligned", 0 }, { "+4", 4 },          { "+512", 512 }, { "+1", 1 },
	{ "+2", 2 },      { "unreadable", -1 }, { "null", -2 },
};

/* RWF_DONTCACHE is left out: with it 7.3.4 oopses on a block device. Writes without RWF_ATOMIC too:
 * they are the kernel's, and kernels differ in them. */
static const int rwfs[] = {
	RWF_ATOMIC,
	RWF_ATOMIC | RWF_DSYNC,
	RWF_ATOMIC | RWF_SYNC,
	RWF_ATOMIC | RWF_NOWAIT,
	RWF_ATOMIC | RWF_APPEND,
	RWF_ATOMIC | RWF_NOAPPEND,
	RWF_ATOMIC | RWF_HIPRI,
	RWF_ATOMIC | RWF_APPEND | RWF_NOAPPEND,
	RWF_ATOMIC | RWF_DSYNC | RWF_NOWAIT | RWF_HIPRI,
	RWF_ATOMIC | 0x200,
	RWF_ATOMIC | 0x1000,
	RWF_ATOMIC | RWF_APPEND | RWF_NOAPPEND | 0x2000,
};

enum state { PLAIN, CACHED, READ_ONLY, STATES };
static const char *const states[STATES] = { "plain", "cached", "read-only" };

/* How a call is made; returns >= 0 or -errno. */
struct arguments {
	int fd;
	const struct iovec *iov; /* may be unreadable */
	int count;
	off_t offset;
	int rwf;
	struct iovec single; /* for doors that take one piece of memory, whatever iov says */
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

/* Errors of io_submit() itself are told from those of the event. */
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
	do /* an io_uring of this process may have work for us */
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

/* One ring of each kind; where the kernel has no such, a plain one. */
struct ring_kind {
	unsigned setup, waits, sqe_flags; /* IORING_SETUP_*, IOSQE_* */
	bool vector, raw, fixed_file;
	enum { ALONE, BETWEEN, AFTER_BAD, HEAD, BEFORE_DRAIN } batch;
};
enum { TAG = 12345, NOP_TAG, NOP_TAG_2, MSG_RING = 40 /* IORING_OP_MSG_RING, 5.18 */ };

/* Does the device poll? Of a partition its disk says so. */
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

/* Completions for a polled ring can only be posted, and that came late. */
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
	/* Once a ring has drained, who may not wait does wait on some kernels (6.12), not on
	 * others. */
	sqe->rw_flags = a->rwf & (kind->batch == BEFORE_DRAIN ? ~RWF_NOWAIT : ~0);
	sqe->flags = (uint8_t)(kind->sqe_flags | (kind->batch == HEAD ? IOSQE_IO_LINK : 0));
	if (fixed) {
		sqe->fd = 0;
		sqe->flags |= IOSQE_FIXED_FILE;
	}
	sqe->user_data = TAG;
}

/* How many entries there are. */
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

/* The write's result; what the others' are follows from it. */
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

#define RING_DOOR(name, ...)                                                                       \
	static long by_ring_##name(const struct arguments *a)                                      \
	{                                                                                          \
		static const struct ring_kind kind = { __VA_ARGS__ };                              \
		static struct io_uring ring;                                                       \
		return by_ring(a, &kind, &ring);                                                   \
	}
#define DEFER (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
RING_DOOR(write, .waits = 0)
RING_DOOR(wait, .waits = 1)
RING_DOOR(vector, .vector = true)
RING_DOOR(vector_wait, .vector = true, .waits = 1)
RING_DOOR(async, .sqe_flags = IOSQE_ASYNC)
RING_DOOR(link, .sqe_flags = IOSQE_IO_LINK)
RING_DOOR(sqpoll, .setup = IORING_SETUP_SQPOLL)
RING_DOOR(defer, .setup = DEFER)
RING_DOOR(iopoll, .setup = IORING_SETUP_IOPOLL)
RING_DOOR(file, .fixed_file = true)
RING_DOOR(file_wait, .fixed_file = true, .waits = 1)
RING_DOOR(batch, .batch = BETWEEN)
RING_DOOR(bad, .batch = AFTER_BAD)
RING_DOOR(bad_all, .batch = AFTER_BAD, .setup = IORING_SETUP_SUBMIT_ALL)
RING_DOOR(head, .batch = HEAD)
RING_DOOR(drain, .batch = BEFORE_DRAIN)
RING_DOOR(raw, .raw = true)
RING_DOOR(raw_wait, .raw = true, .waits = 1)
RING_DOOR(raw_vector, .raw = true, .vector = true)
RING_DOOR(raw_sqpoll, .raw = true, .setup = IORING_SETUP_SQPOLL)
RING_DOOR(raw_defer, .raw = true, .setup = DEFER)
RING_DOOR(raw_file, .raw = true, .fixed_file = true)
RING_DOOR(raw_batch, .raw = true, .batch = BETWEEN)
RING_DOOR(raw_bad, .raw = true, .batch = AFTER_BAD)
RING_DOOR(raw_bad_all, .raw = true, .batch = AFTER_BAD, .setup = IORING_SETUP_SUBMIT_ALL)
RING_DOOR(raw_head, .raw = true, .batch = HEAD)
RING_DOOR(raw_drain, .raw = true, .batch = BEFORE_DRAIN)

static const struct {
	const char *name;
	door_write *write;
} doors[] = {
	{ "pwritev2", by_pwritev2 },
	{ "syscall", by_syscall },
	{ "aio-vector", by_aio_vector },
	{ "aio", by_aio_single },
	{ "ring", by_ring_write },
	{ "ring-wait", by_ring_wait },
	{ "ring-vector", by_ring_vector },
	{ "ring-vector-wait", by_ring_vector_wait },
	{ "ring-async", by_ring_async },
	{ "ring-link", by_ring_link },
	{ "ring-sqpoll", by_ring_sqpoll },
	{ "ring-defer", by_ring_defer },
	{ "ring-iopoll", by_ring_iopoll },
	{ "ring-file", by_ring_file },
	{ "ring-file-wait", by_ring_file_wait },
	{ "ring-batch", by_ring_batch },
	{ "ring-bad", by_ring_bad },
	{ "ring-bad-all", by_ring_bad_all },
	{ "ring-head", by_ring_head },
	{ "ring-drain", by_ring_drain },
	{ "raw", by_ring_raw },
	{ "raw-wait", by_ring_raw_wait },
	{ "raw-vector", by_ring_raw_vector },
	{ "raw-sqpoll", by_ring_raw_sqpoll },
	{ "raw-defer", by_ring_raw_defer },
	{ "raw-file", by_ring_raw_file },
	{ "raw-batch", by_ring_raw_batch },
	{ "raw-bad", by_ring_raw_bad },
	{ "raw-bad-all", by_ring_raw_bad_all },
	{ "raw-head", by_ring_raw_head },
	{ "raw-drain", by_ring_raw_drain },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static uint64_t length_of(const struct call *c)
{
	return lengths[c->length].units_num
		       ? unit * lengths[c->length].units_num / lengths[c->length].units_den
		       : lengths[c->length].bytes;
}

static int64_t offset_of(const struct call *c)
{
	uint64_t length = length_of(c);

	switch ((enum place)c->place) {
	case AT_LENGTH:
		return (int64_t)length;
	case AT_3_LENGTHS:
		return (int64_t)(3 * length);
	case AT_LAST:
		return (int64_t)(size - length);
	case AT_HALF:
		return (int64_t)(length / 2);
	case AT_512:
		return 512;
	case AT_ONE:
		return 1;
	case AT_END:
		return (int64_t)size;
	case AT_STRADDLE:
		return (int64_t)(size - length / 2);
	case AT_FAR:
		return (int64_t)(size * 2);
	case AT_MINUS_2:
		return -2;
	case AT_OVERFLOW:
		return INT64_MAX - (int64_t)length + 1;
	case AT_POSITION:
	case AT_ODD_POSITION:
		return -1;
	default:
		return 0;
	}
}

static void *memory_of(const struct call *c)
{
	int skew = memories[c->memory].skew;

	return skew == -1 ? hole : skew == -2 ? NULL : good + skew;
}

/* Fills in the segments; returns how many the call names. */
static int shape_of(const struct call *c, struct iovec iov[2])
{
	char *memory = memory_of(c);
	size_t length = length_of(c), first = length / 2;

	iov[0] = (struct iovec){ memory, length };
	iov[1] = (struct iovec){ memory, 0 };
	switch ((enum shape)c->shape) {
	case TWO:
		iov[0].iov_len = first;
		iov[1] = (struct iovec){ memory + first, length - first };
		return 2;
	case EMPTY_AND:
		iov[1] = iov[0];
		iov[0].iov_len = 0;
		return 2;
	case AND_EMPTY:
		return 2;
	case NONE:
		return 0;
	case TOO_MANY:
		return 1025;
	case NEGATIVE:
		return -1;
	default:
		return 1;
	}
}

/* For the page cache, and without readahead: what is cached shall not depend on the disk's speed.
 */
static int open_cached(const char *device, int flags)
{
	int fd = open(device, flags);

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	return fd;
}

/* A letter that tells this call's data from what lay there before. */
static void prepare(const struct call *c, const char *device, unsigned number)
{
	static char old[SPAN];
	int fd = open_cached(device, O_RDWR), one = c->state == READ_ONLY;
	uint64_t offset = offset_of(c) < 0 ? 0 : (uint64_t)offset_of(c);

	memset(good, 'A' + (int)(number % 26), length_of(c) + MAX_SKEW);
	memset(old, 'a', length_of(c) + unit);
	if (offset < size && length_of(c))
		pwrite(fd, old, length_of(c) + unit, (off_t)(offset & ~UINT64_C(511)));
	fsync(fd);
	ioctl(fd, BLKFLSBUF);
	if (c->state == CACHED && offset < size)
		pread(fd, old, unit, (off_t)(offset & ~UINT64_C(511)));
	ioctl(fd, BLKROSET, &one);
	close(fd);
}

static char letter_at(int fd, uint64_t offset)
{
	char byte = '-';

	if (offset >= size || pread(fd, &byte, 1, (off_t)offset) != 1)
		return '-';
	return byte >= 'A' && byte <= 'z' ? byte : byte ? '?' : '0';
}

/* What lies around the range for a buffered reader. */
static void print_data(const struct call *c, const char *device)
{
	int fd = open_cached(device, O_RDONLY);
	uint64_t offset = offset_of(c) >= 0         ? (uint64_t)offset_of(c)
			  : c->place == AT_POSITION ? 2 * unit
						    : 0,
		 length = length_of(c);

	printf(" data=%c%c%c%c", letter_at(fd, offset ? offset - 1 : 0), letter_at(fd, offset),
	       letter_at(fd, offset + (length ? length - 1 : 0)), letter_at(fd, offset + length));
	close(fd);
}

static void make(const struct call *c, const char *device, unsigned number)
{
	struct iovec iov[2];
	static struct iovec many[1025];
	int zero = 0, count = shape_of(c, iov);
	const struct iovec *array = c->shape == BAD_ARRAY  ? (struct iovec *)hole
				    : c->shape == TOO_MANY ? many
							   : iov;

	prepare(c, device, number);
	int fd = open(device, opens[c->open].flags);
	if (opens[c->open].set >= 0)
		fcntl(fd, F_SETFL, opens[c->open].set);
	lseek(fd, c->place == AT_ODD_POSITION ? 512 : (off_t)(2 * unit), SEEK_SET);
	struct arguments arguments = { fd,           array,        count,
				       offset_of(c), rwfs[c->rwf], { memory_of(c), length_of(c) } };
	long result = doors[c->door].write(&arguments);
	printf("%u %s %s @%s %s %s %s rwf=%x %s: ", number, doors[c->door].name,
	       lengths[c->length].name, places[c->place], opens[c->open].name, shapes[c->shape],
	       memories[c->memory].name, (unsigned)rwfs[c->rwf], states[c->state]);
	if (result < BY_SUBMIT / 2)
		printf("io_submit: %s", strerrorname_np((int)(BY_SUBMIT - result)));
	else if (result < 0)
		printf("%s", strerrorname_np((int)-result));
	else
		printf("%ld", result);
	printf(" position=%lld", (long long)lseek(fd, 0, SEEK_CUR));
	close(fd);
	fd = open(device, O_RDONLY);
	ioctl(fd, BLKROSET, &zero);
	close(fd);
	print_data(c, device);
	putchar('\n');
}

/* Every value of every pair of dimensions, the others good. */
static void matrix(const char *device)
{
	static const unsigned counts[] = {
		COUNT(lengths),  PLACES,      COUNT(opens), SHAPES,
		COUNT(memories), COUNT(rwfs), STATES,       COUNT(doors)
	};
	unsigned number = 0;

	for (unsigned a = 0; a < COUNT(counts); a++) {
		for (unsigned b = a + 1; b < COUNT(counts); b++) {
			for (unsigned i = 0; i < counts[a] * counts[b]; i++) {
				unsigned values[COUNT(counts)] = { 0 };
				struct call c;
				values[a] = i % counts[a];
				values[b] = i / counts[a];
				memcpy(&c, values, sizeof(c));
				make(&c, device, number++);
			}
		}
	}
}

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Good, index 0, most of the time: else hardly a call would pass the first checks. */
static unsigned pick(uint64_t *state, unsigned count, unsigned percent_good)
{
	return next(state) % 100 < percent_good ? 0 : (unsigned)(next(state) % count);
}

static void random_calls(const char *device, uint64_t seed, const char *how_many)
{
	char *end;
	unsigned long bound = strtoul(how_many, &end, 0);
	time_t stop = *end == 's' ? time(NULL) + (time_t)bound : 0;

	for (unsigned number = 0; stop ? time(NULL) < stop : number < bound; number++) {
		struct call c = {
			.length = pick(&seed, COUNT(lengths), 10),
			.place = pick(&seed, PLACES, 20),
			.open = pick(&seed, COUNT(opens), 60),
			.shape = pick(&seed, SHAPES, 80),
			.memory = pick(&seed, COUNT(memories), 60),
			.rwf = pick(&seed, COUNT(rwfs), 50),
			.state = pick(&seed, STATES, 60),
			.door = pick(&seed, COUNT(doors), 0),
		};
		make(&c, device, number);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 5)
		return 2;
	unit = strtoull(argv[2], NULL, 0);
	int fd = open(argv[1], O_RDONLY);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0) {
		perror(argv[1]);
		return 1;
	}
	device_polls = polls(fd);
	good = mmap(NULL, SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hole = mmap(NULL, SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (argc == 5)
		random_calls(argv[1], strtoull(argv[3], NULL, 0), argv[4]);
	else
		matrix(argv[1]);
	return 0;
}
