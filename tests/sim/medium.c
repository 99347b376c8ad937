/* SPDX-License-Identifier: MIT */
/*
 * All ways to move data to or from the simulated disk. Each must go through its medium, to the
 * right place and into the log, or be refused. A write past all doors must be found out. libaio is
 * in tests/sim/aio.c, io_uring in tests/sim/ring.c.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/fs.h>

#include "inline_call.h"

#define PART DISK "p1"

enum { START = 2048 * 512, PIECE = 8192 };

/* Makes a file with `length` bytes of a letter and its position at the beginning. */
static int file_with(size_t length, char letter)
{
	int fd = memfd_create("source", 0);

	want(write(fd, buffer(length, letter), length) == (ssize_t)length);
	want(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static bool file_holds(int fd, off_t offset, size_t length, char letter)
{
	char *data = buffer(length, (char)~letter), *same = buffer(length, letter);

	return pread(fd, data, length, offset) == (ssize_t)length && !memcmp(data, same, length);
}

static int log_count(const char *what)
{
	char line[256], path[256];
	int count = 0;

	snprintf(path, sizeof(path), "%s", strstr(getenv("UNTORN_SIM"), ",log=") + 5);
	path[strcspn(path, ",")] = '\0';
	FILE *log = fopen(path, "r");
	while (log && fgets(line, sizeof(line), log))
		count += strstr(line, what) != NULL;
	if (log)
		fclose(log);
	return count;
}

static int open_part(void)
{
	int fd = open(PART, O_RDWR);

	want(fd >= 0);
	return fd;
}

static void between_descriptors(void)
{
	int part = open_part(), source = file_with(PIECE, 's'), ends[2];
	off64_t at = PIECE, from = 0;

	want(sendfile(part, source, NULL, PIECE) == PIECE && image_holds(START, PIECE, 's'));
	want(lseek(part, 0, SEEK_CUR) == PIECE && lseek(source, 0, SEEK_CUR) == PIECE);
	want(pipe(ends) == 0 && write(ends[1], buffer(PIECE, 'p'), PIECE) == PIECE);
	want(splice(ends[0], NULL, part, &at, PIECE, 0) == PIECE && at == 2 * PIECE);
	want(image_holds(START + PIECE, PIECE, 'p') && log_count("via=pwrite") == 2);
	int copy = file_with(1, 'x');
	want(lseek(copy, 0, SEEK_SET) == 0 && sendfile(copy, part, &from, 2 * PIECE) == 2 * PIECE);
	want(from == 2 * PIECE && file_holds(copy, 0, PIECE, 's') &&
	     file_holds(copy, PIECE, PIECE, 'p'));
	from = 0;
	want(splice(part, &from, ends[1], NULL, 512, 0) == 512);
	want(read(ends[0], buffer(512, 'r'), 512) == 512);
	want_error(splice(part, NULL, source, NULL, 512, 0), EINVAL);
}

/* Calls that a block device refuses, too. */
static void refused(void)
{
	int part = open_part(), source = file_with(PIECE, 's');

	want_error(copy_file_range(source, NULL, part, NULL, PIECE, 0), EINVAL);
	want_error(copy_file_range(part, NULL, source, NULL, PIECE, 0), EINVAL);
	want_error(ftruncate(part, 0), EINVAL);
	want_error(truncate(PART, 0), EINVAL);
	want(posix_fallocate(part, 0, PIECE) == ENODEV);
	want_error(fallocate(part, 0, 0, PIECE), EOPNOTSUPP);
	want_error(ioctl(source, FICLONE, part), EINVAL);
	want_error(lseek(part, 1, SEEK_END), EINVAL);
	want_error(mmap(NULL, 4096, PROT_READ, MAP_SHARED, part, 512) == MAP_FAILED ? -1 : 0,
		   EINVAL);
	want(log_count("via=pwrite") == 0);
}

static void zeros(void)
{
	int part = open_part();
	uint64_t range[2] = { 2 * PIECE, 512 };

	want(pwrite(part, buffer(3 * PIECE, 'z'), 3 * PIECE, 0) == 3 * PIECE);
	want(fallocate(part, FALLOC_FL_ZERO_RANGE, 0, PIECE) == 0);
	want(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PIECE, 512) == 0);
	want(ioctl(part, BLKZEROOUT, range) == 0);
	want(image_holds(START, PIECE + 512, 0) && image_holds(START + PIECE + 512, 512, 'z'));
	want(image_holds(START + 2 * PIECE, 512, 0) &&
	     image_holds(START + 2 * PIECE + 512, 512, 'z'));
}

static void streams(void)
{
	char text[16] = "";
	FILE *stream = fopen(PART, "r+");

	want(stream && fwrite(buffer(PIECE, 'f'), 1, PIECE, stream) == PIECE);
	want(fflush(stream) == 0 && image_holds(START, PIECE, 'f'));
	want(fseek(stream, 512, SEEK_SET) == 0 && fread(text, 1, 4, stream) == 4);
	want(strcmp(text, "ffff") == 0 && ftell(stream) == 516 && fileno(stream) >= 0);
	want(freopen("/dev/null", "r", stream) == stream && fread(text, 1, 4, stream) == 0);
	want(fclose(stream) == 0);
	int part = open_part();
	want((stream = fdopen(part, "r+")) && fileno(stream) == part);
	want(fputs("by descriptor", stream) >= 0 && fclose(stream) == 0);
	want_error(fcntl(part, F_GETFL), EBADF);
	want((part = open_part()) >= 0 && pread(part, text, 13, 0) == 13);
	want(memcmp(text, "by descriptor", 13) == 0 && !fopen(DISK "p9", "r"));
}

static void paths(void)
{
	char *resolved = realpath(PART, NULL), place[4096];

	want(resolved && strcmp(resolved, PART) == 0);
	want(realpath(DISK, place) == place && strcmp(place, DISK) == 0);
	want(access(DISK, R_OK | W_OK) == 0 && faccessat(AT_FDCWD, PART, F_OK, 0) == 0);
	want_error(access(DISK "p9", F_OK), ENOENT);
	want(euidaccess(DISK, R_OK) == 0);
}

static char *map(int fd, int protection, int flags, off_t offset)
{
	char *memory = mmap(NULL, 4 * PIECE, protection, flags, fd, offset);

	want(memory != MAP_FAILED);
	return memory;
}

/* All see a store into a mapping at once. After a sync it is on the disk: changed pages are one
 * write. */
static void mapped(void)
{
	int part = open_part(), disk = open_disk();
	char *memory = map(part, PROT_READ | PROT_WRITE, MAP_SHARED, PIECE);
	char *other = map(disk, PROT_READ, MAP_SHARED, START + PIECE);
	char *own = map(part, PROT_READ | PROT_WRITE, MAP_PRIVATE, PIECE);

	memset(memory, 'm', PIECE);
	want(other[PIECE - 1] == 'm' && holds(part, PIECE, PIECE, 'm'));
	want(image_holds(START + PIECE, PIECE, 0) && log_count("via=pwrite") == 0);
	want(msync(memory, 4 * PIECE, MS_SYNC) == 0 && image_holds(START + PIECE, PIECE, 'm'));
	want(log_count("via=pwrite") == 1 && log_count("flush") == 1);
	want(msync(memory, 4 * PIECE, MS_ASYNC) == 0 && log_count("via=pwrite") == 1);
	want(pwrite(part, buffer(512, 'w'), 512, PIECE) == 512 && memory[0] == 'w');
	memset(memory + PIECE, 'n', 4096);
	memset(own, 'o', PIECE);
	want(fsync(part) == 0 && image_holds(START + 2 * PIECE, 4096, 'n'));
	want(image_holds(START + PIECE, 512, 'w') && log_count("via=pwrite") == 3);
	want_error(madvise(memory, 4096, MADV_REMOVE), EOPNOTSUPP);
	want(munmap(memory, 4 * PIECE) == 0);
	want_error(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, open(DISK, O_RDONLY), 0) == MAP_FAILED
			   ? -1
			   : 0,
		   EACCES);
}

