/* SPDX-License-Identifier: MIT */
/*
 * Tests the registry of devices on loop disks. These take no commands, but their numbers are
 * reused, their partitions move, and threads, forks and signals come as in a host program.
 */
#include "device/device.h"
#include "device/hold.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "suite.h"
#include "tables_disk.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct test_disk disk;

static int open_ro(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s", path);
	return fd;
}

static bool is_same(const struct device *a, const struct device *b)
{
	const struct queue *q = &a->queue, *r = &b->queue;
	const struct limits *l = &a->limits, *m = &b->limits;

	return a->number == b->number && a->block == b->block &&
	       identity_equal(&a->identity, &b->identity) && q->block == r->block &&
	       q->max_hw == r->max_hw && q->segments == r->segments && q->chunk == r->chunk &&
	       q->dma_mask == r->dma_mask && q->zoned == r->zoned && a->transport == b->transport &&
	       a->error == b->error && l->unit_min == m->unit_min && l->unit_max == m->unit_max &&
	       l->max == m->max && l->boundary == m->boundary && l->refusal == m->refusal &&
	       l->origin == m->origin;
}

/* Checks a loop device's entry: it takes no commands. */
static void check_loop(const struct device *device, dev_t number, uint64_t start, uint32_t block)
{
	ck_assert(device->number == number);
	ck_assert_uint_eq(device->identity.start, start);
	ck_assert_uint_eq(device->block, block);
	ck_assert_uint_eq(device->queue.block, block);
	ck_assert_uint_gt(device->queue.max_hw, 0);
	ck_assert(!device->queue.zoned);
	ck_assert_ptr_null(device->transport);
	ck_assert_int_eq(device->error, 0);
	ck_assert_int_eq(device->limits.refusal, REFUSAL_NOT_A_DISK);
	ck_assert(!device->limits.unit_min && !device->limits.unit_max && !device->limits.max);
}

static const struct {
	const char *path;
	const dev_t *number;
	uint64_t start;
} nodes[] = {
	{ disk.path, &disk.number, 0 },
	{ disk.partition_path[0], &disk.partition[0], TEST_DISK_START_1 },
	{ disk.partition_path[1], &disk.partition[1], TEST_DISK_START_2 },
};

START_TEST(disks_and_partitions_are_told_by_fd_and_by_number)
{
	struct device by_fd, by_number;
	int fd = open_ro(nodes[_i].path);

	ck_assert_int_eq(device_derive(fd, *nodes[_i].number, NULL, &by_fd), 0);
	ck_assert_int_eq(device_derive(-1, *nodes[_i].number, NULL, &by_number), 0);
	check_loop(&by_fd, *nodes[_i].number, nodes[_i].start, 512);
	ck_assert(is_same(&by_fd, &by_number));
	close(fd);
}
END_TEST

START_TEST(registry_says_what_a_fresh_look_says)
{
	struct device derived, got;
	int fd = open_ro(nodes[_i].path);

	ck_assert_int_eq(device_derive(fd, *nodes[_i].number, NULL, &derived), 0);
	for (int i = 0; i < 6; i++) {
		memset(&got, 0xa5, sizeof(got));
		ck_assert_int_eq(device_get(i & 1 ? fd : -1, *nodes[_i].number, &got), 0);
		ck_assert_msg(is_same(&derived, &got), "%s, time %d", nodes[_i].path, i);
	}
	close(fd);
}
END_TEST

START_TEST(number_that_nobody_has_is_unknown)
{
	struct device device;

	memset(&device, 0xa5, sizeof(device));
	struct device before = device;
	ck_assert_int_eq(device_derive(-1, makedev(4000, 77), NULL, &device), -ENOENT);
	ck_assert_int_eq(device_get(-1, makedev(4000, 77), &device), -ENOENT);
	ck_assert_int_eq(device_get(-1, 0, &device), -ENOENT);
	ck_assert_int_eq(memcmp(&before, &device, sizeof(device)), 0);
}
END_TEST

