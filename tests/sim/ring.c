/* SPDX-License-Identifier: MIT */
/*
 * Plain reads and writes of the simulated disk by io_uring, through liburing and by system calls:
 * the results and errors must be a kernel's, and the data must be in the right place of the image.
 *
 * Links: -luring
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/ring_doors.h"

#define END ((off_t)DISK_SIZE)

enum { BLOCK = 512 };

/* Before Linux 6.10 the simulated disk has no entry for other results: they are EIO. */
static bool is(int result, int wanted)
{
	unsigned major, minor;
	struct utsname name;

	want(uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2);
	return result == wanted || (major * 1000 + minor < 6010 && result == -EIO);
}

static char *unreadable(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static struct io_uring_sqe *put(struct io_uring *ring, unsigned opcode, int fd, void *data,
				unsigned length, off_t offset)
{
	struct io_uring_sqe *sqe = next_entry(ring);

	io_uring_prep_rw((int)opcode, sqe, fd, data, length, (uint64_t)offset);
	sqe->user_data = 77;
	return sqe;
}

static int ring_outcome(struct io_uring *ring, unsigned opcode, int fd, void *data, unsigned length,
			off_t offset)
{
	put(ring, opcode, fd, data, length, offset);
	return outcome(ring);
}

static void ring(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open_disk();
	char *data = buffer(4096, 'r'), *back = buffer(4096, 0);
	struct iovec two[] = { { data, BLOCK }, { data + 1024, 1024 } }, all = { data, 4096 };

	errno = 4321;
	want(ring_outcome(ring, IORING_OP_WRITE, fd, data, 4096, 8192) == 4096 && errno == 4321);
	want(image_holds(8192, 4096, 'r'));
	want(ring_outcome(ring, IORING_OP_READ, fd, back, 4096, 8192) == 4096);
	want(memcmp(data, back, 4096) == 0);
	memset(data, 'v', 4096);
	want(ring_outcome(ring, IORING_OP_WRITEV, fd, two, 2, 0) == 1536);
	want(image_holds(0, 1536, 'v') && image_holds(1536, 512, 0));
	two[0].iov_base = back, two[1].iov_base = back + BLOCK;
	want(ring_outcome(ring, IORING_OP_READV, fd, two, 2, 0) == 1536);
	want(memcmp(data, back, 1536) == 0 && back[1536] == 'r');
	want(io_uring_register_buffers(ring, &all, 1) == 0);
	want(ring_outcome(ring, IORING_OP_WRITE_FIXED, fd, data, 1024, 16384) == 1024);
	want(ring_outcome(ring, IORING_OP_READ_FIXED, fd, data, 1024, 20480) == 1024);
	want(image_holds(16384, 1024, 'v') && data[0] == 0 && data[1023] == 0 && data[1024] == 'v');
	want(ring_outcome(ring, IORING_OP_FSYNC, fd, NULL, 0, 0) == 0);
	want(lseek(fd, 32768, SEEK_SET) == 32768);
	want(ring_outcome(ring, IORING_OP_WRITE, fd, back, BLOCK, -1) == BLOCK);
	want(image_holds(32768, BLOCK, 'v') && lseek(fd, 0, SEEK_CUR) == 32768);
	put(ring, IORING_OP_FALLOCATE, fd, (void *)BLOCK, FALLOC_FL_ZERO_RANGE, 0);
	want(outcome(ring) == 0 && image_holds(0, BLOCK, 0) && image_holds(BLOCK, 1024, 'v'));
	want(ring_outcome(ring, IORING_OP_SYNC_FILE_RANGE, fd, NULL, 0, 0) == 0);
	end(ring);
}

static void ring_errors(void)
{
	struct io_uring *ring = ring_of(8);
	char *data = buffer(4096, 'e'), *hole = unreadable();
	struct iovec bad = { hole, BLOCK };
	struct {
		int flags;
		unsigned opcode;
		void *address;
		unsigned length;
		off_t offset;
		int rw_flags, result;
	} rows[] = {
		{ O_RDWR, IORING_OP_WRITE, data, 100, 0, 0, -EINVAL },
		{ O_RDWR, IORING_OP_WRITE, data + 1, BLOCK, 0, 0, -EINVAL },
		{ O_RDWR, IORING_OP_WRITE, data, BLOCK, -2, 0, -EINVAL },
		{ O_RDWR, IORING_OP_READ, data, BLOCK, 100, 0, -EINVAL },
		{ O_RDWR, IORING_OP_WRITE, data, BLOCK, END, 0, -ENOSPC },
		{ O_RDWR, IORING_OP_READ, data, BLOCK, END, 0, 0 },
		{ O_RDWR, IORING_OP_WRITE, hole, BLOCK, 0, 0, -EFAULT },
		{ O_RDWR, IORING_OP_READ, hole, BLOCK, 0, 0, -EFAULT },
		{ O_RDWR, IORING_OP_WRITEV, hole, 1, 0, 0, -EFAULT },
		{ O_RDWR, IORING_OP_WRITEV, &bad, 1, 0, 0, -EFAULT },
		{ O_RDWR, IORING_OP_WRITEV, &bad, 1025, 0, 0, -EINVAL },
		{ O_RDWR, IORING_OP_WRITE, data, BLOCK, 0, 0x40000000, -EOPNOTSUPP },
		{ O_RDWR, IORING_OP_WRITE, data, 0, 0, RWF_ATOMIC, -EOPNOTSUPP },
		{ O_RDWR, IORING_OP_WRITE, data, BLOCK, 0, RWF_HIPRI, -EINVAL },
		{ O_RDONLY, IORING_OP_WRITE, data, BLOCK, 0, RWF_ATOMIC, -EBADF },
		{ O_WRONLY, IORING_OP_READ, data, BLOCK, 0, 0, -EBADF },
		{ O_RDWR, IORING_OP_FSYNC, NULL, 0, 0, 0x40, -EINVAL },
		{ O_RDWR, IORING_OP_SPLICE, data, BLOCK, 0, 0, -EOPNOTSUPP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = open(DISK, rows[i].flags | O_DIRECT);
		put(ring, rows[i].opcode, fd, rows[i].address, rows[i].length, rows[i].offset)
			->rw_flags = rows[i].rw_flags;
		int result = outcome(ring);
		if (result != rows[i].result)
			fprintf(stderr, "row %zu: %d, not %d\n", i, result, rows[i].result);
		want(result == rows[i].result);
		close(fd);
	}
	want(image_holds(0, 4096, 0) && image_holds(END - BLOCK, BLOCK, 0));
	end(ring);
}

/* Collects `count` results by their tags. */
static void collect(struct io_uring *ring, int *results, int count)
{
	uint64_t tag;

	for (int i = 0; i < count; i++) {
		int result = result_of_next(ring, &tag);
		results[tag] = result;
	}
	want(is_empty(ring));
}

static void add(struct io_uring *ring, unsigned opcode, int fd, char *data, unsigned length,
		off_t offset, unsigned tag, unsigned flags)
{
	struct io_uring_sqe *sqe = put(ring, opcode, fd, data, length, offset);

	sqe->user_data = tag;
	sqe->flags = (uint8_t)flags;
}

static void chain(void)
{
	enum { W = IORING_OP_WRITE, LINK = IOSQE_IO_LINK, HARD = IOSQE_IO_HARDLINK };
	struct io_uring *ring = ring_of(16);
	int fd = open_disk(), r[16];
	char *data = buffer(2048, 'c');
	struct iovec iov = { data, 1024 };

	add(ring, W, fd, data, BLOCK, 0, 0, LINK);
	add(ring, IORING_OP_FSYNC, fd, NULL, 0, 0, 1, LINK);
	add(ring, W, fd, data, BLOCK, 1024, 2, 0);
	want(submit(ring, 0) == 3);
	collect(ring, r, 3);
	want(r[0] == BLOCK && r[1] == 0 && r[2] == BLOCK);
	/* A failure, a member that is not on a node, and an entry outside the chain. */
	add(ring, W, fd, data, BLOCK, 4096, 0, LINK);
	add(ring, W, fd, data, 100, 4608, 1, LINK);
	add(ring, W, fd, data, BLOCK, 5120, 2, LINK | HARD);
	add(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3, LINK);
	add(ring, W, fd, data, BLOCK, 5120, 4, 0);
	add(ring, W, fd, data, BLOCK, 6144, 5, 0);
	want(submit(ring, 0) == 6);
	collect(ring, r, 6);
	want(r[0] == BLOCK && r[1] == -EINVAL && r[2] == -ECANCELED && r[3] == -ECANCELED &&
	     r[4] == -ECANCELED && r[5] == BLOCK);
	want(image_holds(4096, BLOCK, 'c') && image_holds(4608, 1536, 0) &&
	     image_holds(6144, BLOCK, 'c'));
	/* A hard link goes on after a failure. */
	add(ring, W, fd, data, 100, 8192, 0, HARD);
	add(ring, W, fd, data, BLOCK, 8192, 1, LINK);
	add(ring, IORING_OP_NOP, -1, NULL, 0, 0, 2, LINK);
	add(ring, W, fd, data, BLOCK, 9216, 3, 0);
	want(submit(ring, 2) == 4);
	collect(ring, r, 4);
	want(r[0] == -EINVAL && r[1] == BLOCK && r[2] == 0 && r[3] == BLOCK);
	/* A short write is a failure, too. */
	add(ring, W, fd, data, 1024, END - BLOCK, 0, LINK);
	add(ring, W, fd, data, BLOCK, 10240, 1, HARD);
	add(ring, W, fd, data, BLOCK, 10240, 2, LINK);
	add(ring, IORING_OP_NOP, -1, NULL, 0, 0, 3, 0);
	add(ring, IORING_OP_WRITEV, fd, (char *)&iov, 1, END - BLOCK, 4, LINK);
	add(ring, IORING_OP_NOP, -1, NULL, 0, 0, 5, LINK);
	add(ring, W, fd, data, BLOCK, 10240, 6, 0);
	want(submit(ring, 0) == 7);
	collect(ring, r, 7);
	want(r[0] == BLOCK && is(r[1], -ECANCELED) && r[2] == -ECANCELED && r[3] == -ECANCELED);
	want(r[4] == BLOCK && is(r[5], -ECANCELED) && r[6] == -ECANCELED);
	want(image_holds(10240, BLOCK, 0));
	end(ring);
}

/* Only the kernel can wait for another file's entry. */
static void behind_another_file(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open_disk(), ends[2], r[2];
	char *data = buffer(BLOCK, 'b'), byte;

	want(pipe(ends) == 0);
	add(ring, IORING_OP_READ, ends[0], &byte, 1, 0, 0, IOSQE_IO_LINK);
	add(ring, IORING_OP_WRITE, fd, data, BLOCK, 0, 1, 0);
	want(submit(ring, 0) == 2 && write(ends[1], "x", 1) == 1);
	collect(ring, r, 2);
	want(r[0] == 1 && r[1] == -EOPNOTSUPP && image_holds(0, BLOCK, 0));
	end(ring);
}

static void quiet(void)
{
	enum { QUIET = 1 << 6 /* IOSQE_CQE_SKIP_SUCCESS */ };
	struct io_uring *ring = ring_of(8);
	int fd = open_disk(), r[3];
	char *data = buffer(1024, 'q');

	add(ring, IORING_OP_WRITE, fd, data, BLOCK, 0, 0, QUIET);
	add(ring, IORING_OP_WRITE, fd, data, 100, 0, 1, QUIET);
	add(ring, IORING_OP_WRITE, fd, data, 1024, END - BLOCK, 2, QUIET);
	want(submit(ring, 0) == 3);
	collect(ring, r, 2);
	want(r[1] == -EINVAL && r[2] == BLOCK && image_holds(0, BLOCK, 'q'));
	end(ring);
}

static void register_files(struct io_uring *ring, unsigned first, const int *fds, unsigned count)
{
	struct io_uring_files_update update = { .offset = first, .fds = (uintptr_t)fds };

	if (!is_raw() && !first)
		want(io_uring_register_files(ring, fds, count) == 0);
	else if (!is_raw())
		want(io_uring_register_files_update(ring, first, fds, count) == (int)count);
	else if (!first)
		want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES, fds,
			     count) == 0);
	else
		want(syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_FILES_UPDATE,
			     &update, count) == (long)count);
}

