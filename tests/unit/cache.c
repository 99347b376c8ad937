/* SPDX-License-Identifier: MIT */
/*
 * Tests what the shim does to the page cache around a command, on a loop disk: checks the memory
 * behind the disk, the data of buffered reads, and the pages that mincore() still shows.
 */
#include "device/cache.h"

#include <dirent.h>
#include <errno.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "rules/limits.h"
#include "suite.h"
#include "tables_disk.h"
#include "untorn_uapi.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { PAGE = 4096 };

/* The memory behind the disk; the disk opened for commands, for buffered writes, for reading only.
 */
static struct {
	int memory, direct, buffered, reader;
} disk = { -1, -1, -1, -1 };

static bool open_all(int number)
{
	struct loop_config config = { .fd = (uint32_t)disk.memory,
				      .block_size = 512,
				      .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	char path[32];

	snprintf(path, sizeof(path), "/dev/loop%d", number);
	disk.direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (number < 0 || disk.direct < 0 || ioctl(disk.direct, LOOP_CONFIGURE, &config) < 0)
		return false;
	disk.buffered = open(path, O_RDWR | O_CLOEXEC);
	disk.reader = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	return disk.buffered >= 0 && disk.reader >= 0;
}

/* Not test_disk_make(), which does not give the memory out. */
static bool make_disk(void)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	disk.memory = memfd_create("untorn-test", MFD_CLOEXEC);
	if (control < 0 || disk.memory < 0 || ftruncate(disk.memory, TEST_DISK_SIZE) < 0)
		return false;
	bool made = false;
	for (int attempt = 0; attempt < 5 && !made; attempt++)
		made = open_all(ioctl(control, LOOP_CTL_GET_FREE));
	close(control);
	return made;
}

static void fill(int fd, off_t offset, size_t length, char letter)
{
	char *data = malloc(length);

	memset(data, letter, length);
	ck_assert_int_eq(pwrite(fd, data, length, offset), (ssize_t)length);
	free(data);
}

/* True if every byte of the range is this letter. */
static bool is_all(int fd, off_t offset, size_t length, char letter)
{
	char *data = malloc(length);
	size_t same = 0;

	ck_assert_int_eq(pread(fd, data, length, offset), (ssize_t)length);
	while (same < length && data[same] == letter)
		same++;
	free(data);
	return same == length;
}

static int cached_pages(off_t offset, size_t length)
{
	unsigned char resident[TEST_DISK_SIZE / PAGE];
	off_t first = offset / PAGE * PAGE;
	size_t size = (size_t)(offset - first) + length;
	int count = 0;

	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, disk.buffered, first);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mincore(map, size, resident), 0);
	munmap(map, size);
	for (size_t i = 0; i < (size + PAGE - 1) / PAGE; i++)
		count += resident[i] & 1;
	return count;
}

static const struct {
	const char *where;
	off_t offset;
	size_t length;
} ranges[] = {
	{ "a page", 0, PAGE },
	{ "the first block", 0, 512 },
	{ "a block within a page", 3 * 512, 512 },
	{ "blocks across two pages", PAGE - 512, 1024 },
	{ "many pages", 1 << 20, 64 << 10 },
	{ "many pages and parts of pages", (1 << 20) + 512, (64 << 10) + 1024 },
	{ "all that is allowed", 2 << 20, LIMITS_MAX },
	{ "the last block", TEST_DISK_SIZE - 512, 512 },
	{ "the last of all that is allowed", TEST_DISK_SIZE - LIMITS_MAX, LIMITS_MAX },
};

START_TEST(dirty_pages_are_written_back_and_dropped)
{
	off_t offset = ranges[_i].offset;
	size_t length = ranges[_i].length;

	fill(disk.buffered, offset, length, 'd');
	ck_assert_int_gt(cached_pages(offset, length), 0);
	ck_assert_int_eq(cache_prepare(disk.direct, (uint64_t)offset, (uint32_t)length, 0), 0);
	ck_assert_msg(is_all(disk.memory, offset, length, 'd'), "%s: written back",
		      ranges[_i].where);
	ck_assert_msg(cached_pages(offset, length) == 0, "%s: dropped", ranges[_i].where);
	ck_assert(is_all(disk.buffered, offset, length, 'd'));
}
END_TEST

