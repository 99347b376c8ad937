/* SPDX-License-Identifier: MIT */
/* Tests the table of holds, on loop disks: one hold for each node and access. unit/hold_end.c has
 * the numbers. */
#include "unit/hold.h"

START_TEST(same_node_has_the_same_hold)
{
	int fd = open_disk(), other = open_disk(), copy = dup(fd);
	struct hold *hold = get(fd);

	ck_assert_ptr_eq(get(fd), hold);
	ck_assert_ptr_eq(get(other), hold);
	ck_assert_ptr_eq(get(copy), hold);
	hold_share(hold);
	for (int i = 0; i < 5; i++)
		hold_put(hold);
	ck_assert_ptr_eq(get(fd), hold);
	hold_put(hold);
}
END_TEST

START_TEST(hold_is_high_closed_by_exec_and_direct)
{
	int fd = open_node(disk.path, O_WRONLY), lowest = dup(0);
	struct hold *hold = get(fd);

	ck_assert_int_ge(hold->fd, FIRST);
	ck_assert_int_eq(fcntl(hold->fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(hold->fd, F_GETFL) & (O_ACCMODE | O_DIRECT), O_WRONLY | O_DIRECT);
	ck_assert(hold->position);
	close(lowest);
	ck_assert_int_eq(dup(0), lowest);
	hold_put(hold);
}
END_TEST

START_TEST(other_nodes_and_accesses_have_others)
{
	const struct {
		const char *path;
		int flags;
		uint64_t start;
	} rows[] = {
		{ disk.path, O_RDWR, 0 },
		{ disk.path, O_WRONLY, 0 },
		{ disk.partition_path[0], O_RDWR, TEST_DISK_START_1 },
		{ disk.partition_path[1], O_RDWR, TEST_DISK_START_2 },
	};
	struct hold *holds[COUNT(rows)];

	for (int i = 0; i < COUNT(rows); i++) {
		holds[i] = get(open_node(rows[i].path, rows[i].flags));
		ck_assert_uint_eq(holds[i]->identity.start, rows[i].start);
		ck_assert_int_eq(holds[i]->identity.partition, rows[i].start != 0);
		for (int j = 0; j < i; j++)
			ck_assert_ptr_ne(holds[i], holds[j]);
	}
	for (int i = 0; i < COUNT(rows); i++)
		hold_put(holds[i]);
}
END_TEST

/* The number became another file's between the look and the hold. */
START_TEST(number_that_is_another_file_by_now)
{
	const char *const paths[] = { disk.partition_path[0], "/dev/null" };
	int fd = open_disk(), other = open_node(paths[_i], O_RDWR);
	struct look look = look_of(fd);
	struct hold *hold;

	ck_assert_int_eq(dup2(other, fd), fd);
	ck_assert_int_eq(hold_get(fd, &look, &hold), -EAGAIN);
	ck_assert(!is_open(FIRST) && hold_next(0) == UINT_MAX);
	close(fd);
	ck_assert_int_lt(hold_get(fd, &look, &hold), 0);
	ck_assert(!is_open(FIRST) && hold_next(0) == UINT_MAX);
}
END_TEST

START_TEST(ends_with_the_last_marked_number)
{
	int fd = open_disk(), other = dup(fd), unused = dup(fd), number = number_of(fd);

	look_of(other);
	close_through_the_door(fd);
	ck_assert(is_open(number));
	close_through_the_door(other);
	ck_assert(!is_open(number) && !hold_owns((unsigned)number) && is_open(unused));
}
END_TEST

START_TEST(range_that_closes_all_ends_all)
{
	int fd = open_disk(), part = open_node(disk.partition_path[0], O_RDWR);
	int number = number_of(fd), of_part = number_of(part);

	hold_before_change((unsigned)fd, (unsigned)fd); /* holds beyond the range stay */
	hold_after_change();
	ck_assert(!is_open(number) && is_open(of_part));
	number = number_of(fd);
	hold_before_change(3, UINT_MAX);
	hold_after_change();
	ck_assert(!is_open(number) && !is_open(of_part) && hold_next(0) == UINT_MAX);
}
END_TEST

START_TEST(hold_in_use_ends_with_its_last_use)
{
	int fd = open_disk();
	struct hold *hold = get(fd);
	int number = hold->fd;

	hold_share(hold);
	close_through_the_door(fd);
	ck_assert(is_open(number) && hold_is_sound(hold) && hold_owns((unsigned)number));
	fd = open_disk();
	struct hold *next = get(fd); /* the hold that ends gets no new users */
	ck_assert_ptr_ne(next, hold);
	hold_put(hold);
	ck_assert(is_open(number));
	hold_put(hold);
	ck_assert(!is_open(number) && is_open(next->fd));
	hold_put(next);
}
END_TEST

START_TEST(forgotten_hold_is_nobody_elses)
{
	int fd = open_disk();
	struct hold *hold = get(fd);
	int number = hold->fd;

	hold_forget(hold);
	struct hold *next = get(fd);
	ck_assert_ptr_ne(next, hold);
	hold_put(hold);
	ck_assert(!is_open(number) && is_open(next->fd));
	hold_put(next);
}
END_TEST

START_TEST(locks_are_seen)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 1 << 20 };
	int fd = open_disk(), other = open_disk();

	ck_assert(!hold_has_locks(fd));
	ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
	ck_assert(hold_has_locks(fd) && hold_has_locks(other));
	close(other); /* drops the locks, as any close does */
	ck_assert(!hold_has_locks(fd));
	ck_assert(hold_has_locks(-1)); /* unknown counts as yes */
}
END_TEST

