/* SPDX-License-Identifier: MIT */
/*
 * engine_lane() by a table; engine_write() and engine_statx() on everything that is not a disk
 * with atomic writes, where they must give exactly what the kernel gives. No test writes to a disk
 * of this machine: the block device is a loop disk over memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "engine/engine.h"
#include "suite.h"
#include "tables_disk.h"
#include "untorn.h"
#include "untorn_uapi.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { KEPT = 12345 }; /* an errno that no call sets */

static struct test_disk disk;

struct unit {
	uint32_t min, max;
};

static const struct {
	const char *why;
	enum mode mode;
	bool transport;
	struct unit native, ours;
	enum lane expected;
} decisions[] = {
	/* Off: always the kernel. */
	{ "off", MODE_OFF, true, { 0, 0 }, { 512, 16384 }, LANE_KERNEL },
	{ "off, native as good", MODE_OFF, true, { 512, 16384 }, { 512, 16384 }, LANE_KERNEL },
	{ "off, not a disk", MODE_OFF, false, { 0, 0 }, { 0, 0 }, LANE_KERNEL },
	/* Command: never native; the shim also decides the errors. */
	{ "command", MODE_COMMAND, true, { 0, 0 }, { 512, 16384 }, LANE_COMMAND },
	{ "command, native as good",
	  MODE_COMMAND,
	  true,
	  { 512, 16384 },
	  { 512, 16384 },
	  LANE_COMMAND },
	{ "command, native better",
	  MODE_COMMAND,
	  true,
	  { 512, 65536 },
	  { 512, 512 },
	  LANE_COMMAND },
	{ "command, refused", MODE_COMMAND, true, { 512, 16384 }, { 0, 0 }, LANE_COMMAND },
	{ "command, not a disk", MODE_COMMAND, false, { 512, 16384 }, { 0, 0 }, LANE_COMMAND },
	/* Auto: native if the kernel's limits are at least ours. */
	{ "nothing native, as before 6.11",
	  MODE_AUTO,
	  true,
	  { 0, 0 },
	  { 512, 16384 },
	  LANE_COMMAND },
	{ "native gives the same", MODE_AUTO, true, { 512, 16384 }, { 512, 16384 }, LANE_KERNEL },
	{ "native gives more", MODE_AUTO, true, { 512, 32768 }, { 512, 16384 }, LANE_KERNEL },
	{ "native gives smaller writes too",
	  MODE_AUTO,
	  true,
	  { 512, 16384 },
	  { 4096, 16384 },
	  LANE_KERNEL },
	{ "native gives one block, as 7.x without NAWUPF",
	  MODE_AUTO,
	  true,
	  { 512, 512 },
	  { 512, 16384 },
	  LANE_COMMAND },
	{ "native gives half", MODE_AUTO, true, { 512, 8192 }, { 512, 16384 }, LANE_COMMAND },
	{ "native begins higher", MODE_AUTO, true, { 4096, 16384 }, { 512, 16384 }, LANE_COMMAND },
	{ "native begins higher and ends higher",
	  MODE_AUTO,
	  true,
	  { 4096, 65536 },
	  { 512, 16384 },
	  LANE_COMMAND },
	{ "one block, both", MODE_AUTO, true, { 512, 512 }, { 512, 512 }, LANE_KERNEL },
	/* Auto: a disk that we refuse may still be native, for instance with metadata. */
	{ "refused by us, native does it", MODE_AUTO, true, { 512, 16384 }, { 0, 0 }, LANE_KERNEL },
	{ "refused by both: the error of a new kernel is ours to give",
	  MODE_AUTO,
	  true,
	  { 0, 0 },
	  { 0, 0 },
	  LANE_COMMAND },
	/* Auto: a device that takes no commands is left to the kernel entirely. */
	{ "not a disk", MODE_AUTO, false, { 0, 0 }, { 0, 0 }, LANE_KERNEL },
	{ "not a disk of ours, native does it (SCSI, dm)",
	  MODE_AUTO,
	  false,
	  { 512, 16384 },
	  { 0, 0 },
	  LANE_KERNEL },
};

START_TEST(lane_follows_mode_and_limits)
{
	struct device device = {
		.transport = decisions[_i].transport ? &transport_nvme : NULL,
		.native = { .unit_min = decisions[_i].native.min,
			    .unit_max = decisions[_i].native.max },
		.limits = { .unit_min = decisions[_i].ours.min,
			    .unit_max = decisions[_i].ours.max },
	};

	ck_assert_msg(engine_lane(&device, decisions[_i].mode) == decisions[_i].expected, "%s",
		      decisions[_i].why);
}
END_TEST

