/* SPDX-License-Identifier: MIT */
/* Tests the numbers of holds, on loop disks: when the program may take them, and their meaning in
 * children and in other tables of descriptors. */
#include "unit/hold.h"

START_TEST(next_is_in_order)
{
	int numbers[3], fds[] = { open_disk(), open_node(disk.partition_path[0], O_RDWR),
				  open_node(disk.partition_path[1], O_RDWR) };

	ck_assert_uint_eq(hold_next(0), UINT_MAX);
	for (int i = 0; i < 3; i++)
		numbers[i] = number_of(fds[i]);
	ck_assert(numbers[0] < numbers[1] && numbers[1] < numbers[2]);
	ck_assert_uint_eq(hold_next(0), (unsigned)numbers[0]);
	ck_assert_uint_eq(hold_next((unsigned)numbers[0]), (unsigned)numbers[0]);
	ck_assert_uint_eq(hold_next((unsigned)numbers[0] + 1), (unsigned)numbers[1]);
	close_through_the_door(fds[1]);
	ck_assert_uint_eq(hold_next((unsigned)numbers[0] + 1), (unsigned)numbers[2]);
	ck_assert_uint_eq(hold_next((unsigned)numbers[2] + 1), UINT_MAX);
}
END_TEST

START_TEST(number_that_the_program_wants_is_left)
{
	int fd = open_disk(), number = number_of(fd);

	ck_assert_int_eq(hold_move((unsigned)number + 1), 0);
	ck_assert(hold_owns((unsigned)number));
	ck_assert_int_eq(hold_move((unsigned)number), 0);
	ck_assert(!hold_owns((unsigned)number));
	ck_assert_int_eq(dup2(0, number), number); /* dup2() closes the hold's file */
	ck_assert_int_ne(number_of(fd), number);
	close_through_the_door(fd);
	ck_assert(is_open(number));
}
END_TEST

START_TEST(number_in_use_is_not_left)
{
	int fd = open_disk();
	struct hold *hold = get(fd);

	ck_assert_int_eq(hold_move((unsigned)hold->fd), -EBUSY);
	ck_assert(hold_is_sound(hold) && hold_owns((unsigned)hold->fd));
	hold_put(hold);
	ck_assert_ptr_eq(get(fd), hold);
	hold_put(hold);
}
END_TEST

static void *end_soon(void *argument)
{
	struct hold *hold = argument;

	usleep(50000); /* between its proof and its close */
	close(hold->fd);
	atomic_store(&hold->state, 0);
	return NULL;
}

/* The hold's last use is over, and its number is about to be closed: the program must not get it
 * yet. */
