/* SPDX-License-Identifier: MIT */
/*
 * Atomic writes through io_uring, over the simulated disk, on this machine's kernel: the results
 * and errors must be a native kernel's. Also batches, chains, drains, forks and threads. Through
 * liburing and (DOOR=raw) by our own system calls.
 *
 * Links: -luring
 */
#include "preload.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ring_doors.h"
#include "untorn_uapi.h"

#ifdef __SANITIZE_THREAD__
#define UNMAPPED_UNSEEN                                                                            \
	1 /* TSAN does not see liburing's munmap(), and reports races in new memory there */
#else
#define UNMAPPED_UNSEEN 0
#endif

static int try(struct io_uring *ring, int fd, void *data, unsigned length, off_t offset, int more)
{
	prepare(ring, fd, data, length, offset, 77)->rw_flags |= more;
	return outcome(ring);
}

static int try_vector(struct io_uring *ring, int fd, const struct iovec *iov, unsigned count)
{
	struct io_uring_sqe *sqe = next_entry(ring);

	io_uring_prep_writev(sqe, fd, iov, count, 0);
	sqe->rw_flags = RWF_ATOMIC;
	sqe->user_data = 77;
	return outcome(ring);
}

static void one(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);
	struct iovec iov = { buffer(512, 'v'), 512 };

	errno = 1234;
	want(try(ring, fd, buffer(UNIT, 'a'), UNIT, UNIT, 0) == UNIT && errno == 1234);
	want(holds(fd, UNIT, UNIT, 'a'));
	want(try(ring, fd, buffer(UNIT, 'b'), UNIT, 0, RWF_DSYNC) == UNIT &&
	     holds(fd, 0, UNIT, 'b'));
	want(try_vector(ring, fd, &iov, 1) == 512 && holds(fd, 0, 512, 'v'));
	want(lseek(fd, 2 * UNIT, SEEK_SET) == 2 * UNIT);
	want(try(ring, fd, buffer(UNIT, 'p'), UNIT, -1, 0) == UNIT);
	want(holds(fd, 2 * UNIT, UNIT, 'p') && lseek(fd, 0, SEEK_CUR) == 2 * UNIT);
	end(ring);
}

