/* SPDX-License-Identifier: MIT */
/* Tests marks of numbers, and looks at numbers that other threads give to other files meanwhile. */
#include "device/look.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "suite.h"
#include "tables_disk.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct test_disk disk;

static const unsigned numbers[] = {
	0, 1, 63, 64, 65, 127, 128, 1023, 65535, 65536, LOOK_NUMBERS - 65, LOOK_NUMBERS - 1,
};

START_TEST(nothing_is_marked_at_first)
{
	ck_assert_uint_eq(look_next(0), LOOK_NONE);
	for (unsigned i = 0; i < LOOK_NUMBERS; i += 7)
		ck_assert(!look_is_marked(i));
}
END_TEST

START_TEST(marks_are_found_in_order)
{
	unsigned found = 0;

	for (int i = COUNT(numbers) - 1; i >= 0; i--) {
		look_mark(numbers[i]);
		look_mark(numbers[i]);
		ck_assert(look_is_marked(numbers[i]));
		ck_assert_uint_eq(look_next(0), numbers[i]);
		ck_assert_uint_eq(look_next(numbers[i]), numbers[i]);
	}
	for (unsigned i = look_next(0); i != LOOK_NONE; i = look_next(i + 1))
		ck_assert_uint_eq(i, numbers[found++]);
	ck_assert_int_eq((int)found, COUNT(numbers));
	ck_assert(!look_is_marked(2) && !look_is_marked(66) && !look_is_marked(65534));
}
END_TEST

/* These numbers have no mark: so every close counts them as marked. */
START_TEST(numbers_past_the_table_count_as_marked)
{
	static const unsigned past[] = { LOOK_NUMBERS, LOOK_NUMBERS + 1, 1U << 30, ~0U - 1, ~0U };

	look_mark(past[_i]);
	ck_assert(look_is_marked(past[_i]));
	ck_assert_uint_eq(look_next(past[_i]), LOOK_NONE);
	ck_assert_uint_eq(look_next(0), LOOK_NONE);
}
END_TEST

START_TEST(only_block_devices_are_nodes)
{
	static const struct {
		const char *path;
		int flags;
	} rows[] = {
		{ "/dev/null", O_RDWR },        { "/proc/self/maps", O_RDONLY }, { "/", O_RDONLY },
		{ "/proc/self/exe", O_RDONLY }, { "/proc/self/exe", O_PATH },
	};
	struct look look;
	int fd = open(rows[_i].path, rows[_i].flags | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(look_at_node(fd, &look), -ENOTBLK);
	ck_assert_int_eq(look_at(fd, &look, NULL), -ENOTBLK);
	close(fd);
	ck_assert_int_eq(look_at_node(fd, &look), -EBADF);
	ck_assert_int_eq(look_at(fd, &look, NULL), -EBADF);
	ck_assert_int_eq(look_at(-1, &look, NULL), -EBADF);
}
END_TEST

static int open_node(const char *path, int flags, off_t position)
{
	int fd = open(path, flags | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s", path);
	if (!(flags & O_PATH))
		ck_assert_int_eq(lseek(fd, position, SEEK_SET), position);
	return fd;
}

static void check_look(const struct look *look, dev_t number, int flags)
{
	const int kept = O_ACCMODE | O_DIRECT | O_DSYNC | O_APPEND | O_PATH;

	ck_assert(look->number == number);
	ck_assert_int_eq(look->flags & kept, flags & kept);
}

START_TEST(node_flags_and_position_are_told)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_WRONLY | O_DIRECT,
				     O_RDWR | O_DIRECT | O_DSYNC };
	int fd = open_node(disk.path, flags[_i], 4096 * _i);
	struct look look, node;
	off_t position = -1;

	ck_assert_int_eq(look_at(fd, &look, &position), 0);
	check_look(&look, disk.number, flags[_i]);
	ck_assert_int_eq(position, 4096 * _i);
	ck_assert_int_eq(look_at_node(fd, &node), 0);
	ck_assert(look_is_same_node(&look, &node));
	ck_assert(look_is_marked((unsigned)fd));
	close(fd);
}
END_TEST

START_TEST(nodes_are_told_apart)
{
	const char *const paths[] = { disk.path, disk.partition_path[0], disk.partition_path[1] };
	struct look looks[3], again;

	for (int i = 0; i < 3; i++) {
		int fd = open_node(paths[i], O_RDONLY, 0), other = open_node(paths[i], O_PATH, 0);
		ck_assert_int_eq(look_at_node(fd, &looks[i]), 0);
		ck_assert_int_eq(look_at_node(other, &again), 0);
		ck_assert(look_is_same_node(&looks[i], &again));
		for (int j = 0; j < i; j++)
			ck_assert(!look_is_same_node(&looks[i], &looks[j]));
		close(fd);
		close(other);
	}
}
END_TEST

START_TEST(high_numbers_are_looked_at_too)
{
	struct rlimit limit = { 70000, 70000 };
	struct look look;
	int low = open_node(disk.path, O_RDWR, 512);
	off_t position;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	int fd = fcntl(low, F_DUPFD_CLOEXEC, 66000);
	ck_assert_int_eq(fd, 66000);
	ck_assert_int_eq(look_at(fd, &look, &position), 0);
	check_look(&look, disk.number, O_RDWR);
	ck_assert_int_eq(position, 512);
	ck_assert(look_is_marked(66000));
	close(fd);
	ck_assert_int_eq(look_at(fd, &look, NULL), -EBADF);
	close(low);
}
END_TEST