static int write_slot(struct io_uring *ring, int slot, off_t offset)
{
	put(ring, IORING_OP_WRITE, slot, buffer(BLOCK, 's'), BLOCK, offset)->flags |=
		IOSQE_FIXED_FILE;
	return outcome(ring);
}

/* A slot outlives the descriptor, and gets another file. ",part=2048+4096" */
static void registered_files(void)
{
	struct io_uring *ring = ring_of(8);
	int disk = open_disk(), part = open(DISK "p1", O_RDWR | O_DIRECT);
	int null = open("/dev/null", O_WRONLY), four[] = { null, disk, -1, part };

	register_files(ring, 0, four, 4);
	close(disk);
	close(part);
	want(write_slot(ring, 0, 0) == BLOCK && write_slot(ring, 2, 0) == -EBADF);
	want(image_holds(0, BLOCK, 0));
	want(write_slot(ring, 1, 0) == BLOCK && image_holds(0, BLOCK, 's'));
	want(write_slot(ring, 3, 0) == BLOCK && image_holds(2048 * 512, BLOCK, 's'));
	disk = open_disk();
	register_files(ring, 1, (int[]){ null, disk }, 2);
	want(write_slot(ring, 1, 1024) == BLOCK && image_holds(1024, BLOCK, 0));
	want(write_slot(ring, 2, 1024) == BLOCK && image_holds(1024, BLOCK, 's'));
	put(ring, IORING_OP_FILES_UPDATE, -1, &null, 1, 2);
	want(outcome(ring) == 1);
	want(write_slot(ring, 2, 2048) == BLOCK && image_holds(2048, BLOCK, 0));
	end(ring);
}