static void errors(void)
{
	int fd = open_disk(), buffered = open(DISK, O_RDWR);
	int reading = open(DISK, O_RDONLY | O_DIRECT), on = 1, off = 0;
	struct io_uring *ring = ring_of(8);
	char *data = buffer(2 * UNIT, 'e');
	char *hole = mmap(NULL, UNIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec two[] = { { data, 512 }, { data + 512, 512 } };

	want(try(ring, fd, data, 12288, 0, 0) == -EINVAL);
	want(try(ring, fd, data, 2 * UNIT, 0, 0) == -EINVAL);
	want(try(ring, fd, data, UNIT, 512, 0) == -EINVAL);
	want(try(ring, fd, data + 1, UNIT, 0, 0) == -EINVAL);
	want(try(ring, fd, hole, UNIT, 0, 0) == -EFAULT);
	want(try(ring, fd, data, 0, 0, 0) == 0);
	want(try(ring, fd, data, UNIT, DISK_SIZE, 0) == -ENOSPC);
	want(try(ring, fd, data, UNIT, -2, 0) == -EINVAL);
	want(try(ring, fd, data, UNIT, INT64_MAX - 100, 0) == -EINVAL);
	want(try(ring, buffered, data, UNIT, 0, 0) == -EOPNOTSUPP);
	want(try(ring, buffered, data, UNIT, 0, RWF_NOWAIT) == -EAGAIN);
	want(try(ring, reading, data, UNIT, 0, 0) == -EBADF);
	want(try(ring, reading, data, UNIT, 0, 0x1000) == -EBADF);
	want(try(ring, -1, data, UNIT, 0, 0) == -EBADF);
	want(try(ring, fd, data, UNIT, 0, 0x1000) == -EOPNOTSUPP);
	want(try(ring, fd, data, UNIT, 0, RWF_APPEND | RWF_NOAPPEND) == -EINVAL);
	want(try(ring, fd, data, UNIT, 0, RWF_HIPRI) == -EINVAL);
	want(try_vector(ring, fd, two, 2) == -EINVAL);
	want(try_vector(ring, fd, two, 0) == 0);
	want(try_vector(ring, fd, two, 1025) == -EINVAL);
	want(try_vector(ring, fd, (struct iovec *)hole, 1) == -EFAULT);
	want(ioctl(fd, BLKROSET, &on) == 0);
	want(try(ring, fd, data, UNIT, 0, 0) == -EPERM);
	want(ioctl(fd, BLKROSET, &off) == 0);
	prepare(ring, fd, data, UNIT, 0, 77)->flags |= IOSQE_BUFFER_SELECT;
	want(outcome(ring) == -EOPNOTSUPP);
	struct iovec whole = { data, 2 * UNIT };
	want(io_uring_register_buffers(ring, &whole, 1) == 0);
	struct io_uring_sqe *sqe = next_entry(ring);
	io_uring_prep_write_fixed(sqe, fd, data, UNIT, 0, 0);
	sqe->rw_flags = RWF_ATOMIC;
	sqe->user_data = 77;
	want(outcome(ring) == -EINVAL);
	want(holds(fd, 0, 2 * UNIT, 0));
	end(ring);
}

#ifdef __SANITIZE_THREAD__ /* slow */
enum { DEPTH = 32, MANY = 250 };
#else
enum { DEPTH = 32, MANY = 1000 };
#endif

/* MANY writes, 32 at a time, with NOPs between. FAULT=ERRNO: exactly one fails, with this errno. */
static void many(void)
{
	struct io_uring *ring = ring_of(2 * DEPTH);
	int fd = open_disk(), error = getenv("FAULT") ? atoi(getenv("FAULT")) : 0, failed = 0;
	unsigned next = 0, under_way = 0;
	static bool seen[MANY];
	char *data[26];
	uint64_t tag;

	for (int i = 0; i < 26; i++)
		data[i] = buffer(UNIT, (char)('A' + i));
	for (unsigned done = 0; done < MANY;) {
		unsigned count = 0;
		for (; under_way < DEPTH && next < MANY; next++, under_way++, count++) {
			prepare(ring, fd, data[next % 26], UNIT, (off_t)UNIT * next, next);
			if (next % 3 == 0) {
				struct io_uring_sqe *nop = next_entry(ring);
				io_uring_prep_nop(nop);
				nop->user_data = MANY;
				count++;
			}
		}
		int submitted = submit(ring, 1);
		want(submitted == (int)count);
		do {
			int result = result_of_next(ring, &tag);
			if (tag == MANY && result == 0)
				continue;
			want(tag < MANY && !seen[tag]);
			seen[tag] = true;
			want(result == UNIT || (error && result == -error));
			failed += result != UNIT;
			want(holds(fd, (off_t)UNIT * (off_t)tag, UNIT,
				   result == UNIT ? *data[tag % 26] : 0));
			under_way--;
			done++;
		} while (!is_empty(ring));
	}
	want(failed == (error != 0));
	end(ring);
}

/* A chain that begins with atomic writes: all entries in order; after a failure none. */
static void chain(void)
{
	int fd = open_disk(), file = memfd_create("file", 0);
	struct io_uring *ring = ring_of(8);
	char *data = buffer(UNIT, 'c');
	int results[4];
	uint64_t tag;

	for (int bad = 0; bad < 2; bad++) {
		off_t place = (off_t)4 * UNIT * bad;
		prepare(ring, fd, data, UNIT, place, 0)->flags |= IOSQE_IO_LINK;
		prepare(ring, fd, data, bad ? 12288 : UNIT, place + UNIT, 1)->flags |=
			IOSQE_IO_LINK;
		prepare(ring, fd, data, UNIT, place + 2 * UNIT, 2)->flags |= IOSQE_IO_LINK;
		struct io_uring_sqe *sqe = next_entry(ring);
		io_uring_prep_write(sqe, file, "after", 5, 0);
		sqe->user_data = 3;
		want(submit(ring, 4) == 4);
		for (int i = 0; i < 4; i++) {
			int result = result_of_next(ring, &tag);
			want(tag == (uint64_t)i);
			results[tag] = result;
		}
		want(results[0] == UNIT && results[1] == (bad ? -EINVAL : UNIT));
		want(results[2] == (bad ? -ECANCELED : UNIT) &&
		     results[3] == (bad ? -ECANCELED : 5));
		want(holds(fd, place, UNIT, 'c') &&
		     holds(fd, place + 2 * UNIT, UNIT, bad ? 0 : 'c'));
	}
	/* A write behind another entry goes to the kernel, which refuses it. */
	struct io_uring_sqe *first = next_entry(ring);
	io_uring_prep_nop(first);
	first->flags |= IOSQE_IO_LINK;
	prepare(ring, fd, data, UNIT, 12 * UNIT, 9);
	want(submit(ring, 2) == 2);
	want(result_of_next(ring, &tag) == 0 && result_of_next(ring, &tag) == -EOPNOTSUPP &&
	     tag == 9);
	want(holds(fd, 12 * UNIT, UNIT, 0));
	end(ring);
}

/* A draining entry comes after all atomic writes before it, on a slow disk. */
static void drain(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(16);
	uint64_t tag;

	for (int same_batch = 0; same_batch < 2; same_batch++) {
		for (int i = 0; i < 4; i++)
			prepare(ring, fd, buffer(UNIT, 'd'), UNIT, (off_t)UNIT * i, 1);
		if (!same_batch)
			want(submit(ring, 0) == 4);
		struct io_uring_sqe *sqe = next_entry(ring);
		io_uring_prep_nop(sqe);
		sqe->flags |= IOSQE_IO_DRAIN;
		sqe->user_data = 2;
		want(submit(ring, 0) == (same_batch ? 5 : 1));
		for (int i = 0; i < 4; i++)
			want(result_of_next(ring, &tag) == UNIT && tag == 1);
		want(result_of_next(ring, &tag) == 0 && tag == 2);
	}
	end(ring);
}

/* A write waits for a draining entry, which waits for a late read: only the kernel can keep this
 * order, and it refuses the write. */
static void behind_a_drain(void)
{
	int fd = open_disk(), ends[2];
	struct io_uring *ring = ring_of(8);
	uint64_t tag;
	char byte;

	want(pipe(ends) == 0);
	io_uring_prep_read(next_entry(ring), ends[0], &byte, 1, 0);
	struct io_uring_sqe *sqe = next_entry(ring);
	io_uring_prep_nop(sqe);
	sqe->flags |= IOSQE_IO_DRAIN;
	prepare(ring, fd, buffer(UNIT, 'd'), UNIT, 0, 3);
	want(submit(ring, 0) == 3);
	usleep(20000);
	want(is_empty(ring) && holds(fd, 0, UNIT, 0));
	want(write(ends[1], "x", 1) == 1);
	want(result_of_next(ring, &tag) == 1 && result_of_next(ring, &tag) == 0);
	want(result_of_next(ring, &tag) == -EOPNOTSUPP && tag == 3 && holds(fd, 0, UNIT, 0));
	end(ring);
}

static void write_many(int fd, off_t place, char letter)
{
	struct io_uring *ring = ring_of(16);
	char *data = buffer(UNIT, letter);
	uint64_t tag;

	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 8; i++)
			prepare(ring, fd, data, UNIT, place + (off_t)UNIT * i, 3);
		want(submit(ring, 0) == 8);
		for (int i = 0; i < 8; i++)
			want(result_of_next(ring, &tag) == UNIT && tag == 3);
	}
	want(holds(fd, place, 8 * UNIT, letter) && is_empty(ring));
	if (!UNMAPPED_UNSEEN) {
		end(ring);
		free(ring);
	}
	free(data);
}