/* The page cache has 'c', the disk 'C'. False if the system has dropped the pages meanwhile, which
 * it may. */
static bool is_stale(off_t offset, size_t length)
{
	cache_prepare(disk.direct, (uint64_t)offset, (uint32_t)length, 0);
	fill(disk.memory, offset, length, 'c');
	ck_assert(is_all(disk.buffered, offset, length, 'c'));
	fill(disk.memory, offset, length, 'C');
	return is_all(disk.buffered, offset, length, 'c');
}

/* The next reader must find what a command (here: a write to the memory) has changed. */
START_TEST(clean_pages_are_dropped_and_nothing_is_written)
{
	off_t offset = ranges[_i].offset;
	size_t length = ranges[_i].length;

	int tries = 0;

	while (!is_stale(offset, length))
		ck_assert_int_lt(++tries, 20);
	ck_assert_int_eq(cache_prepare(disk.direct, (uint64_t)offset, (uint32_t)length, 0), 0);
	ck_assert_msg(is_all(disk.memory, offset, length, 'C'), "%s: unchanged", ranges[_i].where);
	ck_assert_msg(is_all(disk.buffered, offset, length, 'C'), "%s: fresh", ranges[_i].where);
}
END_TEST

START_TEST(finishing_drops_what_readers_brought_in_meanwhile)
{
	off_t offset = ranges[_i].offset;
	size_t length = ranges[_i].length;

	ck_assert_int_eq(cache_prepare(disk.direct, (uint64_t)offset, (uint32_t)length, 0), 0);
	fill(disk.memory, offset, length, 'f');
	ck_assert(is_all(disk.buffered, offset, length, 'f'));
	fill(disk.memory, offset, length, 'F');
	cache_finish(disk.direct, (uint64_t)offset, (uint32_t)length);
	ck_assert_msg(cached_pages(offset, length) == 0, "%s", ranges[_i].where);
	ck_assert_msg(is_all(disk.buffered, offset, length, 'F'), "%s", ranges[_i].where);
	cache_prepare(disk.direct, (uint64_t)offset, (uint32_t)length, 0);
	cache_finish(disk.direct, (uint64_t)offset, (uint32_t)length); /* nothing is cached */
	ck_assert(is_all(disk.memory, offset, length, 'F'));
}
END_TEST

START_TEST(pages_that_are_mapped_are_dropped_too)
{
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, disk.buffered, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	memset(map, 'm', 2 * PAGE);
	ck_assert_int_eq(cache_prepare(disk.direct, 512, PAGE, 0), 0);
	ck_assert(is_all(disk.memory, 512, PAGE, 'm'));
	fill(disk.memory, 512, PAGE, 'M');
	ck_assert(map[0] == 'm' && map[512] == 'M' && map[PAGE + 511] == 'M');
	ck_assert(map[PAGE + 512] == 'm'); /* its page was dropped, too */
	fill(disk.memory, 512, PAGE, 'N');
	cache_finish(disk.direct, 512, PAGE);
	ck_assert(map[512] == 'N' && map[PAGE + 511] == 'N');
	munmap(map, 2 * PAGE);
}
END_TEST

START_TEST(neighbours_of_the_range_lose_nothing)
{
	off_t at = 16 * PAGE;

	fill(disk.buffered, at, 3 * PAGE, 'n');
	ck_assert_int_eq(cache_prepare(disk.direct, (uint64_t)at + PAGE + 512, 512, 0), 0);
	fill(disk.memory, at + PAGE + 512, 512, 'N');
	ck_assert(is_all(disk.buffered, at, PAGE + 512, 'n'));
	ck_assert(is_all(disk.buffered, at + PAGE + 512, 512, 'N'));
	ck_assert(is_all(disk.buffered, at + PAGE + 1024, 2 * PAGE - 1024, 'n'));
}
END_TEST

