/* SPDX-License-Identifier: MIT */
/*
 * One thread gives a descriptor number to two files in turn. Another thread writes atomically
 * through the number:
 *	races A A-PART START B SECONDS [fua]
 * A and B are disks or partitions that may be overwritten. A-PART is a partition of A that begins
 * at byte START, or A itself with START 0. Afterwards no byte outside both files may have changed,
 * and none of a file opened for reading; each file's position must have moved by the bytes written
 * there. With fua there is one race, O_DSYNC against none: the caller counts FUA at the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { UNIT = 4096, NUMBER = 100, AREA = 1 << 20, FAR = 512 << 10 };

#define want(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("line %d: not so: %s (%m)\n", __LINE__, #condition);                \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

struct file {
	const char *path;
	int flags;
};

static struct file files[2];
static const char *disk_a, *part_a, *disk_b;
static off_t start;
static double seconds;
static _Atomic bool stop;
static _Atomic long writes, done, again;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A regular file's filesystem may lack direct I/O. */
static int direct(const char *path)
{
	return strncmp(path, "/dev/", 5) == 0 ? O_DIRECT : 0;
}

static char *area(char letter, size_t size)
{
	char *data = aligned_alloc(4096, size);

	want(data);
	memset(data, letter, size);
	return data;
}

/* Fills the area with dots: so changed() can tell old units from new and torn ones. */
static void clear(const char *path, off_t offset)
{
	char *data = area('.', AREA);
	int fd = open(path, O_RDWR | direct(path) | O_CREAT, 0600);

	want(fd >= 0 && pwrite(fd, data, AREA, offset) == AREA);
	close(fd);
	free(data);
}

/* How many units of the range have changed; -1: a unit is neither old nor new. */
static long changed(const char *path, off_t offset, size_t size)
{
	char *data = area('?', size);
	int fd = open(path, O_RDONLY | direct(path));
	long count = 0;

	want(fd >= 0 && pread(fd, data, size, offset) == (ssize_t)size);
	for (size_t i = 0; i < size && count >= 0; i += UNIT) {
		if (memchr(data + i, data[i] ^ 1, UNIT) || memcmp(data + i, data + i + 1, UNIT - 1) ||
		    (data[i] != '.' && data[i] != 'R'))
			count = -1;
		else
			count += data[i] == 'R';
	}
	close(fd);
	free(data);
	return count;
}

static int open_file(int i)
{
	int fd = open(files[i].path, files[i].flags);

	want(fd >= 0);
	return fd;
}

static void by_dup2(int i, const int *fds)
{
	want(dup2(fds[i], NUMBER) == NUMBER);
}

static void by_dup3(int i, const int *fds)
{
	want(syscall(SYS_dup3, fds[i], NUMBER, O_CLOEXEC) == NUMBER);
}

static void by_close(int i, const int *fds)
{
	close(NUMBER);
	want(fcntl(fds[i], F_DUPFD, NUMBER) >= NUMBER);
}

static void by_open(int i, const int *fds)
{
	(void)fds;
	int fd = open_file(i);
	want(dup2(fd, NUMBER) == NUMBER);
	close(fd);
}

/* The number stays the same; only the second file changes, between direct and not. */
static void by_flags(int i, const int *fds)
{
	want(fcntl(fds[1], F_SETFL, i ? O_DIRECT : 0) == 0);
}

static void by_close_range(int i, const int *fds)
{
	want(close_range(NUMBER, ~0U, 0) == 0);
	want(fcntl(fds[i], F_DUPFD, NUMBER) >= NUMBER);
}

static const struct way {
	const char *name;
	void (*change)(int i, const int *fds);
} ways[] = {
	{ "dup2", by_dup2 },   { "dup3", by_dup3 },	{ "close", by_close },
	{ "open", by_open },   { "F_SETFL", by_flags }, { "close_range", by_close_range },
};

struct race {
	const struct way *way;
	int fds[2];
	off_t offset;
};

