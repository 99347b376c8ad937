/* SPDX-License-Identifier: MIT */
/*
 * The program's locks and the hold. A process loses its POSIX locks at any close of the node, so a
 * close of the shim's descriptor would drop them: they must stay as long as the program keeps its
 * own descriptor. flock() locks belong to an open file, and must end with the program's.
 *
 * On partitions of the simulated disk, because the simulation, which is in this process, locks,
 * opens and closes the disk's own image.
 *
 * Links: -laio
 */
#include "hold.h"

#include <errno.h>
#include <libaio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "untorn_uapi.h"

#define PART_2    DISK "p2"
#define PARTS     ",part=2048+4096,part=8192+4096"
#define PART_SIZE (4096 * 512)

static void lock_by(int fd, short type, off_t start)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };

	want(fcntl(fd, F_SETLK, &lock) == 0);
}

static void lock(int fd)
{
	lock_by(fd, F_WRLCK, 0);
}

/* Another process asks. */
static int is_locked_at(int fd, off_t start)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1
	};
	pid_t child = fork();

	if (child == 0)
		_exit(fcntl(fd, F_GETLK, &lock) < 0 ? 9 : lock.l_type != F_UNLCK);
	int status = status_of(child);
	want(status == 0 || status == 1 << 8);
	return status != 0;
}

static int is_locked(int fd)
{
	return is_locked_at(fd, 0);
}

static void write_at_position(int fd, char letter)
{
	char *data = buffer(UNIT, letter);

	want(atomic_write(fd, data, UNIT, -1) == UNIT);
	free(data);
}

/* Uses everything that the shim serves once; the lock must stay after each. */
static void use_with_lock(int fd)
{
	off_t position = lseek(fd, 0, SEEK_CUR);

	check_write(fd, 0, 'a');
	want(is_locked(fd));
	check_write(fd, UNIT, 'b');
	want(is_locked(fd));
	write_at_position(fd, 'c');
	want(is_locked(fd) && holds(fd, position, UNIT, 'c'));
	write_at_position(fd, 'd');
	want(is_locked(fd) && holds(fd, position + UNIT, UNIT, 'd'));
	want(lseek(fd, 0, SEEK_CUR) == position + 2 * UNIT);
	check_statx(fd);
	want(is_locked(fd));
}

static void taken_before_the_first_write(void)
{
	int fd = hold_open(PART);

	lock(fd);
	use_with_lock(fd);
	want(close(fd) == 0);
	fd = hold_open(PART);
	want(!is_locked(fd) && hold_count_part() == 1);
}

static void taken_after_a_write(void)
{
	int fd = hold_open(PART);

	check_write(fd, 0, 'e');
	lock(fd);
	use_with_lock(fd);
	want(close(fd) == 0);
	fd = hold_open(PART);
	want(!is_locked(fd) && hold_count_part() == 1);
}

static void position_first(void)
{
	int fd = hold_open(PART);

	lock(fd);
	write_at_position(fd, 'f');
	want(is_locked(fd));
	write_at_position(fd, 'f');
	want(is_locked(fd) && holds(fd, 0, 2 * UNIT, 'f'));
}

static void statx_first(void)
{
	int fd = hold_open(PART);

	lock(fd);
	check_statx(fd);
	want(is_locked(fd));
	use_with_lock(fd);
}

static void lock_for_reading(void)
{
	int fd = hold_open(PART);

	lock_by(fd, F_RDLCK, 0);
	use_with_lock(fd);
}

static void lock_far_out(void)
{
	int fd = hold_open(PART);

	lock_by(fd, F_WRLCK, (off_t)1 << 60);
	check_write(fd, 0, 'g');
	check_write(fd, UNIT, 'g');
	write_at_position(fd, 'g');
	check_statx(fd);
	want(is_locked_at(fd, (off_t)1 << 60));
}