static const struct {
	const char *why;
	const int *fd;
	uint64_t offset;
	uint32_t length;
	int rwf, result;
} checks[] = {
	{ "good", &disk.direct, 0, PAGE, 0, 0 },
	{ "other flags are not the kernel's to see", &disk.direct, 0, PAGE,
	  RWF_ATOMIC | RWF_APPEND | RWF_DSYNC | 0x40000000, 0 },
	{ "all that is allowed", &disk.direct, 0, LIMITS_MAX, 0, 0 },
	{ "one byte more", &disk.direct, 0, LIMITS_MAX + 1, 0, -ENOMEM },
	{ "one block more", &disk.direct, 0, LIMITS_MAX + 512, 0, -ENOMEM },
	{ "far more", &disk.direct, 0, UINT32_MAX, 0, -ENOMEM },
	{ "at the end", &disk.direct, TEST_DISK_SIZE, 512, 0, -ENOSPC },
	{ "past the end", &disk.direct, TEST_DISK_SIZE + 512, PAGE, 0, -ENOSPC },
	{ "far past the end", &disk.direct, UINT64_C(1) << 50, PAGE, 0, -ENOSPC },
	{ "an offset that is negative", &disk.direct, UINT64_MAX - 511, 512, 0, -EINVAL },
	{ "an offset off the block", &disk.direct, 256, 512, 0, -EINVAL },
	{ "an odd offset", &disk.direct, 1, 512, 0, -EINVAL },
	{ "a length off the block", &disk.direct, 0, 511, 0, -EINVAL },
	{ "a fd for reading", &disk.reader, 0, PAGE, 0, -EBADF },
	{ "a fd for reading, past the end", &disk.reader, TEST_DISK_SIZE, PAGE, 0, -EBADF },
	{ "no waiting", &disk.direct, 0, PAGE, RWF_NOWAIT, 0 },
};

START_TEST(kernel_makes_its_own_checks)
{
	fill(disk.buffered, 0, LIMITS_MAX, 'k');
	ck_assert_int_eq(cache_prepare(disk.direct, 0, LIMITS_MAX, 0), 0);
	int result =
		cache_prepare(*checks[_i].fd, checks[_i].offset, checks[_i].length, checks[_i].rwf);
	ck_assert_msg(result == checks[_i].result, "%s: %d, not %d", checks[_i].why, result,
		      checks[_i].result);
	ck_assert(is_all(disk.memory, 0, LIMITS_MAX, 'k'));
}
END_TEST

START_TEST(descriptor_that_is_not_open_is_an_error)
{
	ck_assert_int_eq(cache_prepare(-1, 0, 512, 0), -EBADF);
	cache_finish(-1, 0, 512);
}
END_TEST

START_TEST(without_waiting_nothing_cached_is_dropped)
{
	fill(disk.buffered, 0, PAGE, 'w');
	ck_assert_int_eq(cache_prepare(disk.direct, 0, 512, RWF_NOWAIT), -EAGAIN);
	ck_assert_int_eq(cached_pages(0, PAGE), 1);
	ck_assert_int_eq(cache_prepare(disk.direct, 0, 512, 0), 0);
	ck_assert_int_eq(cache_prepare(disk.direct, 0, 512, RWF_NOWAIT), 0);
	ck_assert(is_all(disk.buffered, 0, 512, 'w'));
	ck_assert_int_eq(cache_prepare(disk.direct, 0, 512, RWF_NOWAIT), -EAGAIN);
}
END_TEST