START_TEST(fd_that_is_no_block_device_is_an_error)
{
	static const char *const paths[] = { "/dev/null", "/proc/self/maps", "/" };
	struct device device;
	int fd = open_ro(paths[_i]);

	memset(&device, 0xa5, sizeof(device));
	struct device before = device;
	ck_assert_int_lt(device_derive(fd, disk.number, NULL, &device), 0);
	ck_assert_int_lt(device_get(fd, disk.number, &device), 0);
	close(fd);
	ck_assert_int_eq(device_get(fd, disk.number, &device), -EBADF);
	ck_assert_int_eq(memcmp(&before, &device, sizeof(device)), 0);
}
END_TEST

/* Another disk, with blocks of 4096 bytes, gets the number of the first. */
START_TEST(disk_that_took_over_the_number_is_seen)
{
	struct test_disk own;
	struct device before, after;

	ck_assert(test_disk_make(&own, 512));
	ck_assert_int_eq(device_get(own.fd, own.number, &before), 0);
	check_loop(&before, own.number, 0, 512);
	test_disk_blkpg(&own, BLKPG_DEL_PARTITION, 1, 0);
	test_disk_blkpg(&own, BLKPG_DEL_PARTITION, 2, 0);
	ck_assert_int_eq(ioctl(own.fd, LOOP_CLR_FD, 0), 0);
	close(own.fd);
	own.fd = open(own.path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(own.fd, 0);
	if (test_disk_configure(own.fd, 4096) < 0)
		return; /* another program took the number */
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(device_get(i & 1 ? own.fd : -1, own.number, &after), 0);
		check_loop(&after, own.number, 0, 4096);
		ck_assert_uint_ne(after.identity.disk, before.identity.disk);
	}
	close(own.fd);
}
END_TEST

START_TEST(reformatted_disk_is_seen)
{
	struct test_disk own;
	struct device device;
	static const uint32_t blocks[] = { 512, 1024, 512, 4096, 1024, 512 };

	ck_assert(test_disk_make(&own, 512));
	for (int i = 0; i < COUNT(blocks); i++) {
		ck_assert_int_eq(ioctl(own.fd, LOOP_SET_BLOCK_SIZE, blocks[i]), 0);
		ck_assert_int_eq(device_get(own.fd, own.number, &device), 0);
		check_loop(&device, own.number, 0, blocks[i]);
		ck_assert_int_eq(device_get(-1, own.number, &device), 0);
		check_loop(&device, own.number, 0, blocks[i]);
	}
	close(own.fd);
}
END_TEST

static void move_partition(struct test_disk *own, uint64_t start)
{
	ck_assert_int_eq(test_disk_blkpg(own, BLKPG_DEL_PARTITION, 1, 0), 0);
	ck_assert(test_disk_add(own, 0, start));
}

static void check_partition(const struct test_disk *own, uint64_t start)
{
	struct device device;
	int fd = open_ro(own->partition_path[0]);

	ck_assert_int_eq(device_get(fd, own->partition[0], &device), 0);
	check_loop(&device, own->partition[0], start, 512);
	ck_assert_int_eq(device_get(-1, own->partition[0], &device), 0);
	check_loop(&device, own->partition[0], start, 512);
	close(fd);
}

static bool is_forgotten(dev_t number)
{
	struct device device;

	for (int tries = 0; tries < 3; tries++)
		if (device_get(-1, number, &device) == -ENOENT || test_disk_is_number_taken(number))
			return true;
	return false;
}