/* A close of any descriptor of a node drops the process's locks on that node only. */
static void two_nodes(void)
{
	int part = hold_open(PART), other = hold_open(PART_2);

	lock(part);
	lock(other);
	use_with_lock(part);
	use_with_lock(other);
	want(is_locked(part));
	want(close(part) == 0 && is_locked(other) && hold_count_part() == 0);
	check_write(other, 2 * UNIT, 'h');
	part = hold_open(PART);
	check_write(part, 3 * UNIT, 'h');
	want(is_locked(other) && !is_locked(part));
	lock(part);
	check_write(part, 4 * UNIT, 'h');
	want(close(other) == 0 && is_locked(part));
	use_with_lock(part);
}

/* The program closes neither descriptor: so it may lose no lock. */
static void two_descriptors(void)
{
	int first = hold_open(PART), second = open(PART, O_WRONLY | O_DIRECT);
	char *data = buffer(UNIT, 'i');

	lock(first);
	for (int i = 0; i < 3; i++) {
		want(atomic_write(second, data, UNIT, UNIT * i) == UNIT && is_locked(first));
		want(atomic_write(second, data, UNIT, -1) == UNIT && is_locked(first));
		use_with_lock(first);
	}
}

/* A refused write must not drop the locks, either. */
static void refused_writes(void)
{
	int fd = hold_open(PART), reading = open(PART, O_RDONLY | O_DIRECT);
	char *data = buffer(2 * UNIT, 'j');

	lock(fd);
	for (int i = 0; i < 2; i++) {
		want_error(atomic_write(fd, data, 2 * UNIT, 0), EINVAL);
		want(is_locked(fd));
		want_error(atomic_write(fd, data, UNIT, 512), EINVAL);
		want(is_locked(fd));
		want_error(atomic_write(fd, data, UNIT, PART_SIZE), ENOSPC);
		want_error(atomic_write(reading, data, UNIT, 0), EBADF);
		want(is_locked(fd));
		check_write(fd, 0, 'j');
	}
}

/* The shim asks the disk again each second: that must not drop the lock. */
static void asked_again(void)
{
	int fd = hold_open(PART);

	lock(fd);
	for (int i = 0; i < 3; i++) {
		check_write(fd, 0, 'k');
		check_statx(fd);
		want(is_locked(fd));
		usleep(1100000);
	}
}

static void write_by_libaio(int fd)
{
	static io_context_t context;
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	char *data = buffer(UNIT, 'l');

	want(context || io_setup(8, &context) == 0);
	io_prep_pwrite(&iocb, fd, data, UNIT, 0);
	iocb.aio_rw_flags = RWF_ATOMIC;
	want(io_submit(context, 1, &list) == 1);
	want(io_getevents(context, 1, 1, &event, NULL) == 1 && event.res == UNIT);
	free(data);
}

static void libaio_keeps_the_lock(void)
{
	int fd = hold_open(PART);

	lock(fd);
	for (int i = 0; i < 5; i++) {
		write_by_libaio(fd);
		want(is_locked(fd));
	}
	want(close(fd) == 0);
}

/* A new open file can take the flock() lock as soon as the program has closed its own. */
static void flock_ends(void (*write)(int fd))
{
	for (int i = 0; i < 100; i++) {
		int fd = hold_open(PART);
		want(flock(fd, LOCK_EX | LOCK_NB) == 0);
		write(fd);
		want(close(fd) == 0);
		int other = hold_open(PART);
		want(flock(other, LOCK_EX | LOCK_NB) == 0);
		want(hold_count_part() == 1 && close(other) == 0);
	}
}

static void write_twice(int fd)
{
	check_write(fd, 0, 'm');
	write_at_position(fd, 'm');
}

static void flock_ends_with_the_close(void)
{
	flock_ends(write_twice);
}

static void flock_ends_after_libaio(void)
{
	flock_ends(write_by_libaio);
}

/* A process that may not open the node again has a hold that shares the program's open file, and so
 * its locks. */