START_TEST(disk_that_is_read_only_is_not_written)
{
	int one = 1, zero = 0;

	ck_assert_int_eq(ioctl(disk.direct, BLKROSET, &one), 0);
	int within = cache_prepare(disk.direct, 0, 512, 0);
	int at_once = cache_prepare(disk.direct, 0, 512, RWF_NOWAIT);
	int past = cache_prepare(disk.direct, TEST_DISK_SIZE, 512, 0);
	ck_assert_int_eq(ioctl(disk.direct, BLKROSET, &zero), 0);
	ck_assert_int_eq(within, -EPERM);
	ck_assert_int_eq(at_once, -EPERM);
	ck_assert_int_eq(past, -EPERM);
	ck_assert_int_eq(cache_prepare(disk.direct, 0, 512, 0), 0);
}
END_TEST

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

START_TEST(position_and_descriptors_are_left_alone)
{
	int before = open_descriptors();

	ck_assert_int_eq(lseek(disk.direct, 512, SEEK_SET), 512);
	for (uint64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(cache_prepare(disk.direct, i * 512, 512, 0), 0);
		fill(disk.buffered, (off_t)i * 512, 512, 'p');
		cache_finish(disk.direct, i * 512, 512);
		cache_prepare(disk.direct, TEST_DISK_SIZE, 512, 0);
	}
	ck_assert_int_eq(lseek(disk.direct, 0, SEEK_CUR), 512);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

static pthread_barrier_t together;

static void *ask_unreadable(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&together);
	return cache_unreadable();
}

/* Each test is a process of its own: so nobody has called the function before. */
START_TEST(threads_that_ask_at_once_get_the_same_room)
{
	pthread_t ids[8];
	void *each[8];

	pthread_barrier_init(&together, NULL, COUNT(ids));
	for (int i = 0; i < COUNT(ids); i++)
		ck_assert_int_eq(pthread_create(&ids[i], NULL, ask_unreadable, NULL), 0);
	for (int i = 0; i < COUNT(ids); i++)
		ck_assert_int_eq(pthread_join(ids[i], &each[i]), 0);
	ck_assert_ptr_nonnull(each[0]);
	for (int i = 1; i < COUNT(ids); i++)
		ck_assert_ptr_eq(each[i], each[0]);
	ck_assert_ptr_eq(cache_unreadable(), each[0]);
}
END_TEST

/* Only the first page matters: the kernel stops there. */
START_TEST(room_cannot_be_read)
{
	static const size_t places[] = { 0, 1, PAGE - 1 };
	char byte = 'r', *room = cache_unreadable();
	struct iovec here = { &byte, 1 }, there = { room + places[_i], 1 };

	ck_assert_ptr_nonnull(room);
	errno = 0;
	ck_assert_int_eq(process_vm_readv(getpid(), &here, 1, &there, 1, 0), -1);
	ck_assert_int_eq(errno, EFAULT);
	ck_assert_int_eq(byte, 'r');
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cache");
	TCase *tc = tcase_create("room");

	tcase_add_test(tc, threads_that_ask_at_once_get_the_same_room);
	tcase_add_loop_test(tc, room_cannot_be_read, 0, 3);
	tcase_add_test(tc, descriptor_that_is_not_open_is_an_error);
	suite_add_tcase(s, tc);
	if (!make_disk()) {
		printf("no loop disk here: its tests are left out\n");
		return s;
	}
	tc = tcase_create("disk");
	tcase_add_loop_test(tc, dirty_pages_are_written_back_and_dropped, 0, COUNT(ranges));
	tcase_add_loop_test(tc, clean_pages_are_dropped_and_nothing_is_written, 0, COUNT(ranges));
	tcase_add_loop_test(tc, finishing_drops_what_readers_brought_in_meanwhile, 0,
			    COUNT(ranges));
	tcase_add_test(tc, pages_that_are_mapped_are_dropped_too);
	tcase_add_test(tc, neighbours_of_the_range_lose_nothing);
	tcase_add_loop_test(tc, kernel_makes_its_own_checks, 0, COUNT(checks));
	tcase_add_test(tc, without_waiting_nothing_cached_is_dropped);
	tcase_add_test(tc, disk_that_is_read_only_is_not_written);
	tcase_add_test(tc, position_and_descriptors_are_left_alone);
	suite_add_tcase(s, tc);
	return s;
}