static void forked(void)
{
	write_in_a_child_too(write_many);
}

static void threads(void)
{
	write_in_threads(write_many);
}

/* More completions than the program's ring has room for: none may be lost. */
static void overflow(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(4); /* 8 completions */
	char *data = buffer(UNIT, 'o');
	uint64_t tag, sum = 0;

	for (unsigned i = 0; i < 40; i += 4) {
		for (unsigned j = i; j < i + 4; j++)
			prepare(ring, fd, data, UNIT, (off_t)UNIT * j, j);
		want(submit(ring, 0) == 4);
	}
	usleep(100000);
	for (int i = 0; i < 40; i++) {
		want(result_of_next(ring, &tag) == UNIT);
		sum += tag;
	}
	want(sum == 39 * 40 / 2 && holds(fd, 0, 40 * UNIT, 'o'));
	end(ring);
}

/* IOSQE_CQE_SKIP_SUCCESS: only a failure has a completion. */
static void quiet(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);
	uint64_t tag;

	prepare(ring, fd, buffer(UNIT, 'k'), UNIT, 0, 1)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	prepare(ring, fd, buffer(UNIT, 'k'), 12288, 0, 2)->flags |= IOSQE_CQE_SKIP_SUCCESS;
	want(submit(ring, 0) == 2);
	want(result_of_next(ring, &tag) == -EINVAL && tag == 2);
	end(ring);
	want(holds(fd, 0, UNIT, 'k'));
}

