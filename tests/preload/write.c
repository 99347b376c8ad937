/* SPDX-License-Identifier: MIT */
/*
 * pwritev2 with RWF_ATOMIC through the shim. Tests every rule by its effect: the program's result,
 * the data on the simulated disk afterwards, and the number of commands in its log. The expected
 * results were measured on native kernels.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>

#include "untorn_uapi.h"

static void every_length(void)
{
	int fd = open_disk();
	char *data = buffer(4 * UNIT, 'a');

	for (size_t length = 512; length <= UNIT; length *= 2) {
		want(atomic_write(fd, data, length, (off_t)length * 3) == (ssize_t)length);
		want(holds(fd, (off_t)length * 3, length, 'a'));
	}
	static const size_t bad[] = { 1, 256, 511, 1536, 3072, 12288, 20480, 2 * UNIT, 4 * UNIT };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		want_error(atomic_write(fd, data, bad[i], 0), EINVAL);
}

static void places(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'b');

	want(atomic_write(fd, data, UNIT, DISK_SIZE - UNIT) == UNIT);
	want_error(atomic_write(fd, data, UNIT, DISK_SIZE), ENOSPC);
	want_error(atomic_write(fd, data, 3, DISK_SIZE), ENOSPC);
	want_error(atomic_write(fd, data, UNIT, (off_t)DISK_SIZE + 512), ENOSPC);
	want_error(atomic_write(fd, data, UNIT, 512), EINVAL);
	want_error(atomic_write(fd, data, UNIT, UNIT / 2), EINVAL);
	want_error(atomic_write(fd, data, UNIT, 1), EINVAL);
	want_error(atomic_write(fd, data, UNIT, -2), EINVAL);
	want_error(atomic_write(fd, data, UNIT, INT64_MAX - UNIT + 1), EINVAL);
	want(holds(fd, 0, UNIT, 0));
}

static void memory(void)
{
	int fd = open_disk();
	char *data = buffer(2 * UNIT, 'c');
	char *hole = mmap(NULL, 2 * UNIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	want_error(atomic_write(fd, data + 1, UNIT, 0), EINVAL);
	want_error(atomic_write(fd, data + 2, UNIT, 0), EINVAL);
	want(atomic_write(fd, data + 4, UNIT, 0) == UNIT);
	want(holds(fd, 0, UNIT, 'c'));
	memset(data, 'd', UNIT);
	want_error(atomic_write(fd, hole, UNIT, 0), EFAULT);
	want_error(atomic_write(fd, NULL, UNIT, 0), EFAULT);
	want_error(atomic_write(fd, NULL, 512, 0), EFAULT);
	want_error(atomic_write(fd, hole, 3072, 0), EINVAL);
	want_error(atomic_write(fd, hole, 2 * UNIT, 0), EFAULT); /* found before the limits */
	want_error(pwritev2(fd, (struct iovec *)hole, 1, 0, RWF_ATOMIC), EFAULT);
	want(holds(fd, 0, UNIT, 'c'));
}

static void segments(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'e');
	struct iovec two[2] = { { data, UNIT / 2 }, { data + UNIT / 2, UNIT / 2 } };
	struct iovec and_empty[2] = { { data, UNIT }, { data, 0 } };
	struct iovec empty_and[2] = { { data, 0 }, { data, UNIT } };
	static struct iovec many[1025];

	want_error(pwritev2(fd, two, 2, 0, RWF_ATOMIC), EINVAL);
	want_error(pwritev2(fd, and_empty, 2, 0, RWF_ATOMIC), EINVAL);
	want_error(pwritev2(fd, empty_and, 2, 0, RWF_ATOMIC), EINVAL);
	want_error(pwritev2(fd, many, 1025, 0, RWF_ATOMIC), EINVAL);
	want_error(pwritev2(fd, many, -1, 0, RWF_ATOMIC), EINVAL);
	want(pwritev2(fd, many, 0, 0, RWF_ATOMIC) == 0);
	want(pwritev2(fd, many, 1, 0, RWF_ATOMIC) == 0);
	want(pwritev2(fd, many, 1, 1, RWF_ATOMIC) == 0);
	want(pwritev2(fd, many, 1, (off_t)DISK_SIZE * 2, RWF_ATOMIC) == 0);
}

