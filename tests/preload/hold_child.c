/* SPDX-License-Identifier: MIT */
/*
 * Children and the hold, over the simulated disk. The shim learns of children of fork(), but not of
 * those of vfork(), _Fork() and clone. No child may harm its parent's writes.
 */
#include "hold.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "untorn_uapi.h"

static int ended_well(pid_t child)
{
	want(child > 0);
	return status_of(child) == 0;
}

static int is_written(int fd, char *data, off_t offset)
{
	return atomic_write(fd, data, UNIT, offset) == UNIT;
}

static void forked_child_has_holds_of_its_own(void)
{
	int fd = open_disk(), part = hold_open(PART);

	check_write(fd, 0, 'a');
	check_write(part, 0, 'a');
	pid_t child = fork();
	if (child == 0) {
		want(hold_count() == 1 && hold_count_part() == 1);
		check_write(fd, UNIT, 'A');
		want(hold_count() == 2 && hold_count_part() == 1);
		want(close(fd) == 0 && hold_count() == 0);
		check_write(part, UNIT, 'A');
		pid_t grandchild = fork();
		if (grandchild == 0) {
			want(hold_count_part() == 1);
			check_write(part, 2 * UNIT, 'A');
			want(close(part) == 0 && hold_count_part() == 0);
			exit(0);
		}
		want(ended_well(grandchild) && hold_count_part() == 2);
		exit(0);
	}
	want(ended_well(child) && hold_count() == 2 && hold_count_part() == 2);
	check_write(fd, 2 * UNIT, 'a');
	want(close(fd) == 0 && close(part) == 0 && hold_count() == 0 && hold_count_part() == 0);
}

static _Atomic int stop;

static void *write_on(void *fd)
{
	char *data = buffer(UNIT, 'b');

	while (!atomic_load(&stop))
		want(is_written(*(int *)fd, data, 0));
	return NULL;
}

/* Another thread is in the middle of a write when the child begins. On a partition, because the
 * simulation opens and locks the disk's image meanwhile. */
static void forked_in_mid_write(void)
{
	int fd = hold_open(PART);
	pthread_t id;

	check_write(fd, 0, 'b');
	want(pthread_create(&id, NULL, write_on, &fd) == 0);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();
		if (child == 0) {
			alarm(20);
			want(hold_count_part() == 1);
			check_write(fd, UNIT, 'B');
			want(hold_count_part() == 2);
			want(close(fd) == 0 && hold_count_part() == 0);
			_exit(0);
		}
		want(ended_well(child));
	}
	atomic_store(&stop, 1);
	want(pthread_join(id, NULL) == 0);
	want(close(fd) == 0 && hold_count_part() == 0);
}

/* A vfork() child shares memory with its parent: its hold is there, but not in the parent's table
 * of descriptors. */
static void vfork_child_writes_first(void)
{
	int fd = open_disk(), part = hold_open(PART);
	char *data = buffer(UNIT, 'c');

	for (int i = 0; i < 3; i++) {
		pid_t child = vfork();
		if (child == 0)
			_exit(!is_written(fd, data, UNIT * i));
		want(ended_well(child));
		check_write(fd, 3 * UNIT, 'C');
		check_write(part, UNIT * i, 'C');
		check_write(part, UNIT * i, 'c');
		want(hold_count() == 2 && hold_count_part() == 2);
	}
	want(holds(fd, 0, 3 * UNIT, 'c'));
	want(close(fd) == 0 && close(part) == 0 && hold_count() == 0 && hold_count_part() == 0);
}

static void vfork_child_writes_and_closes(void)
{
	int fd = open_disk(), part = hold_open(PART);
	char *data = buffer(UNIT, 'd');

	for (int i = 0; i < 4; i++) {
		if (i & 1)
			check_write(fd, 0, 'D');
		pid_t child = vfork();
		if (child == 0) {
			int good = is_written(fd, data, UNIT) && is_written(part, data, UNIT);
			_exit(!good || close(fd) || close(part));
		}
		want(ended_well(child));
		check_write(fd, 2 * UNIT, 'D');
		check_write(part, 2 * UNIT, 'D');
		want(hold_count() == 2 && hold_count_part() == 2);
	}
	want(close(fd) == 0 && close(part) == 0 && hold_count() == 0 && hold_count_part() == 0);
}

/* As posix_spawn() and Python's subprocess do before exec. */
static void vfork_child_closes_everything(void)
{
	int fd = open_disk(), null = open("/dev/null", O_RDWR);

	for (int i = 0; i < 3; i++) {
		check_write(fd, 0, 'e');
		pid_t child = vfork();
		if (child == 0) {
			if (i == 0)
				close_range(3, ~0U, 0);
			for (int number = 3; i == 1 && number < 1024; number++)
				close(number);
			for (int number = 3; i == 2 && number < 600; number++)
				dup2(null, number);
			_exit(0);
		}
		want(ended_well(child) && hold_count() == 2);
		check_write(fd, UNIT, 'e');
	}
	want(close(fd) == 0 && hold_count() == 0);
}