/* The moment of a change relative to the two halves of a look. */
enum { NONE, BEFORE, UNDER_WAY, BETWEEN, BEGINS, ENDS, MOMENTS };

static void change_at(int moment, int now)
{
	if (moment == now && (moment == BEFORE || moment == BETWEEN)) {
		look_before_change();
		look_after_change();
	}
}

START_TEST(halves_belong_together_only_without_a_change)
{
	static const int results[MOMENTS] = { 0, 0, -EAGAIN, -EAGAIN, -EAGAIN, -EAGAIN };
	int fd = open_node(disk.path, O_RDWR, 0);
	struct look_begun begun;
	struct look look;

	change_at(_i, BEFORE);
	if (_i == UNDER_WAY || _i == ENDS)
		look_before_change();
	ck_assert_int_eq(look_begin(fd, &look, &begun), 0);
	change_at(_i, BETWEEN);
	if (_i == BEGINS)
		look_before_change();
	if (_i == ENDS)
		look_after_change();
	ck_assert_int_eq(look_end(fd, &begun, &look, NULL), results[_i]);
	close(fd);
}
END_TEST

/* From Linux 5.14 on, a number's fdinfo has inode and flags in one read. */
static bool fdinfo_has_inode(void)
{
	char text[512] = "";
	FILE *file = fopen("/proc/self/fdinfo/0", "r");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	return length > 0 && strstr(text, "ino:");
}

START_TEST(change_that_never_ends_is_got_around)
{
	int fd = open_node(disk.partition_path[0], O_WRONLY | O_DIRECT, 8192);
	struct look look;
	off_t position = -1;

	if (!fdinfo_has_inode())
		return;
	look_before_change();
	ck_assert_int_eq(look_at(fd, &look, &position), 0);
	check_look(&look, disk.partition[0], O_WRONLY | O_DIRECT);
	ck_assert_int_eq(position, 8192);
	look_after_change();
	ck_assert_int_eq(look_at(fd, &look, &position), 0);
	close(fd);
}
END_TEST

enum { NUMBER = 200, POSITION_A = 4096, POSITION_B = 65536 };
static _Atomic bool stop;

struct switching {
	int a, b;
	bool closes;
};

static void change_number(int to, bool closes)
{
	look_before_change();
	if (closes)
		close(NUMBER);
	else
		dup2(to, NUMBER);
	look_after_change();
}

static void *switch_on(void *argument)
{
	const struct switching *s = argument;

	for (unsigned i = 0; !atomic_load(&stop); i++) {
		change_number(i & 1 ? s->a : s->b, false);
		if (s->closes)
			change_number(0, true);
		if (i % 7 == 0) /* sometimes with a pause */
			usleep(50);
	}
	return NULL;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The look must be all of A or all of B. */
static void check_whole(const struct look *look, off_t position)
{
	bool is_a = look->number == disk.number;

	check_look(look, is_a ? disk.number : disk.partition[1],
		   is_a ? O_RDWR | O_DIRECT : O_RDONLY);
	ck_assert_int_eq(position, is_a ? POSITION_A : POSITION_B);
}

START_TEST(number_that_changes_hands_is_seen_whole)
{
	struct switching s = { .a = open_node(disk.path, O_RDWR | O_DIRECT, POSITION_A),
			       .b = open_node(disk.partition_path[1], O_RDONLY, POSITION_B),
			       .closes = _i };
	long of_a = 0, of_b = 0;
	struct look look;
	off_t position;
	pthread_t id;

	ck_assert_int_eq(dup2(s.a, NUMBER), NUMBER);
	ck_assert_int_eq(pthread_create(&id, NULL, switch_on, &s), 0);
	/* On a busy machine it may take long until both were seen. */
	for (double end = now() + 0.5, late = end + 20;
	     now() < end || ((!of_a || !of_b) && now() < late);) {
		int error = look_at(NUMBER, &look, &position);
		ck_assert_msg(error == 0 || (s.closes && error == -EBADF), "%d", error);
		if (error)
			continue;
		check_whole(&look, position);
		of_a += look.number == disk.number;
		of_b += look.number != disk.number;
	}
	atomic_store(&stop, true);
	pthread_join(id, NULL);
	ck_assert(s.closes || (of_a > 0 && of_b > 0)); /* nearly always closed */
	close(s.a);
	close(s.b);
}
END_TEST

static void add_disk_tests(Suite *s)
{
	TCase *tc = tcase_create("disk");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, node_flags_and_position_are_told, 0, 4);
	tcase_add_test(tc, nodes_are_told_apart);
	tcase_add_test(tc, high_numbers_are_looked_at_too);
	tcase_add_loop_test(tc, halves_belong_together_only_without_a_change, 0, MOMENTS);
	tcase_add_test(tc, change_that_never_ends_is_got_around);
	tcase_add_loop_test(tc, number_that_changes_hands_is_seen_whole, 0, 2);
	suite_add_tcase(s, tc);
}

Suite *suite(void)
{
	Suite *s = suite_create("look");
	TCase *tc = tcase_create("marks");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, nothing_is_marked_at_first);
	tcase_add_test(tc, marks_are_found_in_order);
	tcase_add_loop_test(tc, numbers_past_the_table_count_as_marked, 0, 5);
	tcase_add_loop_test(tc, only_block_devices_are_nodes, 0, 5);
	suite_add_tcase(s, tc);
	if (test_disk_make(&disk, 512))
		add_disk_tests(s);
	return s;
}
