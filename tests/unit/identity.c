/* SPDX-License-Identifier: MIT */
/*
 * Tests whether a disk or partition is still known to be the same. A loop disk changes under an
 * unchanged device number, in each way in which a real disk can.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "device/identity.h"
#include "suite.h"
#include "base/sysfs.h"
#include "tables_disk.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct test_disk disk, disk_4k;

static const struct {
	const char *why;
	struct identity a, b;
	bool equal;
} pairs[] = {
	{ "the same", { 7, 1 << 20, false }, { 7, 1 << 20, false }, true },
	{ "another disk", { 7, 1 << 20, false }, { 8, 1 << 20, false }, false },
	{ "another start", { 7, 1 << 20, false }, { 7, 2 << 20, false }, false },
	{ "the whole disk", { 7, 0, false }, { 7, 0, true }, false },
	{ "disks that differ beyond 32 bits",
	  { 7, 0, false },
	  { 7 + (UINT64_C(1) << 32), 0, false },
	  false },
	{ "starts that differ beyond 32 bits",
	  { 7, 0, false },
	  { 7, UINT64_C(1) << 40, false },
	  false },
};

START_TEST(identities_are_equal_in_all_or_different)
{
	ck_assert_msg(identity_equal(&pairs[_i].a, &pairs[_i].b) == pairs[_i].equal, "%s",
		      pairs[_i].why);
	ck_assert(identity_equal(&pairs[_i].b, &pairs[_i].a) == pairs[_i].equal);
	ck_assert(identity_equal(&pairs[_i].a, &pairs[_i].a));
}
END_TEST

START_TEST(number_that_nobody_has_has_no_identity)
{
	struct identity identity = { 1, 2, false };

	ck_assert_int_eq(identity_read(-1, makedev(4000, 77), &identity), -ENOENT);
	ck_assert(identity.disk == 1 && identity.start == 2);
}
END_TEST

static int open_ro(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s", path);
	return fd;
}

static struct identity read_both(const char *path, dev_t number)
{
	struct identity by_fd, by_sysfs;
	int fd = open_ro(path);

	ck_assert_int_eq(identity_read(fd, number, &by_fd), 0);
	ck_assert_int_eq(identity_read(-1, number, &by_sysfs), 0);
	close(fd);
	ck_assert_msg(identity_equal(&by_fd, &by_sysfs), "%s: %lu %lu, %lu %lu", path,
		      (unsigned long)by_fd.disk, (unsigned long)by_fd.start,
		      (unsigned long)by_sysfs.disk, (unsigned long)by_sysfs.start);
	return by_fd;
}

static uint32_t block_of(const char *path, dev_t number)
{
	uint32_t by_fd, by_sysfs;
	int fd = open_ro(path);

	ck_assert_int_eq(identity_block(fd, number, &by_fd), 0);
	ck_assert_int_eq(identity_block(-1, number, &by_sysfs), 0);
	close(fd);
	ck_assert_uint_eq(by_fd, by_sysfs);
	return by_fd;
}

START_TEST(fd_and_sysfs_tell_the_same)
{
	const struct test_disk *which = _i ? &disk_4k : &disk;
	struct identity whole = read_both(which->path, which->number);

	ck_assert_uint_eq(whole.start, 0);
	ck_assert_uint_eq(block_of(which->path, which->number), _i ? 4096 : 512);
	for (int i = 0; i < 2; i++) {
		struct identity part = read_both(which->partition_path[i], which->partition[i]);
		ck_assert_uint_eq(part.start, i ? TEST_DISK_START_2 : TEST_DISK_START_1);
		ck_assert_uint_eq(block_of(which->partition_path[i], which->partition[i]),
				  _i ? 4096 : 512);
	}
}
END_TEST

/* If a partition were taken for its disk, writes would go to another place. */
START_TEST(without_a_descriptor_to_spare_it_is_told_right_or_not_at_all)
{
	struct identity known = read_both(disk.partition_path[1], disk.partition[1]), identity;
	int fd = open_ro(disk.partition_path[1]);
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)fd + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (dup(fd) >= 0)
		continue;
	int error = identity_read(fd, disk.partition[1], &identity);
	limit.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_msg(error < 0 || identity_equal(&identity, &known), "start %lu",
		      (unsigned long)identity.start);
	close(fd);
}
END_TEST

/* Partitions share the number of their disk where the kernel has one (5.15). */
START_TEST(partitions_are_of_their_disk)
{
	uint64_t sequence;

	if (sysfs_disk_number(disk.number, "diskseq", &sequence) < 0)
		return;
	ck_assert_uint_eq(read_both(disk.path, disk.number).disk, sequence);
	ck_assert_uint_eq(read_both(disk.partition_path[0], disk.partition[0]).disk, sequence);
	ck_assert_uint_ne(read_both(disk_4k.path, disk_4k.number).disk, sequence);
}
END_TEST