/* Without /sys nothing is known of a disk. With a lock, a descriptor of ours could not be closed
 * again. */
START_TEST(refused_often_with_a_lock)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_disk();
	struct look look = look_of(fd);
	struct hold *hold;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
	int root = open("/", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(chroot("/proc"), 0);
	int next = dup(0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_lt(hold_get(fd, &look, &hold), 0);
	ck_assert(hold_has_locks(fd) && !is_open(FIRST) && !is_open(next + 1));
	/* Back to the old root: LeakSanitizer needs /proc at the end. */
	ck_assert(fchdir(root) == 0 && chroot(".") == 0);
}
END_TEST

/* Partitions of 4096 bytes each, behind the disk's first two. */
static int open_small_partition(struct test_disk *own, int index)
{
	struct blkpg_partition partition = { .start = (4 << 20) + 4096 * index,
					     .length = 4096,
					     .pno = 3 + index };
	struct blkpg_ioctl_arg argument = { .op = BLKPG_ADD_PARTITION,
					    .datalen = sizeof(partition),
					    .data = &partition };
	char path[64];

	ck_assert_int_eq(ioctl(own->fd, BLKPG, &argument), 0);
	snprintf(path, sizeof(path), "%sp%d", own->path, 3 + index);
	return open_node(path, O_RDWR);
}

static void delete_small_partition(struct test_disk *own, int index)
{
	ck_assert_int_eq(test_disk_blkpg(own, BLKPG_DEL_PARTITION, 3 + index, 0), 0);
}

/* One hold more than there are places is refused, and served when another one has ended. */
START_TEST(full_table)
{
	int fds[PLACES + 1], numbers[PLACES];
	struct hold *hold;

	for (int i = 0; i <= PLACES; i++)
		fds[i] = open_small_partition(&disk, i);
	for (int i = 0; i < PLACES; i++)
		numbers[i] = number_of(fds[i]);
	struct look look = look_of(fds[PLACES]);
	int next = hold_duplicate(0);
	close(next);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hold_get(fds[PLACES], &look, &hold), -ENOMEM);
	ck_assert(!is_open(next));
	for (int i = 0; i < PLACES; i++)
		ck_assert_int_eq(number_of(fds[i]), numbers[i]);
	close_through_the_door(fds[7]);
	ck_assert_int_eq(number_of(fds[PLACES]), numbers[7]);
	for (int i = 0; i <= PLACES; i++) {
		if (i != 7)
			close_through_the_door(fds[i]);
		delete_small_partition(&disk, i); /* no hold pins it any more */
	}
	ck_assert_uint_eq(hold_next(0), UINT_MAX);
}
END_TEST

