/* SPDX-License-Identifier: MIT */
/*
 * The hold, the shim's own descriptor of a disk, over the simulated disk: it must come and go at
 * the right moments, and the program must not notice it. hold_child.c has the children, hold_lock.c
 * the locks.
 */
#include "hold.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "untorn_uapi.h"

static void comes_and_goes(void)
{
	int fd = open_disk();

	want(hold_count() == 1);
	check_statx(fd);
	want(hold_count() == 1); /* asking is not writing */
	for (int i = 0; i < 3; i++) {
		check_write(fd, UNIT * i, 'a');
		want(hold_count() == 2);
	}
	want(fcntl(hold_number(), F_GETFD) == FD_CLOEXEC);
	want((fcntl(hold_number(), F_GETFL) & O_ACCMODE) == O_RDWR);
	want(close(fd) == 0 && hold_count() == 0);
}

/* A hold never has more access than the program's file. */
static void has_the_access_of_the_file(void)
{
	int fd = open(DISK, O_WRONLY | O_DIRECT);

	want(atomic_write(fd, buffer(UNIT, 'w'), UNIT, 0) == UNIT);
	want((fcntl(hold_number(), F_GETFL) & O_ACCMODE) == O_WRONLY);
	int both = open_disk();
	check_write(both, UNIT, 'w');
	want(hold_count() == 4);
	want(close(fd) == 0 && close(both) == 0 && hold_count() == 0);
	fd = open(DISK, O_RDONLY | O_DIRECT);
	want_error(atomic_write(fd, buffer(UNIT, 'r'), UNIT, 0), EBADF);
	want(hold_count() == 1);
}

static int null;

static void by_close(int fd)
{
	want(close(fd) == 0);
}

static void by_syscall(int fd)
{
	want(syscall(SYS_close, fd) == 0);
}

static void by_dup2(int fd)
{
	want(dup2(null, fd) == fd && close(fd) == 0);
}

static void by_dup3(int fd)
{
	want(dup3(null, fd, O_CLOEXEC) == fd && close(fd) == 0);
}

static void by_syscall_dup3(int fd)
{
	want(syscall(SYS_dup3, null, fd, 0) == fd && close(fd) == 0);
}

static void by_close_range(int fd)
{
	want(close_range((unsigned)fd, (unsigned)fd, 0) == 0);
}

static void by_close_range_to_the_end(int fd)
{
	want(close_range((unsigned)fd, ~0U, 0) == 0);
}

static void by_syscall_close_range(int fd)
{
	want(syscall(SYS_close_range, fd, fd + 10, 0) == 0);
}

static void by_closefrom(int fd)
{
	closefrom(fd);
}

static void by_fclose(int fd)
{
	FILE *stream = fdopen(fd, "r+");

	want(stream && fclose(stream) == 0);
}

static void by_freopen(int fd)
{
	FILE *stream = fdopen(fd, "r+");

	want(stream && freopen("/dev/null", "r", stream) == stream && fileno(stream) == fd);
	want(fclose(stream) == 0);
}

static void (*const ways[])(int fd) = {
	by_fclose,
	by_freopen,
	by_close,
	by_syscall,
	by_dup2,
	by_dup3,
	by_syscall_dup3,
	by_close_range,
	by_close_range_to_the_end,
	by_syscall_close_range,
	by_closefrom,
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* After each kind of close the hold is gone, and errno is unchanged. */
static void goes_by_every_close(void)
{
	null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 2 * WAYS; i++) {
		int fd = open_disk();
		check_write(fd, UNIT * i, 'b');
		want(hold_count() == 2);
		errno = 1234;
		ways[i % WAYS](fd);
		want(errno == 1234);
		want(fcntl(fd, F_GETFD) == -1 && hold_count() == 0);
	}
}