/* The program writes its entries once and publishes them again and again. */
static void published_again(void)
{
	struct io_uring *ring = ring_of(4);
	int fd = open_disk(), r[4];
	char *data = buffer(BLOCK, 0);
	struct io_uring_sqe before[4];

	for (unsigned i = 0; i < 4; i++)
		add(ring, IORING_OP_WRITE, fd, data, BLOCK, i * BLOCK, i, i ? 0 : IOSQE_IO_LINK);
	memcpy(before, ring->sq.sqes, sizeof(before));
	for (int round = 0; round < 5; round++) {
		memset(data, 'A' + round, BLOCK);
		want(submit(ring, round % 2 ? 4 : 0) == 4);
		collect(ring, r, 4);
		for (int i = 0; i < 4; i++)
			want(r[i] == BLOCK);
		want(image_holds(0, 4 * BLOCK, (char)('A' + round)));
		want(memcmp(before, ring->sq.sqes, sizeof(before)) == 0);
		ring->sq.sqe_tail += 4;
	}
	end(ring);
}

/* A bad entry ends the submission: the entries behind it wait for the next one. */
static void behind_a_bad_entry(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open_disk(), r[4];
	char *data = buffer(BLOCK, 'd');

	add(ring, IORING_OP_WRITE, fd, data, BLOCK, 0, 0, 0);
	add(ring, 0xff, fd, data, BLOCK, 0, 1, 0);
	add(ring, IORING_OP_WRITE, fd, data, BLOCK, BLOCK, 2, 0);
	add(ring, IORING_OP_READ, fd, data, BLOCK, BLOCK, 3, 0);
	want(submit(ring, 0) == 2 && image_holds(0, BLOCK, 'd') && image_holds(BLOCK, BLOCK, 0));
	want(submit(ring, 0) == 2 && image_holds(BLOCK, BLOCK, 'd'));
	collect(ring, r, 4);
	want(r[0] == BLOCK && r[1] == -EINVAL && r[2] == BLOCK && r[3] == BLOCK);
	end(ring);
}

