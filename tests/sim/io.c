/* SPDX-License-Identifier: MIT */
/*
 * Plain reads and writes of the simulated disk must work as on Linux 6.1: the order of errors, the
 * stored data, and the file position.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/fs.h>

#define END ((off_t)DISK_SIZE)

enum who { DIRECT, BUFFERED, READER, WRITER, PATH, WHO_COUNT };
/* The iovec: one of 512 bytes; unreadable itself; with unreadable memory; empty; not a whole block;
 * of 512 bytes, 1, 2 or 4 bytes off an aligned address. */
enum what { BLOCK, NO_IOV, NO_DATA, EMPTY, ODD, AT_1, AT_2, AT_4 };

static int fds[WHO_COUNT];

static void open_all(void)
{
	static const int flags[] = { O_RDWR | O_DIRECT, O_RDWR, O_RDONLY | O_DIRECT,
				     O_WRONLY | O_DIRECT, O_PATH };

	for (int i = 0; i < WHO_COUNT; i++) {
		fds[i] = open(DISK, flags[i]);
		want(fds[i] >= 0);
	}
}

struct call {
	enum who who;
	enum what what;
	int count;
	off_t offset;
	int flags;
	long result; /* bytes, or -errno */
	int read_only;
};

static struct iovec *vector(enum what what)
{
	static struct iovec iov[1025];
	static char *data, *hole;