/* A close that fails must not end the hold. */
static void stays_when_a_close_fails(void)
{
	int fd = open_disk(), unused = fcntl(fd, F_DUPFD, 300);

	want(close(unused) == 0);
	check_write(fd, 0, 'c');
	want_error(dup2(unused, fd), EBADF);
	want_error(dup3(unused, fd, 0), EBADF);
	want_error(dup3(fd, fd, 0), EINVAL);
	want_error(dup3(2, fd, 0x12345), EINVAL);
	want(dup2(fd, fd) == fd);
	want_error(close_range((unsigned)fd, (unsigned)fd - 1, 0), EINVAL);
	want_error(close_range((unsigned)fd, (unsigned)fd, 1U << 20), EINVAL);
	want(close_range((unsigned)fd, (unsigned)fd, 1U << 2) == 0); /* CLOSE_RANGE_CLOEXEC */
	want(hold_count() == 2);
	check_write(fd, UNIT, 'c');
	want(close(fd) == 0 && hold_count() == 0);
}

/* The hold depends on the numbers that the program wrote through, not on all open numbers. */
static void goes_with_the_last_number_written_through(void)
{
	int fd = open_disk(), other = dup(fd), unused = dup(fd), again = open_disk();

	check_write(fd, 0, 'd');
	check_write(other, UNIT, 'd');
	check_write(again, 2 * UNIT, 'd');
	want(hold_count() == 5);
	want(close(unused) == 0 && hold_count() == 4);
	want(close(fd) == 0 && hold_count() == 3);
	want(close(again) == 0 && hold_count() == 2);
	unused = fcntl(other, F_DUPFD, 200); /* never written through yet */
	want(close(other) == 0 && hold_count() == 1);
	check_write(unused, 0, 'D');
	want(hold_count() == 2);
	want(close(unused) == 0 && hold_count() == 0);
}

static void of_each_node_goes_alone(void)
{
	int disk = open_disk(), part = hold_open(PART);

	check_write(disk, 0, 'e');
	check_write(part, 0, 'E');
	want(hold_count() == 2 && hold_count_part() == 2);
	want(close(disk) == 0 && hold_count() == 0 && hold_count_part() == 2);
	check_write(part, UNIT, 'E');
	disk = open_disk();
	want(holds(disk, 0, UNIT, 'e') && holds(disk, 1 << 20, 2 * UNIT, 'E'));
	want(dup2(disk, part) == part && hold_count_part() == 0);
	want(close(disk) == 0);
	check_write(part, 3 * UNIT, 'e');
	want(close(part) == 0 && hold_count() == 0);
}

/* For a write at the file's position the shim opens a descriptor for this one call. */
static void at_the_position(void)
{
	int fd = open_disk();

	for (int i = 0; i < 3; i++) {
		want(atomic_write(fd, buffer(UNIT, 'p'), UNIT, -1) == UNIT);
		want(lseek(fd, 0, SEEK_CUR) == UNIT * (i + 1) && hold_count() == 2);
	}
	want(close(fd) == 0 && hold_count() == 0);
}

static void program_gets_the_lowest_numbers(void)
{
	int first = hold_next_free(), fd = open_disk();

	want(fd == first);
	check_statx(fd);
	for (int i = 0; i < 3; i++) {
		check_write(fd, UNIT * i, 'f');
		want(atomic_write(fd, buffer(UNIT, 'f'), UNIT, -1) == UNIT);
		want(hold_next_free() == first + 1);
	}
	int more = hold_open(PART);
	want(more == first + 1);
	check_write(more, 0, 'f');
	want(dup(2) == first + 2);
	want(close(fd) == 0 && hold_next_free() == first);
	want(open_disk() == first);
}

/* For the program, the hold's number is not open. */
static void program_cannot_close_it(void)
{
	int fd = open_disk();

	check_write(fd, 0, 'g');
	int own = hold_number();
	want_error(close(own), EBADF);
	want_error(syscall(SYS_close, own), EBADF);
	want(close_range((unsigned)own, (unsigned)own, 0) == 0);
	want(close_range((unsigned)own - 1, (unsigned)own + 1, 0) == 0);
	closefrom(own);
	want(hold_number() == own);
	check_write(fd, UNIT, 'g');
	want(close(fd) == 0 && hold_count() == 0);
}