/* Places are used again, also those whose numbers were closed past the doors. */
START_TEST(many_partitions_one_after_the_other)
{
	for (int i = 0; i < 2 * PLACES; i++) {
		int fd = open_small_partition(&disk, i % 4), number = number_of(fd);
		if (i & 1) {
			close_past_the_doors(number);
			close(fd);
		} else {
			close_through_the_door(fd);
		}
		delete_small_partition(&disk, i % 4);
	}
}
END_TEST

/* ThreadSanitizer reports an intended race: a thread looks at a number that another thread may be
 * closing. */
#ifdef __SANITIZE_THREAD__
#define THREADS 0
#else
#define THREADS 1
#endif

static pthread_barrier_t together;

static void *get_often(void *path)
{
	intptr_t failures = 0;

	pthread_barrier_wait(&together);
	for (int i = 0; i < 200; i++) {
		struct look look;
		struct hold *hold;
		int fd = open(path, O_RDWR | O_CLOEXEC);
		if (look_at(fd, &look, NULL) || hold_get(fd, &look, &hold)) {
			failures++;
		} else {
			failures += !hold_is_sound(hold) || !look_is_same_node(&hold->node, &look);
			hold_put(hold);
		}
		close_through_the_door(fd);
	}
	return (void *)failures;
}

START_TEST(threads_that_come_and_go_at_once)
{
	char *const paths[] = { disk.path, disk.partition_path[0], disk.path,
				disk.partition_path[1] };
	pthread_t ids[COUNT(paths)];
	void *failures;

	pthread_barrier_init(&together, NULL, COUNT(ids));
	for (int i = 0; i < COUNT(ids); i++)
		ck_assert_int_eq(pthread_create(&ids[i], NULL, get_often, paths[i]), 0);
	for (int i = 0; i < COUNT(ids); i++) {
		ck_assert_int_eq(pthread_join(ids[i], &failures), 0);
		ck_assert_ptr_null(failures);
	}
	ck_assert_uint_eq(hold_next(0), UINT_MAX);
}
END_TEST

static void add_life_tests(TCase *tc)
{
	tcase_add_test(tc, same_node_has_the_same_hold);
	tcase_add_test(tc, hold_is_high_closed_by_exec_and_direct);
	tcase_add_test(tc, other_nodes_and_accesses_have_others);
	tcase_add_loop_test(tc, number_that_is_another_file_by_now, 0, 2);
	tcase_add_test(tc, ends_with_the_last_marked_number);
	tcase_add_test(tc, range_that_closes_all_ends_all);
	tcase_add_test(tc, hold_in_use_ends_with_its_last_use);
	tcase_add_test(tc, forgotten_hold_is_nobody_elses);
	tcase_add_test(tc, locks_are_seen);
	tcase_add_test(tc, refused_often_with_a_lock);
	tcase_add_test(tc, full_table);
	tcase_add_test(tc, many_partitions_one_after_the_other);
	tcase_add_loop_test(tc, threads_that_come_and_go_at_once, 0, THREADS);
}

Suite *suite(void)
{
	Suite *s = suite_create("hold");
	TCase *tc = tcase_create("disk");

	if (!test_disk_make(&disk, 512))
		suite_skip("no loop disk with partitions here");
	tcase_set_timeout(tc, 20);
	add_life_tests(tc);
	suite_add_tcase(s, tc);
	return s;
}