START_TEST(number_that_is_being_closed_is_not_left)
{
	pthread_t thread;
	int fd = open_disk();
	struct hold *hold = get(fd);

	close_through_the_door(fd);
	atomic_fetch_sub(&hold->state, 1);
	ck_assert_int_eq(hold_move((unsigned)hold->fd), -EBUSY);
	ck_assert_int_eq(pthread_create(&thread, NULL, end_soon, hold), 0);
	ck_assert_int_eq(hold_move((unsigned)hold->fd), 0);
	ck_assert(!is_open(hold->fd));
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* A child may have a copy of our memory and share our table of descriptors: their positions must
 * differ, so that each process knows its own holds there. */
START_TEST(positions_are_nobody_elses)
{
	static off_t *childs; /* in shared memory */
	int fd = open_disk(), status;

	childs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(childs, MAP_FAILED);
	number_of(open_node(disk.partition_path[1], O_RDWR));
	pid_t child = fork();
	if (child == 0) {
		*childs = get(open_node(disk.partition_path[0], O_RDWR))->position;
		_exit(0);
	}
	ck_assert(waitpid(child, &status, 0) == child && status == 0);
	struct hold *hold = get(fd);
	ck_assert(*childs && hold->position && *childs != hold->position);
	ck_assert_int_eq(*childs & 1, 1);
	hold_put(hold);
	munmap(childs, 4096);
}
END_TEST

/* A signal handler may fork in the middle of a write: the write then goes on in the child, too. */
START_TEST(child_in_mid_write_keeps_it)
{
	int fd = open_disk(), part = open_node(disk.partition_path[0], O_RDWR), status;
	struct hold *hold = get(fd);
	int other = number_of(part); /* in the table, but not in use */

	hold_share(hold);
	pid_t child = fork();
	if (child == 0) {
		hold_after_fork();
		bool there = hold_is_sound(hold) && !is_open(other);
		hold_put(hold);
		there = there && hold_is_sound(hold);
		hold_put(hold);
		hold_put(hold); /* one put too many has no effect */
		close_through_the_door(fd);
		_exit(there && !is_open(hold->fd) ? 0 : 1);
	}
	hold_put(hold);
	ck_assert(waitpid(child, &status, 0) == child && status == 0);
	ck_assert(hold_is_sound(hold));
	hold_put(hold);
}
END_TEST

START_TEST(closed_past_the_doors)
{
	const char *const paths[] = { NULL, "/dev/null", disk.partition_path[0] };
	int fd = open_disk(), number = number_of(fd);

	close_past_the_doors(number);
	if (paths[_i]) {
		int other = open_node(paths[_i], O_RDWR);
		ck_assert_int_eq(fcntl(other, F_DUPFD, number), number);
	}
	ck_assert(!hold_owns((unsigned)number));
	struct hold *hold = get(fd);
	ck_assert(fcntl(hold->fd, F_GETFL) & O_DIRECT);
	hold_put(hold);
	close_through_the_door(fd); /* the program's file stays open */
	ck_assert_int_eq(is_open(number), paths[_i] != NULL);
}
END_TEST

/* The kernel gives out a number for which the table has a stale entry: it is not ours by that. */
START_TEST(duplicate_on_a_stale_number)
{
	int fd = open_disk(), number = number_of(fd);

	close_past_the_doors(number);
	int copy = hold_duplicate(fd);
	ck_assert_int_eq(copy, number);
	ck_assert(!hold_owns((unsigned)copy));
	ck_assert_int_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
	close(copy);
	struct hold *hold = get(fd);
	close_past_the_doors(hold->fd);
	copy = hold_duplicate(fd); /* the entry is in use */
	ck_assert_int_eq(copy, hold->fd);
	ck_assert(!hold_owns((unsigned)copy) && !hold_is_sound(hold));
	ck_assert_int_eq(lseek(copy, 4096, SEEK_SET), 4096);
	ck_assert(!hold_owns((unsigned)copy) && !hold_is_sound(hold));
	close(copy);
	hold_put(hold);
}
END_TEST

/* A hold that shares the program's file is known by its node, which the new file has, too. */
START_TEST(shared_file_on_a_stale_number)
{
	int fd = open_disk();

	ck_assert_int_eq(seteuid(65534), 0); /* the node cannot be opened again */
	struct hold *hold = get(fd);
	int number = hold->fd;
	ck_assert_int_eq(hold->position, 0);
	hold_put(hold);
	ck_assert(hold_owns((unsigned)number));
	close_past_the_doors(number);
	int copy = hold_duplicate(fd);
	ck_assert(copy >= 0 && !hold_owns((unsigned)copy));
	close(copy);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(child_of_fork_has_none)
{
	int fd = open_disk(), status;
	struct hold *hold = get(fd);

	hold_hand_over(hold); /* to a thread that is not in the child */
	int number = hold->fd;

	pid_t child = fork();
	if (child == 0) {
		hold_after_fork();
		if (is_open(number) || hold_next(0) != UINT_MAX)
			_exit(1);
		number = number_of(fd);
		close_through_the_door(fd);
		_exit(is_open(number) ? 2 : 0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert(hold_is_sound(hold));
	hold_put(hold);
}
END_TEST

/* A child that no atfork handler announced may use its parent's holds, but closes none. */
START_TEST(unannounced_child_ends_none)
{
	int fd = open_disk(), status, number = number_of(fd);

	pid_t child = fork();
	if (child == 0) {
		if (number_of(fd) != number)
			_exit(1);
		close_through_the_door(fd);
		_exit(is_open(number) && hold_move((unsigned)number) == 0 &&
				      hold_owns((unsigned)number)
			      ? 0
			      : 2);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void add_number_tests(TCase *tc)
{
	tcase_add_test(tc, next_is_in_order);
	tcase_add_test(tc, number_that_the_program_wants_is_left);
	tcase_add_test(tc, number_in_use_is_not_left);
	tcase_add_test(tc, number_that_is_being_closed_is_not_left);
	tcase_add_test(tc, positions_are_nobody_elses);
	tcase_add_test(tc, child_in_mid_write_keeps_it);
	tcase_add_loop_test(tc, closed_past_the_doors, 0, 3);
	tcase_add_test(tc, duplicate_on_a_stale_number);
	tcase_add_test(tc, shared_file_on_a_stale_number);
	tcase_add_test(tc, child_of_fork_has_none);
	tcase_add_test(tc, unannounced_child_ends_none);
}

Suite *suite(void)
{
	Suite *s = suite_create("hold_end");
	TCase *tc = tcase_create("disk");

	if (!test_disk_make(&disk, 512))
		suite_skip("no loop disk with partitions here");
	tcase_set_timeout(tc, 20);
	add_number_tests(tc);
	suite_add_tcase(s, tc);
	return s;
}