/* Each opens a new descriptor; -1 if this machine has no such thing. */
static int file_rw(void)
{
	char path[] = "/tmp/untorn-test-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	return ftruncate(fd, 65536) < 0 ? -1 : fd;
}

static int file_direct(void)
{
	int fd = file_rw();

	fcntl(fd, F_SETFL, O_DIRECT);
	return fd;
}

static int memory(void)
{
	return memfd_create("untorn-test", MFD_CLOEXEC);
}

static int file_ro(void)
{
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int file_path(void)
{
	return open("/proc/self/exe", O_PATH | O_CLOEXEC);
}

static int directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int pipe_end(void)
{
	int fds[2];

	return pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0 ? -1 : fds[1];
}

static int stream(void)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -1 : fds[0];
}

static int null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int zero(void)
{
	return open("/dev/zero", O_RDWR | O_CLOEXEC);
}

static int closed(void)
{
	int fd = null();

	close(fd);
	return fd;
}

static int negative(void)
{
	return -1;
}

static int here(void)
{
	return AT_FDCWD;
}

static int disk_direct(void)
{
	return open(disk.path, O_RDWR | O_DIRECT | O_CLOEXEC);
}

static int disk_buffered(void)
{
	return open(disk.path, O_RDWR | O_CLOEXEC);
}

static int disk_ro(void)
{
	return open(disk.path, O_RDONLY | O_DIRECT | O_CLOEXEC);
}

static int disk_wo(void)
{
	return open(disk.path, O_WRONLY | O_DIRECT | O_SYNC | O_CLOEXEC);
}

static int disk_path(void)
{
	return open(disk.path, O_PATH | O_CLOEXEC);
}

static int partition(void)
{
	return open(disk.partition_path[1], O_RDWR | O_DIRECT | O_CLOEXEC);
}

static const struct {
	const char *name;
	int (*open)(void);
	bool block;
} things[] = {
	{ "file", file_rw, false },
	{ "file, direct", file_direct, false },
	{ "memory file", memory, false },
	{ "file, read-only", file_ro, false },
	{ "file, O_PATH", file_path, false },
	{ "directory", directory, false },
	{ "pipe", pipe_end, false },
	{ "socket", stream, false },
	{ "/dev/null", null, false },
	{ "/dev/zero", zero, false },
	{ "closed fd", closed, false },
	{ "fd -1", negative, false },
	{ "AT_FDCWD", here, false },
	{ "disk, direct", disk_direct, true },
	{ "disk, buffered", disk_buffered, true },
	{ "disk, read-only", disk_ro, true },
	{ "disk, write-only, O_SYNC", disk_wo, true },
	{ "disk, O_PATH", disk_path, true },
	{ "partition", partition, true },
};

enum { NOT_BLOCK = 13 }; /* every machine has so many of them */

static char buffer[1 << 16] __attribute__((aligned(4096)));
static struct iovec many[1025];

/* count 0 means one segment of 4096 bytes. Flag 0x80 is left out: 7.3.4 crashes over it. */
static const struct {
	const char *why;
	int flags; /* besides RWF_ATOMIC */
	off_t offset;
	int count;
	const struct iovec *iov;
	int by_us; /* the shim's answer on a block device in command mode, if kernels before
			      6.11 give another */
} calls[] = {
	{ "good", 0, 0, 0, NULL, 0 },
	{ "at the file position", 0, -1, 0, NULL, 0 },
	{ "offset -2", 0, -2, 0, NULL, 0 },
	{ "most negative offset", 0, INT64_MIN, 0, NULL, 0 },
	{ "end overflows", 0, INT64_MAX - 511, 0, NULL, 0 },
	{ "off the alignment", 0, 512, 0, NULL, 0 },
	{ "far past the end", 0, (off_t)1 << 40, 0, NULL, 0 },
	{ "one byte", 0, 0, 1, (struct iovec[]){ { buffer, 1 } }, 0 },
	{ "nothing", 0, 0, 1, (struct iovec[]){ { buffer, 0 } }, 0 },
	{ "nothing, unknown flag", 0x40000000, 0, 1, (struct iovec[]){ { buffer, 0 } }, 0 },
	{ "nothing at a bad offset", 0, -2, 1, (struct iovec[]){ { buffer, 0 } }, 0 },
	{ "two segments", 0, 0, 2, (struct iovec[]){ { buffer, 512 }, { buffer + 512, 512 } }, 0 },
	{ "one empty segment more", 0, 0, 2, (struct iovec[]){ { buffer, 4096 }, { buffer, 0 } },
	  0 },
	{ "bad memory", 0, 0, 1, (struct iovec[]){ { (void *)8, 4096 } }, 0 },
	{ "bad array", 0, 0, 1, (const struct iovec *)8, 0 },
	{ "negative length", 0, 0, 1, (struct iovec[]){ { buffer, SIZE_MAX } }, 0 },
	{ "1025 segments", 0, 0, 1025, many, 0 },
	{ "1024 segments", 0, 0, 1024, many, 0 },
	{ "-1 segments", 0, 0, -1, many, 0 },
	{ "unknown flag", 0x40000000, 0, 0, NULL, 0 },
	{ "unknown flag, bad offset", 0x40000000, -2, 0, NULL, 0 },
	{ "append and not", RWF_APPEND | RWF_NOAPPEND, 0, 0, NULL, -EINVAL },
	{ "DSYNC", RWF_DSYNC, 0, 0, NULL, 0 },
	{ "NOWAIT", RWF_NOWAIT, 0, 0, NULL, 0 },
	{ "APPEND", RWF_APPEND, 0, 0, NULL, 0 },
};