/* The program takes the hold's number by dup2(): from then on the shim leaves it alone. */
static void program_takes_its_number(void)
{
	int fd = open_disk(), other = open("/dev/zero", O_RDWR);
	struct stat st;

	for (int i = 0; i < 4; i++) {
		check_write(fd, UNIT * i, 'h');
		int own = hold_number();
		want((i & 1 ? dup3(other, own, O_CLOEXEC) : dup2(other, own)) == own);
		check_write(fd, UNIT * i, 'H');
		want(hold_number() != own);
		want(fstat(own, &st) == 0 && S_ISCHR(st.st_mode));
		want(close(own) == 0 && fcntl(own, F_GETFD) == -1);
	}
	want(close(fd) == 0 && hold_count() == 0);
}

/* The same, by a descriptor of the same disk. */
static void program_writes_through_its_number(void)
{
	int fd = open_disk();

	check_write(fd, 0, 'i');
	int own = hold_number();
	want(dup2(fd, own) == own && close(fd) == 0);
	check_write(own, UNIT, 'i');
	check_write(own, 2 * UNIT, 'i');
	want(hold_count() == 2 && close(own) == 0 && hold_count() == 0);
}

static void everything_is_closed(void)
{
	int saved = fcntl(2, F_DUPFD, 1200); /* for messages, if the limit allows it */

	for (int round = 0; round < 4; round++) {
		int fd = open_disk();
		check_write(fd, UNIT * round, 'j');
		if (round == 0)
			want(close_range(3, saved > 0 ? 1199 : ~0U, 0) == 0);
		for (int i = 0; round && i < 1024; i++)
			close(i);
		dup2(saved, 2);
		want(hold_count() == 0);
	}
	want(open_disk() == 0); /* 0, 1 are free by now */
	check_write(0, 8 * UNIT, 'J');
	want(close(0) == 0 && hold_count() == 0);
}

/* Leaves only the lowest `count` numbers free. */
static void leave_free(int count)
{
	int lowest = hold_next_free();

	while (open("/dev/null", O_RDWR) >= 0) {
	}
	want(errno == EMFILE);
	for (int i = 0; i < count; i++)
		want(close(lowest + i) == 0);
}

/* However few descriptors are free, writes go on, and the shim keeps at most one. The simulated
 * disk needs one for a command. */
static void few_descriptors(void)
{
	struct rlimit limit = { 64, 64 };
	int fd = open_disk();
	char *data = buffer(UNIT, 'k');

	want(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < 8; i++) {
		leave_free(i / 2);
		ssize_t result = atomic_write(fd, data, UNIT, i & 1 ? -1 : 0);
		want(result == UNIT || (i > 1 && errno == EIO));
		close(63); /* counting takes one */
		want(hold_count() <= 2);
		for (int number = fd + 1; number < 63; number++)
			close(number);
	}
	check_write(fd, 0, 'l');
	leave_free(0);
	want(atomic_write(fd, data, UNIT, -1) == UNIT);
	want(close(63) == 0);
	for (int i = 0; i < 4; i++) { /* longer than the shim believes the disk's answers */
		check_write(fd, UNIT * i, 'm');
		usleep(600000);
	}
	want(close(fd) == 0);
	want(open("/dev/null", O_RDWR) == fd);
}