/* A polled ring can get the result by a posted completion, but no substitute: so a chain is
 * refused. */
static void polled(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_with(8, IORING_SETUP_IOPOLL);

	want(try(ring, fd, buffer(UNIT, 'i'), UNIT, 0, 0) == UNIT && holds(fd, 0, UNIT, 'i'));
	want(try(ring, fd, buffer(UNIT, 'i'), 12288, 0, 0) == -EINVAL);
	prepare(ring, fd, buffer(UNIT, 'i'), UNIT, UNIT, 0)->flags |= IOSQE_IO_LINK;
	prepare(ring, fd, buffer(UNIT, 'i'), UNIT, UNIT, 1);
	want(submit(ring, 0) == 2);
	uint64_t tag;
	want(result_of_next(ring, &tag) == -EOPNOTSUPP && result_of_next(ring, &tag) == -ECANCELED);
	want(holds(fd, UNIT, UNIT, 0));
	end(ring);
}

/* A ring with a layout of a later liburing: the shim must leave it to the kernel as it is, and end
 * no hold for an entry that only looks like a close. tests/vm/ring_random.c has real ones.
 */
static void other_layout(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);

	want(try(ring, fd, buffer(UNIT, 'a'), UNIT, 0, 0) == UNIT);
	if (getenv("UNTORN_DEEP")) /* deep mode catches the system call: the ring's real layout
				    * counts
				    */
		return;
	ring->flags |= 1U << 19;
	prepare(ring, fd, buffer(UNIT, 'b'), UNIT, 0, 77);
	want(outcome(ring) < 0 && holds(fd, 0, UNIT, 'a'));
	ring->flags = (ring->flags & ~(1U << 19)) | 1U << 21; /* a future layout */
	prepare(ring, fd, buffer(UNIT, 'b'), UNIT, 0, 77);
	want(outcome(ring) < 0 && holds(fd, 0, UNIT, 'a'));
}