static struct write_call make_call(int fd, int row)
{
	static const struct iovec one = { buffer, 4096 };

	return (struct write_call){ .fd = fd,
				    .iov = calls[row].count ? calls[row].iov : &one,
				    .count = calls[row].count ? calls[row].count : 1,
				    .offset = calls[row].offset,
				    .flags = RWF_ATOMIC | calls[row].flags };
}

/* By system call: a sanitizer's pwritev2 would read the array itself. */
static ssize_t kernels_answer(const struct write_call *call)
{
	long result = syscall(SYS_pwritev2, call->fd, call->iov, call->count, call->offset, 0L,
			      call->flags);

	return result < 0 ? -errno : result;
}

static void compare_writes(int thing, int row, bool command)
{
	int fd = things[thing].open();
	struct write_call call = make_call(fd, row);
	ssize_t expected = kernels_answer(&call);
	off_t position = lseek(fd, 0, SEEK_CUR);

	lseek(fd, 0, SEEK_SET);
	if (command && things[thing].block && calls[row].by_us && expected == -EOPNOTSUPP)
		expected = calls[row].by_us;
	errno = KEPT;
	ssize_t result = engine_write(&call);
	int error = errno;
	ck_assert_msg(result == expected, "%s on %s: %ld, not %ld", calls[row].why,
		      things[thing].name, (long)result, (long)expected);
	ck_assert_msg(error == KEPT, "%s on %s: errno %d", calls[row].why, things[thing].name,
		      error);
	ck_assert_msg(lseek(fd, 0, SEEK_CUR) == position, "%s on %s: position", calls[row].why,
		      things[thing].name);
	close(fd);
}

static const char *const mode_names[] = { "auto", "command", "off" };

/* _i: a descriptor and a mode. */
START_TEST(write_gives_what_the_kernel_gives)
{
	for (int i = 0; i < COUNT(many); i++)
		many[i] = (struct iovec){ buffer, 4 };
	setenv(UNTORN_ENV_MODE, mode_names[_i % 3], 1);
	for (int row = 0; row < COUNT(calls); row++)
		compare_writes(_i / 3, row, _i % 3 == 1);
}
END_TEST

/* The kernel refuses before it reads the data, and so must we: nothing may get to the disk. */
START_TEST(refused_write_leaves_the_disk_alone)
{
	static char before[1 << 16], after[1 << 16];
	int fd = disk_direct();

	setenv(UNTORN_ENV_MODE, "command", 1);
	memset(buffer, 0x5a, sizeof(buffer));
	ck_assert_int_eq(pread(disk.fd, before, sizeof(before), 0), sizeof(before));
	for (int row = 0; row < COUNT(calls); row++) {
		struct write_call call = make_call(fd, row);
		ck_assert_int_le(engine_write(&call), 0);
	}
	ck_assert_int_eq(pread(disk.fd, after, sizeof(after), 0), sizeof(after));
	ck_assert_mem_eq(before, after, sizeof(after));
}
END_TEST

static const unsigned masks[] = {
	STATX_WRITE_ATOMIC,
	STATX_BASIC_STATS,
	STATX_WRITE_ATOMIC | STATX_BASIC_STATS,
	STATX_WRITE_ATOMIC | 0x2000, /* DIOALIGN */
	0x7fffffff,
	0,
	0xffffffff, /* EINVAL */
};