static void flags(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'f');
	struct iovec iov = { data, UNIT };
	static const int good[] = { 0,          RWF_DSYNC,    RWF_SYNC, RWF_NOWAIT,
				    RWF_APPEND, RWF_NOAPPEND, RWF_HIPRI };
	static const int bad[] = { RWF_DONTCACHE, 0x200, 0x1000, 0x40000000 };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		data[0] = data[UNIT - 1] = (char)('0' + i);
		want(pwritev2(fd, &iov, 1, UNIT * (off_t)i, RWF_ATOMIC | good[i]) == UNIT);
		want(holds(fd, UNIT * (off_t)i, 1 << 9, 'f') == 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		want_error(pwritev2(fd, &iov, 1, 0, RWF_ATOMIC | bad[i]), EOPNOTSUPP);
	want_error(pwritev2(fd, &iov, 1, 0, RWF_ATOMIC | RWF_APPEND | RWF_NOAPPEND), EINVAL);
}

static void open_modes(void)
{
	char *data = buffer(UNIT, 'g');
	static const int direct[] = { O_WRONLY,          O_RDWR,
				      O_RDWR | O_DSYNC,  O_RDWR | O_SYNC,
				      O_RDWR | O_APPEND, O_RDWR | O_NONBLOCK };

	for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++) {
		int fd = open(DISK, direct[i] | O_DIRECT);
		want(fd >= 0 && atomic_write(fd, data, UNIT, 0) == UNIT);
	}
	int buffered = open(DISK, O_RDWR);
	want_error(atomic_write(buffered, data, UNIT, 0), EOPNOTSUPP);
	want_error(atomic_write(buffered, data, 3072, 0), EINVAL);
	want_error(atomic_write(buffered, data, UNIT, 512), EINVAL);
	want_error(atomic_write(buffered, data, 2 * UNIT, 0), EOPNOTSUPP);
	want_error(atomic_write(buffered, data, UNIT, DISK_SIZE), ENOSPC);
	int reader = open(DISK, O_RDONLY | O_DIRECT), path = open(DISK, O_PATH);
	want_error(atomic_write(reader, data, UNIT, 0), EBADF);
	want_error(atomic_write(reader, data, 0, 0), EBADF);
	want_error(atomic_write(path, data, UNIT, 0), EBADF);
	want_error(atomic_write(-1, data, UNIT, 0), EBADF);
	want_error(atomic_write(999, data, 3, 0), EBADF);
}

static void changed_flags(void)
{
	int fd = open(DISK, O_RDWR);
	char *data = buffer(UNIT, 'h');

	want_error(atomic_write(fd, data, UNIT, 0), EOPNOTSUPP);
	want(fcntl(fd, F_SETFL, O_DIRECT) == 0);
	want(atomic_write(fd, data, UNIT, 0) == UNIT);
	want(fcntl(fd, F_SETFL, 0) == 0);
	want_error(atomic_write(fd, data, UNIT, 0), EOPNOTSUPP);
}

static void file_position(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'i');

	want(lseek(fd, UNIT, SEEK_SET) == UNIT);
	want(atomic_write(fd, data, UNIT, -1) == UNIT);
	want(lseek(fd, 0, SEEK_CUR) == 2 * UNIT);
	want(holds(fd, UNIT, UNIT, 'i'));
	want(lseek(fd, 512, SEEK_SET) == 512);
	want_error(atomic_write(fd, data, UNIT, -1), EINVAL);
	want(lseek(fd, 0, SEEK_CUR) == 512);
}

static void read_only(void)
{
	int fd = open_disk(), one = 1, zero = 0;
	char *data = buffer(UNIT, 'j');

	want(ioctl(fd, BLKROSET, &one) == 0);
	want_error(atomic_write(fd, data, UNIT, 0), EPERM);
	want_error(atomic_write(fd, data, 3072, 0), EPERM);
	want_error(atomic_write(fd, data, UNIT, DISK_SIZE), EPERM);
	want(atomic_write(fd, data, 0, 0) == 0);
	want(ioctl(fd, BLKROSET, &zero) == 0);
	want(holds(fd, 0, UNIT, 0));
	want(atomic_write(fd, data, UNIT, 0) == UNIT);
}

static void unsupported(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'k');

	want_error(atomic_write(fd, data, UNIT, 0), EOPNOTSUPP);
	want_error(atomic_write(fd, data, 512, 0), EOPNOTSUPP);
	want_error(atomic_write(fd, data, 3, 0), EOPNOTSUPP);
	want(atomic_write(fd, data, 0, 0) == 0);
	want(holds(fd, 0, UNIT, 0));
}

static void one_block_only(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'l');

	want(atomic_write(fd, data, 512, 512) == 512);
	want_error(atomic_write(fd, data, 1024, 0), EINVAL);
}