static void by_index(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open_disk();
	struct io_uring_rsrc_update update = { .offset = ~0U, .data = (uint64_t)ring->ring_fd };

	want(syscall(SYS_io_uring_register, ring->ring_fd, 20 /* IORING_REGISTER_RING_FDS */,
		     &update, 1) == 1);
	registered = (int)update.offset;
	want(ring_outcome(ring, IORING_OP_WRITE, fd, buffer(BLOCK, 'i'), BLOCK, 0) == BLOCK);
	want(image_holds(0, BLOCK, 'i'));
}

/* The simulated disk has no queues to poll. */
static void polled(void)
{
	struct io_uring *ring = ring_with(8, IORING_SETUP_IOPOLL);
	int fd = open_disk();
	char *data = buffer(BLOCK, 'p');

	want(ring_outcome(ring, IORING_OP_WRITE, fd, data, BLOCK, 0) == -EOPNOTSUPP);
	want(ring_outcome(ring, IORING_OP_READ, fd, data, BLOCK, 0) == -EOPNOTSUPP);
	want(image_holds(0, BLOCK, 0));
	end(ring);
}

/* Through liburing the simulated disk sees entries before the kernel's thread does. */
static void polling_thread(void)
{
	struct io_uring *ring = ring_with(8, IORING_SETUP_SQPOLL);
	int fd = open_disk(), r[8];
	char *data = buffer(BLOCK, 't');

	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 8; i++)
			add(ring, IORING_OP_WRITE, fd, data, BLOCK, (round * 8 + i) * BLOCK, i, 0);
		want(submit(ring, 0) == 8);
		collect(ring, r, 8);
		for (int i = 0; i < 8; i++)
			want(r[i] == BLOCK);
	}
	want(image_holds(0, 32 * BLOCK, 't'));
	end(ring);
}