static void *change(void *argument)
{
	const struct race *race = argument;

	for (unsigned i = 0; !atomic_load(&stop); i++)
		race->way->change(i & 1, race->fds);
	return NULL;
}

static void write_once(char *data, off_t offset)
{
	struct iovec iov = { data, UNIT };
	ssize_t result = pwritev2(NUMBER, &iov, 1, offset, RWF_ATOMIC);

	writes++;
	done += result == UNIT;
	again += result < 0 && errno == EAGAIN;
	want(result == UNIT || errno == EBADF || errno == EOPNOTSUPP || errno == EAGAIN ||
	     errno == EINVAL || errno == ENOSPC);
}

static void *run(void *argument)
{
	struct race *race = argument;
	char *data = area('R', UNIT);
	pthread_t id;

	/* Write through each once, so that a hold remains when the number changes. */
	for (int i = 0; i < 2; i++) {
		struct iovec iov = { data, UNIT };
		race->fds[i] = open_file(i);
		pwritev2(race->fds[i], &iov, 1, race->offset, RWF_ATOMIC);
	}
	want(dup2(race->fds[1], NUMBER) == NUMBER);
	atomic_store(&stop, false);
	want(pthread_create(&id, NULL, change, race) == 0);
	for (double end = now() + seconds; now() < end;)
		for (int i = 0; i < 50; i++)
			write_once(data, race->offset);
	atomic_store(&stop, true);
	want(pthread_join(id, NULL) == 0);
	free(data);
	return NULL;
}

static void *run_in_own_table(void *argument)
{
	want(unshare(CLONE_FILES) == 0);
	return run(argument);
}

static void end(struct race *race)
{
	for (int i = 0; i < 2; i++)
		close(race->fds[i]);
	close(NUMBER);
}

static void race_by(const struct way *way, struct file x, struct file y, off_t offset, bool own)
{
	struct race race = { .way = way, .offset = offset };
	pthread_t id;

	files[0] = x;
	files[1] = y;
	if (own) {
		want(pthread_create(&id, NULL, run_in_own_table, &race) == 0);
		want(pthread_join(id, NULL) == 0);
	} else {
		run(&race);
		end(&race);
	}
}

static void clear_all(void)
{
	clear(disk_a, 0);
	clear(part_a, 0);
	clear(disk_b, 0);
	clear(disk_b, start);
	writes = done = again = 0;
}

static void said(const char *what, const char *way)
{
	printf("%s, %s: %ld writes, %ld done, %ld EAGAIN\n", what, way, writes, done, again);
	want(writes >= 50 && again == 0);
}

/* A partition against another disk: a write must land at its offset in either. */
static void partition_against_disk(const struct way *way, bool own)
{
	clear_all();
	race_by(way, (struct file){ part_a, O_RDWR | O_DIRECT },
		(struct file){ disk_b, O_RDWR | O_DIRECT }, UNIT, own);
	said(own ? "partition against disk, own table" : "partition against disk", way->name);
	want(!start || changed(disk_a, 0, AREA) == 0);
	want(!start || changed(disk_b, start, AREA) == 0);
	want(changed(part_a, 0, AREA) <= 1 && changed(part_a, 0, UNIT) == 0);
	want(changed(disk_b, 0, AREA) <= 1 && changed(disk_b, 0, UNIT) == 0);
	want(done > 0 || way->change == by_close_range); /* there it is hardly ever open */
}

/* The partition is opened for reading only: it must never change. */
static void readable_against_writable(const struct way *way)
{
	clear_all();
	race_by(way, (struct file){ part_a, O_RDONLY | O_DIRECT },
		(struct file){ disk_b, O_RDWR | O_DIRECT }, UNIT, false);
	said("for reading against for writing", way->name);
	want(changed(part_a, 0, AREA) == 0 && (!start || changed(disk_a, 0, AREA) == 0));
	want(changed(disk_b, 0, AREA) == 1);
}