static void boundary(void)
{
	int fd = open(DISK "p1", O_RDWR | O_DIRECT);
	char *data = buffer(UNIT, 'm');

	/* A unit of 16 KiB, a boundary of 32 KiB, and a partition that starts on a boundary. */
	want(fd >= 0);
	for (off_t i = 0; i < 4; i++)
		want(atomic_write(fd, data, UNIT, i * UNIT) == UNIT);
}

static void partition(void)
{
	int part = open(DISK "p1", O_RDWR | O_DIRECT), disk = open_disk();
	char *data = buffer(UNIT, 'n');
	const off_t start = 2048 * 512, size = 1000 * 512;

	want(part >= 0);
	want(atomic_write(part, data, UNIT, UNIT) == UNIT);
	want(holds(disk, start + UNIT, UNIT, 'n') && holds(disk, UNIT, UNIT, 0));
	want_error(atomic_write(part, data, UNIT, size / UNIT * UNIT), EINVAL);
	want_error(atomic_write(part, data, UNIT, size / UNIT * UNIT + UNIT), ENOSPC);
	want(atomic_write(part, data, 512, size - 512) == 512);
	want_error(atomic_write(part, data, 512, size), ENOSPC);
	want(holds(disk, start + size, UNIT, 0));
}

/* A partition's size is in sectors, not in blocks: it may end within a block. */
static void partition_that_ends_within_a_block(void)
{
	int part = open(DISK "p1", O_RDWR | O_DIRECT), next = open(DISK "p2", O_RDWR | O_DIRECT);
	char *data = buffer(4096, 'w');

	want(part >= 0 && next >= 0);
	want(atomic_write(part, data, 4096, 0) == 4096);
	want_error(atomic_write(part, data, 4096, 4096), EINVAL);
	want(image_holds((2048 + 9) * 512, 3584, 0));
}

static void through_syscall(void)
{
	int fd = open_disk();
	struct iovec iov = { buffer(UNIT, 'o'), UNIT };

	want(syscall(SYS_pwritev2, fd, &iov, 1L, (long)UNIT, 0L, (long)RWF_ATOMIC) == UNIT);
	want(holds(fd, UNIT, UNIT, 'o'));
	want_error(syscall(SYS_pwritev2, fd, &iov, 1L, 512L, 0L, (long)RWF_ATOMIC), EINVAL);
	want(syscall(SYS_getppid) == getppid());
}

static void through_pwritev64v2(void)
{
	int fd = open_disk();
	struct iovec iov = { buffer(UNIT, 'p'), UNIT };

	want(pwritev64v2(fd, &iov, 1, 0, RWF_ATOMIC) == UNIT);
	want(holds(fd, 0, UNIT, 'p'));
}

static void not_atomic(void)
{
	int fd = open_disk();
	struct iovec iov = { buffer(4 * UNIT, 'q'), 3 * 512 };

	want(pwritev2(fd, &iov, 1, 512, 0) == 3 * 512);
	want(pwritev64v2(fd, &iov, 1, 512, RWF_DSYNC) == 3 * 512);
	want(holds(fd, 512, 3 * 512, 'q'));
}

static void device_error(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'r');

	want_error(atomic_write(fd, data, UNIT, 0), EIO);
	want(holds(fd, 0, UNIT, 0));
	want(atomic_write(fd, data, UNIT, 0) == UNIT);
}

static void gone(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 's');

	want(atomic_write(fd, data, UNIT, 0) == UNIT);
	want(atomic_write(fd, data, UNIT, 0) == -1 && (errno == EIO || errno == ENODEV));
	want(atomic_write(fd, data, UNIT, 0) == -1);
}

const struct body bodies[] = {
	{ "every_length", every_length },
	{ "places", places },
	{ "memory", memory },
	{ "segments", segments },
	{ "flags", flags },
	{ "open_modes", open_modes },
	{ "changed_flags", changed_flags },
	{ "file_position", file_position },
	{ "read_only", read_only },
	{ "unsupported", unsupported },
	{ "one_block_only", one_block_only },
	{ "boundary", boundary },
	{ "partition", partition },
	{ "partition_that_ends_within_a_block", partition_that_ends_within_a_block },
	{ "through_syscall", through_syscall },
	{ "through_pwritev64v2", through_pwritev64v2 },
	{ "not_atomic", not_atomic },
	{ "device_error", device_error },
	{ "gone", gone },
	{ NULL, NULL },
};