START_TEST(partition_made_anew_elsewhere_is_seen)
{
	struct test_disk own;
	static const uint64_t starts[] = { 512, 1024, TEST_DISK_START_1, 512, 4096 };

	ck_assert(test_disk_make(&own, 512));
	check_partition(&own, TEST_DISK_START_1);
	for (int i = 0; i < COUNT(starts); i++) {
		dev_t old = own.partition[0];
		ck_assert_int_eq(test_disk_blkpg(&own, BLKPG_DEL_PARTITION, 1, 0), 0);
		ck_assert(is_forgotten(old));
		ck_assert(test_disk_add(&own, 0, starts[i]));
		check_partition(&own, starts[i]);
	}
	close(own.fd);
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

/* Without a free descriptor the queue cannot be read: this refusal must not be stored. */
START_TEST(refusal_of_the_moment_is_not_kept)
{
	struct test_disk own;
	struct device device;
	struct rlimit limit, none;

	ck_assert(test_disk_make(&own, 512));
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int error = device_get(own.fd, own.number, &device);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert(error == -EMFILE || (error == 0 && device.error == -EMFILE));
	ck_assert_int_eq(device_get(own.fd, own.number, &device), 0);
	check_loop(&device, own.number, 0, 512);
}
END_TEST

/* The table has room for 64 devices: later ones must get their answer, too, and so must the first.
 */
START_TEST(more_devices_than_the_table_has_room_for)
{
	struct test_disk own;
	struct device device;

	ck_assert(test_disk_make(&own, 512));
	ck_assert_int_eq(device_get(own.fd, own.number, &device), 0);
	int before = open_descriptors();
	for (uint64_t i = 1; i <= 300; i++) {
		move_partition(&own, i * 512);
		check_partition(&own, i * 512);
	}
	ck_assert_int_eq(open_descriptors(), before);
	move_partition(&own, 512);
	check_partition(&own, 512);
	ck_assert_int_eq(device_get(own.fd, own.number, &device), 0);
	check_loop(&device, own.number, 0, 512);
	for (int i = 0; i < COUNT(nodes); i++) {
		int fd = open_ro(nodes[i].path);
		ck_assert_int_eq(device_get(fd, *nodes[i].number, &device), 0);
		check_loop(&device, *nodes[i].number, nodes[i].start, 512);
		close(fd);
	}
	close(own.fd);
}
END_TEST

static pthread_barrier_t together;

static void *get_often(void *unused)
{
	intptr_t failures = 0;
	int fds[COUNT(nodes)];
	struct device device;

	(void)unused;
	for (int i = 0; i < COUNT(nodes); i++)
		fds[i] = open(nodes[i].path, O_RDONLY | O_CLOEXEC);
	pthread_barrier_wait(&together);
	for (int i = 0; i < 600; i++) {
		int node = i % COUNT(nodes), fd = i < 300 || i & 1 ? fds[node] : -1;
		failures += device_get(fd, *nodes[node].number, &device) != 0 ||
			    device.number != *nodes[node].number ||
			    device.identity.start != nodes[node].start ||
			    device.queue.block != 512 ||
			    device.limits.refusal != REFUSAL_NOT_A_DISK;
	}
	for (int i = 0; i < COUNT(nodes); i++)
		close(fds[i]);
	return (void *)failures;
}

START_TEST(threads_that_ask_at_once_are_all_told_right)
{
	pthread_t ids[8];
	void *failures;

	pthread_barrier_init(&together, NULL, COUNT(ids));
	for (int i = 0; i < COUNT(ids); i++)
		ck_assert_int_eq(pthread_create(&ids[i], NULL, get_often, NULL), 0);
	for (int i = 0; i < COUNT(ids); i++) {
		ck_assert_int_eq(pthread_join(ids[i], &failures), 0);
		ck_assert_ptr_null(failures);
	}
}
END_TEST

static _Atomic bool stop;

static void *hold_on(void *unused)
{
	struct device device;

	(void)unused;
	while (!atomic_load(&stop))
		device_get(-1, disk.number, &device);
	return NULL;
}

static int in_child(void)
{
	struct device device;

	alarm(20); /* instead of hanging */
	hold_after_fork();
	for (int i = 0; i < COUNT(nodes); i++) {
		int fd = open(nodes[i].path, O_RDONLY | O_CLOEXEC);
		if (device_get(-1, *nodes[i].number, &device) != 0 ||
		    device_get(fd, *nodes[i].number, &device) != 0 ||
		    device.identity.start != nodes[i].start)
			return 1;
		close(fd);
	}
	return 0;
}

START_TEST(forked_child_does_not_wait_for_threads_it_has_not)
{
	pthread_t id;
	int status;

	ck_assert_int_eq(pthread_create(&id, NULL, hold_on, NULL), 0);
	for (int i = 0; i < 50; i++) {
		usleep((useconds_t)i * 37);
		pid_t child = fork();
		if (child == 0)
			_exit(in_child());
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(status == 0, "fork %d: status %x", i, (unsigned)status);
	}
	atomic_store(&stop, true);
	pthread_join(id, NULL);
}
END_TEST

/* A child that no atfork handler announced, as after vfork(): it asks like every process. */
START_TEST(child_that_was_not_announced_is_told_too)
{
	struct device device;
	int status, fd = open_ro(nodes[1].path);

	ck_assert_int_eq(device_get(disk.fd, disk.number, &device), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(device_get(disk.fd, disk.number, &device) != 0 ||
		      device_get(-1, disk.number, &device) != 0 ||
		      device_get(fd, disk.partition[0], &device) != 0 ||
		      device.identity.start != TEST_DISK_START_1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(fd);
}
END_TEST

static volatile sig_atomic_t signals, signal_failures;

static void get_in_handler(int number)
{
	struct device device;
	int kept = errno, node = ++signals % 3;

	(void)number;
	signal_failures += device_get(-1, *nodes[node].number, &device) != 0 ||
			   device.identity.start != nodes[node].start;
	errno = kept;
}

START_TEST(handler_that_asks_does_not_wait_for_its_own_thread)
{
	struct sigaction action = { .sa_handler = get_in_handler, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 900 }, { 0, 900 } }, never = { { 0, 0 }, { 0, 0 } };
	struct device device;
	sigset_t before, after;

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 100000 && signals < 300; i++) {
		int node = i % COUNT(nodes);
		ck_assert_int_eq(device_get(-1, *nodes[node].number, &device), 0);
		ck_assert_uint_eq(device.identity.start, nodes[node].start);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int number = 1; number < NSIG; number++)
		ck_assert_int_eq(sigismember(&before, number), sigismember(&after, number));
	ck_assert_int_gt(signals, 10);
	ck_assert_int_eq(signal_failures, 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("device");
	TCase *tc = tcase_create("none");

	tcase_add_test(tc, number_that_nobody_has_is_unknown);
	suite_add_tcase(s, tc);
	if (!test_disk_make(&disk, 512))
		return s;
	tc = tcase_create("disk");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, disks_and_partitions_are_told_by_fd_and_by_number, 0, COUNT(nodes));
	tcase_add_loop_test(tc, registry_says_what_a_fresh_look_says, 0, COUNT(nodes));
	tcase_add_loop_test(tc, fd_that_is_no_block_device_is_an_error, 0, 3);
	tcase_add_test(tc, disk_that_took_over_the_number_is_seen);
	tcase_add_test(tc, reformatted_disk_is_seen);
	tcase_add_test(tc, partition_made_anew_elsewhere_is_seen);
	tcase_add_test(tc, refusal_of_the_moment_is_not_kept);
	tcase_add_test(tc, more_devices_than_the_table_has_room_for);
	tcase_add_test(tc, threads_that_ask_at_once_are_all_told_right);
	tcase_add_test(tc, forked_child_does_not_wait_for_threads_it_has_not);
	tcase_add_test(tc, child_that_was_not_announced_is_told_too);
	tcase_add_test(tc, handler_that_asks_does_not_wait_for_its_own_thread);
	suite_add_tcase(s, tc);
	return s;
}