static const struct {
	const char *why, *path;
	int flags;
	int (*open)(void); /* dirfd; NULL: AT_FDCWD */
} nodes[] = {
	{ "directory", "/", 0, NULL },
	{ "file", "/proc/self/exe", 0, NULL },
	{ "link itself", "/proc/self/exe", AT_SYMLINK_NOFOLLOW, NULL },
	{ "/dev/null", "/dev/null", 0, NULL },
	{ "nothing there", "/no/such/file", 0, NULL },
	{ "empty path", "", 0, NULL },
	{ "empty path means here", "", AT_EMPTY_PATH, NULL },
	{ "bad flags", "/", 0x40000000, NULL },
	{ "fd of a file", "", AT_EMPTY_PATH, file_ro },
	{ "O_PATH fd of a file", "", AT_EMPTY_PATH, file_path },
	{ "no path, where the kernel takes that", NULL, AT_EMPTY_PATH, file_ro },
	{ "no path", NULL, 0, NULL },
	{ "bad path", (const char *)8, 0, NULL },
	{ "relative to a directory", "proc/self/exe", 0, directory },
	{ "relative to a file", "x", 0, file_ro },
	{ "pipe", "", AT_EMPTY_PATH, pipe_end },
	{ "closed fd", "", AT_EMPTY_PATH, closed },
	{ "disk", disk.path, 0, NULL },
	{ "disk, forced to synchronise", disk.path, AT_STATX_FORCE_SYNC, NULL },
	{ "disk by fd", "", AT_EMPTY_PATH, disk_direct },
	{ "disk by O_PATH fd", "", AT_EMPTY_PATH, disk_path },
	{ "disk by fd and no path", NULL, AT_EMPTY_PATH, disk_ro },
	{ "partition", "", AT_EMPTY_PATH, partition },
};

enum { NODES_NOT_DISK = 17 };

static void compare_statx(int node, unsigned mask)
{
	struct statx expected, found;
	int dirfd = nodes[node].open ? nodes[node].open() : AT_FDCWD;
	const char *path = nodes[node].path;

	memset(&expected, 0xaa, sizeof(expected));
	memset(&found, 0xaa, sizeof(found));
	long error = syscall(SYS_statx, dirfd, path, nodes[node].flags, mask, &expected);
	if (error)
		error = -errno;
	errno = KEPT;
	int result = engine_statx(dirfd, path, nodes[node].flags, mask, &found);
	ck_assert_msg(errno == KEPT, "%s, %#x: errno %d", nodes[node].why, mask, errno);
	ck_assert_msg(result == error, "%s, %#x: %d, not %ld", nodes[node].why, mask, result,
		      error);
	ck_assert_msg(memcmp(&expected, &found, sizeof(found)) == 0, "%s, %#x: other bytes",
		      nodes[node].why, mask);
	close(dirfd);
}

START_TEST(statx_is_the_kernels_byte_for_byte)
{
	setenv(UNTORN_ENV_MODE, mode_names[_i % 3], 1);
	for (int i = 0; i < COUNT(masks); i++)
		compare_statx(_i / 3, masks[i]);
}
END_TEST

/* statx opens the node to ask the device, and must close it again. */
START_TEST(statx_leaves_no_fd_behind)
{
	struct statx stx;
	int before = null();

	close(before);
	setenv(UNTORN_ENV_MODE, "command", 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(engine_statx(AT_FDCWD, disk.path, 0, STATX_WRITE_ATOMIC, &stx), 0);
	int after = null();
	ck_assert_int_eq(after, before);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("engine");
	TCase *tc = tcase_create("engine");
	bool have_disk = test_disk_make(&disk, 512);
	int things_here = have_disk ? COUNT(things) : NOT_BLOCK;
	int nodes_here = have_disk ? COUNT(nodes) : NODES_NOT_DISK;

	tcase_add_loop_test(tc, lane_follows_mode_and_limits, 0, COUNT(decisions));
	tcase_add_loop_test(tc, write_gives_what_the_kernel_gives, 0, things_here * 3);
	tcase_add_loop_test(tc, statx_is_the_kernels_byte_for_byte, 0, nodes_here * 3);
	if (have_disk) {
		tcase_add_test(tc, refused_write_leaves_the_disk_alone);
		tcase_add_test(tc, statx_leaves_no_fd_behind);
	}
	suite_add_tcase(s, tc);
	return s;
}