/* A body, its disk and environment, and the number of Write commands that must be in the log. */
static const struct {
	const char *body, *disk, *environment;
	int commands;
} rows[] = {
	{ "every_length", "", NULL, 6 },
	{ "every_length", ",lba=512,mdts=3", NULL, 6 },
	{ "every_length", "", "UNTORN_MODE=command", 6 },
	{ "every_length", ",unprivileged=0", NULL, 6 },
	{ "every_length", ",nosubmit", NULL, 6 },
	{ "places", "", NULL, 1 },
	{ "memory", "", NULL, 1 },
	{ "segments", "", NULL, 0 },
	{ "flags", "", NULL, 7 },
	{ "open_modes", "", NULL, 6 },
	{ "changed_flags", "", NULL, 1 },
	{ "file_position", "", NULL, 1 },
	{ "read_only", "", NULL, 1 },
	{ "unsupported", "", "UNTORN_MODE=off", 0 },
	{ "unsupported", "", "UNTORN_MODE=nonsense", 0 },
	{ "unsupported", ",nabsn=63,nabspf=63,nabo=8", NULL, 0 },
	{ "unsupported", ",nabsn=47,nabspf=47", NULL, 0 },
	{ "unsupported", ",ms=8,pi=2", NULL, 0 },
	{ "unsupported", ",ms=64", NULL, 0 },
	{ "unsupported", ",kernel_lba=4096", NULL, 0 },
	{ "unsupported", ",lba=4096,kernel_lba=512", NULL, 0 },
	{ "unsupported", ",zoned=host-managed", NULL, 0 },
	{ "unsupported", ",unprivileged", NULL, 0 },
	{ "unsupported", ",kind=none", NULL, 0 },
	{ "unsupported", ",chunk_sectors=8", NULL, 0 },
	{ "one_block_only", ",nsfeat=0,awun=31,awupf=31", NULL, 1 },
	{ "one_block_only", ",nsfeat=0", "UNTORN_NVME_LIMITS=controller", 1 },
	{ "every_length", ",nsfeat=0,awun=31,awupf=31", "UNTORN_NVME_LIMITS=controller", 6 },
	{ "every_length", ",nsfeat=0,amazon=31:0:0", NULL, 6 },
	{ "boundary", ",nabsn=63,nabspf=63,part=2048+4096", NULL, 4 },
	{ "partition", ",part=2048+1000", NULL, 2 },
	{ "partition_that_ends_within_a_block",
	  ",lba=4096,nawun=3,nawupf=3,part=2048+9,part=2057+1000", NULL, 1 },
	{ "through_syscall", "", NULL, 1 },
	{ "through_pwritev64v2", "", NULL, 1 },
	{ "not_atomic", "", NULL, 0 },
	{ "device_error", ",fault=1:0x4014", NULL, 2 },
	{ "gone", ",gone=2", NULL, -1 },
};

START_TEST(a_write_does_what_a_native_kernel_does)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
	int commands = preload_log_count("via=submit") + preload_log_count("via=io");
	ck_assert_msg(rows[_i].commands < 0 || commands == rows[_i].commands,
		      "%s%s: %d commands, not %d", rows[_i].body, rows[_i].disk, commands,
		      rows[_i].commands);
}
END_TEST

START_TEST(synchronous_writes_carry_fua)
{
	preload_run("flags", "", NULL);
	ck_assert_int_eq(preload_log_count("fua=1"), 2);
	preload_run("open_modes", "", NULL);
	ck_assert_int_eq(preload_log_count("fua=1"), 2);
	ck_assert_int_eq(preload_log_count("flush"), 0);
}
END_TEST

START_TEST(without_fua_they_are_flushed)
{
	static const char *const bodies_of_two[] = { "flags", "open_modes" };

	for (int i = 0; i < 2; i++) {
		preload_run(bodies_of_two[i], ",no_fua", NULL);
		ck_assert_int_eq(preload_log_count("fua=1"), 0);
		ck_assert_int_eq(preload_log_count("flush"), 2);
		preload_run(bodies_of_two[i], ",no_cache", NULL);
		ck_assert_int_eq(preload_log_count("fua=1"), 0);
		ck_assert_int_eq(preload_log_count("flush"), 0);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("atomic writes over the simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_write_does_what_a_native_kernel_does, 0,
			    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, synchronous_writes_carry_fua);
	tcase_add_test(tc, without_fua_they_are_flushed);
	suite_add_tcase(s, tc);
	return s;
}