/* Also a child's stores and stores that nobody synced are on the disk in the end. */
static void mapped_by_a_child(void)
{
	int part = open_part(), status;
	char *memory = map(part, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	pid_t child = fork();

	if (child == 0) {
		memset(memory, 'c', 4096);
		exit(0);
	}
	want(waitpid(child, &status, 0) == child && status == 0);
	want(memory[4095] == 'c' && image_holds(START, 4096, 'c'));
}

static _Atomic bool over;

/* madvise() looks for the mapping under a lock, and does nothing else. */
static bool is_found(char *memory)
{
	return madvise(memory, 4096, MADV_REMOVE) == -1 && errno == EOPNOTSUPP;
}

static void *find_again(void *memory)
{
	while (!over)
		want(is_found(memory));
	return NULL;
}

/* The parent forks while another thread looks for the mapping. */
static void found_by_a_child(void)
{
	char *memory = map(open_part(), PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	pthread_t other;

	want(pthread_create(&other, NULL, find_again, memory) == 0);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();
		if (child == 0) {
			alarm(10);
			_exit(!is_found(memory));
		}
		want(status_of(child) == 0);
	}
	over = true;
	want(pthread_join(other, NULL) == 0);
}

/* Calls through syscall(), and their own errors. */
static void by_number(void)
{
	int part = open_part();
	char *data = buffer(PIECE, 'n');

	want(syscall(SYS_pwrite64, part, data, PIECE, 0L) == PIECE &&
	     image_holds(START, PIECE, 'n'));
	want(syscall(SYS_openat, AT_FDCWD, PART, O_RDONLY, 0) >= 0);
	want(syscall(SYS_lseek, part, 0L, SEEK_END) == 4096L * 512);
	want(syscall(SYS_fsync, part) == 0 && log_count("flush") == 1);
	want_error(syscall(SYS_openat, AT_FDCWD, (char *)1, O_RDONLY, 0), EFAULT);
	want_error(syscall(451 /* cachestat */, part, NULL, NULL, 0), ENOSYS);
}

/* The program writes by its own instruction, past the doors: from then on the disk must fail. */
static void past_the_doors(void)
{
	int part = open_part();
	char *data = buffer(512, 'p');

	want(inline_call(SYS_pwrite64, part, (long)data, 512, 0, 0, 0) == 512);
	want_error(pwrite(part, data, 512, 0), EIO);
	want_error(fsync(part), EIO);
	want(image_holds(START, 512, 0));
}

/* Somebody removed the node's file, which is made again: it is the disk, too. */
static void another_file(void)
{
	char path[300];

	open_disk();
	snprintf(path, sizeof(path), "%s.sim/disk", image_path());
	want(unlink(path) == 0);
	want(pwrite(open_disk(), buffer(512, 'a'), 512, 0) == 512 && image_holds(0, 512, 'a'));
}

const struct body bodies[] = {
	{ "between_descriptors", between_descriptors },
	{ "refused", refused },
	{ "zeros", zeros },
	{ "streams", streams },
	{ "paths", paths },
	{ "mapped", mapped },
	{ "mapped_by_a_child", mapped_by_a_child },
	{ "found_by_a_child", found_by_a_child },
	{ "by_number", by_number },
	{ "past_the_doors", past_the_doors },
	{ "another_file", another_file },
	{ NULL, NULL },
};

START_TEST(it_goes_through_the_medium)
{
	preload_run(bodies[_i].name, ",part=2048+4096", NULL);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("ways to the simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, it_goes_through_the_medium, 0,
			    (int)(sizeof(bodies) / sizeof(bodies[0])) - 1);
	suite_add_tcase(suite, tc);
	return suite;
}