static void become_nobody(void)
{
	char command[900];

	snprintf(command, sizeof(command),
		 "chmod 755 $(dirname %s) %s.sim && chmod 666 %s && chmod 600 %s.sim/p1",
		 image_path(), image_path(), image_path(), image_path());
	want(system(command) == 0);
	want(setgid(65534) == 0 && setuid(65534) == 0);
}

static void nobodys_flock_ends(void)
{
	int fd = hold_open(PART), other = hold_open(PART);

	become_nobody();
	want(flock(fd, LOCK_EX | LOCK_NB) == 0);
	check_write(fd, 0, 'n');
	check_write(fd, UNIT, 'n');
	want(hold_count_part() == 3);
	want_error(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	want(close(fd) == 0 && hold_count_part() == 1);
	want(flock(other, LOCK_EX | LOCK_NB) == 0);
	check_write(other, 2 * UNIT, 'n');
}

static void nobodys_lock_stays(void)
{
	int fd = hold_open(PART);

	become_nobody();
	lock(fd);
	use_with_lock(fd);
	want(close(fd) == 0 && hold_count_part() == 0);
}

/* Only one descriptor is free: calls that fail for lack of descriptors must drop no lock. */
static void few_descriptors(void)
{
	int fd = hold_open(PART);
	char *data = buffer(UNIT, 'o');
	struct rlimit limit = { (rlim_t)fd + 2, 1024 };

	lock(fd);
	want(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < 4; i++) {
		ssize_t result = atomic_write(fd, data, UNIT, i == 1 ? -1 : 0);
		want(result == UNIT || errno == EIO); /* the simulated disk needs one too */
	}
	limit.rlim_cur = 1024;
	want(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	want(is_locked(fd));
	use_with_lock(fd);
}

#define BODY(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

const struct body bodies[] = {
	BODY(taken_before_the_first_write),
	BODY(taken_after_a_write),
	BODY(position_first),
	BODY(statx_first),
	BODY(lock_for_reading),
	BODY(lock_far_out),
	BODY(two_nodes),
	BODY(two_descriptors),
	BODY(refused_writes),
	BODY(asked_again),
	BODY(libaio_keeps_the_lock),
	BODY(flock_ends_with_the_close),
	BODY(flock_ends_after_libaio),
	BODY(nobodys_flock_ends),
	BODY(nobodys_lock_stays),
	BODY(few_descriptors),
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "taken_before_the_first_write", PARTS, NULL, 4 },
	{ "taken_after_a_write", PARTS, NULL, 5 },
	{ "position_first", PARTS, NULL, 2 },
	{ "statx_first", PARTS, NULL, 4 },
	{ "lock_for_reading", PARTS, NULL, 4 },
	{ "lock_far_out", PARTS, NULL, 3 },
	{ "two_nodes", PARTS, NULL, 15 },
	{ "two_descriptors", PARTS, NULL, 18 },
	{ "refused_writes", PARTS, NULL, 2 },
	{ "asked_again", PARTS, NULL, 3 },
	{ "libaio_keeps_the_lock", PARTS, NULL, 5 },
	{ "libaio_keeps_the_lock", PARTS, "UNTORN_AIO=inline", 5 },
	{ "flock_ends_with_the_close", PARTS, NULL, 200 },
	{ "flock_ends_after_libaio", PARTS, NULL, 100 },
	{ "flock_ends_after_libaio", PARTS, "UNTORN_AIO=inline", 100 },
	{ "few_descriptors", PARTS, NULL, -1 },
	{ "nobodys_flock_ends", PARTS, NULL, -1 }, /* these two need root */
	{ "nobodys_lock_stays", PARTS, NULL, -1 },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), BY_ROOT = 2 };

Suite *suite(void)
{
	return preload_suite("the hold and locks", rows, geteuid() ? ROWS - BY_ROOT : ROWS);
}