static void vfork_child_executes(void)
{
	char *arguments[] = { strdup("true"), NULL };
	int fd = open_disk();

	check_write(fd, 0, 'f');
	pid_t child = vfork();
	if (child == 0) {
		dup2(fd, 0);
		close(fd);
		execv("/bin/true", arguments);
		_exit(1);
	}
	want(ended_well(child));
	check_write(fd, UNIT, 'f');
	want(close(fd) == 0 && hold_count() == 0);
}

static pid_t by_clone(void)
{
	return (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
}

static pid_t by_private_fork(void)
{
	static pid_t (*private_fork)(void);

	*(void **)&private_fork = dlsym(RTLD_DEFAULT, "_Fork"); /* glibc 2.34 */
	return private_fork ? private_fork() : by_clone();
}

/* The child's memory is a copy: so it believes in its parent's holds. It has copies of their
 * descriptors, too. */
static void unannounced_child(pid_t (*make)(void))
{
	int fd = open_disk(), part = hold_open(PART), unused = hold_open(PART);

	check_write(fd, 0, 'g');
	for (int i = 0; i < 3; i++) {
		pid_t child = make();
		if (child == 0) {
			check_write(fd, UNIT, 'G');
			check_write(part, UNIT, 'G');
			want(close(part) == 0 && close(fd) == 0);
			check_write(unused, 2 * UNIT, 'G');
			fd = open_disk();
			check_write(fd, 2 * UNIT, 'G');
			want(close_range(3, ~0U, 0) == 0);
			fd = open_disk();
			check_write(fd, 3 * UNIT, 'G');
			_exit(close(fd));
		}
		want(ended_well(child));
		check_write(fd, 4 * UNIT, 'g');
		check_write(part, 3 * UNIT, 'g');
		want(hold_count() == 2 && hold_count_part() == 3);
	}
	want(close(fd) == 0 && hold_count() == 0);
	want(close(part) == 0 && hold_count_part() == 1);
}

static void cloned_child(void)
{
	unannounced_child(by_clone);
}

static void private_forks_child(void)
{
	unannounced_child(by_private_fork);
}

/* The parent has not written before; then the child writes, and the parent. */
static void unannounced_child_writes_first(void)
{
	int fd = open_disk();

	for (int i = 0; i < 2; i++) {
		pid_t child = i ? by_private_fork() : by_clone();
		if (child == 0) {
			check_write(fd, 0, 'h');
			want(hold_count() == 2);
			_exit(close(fd) || hold_count() != 0);
		}
		want(ended_well(child) && hold_count() == 1);
	}
	check_write(fd, UNIT, 'h');
	want(close(fd) == 0 && hold_count() == 0);
}

/* The parent closes while the child, which it made by fork(), still writes. */
static void parent_closes_first(void)
{
	int fd = open_disk(), go[2];
	char byte = 0;

	want(pipe(go) == 0);
	check_write(fd, 0, 'i');
	pid_t child = fork();
	if (child == 0) {
		want(read(go[0], &byte, 1) == 1);
		check_write(fd, UNIT, 'I');
		exit(0);
	}
	want(close(fd) == 0 && hold_count() == 0);
	want(write(go[1], &byte, 1) == 1 && ended_well(child));
}

#define BODY(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

const struct body bodies[] = {
	BODY(forked_child_has_holds_of_its_own),
	BODY(forked_in_mid_write),
	BODY(vfork_child_writes_first),
	BODY(vfork_child_writes_and_closes),
	BODY(vfork_child_closes_everything),
	BODY(vfork_child_executes),
	BODY(cloned_child),
	BODY(private_forks_child),
	BODY(unannounced_child_writes_first),
	BODY(parent_closes_first),
	{ NULL, NULL },
};

#define PARTS ",part=2048+4096"

static const struct preload_row rows[] = {
	{ "forked_child_has_holds_of_its_own", PARTS, NULL, 6 },
	{ "forked_in_mid_write", PARTS, "TSAN_OPTIONS=die_after_fork=0", -1 },
	{ "vfork_child_writes_first", PARTS, NULL, 12 },
	{ "vfork_child_writes_and_closes", PARTS, NULL, 18 },
	{ "vfork_child_closes_everything", "", NULL, 6 },
	{ "vfork_child_executes", "", NULL, 2 },
	{ "cloned_child", PARTS, NULL, 22 },
	{ "private_forks_child", PARTS, NULL, 22 },
	{ "unannounced_child_writes_first", "", NULL, 3 },
	{ "parent_closes_first", "", NULL, 2 },
};

Suite *suite(void)
{
	return preload_suite("the hold and children", rows, sizeof(rows) / sizeof(rows[0]));
}