START_TEST(partition_made_anew_elsewhere_is_another)
{
	struct identity before = read_both(disk.partition_path[0], disk.partition[0]), after;

	ck_assert_int_eq(test_disk_blkpg(&disk, BLKPG_DEL_PARTITION, 1, 0), 0);
	ck_assert(identity_read(-1, disk.partition[0], &after) == -ENOENT ||
		  test_disk_is_number_taken(disk.partition[0]));
	ck_assert(test_disk_add(&disk, 0, TEST_DISK_START_1 + 512));
	after = read_both(disk.partition_path[0], disk.partition[0]);
	ck_assert(!identity_equal(&before, &after));
	ck_assert_uint_eq(after.start, TEST_DISK_START_1 + 512);
	ck_assert_int_eq(test_disk_blkpg(&disk, BLKPG_DEL_PARTITION, 1, 0), 0);
	ck_assert(test_disk_add(&disk, 0, TEST_DISK_START_1));
	after = read_both(disk.partition_path[0], disk.partition[0]);
	ck_assert_uint_eq(after.start, TEST_DISK_START_1);
}
END_TEST

START_TEST(reformatted_disk_has_another_block_size)
{
	struct identity before = read_both(disk.path, disk.number);

	ck_assert_int_eq(ioctl(disk.fd, LOOP_SET_BLOCK_SIZE, 1024), 0);
	ck_assert_uint_eq(block_of(disk.path, disk.number), 1024);
	ck_assert_int_eq(ioctl(disk.fd, LOOP_SET_BLOCK_SIZE, 512), 0);
	struct identity after = read_both(disk.path, disk.number);
	ck_assert_uint_eq(block_of(disk.path, disk.number), 512);
	ck_assert(identity_equal(&before, &after));
}
END_TEST

/* A disk takes over another one's device number. Needs the diskseq of Linux 5.15. */
START_TEST(disk_that_took_over_the_number_is_another)
{
	struct test_disk own;
	uint64_t sequence;

	ck_assert(test_disk_make(&own, 512));
	if (sysfs_disk_number(own.number, "diskseq", &sequence) < 0)
		return;
	struct identity before = read_both(own.path, own.number);
	test_disk_blkpg(&own, BLKPG_DEL_PARTITION, 1, 0);
	test_disk_blkpg(&own, BLKPG_DEL_PARTITION, 2, 0);
	ck_assert_int_eq(ioctl(own.fd, LOOP_CLR_FD, 0), 0);
	close(own.fd);
	own.fd = open(own.path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(own.fd, 0);
	if (test_disk_configure(own.fd, 512) < 0)
		return; /* another program took the number */
	struct identity after = read_both(own.path, own.number);
	close(own.fd);
	ck_assert(!identity_equal(&before, &after));
	ck_assert_uint_ne(before.disk, after.disk);
}
END_TEST

START_TEST(fd_that_is_no_block_device_is_an_error)
{
	static const char *const paths[] = { "/dev/null", "/proc/self/maps", "/" };
	struct identity identity = { 1, 2, false };
	int fd = open_ro(paths[_i]);
	uint32_t block = 3;

	ck_assert_int_lt(identity_block(fd, disk.number, &block), 0);
	close(fd);
	ck_assert_int_eq(identity_block(fd, disk.number, &block), -EBADF);
	ck_assert_int_eq(identity_read(fd, disk.number, &identity), -EBADF);
	ck_assert(identity.disk == 1 && identity.start == 2 && block == 3);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("identity");
	TCase *tc = tcase_create("pure");

	tcase_add_loop_test(tc, identities_are_equal_in_all_or_different, 0, COUNT(pairs));
	tcase_add_test(tc, number_that_nobody_has_has_no_identity);
	suite_add_tcase(s, tc);
	if (!test_disk_make(&disk, 512) || !test_disk_make(&disk_4k, 4096))
		return s;
	tc = tcase_create("disk");
	tcase_add_loop_test(tc, fd_and_sysfs_tell_the_same, 0, 2);
	tcase_add_test(tc, without_a_descriptor_to_spare_it_is_told_right_or_not_at_all);
	tcase_add_test(tc, partitions_are_of_their_disk);
	tcase_add_test(tc, partition_made_anew_elsewhere_is_another);
	tcase_add_test(tc, reformatted_disk_has_another_block_size);
	tcase_add_test(tc, disk_that_took_over_the_number_is_another);
	tcase_add_loop_test(tc, fd_that_is_no_block_device_is_an_error, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