static void disk_against_file(const struct way *way)
{
	const char *file = "races-file";

	clear_all();
	clear(file, 0);
	race_by(way, (struct file){ file, O_RDWR }, (struct file){ part_a, O_RDWR | O_DIRECT }, UNIT,
		false);
	said("file against partition", way->name);
	want(changed(file, 0, AREA) == 0 && (!start || changed(disk_a, 0, AREA) == 0));
	want(changed(part_a, 0, AREA) == 1);
	unlink(file);
}

/* Writes at the file's own position: the range between the two files' positions must not change. */
static void positions(void)
{
	char *data = area('R', UNIT);
	struct race race = { .way = &ways[0] };
	pthread_t id;
	long turns = 0;

	clear_all();
	files[0] = (struct file){ part_a, O_RDWR | O_DIRECT };
	files[1] = (struct file){ disk_b, O_RDWR | O_DIRECT };
	for (int i = 0; i < 2; i++)
		race.fds[i] = open_file(i);
	want(dup2(race.fds[0], NUMBER) == NUMBER);
	atomic_store(&stop, false);
	want(pthread_create(&id, NULL, change, &race) == 0);
	for (double finish = now() + seconds; now() < finish; turns++) {
		want(lseek(race.fds[0], 0, SEEK_SET) == 0 && lseek(race.fds[1], FAR, SEEK_SET) == FAR);
		long before = done;
		for (int i = 0; i < 20; i++)
			write_once(data, -1);
		off_t a = lseek(race.fds[0], 0, SEEK_CUR), b = lseek(race.fds[1], 0, SEEK_CUR);
		want(a / UNIT + (b - FAR) / UNIT == done - before);
	}
	atomic_store(&stop, true);
	want(pthread_join(id, NULL) == 0);
	end(&race);
	said("at the file's position", "dup2");
	want(changed(part_a, 20 * UNIT, FAR) == 0 && changed(disk_b, 0, FAR) == 0);
	free(data);
}

/* A child of vfork() shares our memory, but has its own table of descriptors. */
static void in_a_child_of_vfork(void)
{
	char *data = area('R', UNIT);
	int a = open(part_a, O_RDWR | O_DIRECT), b = open(disk_b, O_RDWR | O_DIRECT), status;

	clear_all();
	want(dup2(a, NUMBER) == NUMBER);
	for (double finish = now() + seconds; now() < finish;) {
		pid_t child = vfork();
		if (child == 0) {
			for (int i = 0; i < 10; i++) {
				dup2(i & 1 ? a : b, NUMBER);
				write_once(data, i & 1 ? UNIT : 2 * UNIT);
			}
			close(NUMBER);
			close(a);
			_exit(0);
		}
		want(waitpid(child, &status, 0) == child && status == 0);
		write_once(data, UNIT);
	}
	close(a);
	close(b);
	close(NUMBER);
	said("in a child of vfork", "dup2");
	want(done == writes);
	want(changed(part_a, 0, AREA) == 1 && changed(part_a, UNIT, UNIT) == 1);
	want(changed(disk_b, 0, AREA) == 1 && changed(disk_b, 2 * UNIT, UNIT) == 1);
	want(!start || (changed(disk_a, 0, AREA) == 0 && changed(disk_b, start, AREA) == 0));
	free(data);
}

int main(int argc, char **argv)
{
	want(argc >= 6);
	disk_a = argv[1], part_a = argv[2], start = atoll(argv[3]), disk_b = argv[4];
	seconds = atof(argv[5]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 6) {
		race_by(&ways[0], (struct file){ part_a, O_RDWR | O_DIRECT | O_DSYNC },
			(struct file){ disk_b, O_RDWR | O_DIRECT }, UNIT, false);
		said("O_DSYNC against none", "dup2");
		return 0;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		partition_against_disk(&ways[i], false);
		disk_against_file(&ways[i]);
	}
	for (size_t i = 0; i < 4; i++)
		readable_against_writable(&ways[i]);
	partition_against_disk(&ways[0], true);
	partition_against_disk(&ways[5], true);
	positions();
	in_a_child_of_vfork();
	return 0;
}