/* The limit allows no number as high as the shim wants. */
static void limit_below_its_numbers(void)
{
	struct rlimit limit = { 100, 100 };

	want(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	int fd = open_disk();
	check_write(fd, 0, 'n');
	want(hold_count() == 2);
	check_write(fd, UNIT, 'n');
	want(close(fd) == 0 && hold_count() == 0);
}

static int shared_fd;

static void *write_in_own_table(void *unused)
{
	want(unshare(CLONE_FILES) == 0);
	check_write(shared_fd, UNIT, 'o');
	int own = open_disk();
	check_write(own, 2 * UNIT, 'o');
	want(close(own) == 0);
	check_write(shared_fd, 3 * UNIT, 'o');
	own = hold_open(PART);
	check_write(own, 4 * UNIT, 'o');
	want(close(own) == 0 && hold_count_part() == 0);
	return unused;
}

/* The thread's numbers and holds are not those of the other threads. */
static void thread_with_a_table_of_its_own(void)
{
	pthread_t id;

	shared_fd = open_disk();
	for (int i = 0; i < 3; i++) {
		if (i)
			check_write(shared_fd, 0, 'O');
		want(pthread_create(&id, NULL, write_in_own_table, NULL) == 0);
		want(pthread_join(id, NULL) == 0);
		check_write(shared_fd, 5 * UNIT, 'O');
		want(hold_count() == 2 && hold_count_part() == 0);
	}
	want(close(shared_fd) == 0 && hold_count() == 0);
}

static void is_closed_by_exec(void)
{
	if (getenv("EXECUTED")) {
		want(hold_count() == 1); /* the one that the program passed on */
		int inherited = atoi(getenv("EXECUTED"));
		check_write(inherited, UNIT, 'q');
		want(close(inherited) == 0 && hold_count() == 0);
		return;
	}
	int fd = open(DISK, O_RDWR | O_DIRECT), other = open_disk();
	char number[16];
	check_write(fd, 0, 'q');
	check_write(other, 0, 'q');
	snprintf(number, sizeof(number), "%d", fd);
	setenv("EXECUTED", number, 1);
	execl("/proc/self/exe", "preload-body", "--body", "is_closed_by_exec", NULL);
	want(!"executed");
}

#define BODY(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

const struct body bodies[] = {
	BODY(comes_and_goes),
	BODY(has_the_access_of_the_file),
	BODY(goes_by_every_close),
	BODY(stays_when_a_close_fails),
	BODY(goes_with_the_last_number_written_through),
	BODY(of_each_node_goes_alone),
	BODY(at_the_position),
	BODY(program_gets_the_lowest_numbers),
	BODY(program_cannot_close_it),
	BODY(program_takes_its_number),
	BODY(program_writes_through_its_number),
	BODY(everything_is_closed),
	BODY(few_descriptors),
	BODY(limit_below_its_numbers),
	BODY(thread_with_a_table_of_its_own),
	BODY(is_closed_by_exec),
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "comes_and_goes", "", NULL, 3 },
	{ "has_the_access_of_the_file", "", NULL, 2 },
	{ "goes_by_every_close", "", NULL, 2 * WAYS },
	{ "stays_when_a_close_fails", "", NULL, 2 },
	{ "goes_with_the_last_number_written_through", "", NULL, 4 },
	{ "of_each_node_goes_alone", ",part=2048+4096", NULL, 4 },
	{ "at_the_position", "", NULL, 3 },
	{ "program_gets_the_lowest_numbers", ",part=2048+4096", NULL, 7 },
	{ "program_cannot_close_it", "", NULL, 2 },
	{ "program_takes_its_number", "", NULL, 8 },
	{ "program_writes_through_its_number", "", NULL, 3 },
	{ "everything_is_closed", "", NULL, 5 },
	{ "few_descriptors", "", NULL, -1 },
	{ "limit_below_its_numbers", "", NULL, 2 },
	{ "thread_with_a_table_of_its_own", ",part=2048+4096", NULL, 17 },
	{ "is_closed_by_exec", "", NULL, 3 },
};

Suite *suite(void)
{
	return preload_suite("the hold of a disk", rows, sizeof(rows) / sizeof(rows[0]));
}