/* The filter kills the process for setting up or registering a ring: the shim may need none now. */
static void confine(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	want(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	want(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* BEFORE: one write before the filter, for which the shim may make threads and rings. */
static void confined(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(8);
	bool before = getenv("BEFORE");

	if (before)
		want(try(ring, fd, buffer(UNIT, 'b'), UNIT, 0, 0) == UNIT);
	confine();
	for (int i = 0; i < 8; i++)
		prepare(ring, fd, buffer(UNIT, 'c'), UNIT, (i + 1) * UNIT, (unsigned)i);
	uint64_t tag;
	want(submit(ring, 0) == 8);
	for (int i = 0; i < 8; i++)
		want(result_of_next(ring, &tag) == UNIT);
	for (int i = 0; i < 8; i++)
		want(holds(fd, (i + 1) * UNIT, UNIT, 'c'));
}

const struct body bodies[] = {
	{ "confined", confined },
	{ "one", one },
	{ "other_layout", other_layout },
	{ "errors", errors },
	{ "many", many },
	{ "chain", chain },
	{ "drain", drain },
	{ "behind_a_drain", behind_a_drain },
	{ "forked", forked },
	{ "threads", threads },
	{ "overflow", overflow },
	{ "quiet", quiet },
	{ "polled", polled },
	{ NULL, NULL },
};

/* IORING_SETUP_SQE128; COOP_TASKRUN; SINGLE_ISSUER | DEFER_TASKRUN */
#define WIDE  "SETUP=0x400"
#define COOP  "SETUP=0x100"
#define DEFER "SETUP=0x3000"

#define RAW "DOOR=raw\n"

static const struct preload_row rows[] = {
	{ "confined", "", NULL, 8 },
	{ "confined", ",delay=1000", "BEFORE=1", 9 },
	{ "one", "", NULL, 4 },
	{ "one", "", "WAIT=1", 4 },
	{ "other_layout", "", NULL, 1 },
	{ "errors", "", NULL, 0 },
	{ "errors", "", "WAIT=1", 0 },
	{ "many", "", NULL, MANY },
	{ "many", ",delay=1000", NULL, MANY },
	{ "many", "", COOP, MANY },
	{ "many", "", DEFER, MANY },
	{ "many", ",fault=77:0x4280", "FAULT=61", MANY },  /* ENODATA */
	{ "many", ",fault=150:0x4083", "FAULT=52", MANY }, /* EBADE */
	{ "chain", "", NULL, 4 },
	{ "drain", ",delay=10000", NULL, 8 },
	{ "behind_a_drain", "", NULL, 0 },
	{ "forked", "", "TSAN_OPTIONS=die_after_fork=0", 192 },
	{ "threads", "", NULL, 576 },
	{ "threads", "", DEFER, 576 },
	{ "overflow", "", NULL, 40 },
	{ "quiet", "", NULL, 1 },
	{ "polled", "", NULL, 1 },
	{ "polled", "", "WAIT=1", 1 },
	{ "one", "", "DOOR=raw", 4 },
	{ "one", "", RAW "WAIT=1", 4 },
	{ "errors", "", "DOOR=raw", 0 },
	{ "errors", "", RAW "WAIT=1", 0 },
	{ "many", "", "DOOR=raw", MANY },
	{ "many", ",delay=1000", "DOOR=raw", MANY },
	{ "many", "", RAW COOP, MANY },
	{ "many", "", RAW DEFER, MANY },
	{ "many", ",fault=77:0x4280", RAW "FAULT=61", MANY },  /* ENODATA */
	{ "many", ",fault=150:0x4083", RAW "FAULT=52", MANY }, /* EBADE */
	{ "chain", "", "DOOR=raw", 4 },
	{ "drain", ",delay=10000", "DOOR=raw", 8 },
	{ "behind_a_drain", "", "DOOR=raw", 0 },
	{ "forked", "", RAW "TSAN_OPTIONS=die_after_fork=0", 192 },
	{ "threads", "", "DOOR=raw", 576 },
	{ "threads", "", RAW DEFER, 576 },
	{ "overflow", "", "DOOR=raw", 40 },
	{ "quiet", "", "DOOR=raw", 1 },
	{ "polled", "", "DOOR=raw", 1 },
	{ "polled", "", RAW "WAIT=1", 1 },
	{ "many", "", RAW WIDE, MANY },
};

Suite *suite(void)
{
	return preload_suite("io_uring over the simulated disk", rows,
			     sizeof(rows) / sizeof(rows[0]));
}