static void read_only(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open_disk(), one = 1;

	want(ioctl(fd, BLKROSET, &one) == 0);
	want(is(ring_outcome(ring, IORING_OP_WRITE, fd, buffer(BLOCK, 'o'), BLOCK, 0), -EPERM));
	want(image_holds(0, BLOCK, 0));
	end(ring);
}

/* ",part=2048+4096": at sector 2048. */
static void partition(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open(DISK "p1", O_RDWR | O_DIRECT);
	const off_t start = 2048 * 512, size = 4096 * 512;
	char *data = buffer(1024, 'P');

	want(ring_outcome(ring, IORING_OP_WRITE, fd, data, 1024, 0) == 1024);
	want(ring_outcome(ring, IORING_OP_WRITE, fd, data, 1024, size - BLOCK) == BLOCK);
	want(ring_outcome(ring, IORING_OP_WRITE, fd, data, 1024, size) == -ENOSPC);
	want(image_holds(start, 1024, 'P') && image_holds(start + size - BLOCK, BLOCK, 'P'));
	want(image_holds(0, start, 0) && image_holds(start + size, BLOCK, 0));
	end(ring);
}

/* cut=2: each of the writes under way together may be on the disk or not. */
static void power_cut(void)
{
	pid_t child = fork();

	if (child == 0) {
		struct io_uring *ring = ring_of(8);
		int fd = open_disk();
		for (unsigned i = 0; i < 4; i++)
			add(ring, IORING_OP_WRITE, fd, buffer(BLOCK, 'z'), BLOCK, i * BLOCK, i, 0);
		submit(ring, 0);
		_exit(3);
	}
	want(WIFSIGNALED(status_of(child)));
}

static void not_a_node(void)
{
	struct io_uring *ring = ring_of(8);
	int disk = open_disk(), fd = open(image_path(), O_RDWR);

	want(disk >= 0 && fd >= 0);
	want(ring_outcome(ring, IORING_OP_WRITE, fd, buffer(BLOCK, 'f'), 100, 7) == 100);
	want(image_holds(7, 100, 'f'));
	end(ring);
}

const struct body bodies[] = {
	{ "ring", ring },
	{ "ring_errors", ring_errors },
	{ "read_only", read_only },
	{ "partition", partition },
	{ "chain", chain },
	{ "behind_another_file", behind_another_file },
	{ "quiet", quiet },
	{ "registered_files", registered_files },
	{ "published_again", published_again },
	{ "behind_a_bad_entry", behind_a_bad_entry },
	{ "by_index", by_index },
	{ "polled", polled },
	{ "polling_thread", polling_thread },
	{ "power_cut", power_cut },
	{ "not_a_node", not_a_node },
	{ NULL, NULL },
};

#define PART ",part=2048+4096"

/* Each row runs through liburing and by system calls (BOTH), or by one of them. */
static const struct {
	const char *body, *disk;
	int writes; /* in the disk's log */
	enum { BOTH, LIBRARY, RAW } doors;
} rows[] = {
	{ "ring", "", 5, BOTH },
	{ "ring_errors", "", 0, BOTH },
	{ "read_only", "", 0, BOTH },
	{ "partition", PART, 2, BOTH },
	{ "chain", "", 8, BOTH },
	{ "behind_another_file", "", 0, BOTH },
	{ "quiet", "", 2, BOTH },
	{ "registered_files", PART, 3, BOTH },
	{ "published_again", "", 20, RAW },
	{ "behind_a_bad_entry", "", 2, BOTH },
	{ "by_index", "", 1, RAW },
	{ "polled", "", 0, BOTH },
	{ "polling_thread", "", 32, LIBRARY },
	{ "power_cut", ",cut=2,cut_action=kill", 4, BOTH },
	{ "not_a_node", "", 0, BOTH },
};

START_TEST(an_entry_does_what_linux_does_with_a_block_device)
{
	for (int raw = 0; raw < 2; raw++) {
		if (rows[_i].doors == (raw ? LIBRARY : RAW))
			continue;
		preload_run(rows[_i].body, rows[_i].disk, raw ? "DOOR=raw" : NULL);
		int writes = preload_log_count("via=pwrite");
		ck_assert_msg(writes == rows[_i].writes, "%s%s: %d writes, not %d", rows[_i].body,
			      raw ? ", raw" : "", writes, rows[_i].writes);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("io_uring on the simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, an_entry_does_what_linux_does_with_a_block_device, 0,
			    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, tc);
	return s;
}