	if (!data) {
		data = buffer(8192, 'w');
		hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	static const size_t offsets[] = { [AT_1] = 1, [AT_2] = 2, [AT_4] = 4 };
	size_t length = what == EMPTY ? 0 : what == ODD ? 100 : 512;
	iov[0] = (struct iovec){ what == NO_DATA ? hole : data + offsets[what], length };
	return what == NO_IOV ? (struct iovec *)hole : iov;
}

static void make_calls(const struct call *calls, size_t count, int writing)
{
	int off = 0;

	for (size_t i = 0; i < count; i++) {
		const struct call *c = &calls[i];
		int read_only = c->read_only;
		want(ioctl(fds[DIRECT], BLKROSET, &read_only) == 0);
		errno = 0;
		long result = (writing ? pwritev2 : preadv2)(fds[c->who], vector(c->what), c->count,
							     c->offset, c->flags);
		if (result < 0)
			result = -errno;
		if (result != c->result)
			fprintf(stderr, "%s row %zu: %ld, not %ld\n", writing ? "write" : "read", i,
				result, c->result);
		off += result != c->result;
	}
	want(!off);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Each row is wrong in several ways; the first check wins. */
static const struct call bad_writes[] = {
	{ PATH, BLOCK, 1, -2, 0, -EINVAL, 0 },
	{ READER, NO_IOV, 1, -2, 0, -EINVAL, 0 },
	{ DIRECT, BLOCK, 1, INT64_MIN, 0, -EINVAL, 0 },
	{ PATH, BLOCK, 1, 0, 0, -EBADF, 0 },
	{ PATH, NO_IOV, 1, 0, 0, -EBADF, 0 },
	{ PATH, BLOCK, -1, 0, 0, -EBADF, 0 },
	{ PATH, EMPTY, 0, 0, 0, -EBADF, 0 },
	{ PATH, BLOCK, 1, -1, 0, -EBADF, 0 },
	{ READER, BLOCK, -1, 0, 0, -EINVAL, 0 },
	{ READER, BLOCK, 1025, 0, 0, -EINVAL, 0 },
	{ READER, NO_IOV, 1025, 0, 0, -EINVAL, 0 },
	{ READER, NO_IOV, 1, 0, 0, -EFAULT, 0 },
	{ READER, NO_IOV, 1024, 0, 0, -EFAULT, 0 },
	{ READER, EMPTY, 0, 0, 0, -EBADF, 0 },
	{ READER, EMPTY, 1, 0, 0, -EBADF, 0 },
	{ READER, BLOCK, 1, 0, 0, -EBADF, 0 },
	{ READER, BLOCK, 1, -1, 0, -EBADF, 0 },
	{ READER, ODD, 1, END, 0x40, -EBADF, 1 },
	{ READER, BLOCK, 1, INT64_MAX, 0, -EBADF, 0 },
	{ DIRECT, NO_IOV, 1, 0, 0x40, -EFAULT, 1 },
	{ DIRECT, BLOCK, -1, END, 0x40, -EINVAL, 1 },
	{ DIRECT, BLOCK, 1, INT64_MAX - 511, 0x40, -EINVAL, 1 },
	{ DIRECT, BLOCK, 1, INT64_MAX - 510, 0, -EINVAL, 0 },
	{ DIRECT, BLOCK, 1, INT64_MAX, 0, -EINVAL, 0 },
	{ DIRECT, BLOCK, 1, 0, 0x20, -EOPNOTSUPP, 0 },
	{ DIRECT, BLOCK, 1, 0, 0x40, -EOPNOTSUPP, 0 },
	{ DIRECT, BLOCK, 1, 0, 0x80, -EOPNOTSUPP, 0 },
	{ DIRECT, BLOCK, 1, 0, 0x41, -EOPNOTSUPP, 0 },
	{ DIRECT, BLOCK, 1, 0, 0x40000000, -EOPNOTSUPP, 0 },
	{ BUFFERED, BLOCK, 1, 0, 0x40, -EOPNOTSUPP, 0 },
	{ WRITER, ODD, 1, END, 0x40, -EOPNOTSUPP, 1 },
	{ DIRECT, BLOCK, 1, -1, 0x40, -EOPNOTSUPP, 0 },
	{ DIRECT, BLOCK, 1, 0, 0, -EPERM, 1 },
	{ BUFFERED, BLOCK, 1, 0, 0, -EPERM, 1 },
	{ BUFFERED, BLOCK, 1, 0, RWF_NOWAIT, -EPERM, 1 },
	{ DIRECT, ODD, 1, 1, 0, -EPERM, 1 },
	{ DIRECT, NO_DATA, 1, 0, 0, -EPERM, 1 },
	{ DIRECT, BLOCK, 1, END, 0, -EPERM, 1 },
	{ DIRECT, BLOCK, 1, END, 0, -ENOSPC, 0 },
	{ DIRECT, BLOCK, 1, END + 1, 0, -ENOSPC, 0 },
	{ DIRECT, ODD, 1, END, 0, -ENOSPC, 0 },
	{ DIRECT, NO_DATA, 1, END, 0, -ENOSPC, 0 },
	{ DIRECT, BLOCK, 1, INT64_MAX - 512, 0, -ENOSPC, 0 },
	{ BUFFERED, BLOCK, 1, END, RWF_NOWAIT, -ENOSPC, 0 },
	{ BUFFERED, ODD, 1, END, 0, -ENOSPC, 0 },
	{ BUFFERED, BLOCK, 1, 0, RWF_NOWAIT, -EOPNOTSUPP, 0 },
	{ DIRECT, BLOCK, 1, 1, 0, -EINVAL, 0 },
	{ DIRECT, BLOCK, 1, 256, 0, -EINVAL, 0 },
	{ DIRECT, BLOCK, 1, END - 1, 0, -EINVAL, 0 },
	{ DIRECT, ODD, 1, 0, 0, -EINVAL, 0 },
	{ DIRECT, NO_DATA, 1, 8, 0, -EINVAL, 0 },
	{ DIRECT, AT_1, 1, 0, 0, -EINVAL, 0 },
	{ DIRECT, AT_2, 1, 0, 0, -EINVAL, 0 },
	{ DIRECT, NO_DATA, 1, 0, 0, -EFAULT, 0 },
	{ BUFFERED, NO_DATA, 1, 0, 0, -EFAULT, 0 },
	{ DIRECT, EMPTY, 0, 0, 0, 0, 0 },
	{ DIRECT, NO_IOV, 0, 0, 0, 0, 0 },
	{ DIRECT, EMPTY, 1, 0, 0, 0, 0 },
	{ DIRECT, EMPTY, 1, 1, 0x40, 0, 1 },
	{ DIRECT, EMPTY, 1, END * 2, 0, 0, 1 },
	{ BUFFERED, EMPTY, 1024, END, 0x40, 0, 1 },
};

static void write_errors(void)
{
	int zero = 0;

	open_all();
	make_calls(bad_writes, COUNT(bad_writes), 1);
	want(ioctl(fds[DIRECT], BLKROSET, &zero) == 0);
	want(holds(fds[DIRECT], 0, UNIT, 0) && holds(fds[DIRECT], END - UNIT, UNIT, 0));
}

static const struct call bad_reads[] = {
	{ PATH, BLOCK, 1, -2, 0, -EINVAL, 0 },
	{ WRITER, NO_IOV, 1, -2, 0, -EINVAL, 0 },
	{ PATH, NO_IOV, 1, 0, 0, -EBADF, 0 },
	{ PATH, BLOCK, -1, 0, 0, -EBADF, 0 },
	{ WRITER, BLOCK, 1025, 0, 0, -EINVAL, 0 },
	{ WRITER, NO_IOV, 1, 0, 0, -EFAULT, 0 },
	{ WRITER, BLOCK, 1, 0, 0, -EBADF, 0 },
	{ WRITER, EMPTY, 0, 0, 0, -EBADF, 0 },
	{ WRITER, BLOCK, 1, END, 0x40, -EBADF, 0 },
	{ DIRECT, BLOCK, -1, 0, 0x40, -EINVAL, 0 },
	{ DIRECT, BLOCK, 1025, 0, 0, -EINVAL, 0 },
	{ DIRECT, NO_IOV, 1, 0, 0x40, -EFAULT, 0 },
	{ DIRECT, BLOCK, 1, INT64_MAX - 510, 0, -EINVAL, 0 },
	{ DIRECT, BLOCK, 1, 0, 0x40, -EOPNOTSUPP, 0 },
	{ READER, BLOCK, 1, END, 0x40, -EOPNOTSUPP, 0 },
	{ READER, ODD, 1, 0, 0x20, -EOPNOTSUPP, 0 },
	{ DIRECT, BLOCK, 1, 8, 0, -EINVAL, 0 },
	{ DIRECT, ODD, 1, 0, 0, -EINVAL, 0 },
	{ DIRECT, AT_1, 1, 0, 0, -EINVAL, 0 },
	{ DIRECT, NO_DATA, 1, 0, 0, -EFAULT, 0 },
	{ BUFFERED, NO_DATA, 1, 5, 0, -EFAULT, 0 },
	{ DIRECT, BLOCK, 1, END, 0, 0, 0 },
	{ DIRECT, ODD, 1, END + 1, 0, 0, 0 },
	{ DIRECT, EMPTY, 1, 1, 0x40, 0, 0 },
	{ DIRECT, BLOCK, 1, 0, 0, 512, 1 },
	{ READER, AT_4, 1, 512, 0, 512, 0 },
	{ BUFFERED, ODD, 1, 7, 0, 100, 0 },
	{ BUFFERED, AT_1, 1, END - 5, 0, 5, 0 },
	{ BUFFERED, BLOCK, 1, 0, RWF_HIPRI, 512, 0 },
};

static void read_errors(void)
{
	open_all();
	make_calls(bad_reads, COUNT(bad_reads), 0);
}

/* Good writes: afterwards bytes of 'w' are there, from the offset on. */
static void writes(void)
{
	static const struct call calls[] = {
		{ DIRECT, BLOCK, 1, 0, 0, 512, 0 },
		{ WRITER, BLOCK, 1, 1024, 0, 512, 0 },
		{ DIRECT, AT_4, 1, 2048, 0, 512, 0 },
		{ DIRECT, BLOCK, 1, 3072, RWF_DSYNC, 512, 0 },
		{ DIRECT, BLOCK, 1, 4096, RWF_SYNC, 512, 0 },
		{ DIRECT, BLOCK, 1, 5120, RWF_NOWAIT, 512, 0 },
		{ DIRECT, BLOCK, 1, 6144, RWF_HIPRI, 512, 0 },
		{ DIRECT, BLOCK, 1, 7168, RWF_APPEND, 512, 0 },
		{ BUFFERED, ODD, 1, 10001, 0, 100, 0 },
		{ BUFFERED, ODD, 1, 10700, 0, 100, 0 },
		{ BUFFERED, AT_1, 1, 12289, 0, 512, 0 },
		{ BUFFERED, BLOCK, 1, END - 100, 0, 100, 0 },
		{ DIRECT, BLOCK, 1024, END - 512, 0, 512, 0 },
	};
	char around[1024];

	open_all();
	make_calls(calls, COUNT(calls), 1);
	for (size_t i = 0; i < COUNT(calls); i++) {
		off_t from = calls[i].offset - (calls[i].offset ? 1 : 0);
		ssize_t got = pread(fds[BUFFERED], around, (size_t)calls[i].result + 2, from);
		want(got >= calls[i].result + 1);
		for (ssize_t at = 0; at < got; at++) {
			off_t place = from + at - calls[i].offset;
			char letter = place >= 0 && place < calls[i].result ? 'w' : 0;
			want(around[at] == letter || from + at == END - 100 ||
			     calls[i].offset >= END - 512);
		}
	}
	want(holds(fds[DIRECT], END - 512, 512, 'w'));
}

/* A request beyond the end is first cut; then the rest must be aligned. */
static void short_at_the_end(void)
{
	int fd = open_disk(), buffered = open(DISK, O_RDWR);
	char *data = buffer(4096, 's');
	struct iovec two[2] = { { data, 512 }, { data, 100 } };

	want(pwrite(fd, data, 4096, END - 1024) == 1024);
	want(pwrite(buffered, data, 4096, END - 1) == 1);
	want(pread(fd, data, 4096, END - 512) == 512);
	want(pread(buffered, data, 4096, END - 3) == 3);
	want(pwrite(fd, data, 700, END - 512) == 512);
	want(pread(fd, data, 700, END - 512) == 512);
	want(pwritev2(fd, two, 2, END - 512, 0) == 512);
	want(holds(fd, END - 1024, 1024, 's') && holds(fd, END - 2048, 1024, 0));
}

/* dma_alignment=511, lba=4096: direct I/O must obey both, buffered I/O neither. */
static void alignment(void)
{
	static const struct {
		size_t address, length;
		off_t offset;
		int good;
	} rows[] = { { 0, 4096, 0, 1 },      { 512, 4096, 4096, 1 }, { 0, 8192, 8192, 1 },
		     { 0, 512, 0, 0 },       { 0, 4096, 512, 0 },    { 0, 6144, 0, 0 },
		     { 4, 4096, 0, 0 },      { 256, 4096, 0, 0 },    { 511, 4096, 0, 0 },
		     { 1024, 4096, 4096, 1 } };
	int fd = open_disk(), buffered = open(DISK, O_RDWR);
	char *data = buffer(16384, 'a');

	for (size_t i = 0; i < COUNT(rows); i++) {
		ssize_t length = (ssize_t)rows[i].length, result = rows[i].good ? length : -1;
		char *at = data + rows[i].address;
		want(pwrite(buffered, at, rows[i].length, rows[i].offset) == length);
		want(pread(buffered, at, rows[i].length, rows[i].offset) == length);
		want(pwrite(fd, at, rows[i].length, rows[i].offset) == result);
		want(pread(fd, at, rows[i].length, rows[i].offset) == result);
	}
}

static void vectors(void)
{
	int fd = open_disk();
	char *data = buffer(4096, 'A'), *back = buffer(4096, 0);
	struct iovec out[4] = { { data, 512 }, { NULL, 0 }, { data + 512, 1024 }, { data, 512 } };
	struct iovec in[2] = { { back, 1536 }, { back + 2048, 512 } };
	static struct iovec many[1024];

	memset(data + 512, 'B', 1024);
	want(pwritev(fd, out, 4, 1024) == 2048);
	want(holds(fd, 1024, 512, 'A') && holds(fd, 1536, 1024, 'B') && holds(fd, 2560, 512, 'A'));
	want(preadv(fd, in, 2, 1024) == 2048);
	want(back[0] == 'A' && back[512] == 'B' && back[1535] == 'B' && back[1536] == 0);
	want(back[2048] == 'A' && back[2559] == 'A');
	for (int i = 0; i < 1024; i++)
		many[i] = (struct iovec){ data + 512, 512 };
	want(pwritev2(fd, many, 1024, 0, 0) == 512 * 1024);
	want(holds(fd, 0, 512L * 1024, 'B') && holds(fd, 512L * 1024, 512, 0));
	many[1023].iov_base = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(data + 512, 'C', 512);
	want_error(pwritev2(fd, many, 1024, 0, 0), EFAULT);
	want(holds(fd, 0, 512L * 1024, 'B'));
}

/* A write of part of a block must keep the rest of the block. */
static void parts_of_blocks(void)
{
	int fd = open(DISK, O_RDWR), direct = open_disk();
	char *data = buffer(8192, 'x');

	want(pwrite(direct, data, 8192, 0) == 8192);
	memset(data, 'y', 8192);
	want(pwrite(fd, data, 1, 100) == 1);
	want(pwrite(fd, data, 1000, 1000) == 1000);
	want(pread(fd, data, 4096, 0) == 4096);
	for (int i = 0; i < 4096; i++)
		want(data[i] == (i == 100 || (i >= 1000 && i < 2000) ? 'y' : 'x'));
}

const struct body bodies[] = {
	{ "write_errors", write_errors },
	{ "read_errors", read_errors },
	{ "writes", writes },
	{ "short_at_the_end", short_at_the_end },
	{ "alignment", alignment },
	{ "vectors", vectors },
	{ "parts_of_blocks", parts_of_blocks },
	{ NULL, NULL },
};

static const struct {
	const char *body, *disk;
	int logged;
} rows[] = {
	{ "write_errors", "", 0 },
	{ "write_errors", ",lba=512,kind=none", 0 },
	{ "read_errors", "", 0 },
	{ "writes", "", 13 },
	{ "short_at_the_end", "", 4 },
	{ "alignment", ",lba=4096,dma_alignment=511", 14 },
	{ "vectors", "", 2 },
	{ "parts_of_blocks", "", 3 },
	{ "parts_of_blocks", ",lba=4096", 3 },
};

START_TEST(a_call_does_what_linux_does_with_a_block_device)
{
	preload_run(rows[_i].body, rows[_i].disk, NULL);
	ck_assert_int_eq(preload_log_count("via=pwrite"), rows[_i].logged);
	ck_assert_int_eq(preload_log_count(""), rows[_i].logged);
}
END_TEST

START_TEST(synchronous_writes_are_logged_as_such)
{
	preload_run("writes", "", NULL);
	ck_assert_int_eq(preload_log_count("fua=1"), 2);
	ck_assert_int_eq(preload_log_count("slba=6 nlb=1 fua=1"), 1);
	ck_assert_int_eq(preload_log_count("slba=8 nlb=1 fua=1"), 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("plain I/O on the simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_call_does_what_linux_does_with_a_block_device, 0, COUNT(rows));
	tcase_add_test(tc, synchronous_writes_are_logged_as_such);
	suite_add_tcase(s, tc);
	return s;
}
