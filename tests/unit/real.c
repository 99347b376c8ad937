/* SPDX-License-Identifier: MIT */
/* Tests that the calls that return -errno give the plain calls' results, and that AUTO_ variables
 * are released at the end of their scope, once. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/real.h"
#include "suite.h"
#include "untorn_uapi.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum fd_kind { BAD, CLOSED, FILE_FD, READ_ONLY, PIPE_READ, PIPE_WRITE, FOLDER, PATH_FD };

static int file_fd(int flags)
{
	const char *parent = getenv("TMPDIR");
	char path[256];

	snprintf(path, sizeof(path), "%s/untorn-test-XXXXXX", parent ? parent : "/var/tmp");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	if (flags != O_RDWR) {
		close(fd);
		fd = open(path, flags);
	}
	unlink(path);
	return fd;
}

/* Descriptors left open end with the test's process. */
static int make_fd(enum fd_kind kind)
{
	int pipes[2] = { -1, -1 };

	if (kind == PIPE_READ || kind == PIPE_WRITE)
		ck_assert_int_eq(pipe(pipes), 0);
	switch (kind) {
	case FILE_FD:
		return file_fd(O_RDWR);
	case READ_ONLY:
		return file_fd(O_RDONLY);
	case PIPE_READ:
		return pipes[0];
	case PIPE_WRITE:
		return pipes[1];
	case FOLDER:
		return open("/", O_RDONLY | O_DIRECTORY);
	case PATH_FD:
		return open("/", O_PATH);
	default:
		return kind == CLOSED ? 1000 : -1;
	}
}

static long plain(long result)
{
	return result < 0 ? -errno : result;
}

static char text[] = "text";
static struct iovec one[] = { { text, 4 }, { text, 2 } }, nowhere[] = { { (void *)8, 4 } };

static const struct {
	enum fd_kind fd;
	const struct iovec *iov;
	int count;
	off_t offset;
	int flags;
} writes[] = {
	{ FILE_FD, one, 1, 0, 0 },
	{ FILE_FD, one, 2, 5LL << 30, 0 },
	{ FILE_FD, one, 0, 0, 0 },
	{ FILE_FD, one, 2, -1, 0 },
	{ FILE_FD, one, 1, 0, RWF_DSYNC },
	{ FILE_FD, one, 1, 0, RWF_APPEND },
	{ FILE_FD, one, 1, -2, 0 },
	{ FILE_FD, one, -1, 0, 0 },
	{ FILE_FD, one, 100000, 0, 0 },
	{ FILE_FD, NULL, 1, 0, 0 },
	{ FILE_FD, nowhere, 1, 0, 0 },
	{ FILE_FD, one, 1, INT64_MAX, 0 },
	{ FILE_FD, one, 1, 0, 0x40000000 },
	{ READ_ONLY, one, 1, 0, 0 },
	{ BAD, one, 1, 0, 0 },
	{ CLOSED, one, 1, 0, 0 },
	{ PIPE_WRITE, one, 1, 0, 0 },
	{ PIPE_WRITE, one, 2, -1, 0 },
	{ PIPE_READ, one, 1, -1, 0 },
	{ FOLDER, one, 1, 0, 0 },
	{ PATH_FD, one, 1, 0, 0 },
};

START_TEST(pwritev2_gives_what_the_plain_call_gives)
{
	int fd = make_fd(writes[_i].fd);
	long expected = plain(pwritev2(fd, writes[_i].iov, writes[_i].count, writes[_i].offset,
				       writes[_i].flags));

	ck_assert_int_eq(real_pwritev2(fd, writes[_i].iov, writes[_i].count, writes[_i].offset,
				       writes[_i].flags),
			 expected);
}
END_TEST

static const struct {
	enum fd_kind fd;
	const char *path;
	int flags;
	unsigned mask;
} statxs[] = {
	{ BAD, "/", 0, STATX_BASIC_STATS },
	{ BAD, "/", 0, STATX_WRITE_ATOMIC },
	{ BAD, "/", 0, 0 },
	{ BAD, "/nothing/there", 0, STATX_BASIC_STATS },
	{ BAD, "/dev/null/below", 0, STATX_BASIC_STATS },
	{ BAD, "dev", 0, STATX_BASIC_STATS },
	{ BAD, "", AT_EMPTY_PATH, STATX_BASIC_STATS },
	{ BAD, "", 0, STATX_BASIC_STATS },
	{ BAD, (const char *)8, 0, STATX_BASIC_STATS },
	{ BAD, "/", -1, STATX_BASIC_STATS },
	{ BAD, "/", 0, 0x80000000 },
	{ CLOSED, "dev", 0, STATX_BASIC_STATS },
	{ CLOSED, "", AT_EMPTY_PATH, STATX_BASIC_STATS },
	{ FILE_FD, "", AT_EMPTY_PATH, STATX_BASIC_STATS },
	{ FILE_FD, "dev", 0, STATX_BASIC_STATS },
	{ PIPE_READ, "", AT_EMPTY_PATH, STATX_BASIC_STATS },
	{ FOLDER, "dev", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS },
	{ PATH_FD, "dev/null", 0, STATX_BASIC_STATS },
};

START_TEST(statx_gives_what_the_plain_call_gives)
{
	int fd = make_fd(statxs[_i].fd);
	struct statx expected = { 0 }, stx = { 0 };
	long result =
		plain(statx(fd, statxs[_i].path, statxs[_i].flags, statxs[_i].mask, &expected));

	ck_assert_int_eq(real_statx(fd, statxs[_i].path, statxs[_i].flags, statxs[_i].mask, &stx),
			 result);
	ck_assert_int_eq(stx.stx_mode, expected.stx_mode);
	ck_assert_uint_eq(stx.stx_ino, expected.stx_ino);
	ck_assert_uint_eq(stx.stx_mask, expected.stx_mask);
}
END_TEST

START_TEST(statx_into_nowhere_is_efault)
{
	struct statx *volatile buffer = NULL;

	ck_assert_int_eq(real_statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, buffer), -EFAULT);
}
END_TEST

static const struct {
	enum fd_kind fd;
	unsigned long request;
	bool null;
} ioctls[] = {
	{ BAD, FIONREAD, false },       { CLOSED, FIONREAD, false },
	{ FILE_FD, FIONREAD, false },   { PIPE_READ, FIONREAD, false },
	{ PIPE_READ, FIONREAD, true },  { FOLDER, FIONREAD, false },
	{ FILE_FD, TIOCGWINSZ, false }, { PIPE_READ, 0xdeadbeef, false },
	{ PATH_FD, FIONREAD, false },   { FILE_FD, FIOCLEX, true },
};

START_TEST(ioctl_gives_what_the_plain_call_gives)
{
	int fd = make_fd(ioctls[_i].fd);
	long expected_value[8] = { 77 }, value[8] = { 77 };
	long expected = plain(
		ioctl(fd, ioctls[_i].request, ioctls[_i].null ? NULL : (void *)expected_value));

	ck_assert_int_eq(real_ioctl(fd, ioctls[_i].request, ioctls[_i].null ? NULL : (void *)value),
			 expected);
	ck_assert_mem_eq(value, expected_value, sizeof(value));
}
END_TEST

static const struct {
	enum fd_kind dirfd;
	const char *path;
	int flags;
} opens[] = {
	{ BAD, "/", O_RDONLY },
	{ BAD, "/dev/null", O_RDWR },
	{ BAD, "/nothing/there", O_RDONLY },
	{ BAD, "/dev/null/below", O_RDONLY },
	{ BAD, "/dev/null", O_RDONLY | O_DIRECTORY },
	{ BAD, "/", O_RDWR },
	{ BAD, "", O_RDONLY },
	{ BAD, (const char *)8, O_RDONLY },
	{ BAD, "dev", O_RDONLY },
	{ BAD, "/proc/self/exe", O_RDONLY | O_NOFOLLOW },
	{ CLOSED, "dev", O_RDONLY },
	{ FILE_FD, "dev", O_RDONLY },
	{ FOLDER, "dev", O_RDONLY | O_CLOEXEC },
	{ PATH_FD, "dev/null", O_WRONLY },
};

START_TEST(open_gives_what_the_plain_call_gives)
{
	int dirfd = make_fd(opens[_i].dirfd);
	int expected = (int)plain(openat(dirfd, opens[_i].path, opens[_i].flags));

	if (expected >= 0)
		close(expected); /* the lowest number is then free again */
	ck_assert_int_eq(real_open(dirfd, opens[_i].path, opens[_i].flags), expected);
}
END_TEST

START_TEST(cachestat_counts_the_pages_that_were_read)
{
	enum { PAGES = 8 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	AUTO_FREE char *data = calloc(PAGES, page);
	AUTO_CLOSE int fd = file_fd(O_RDWR);

	ck_assert_int_eq(write(fd, data, PAGES * page), PAGES * page);
	ck_assert_int_eq(fsync(fd), 0);
	int64_t written = real_cachestat(fd, 0, PAGES * page);
	if (written == -ENOSYS)
		return; /* before 6.5 */
	ck_assert_int_eq(written, PAGES);
	ck_assert_int_eq(real_cachestat(fd, PAGES * page, page), 0);
	ck_assert_int_eq(real_cachestat(fd, page, 2 * page), 2);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	int64_t before = real_cachestat(fd, 0, PAGES * page);
	ck_assert(before == 0 || before == PAGES); /* a memory file system keeps them */
	ck_assert_int_eq(pread(fd, data, 3 * page, 0), 3 * page);
	ck_assert_int_eq(real_cachestat(fd, 0, 3 * page), 3);
	ck_assert_int_eq(pread(fd, data, PAGES * page, 0), PAGES * page);
	ck_assert_int_eq(real_cachestat(fd, 0, PAGES * page), PAGES);
}
END_TEST

START_TEST(cachestat_of_no_file_is_an_error)
{
	int64_t result = real_cachestat(-1, 0, 4096);

	ck_assert(result == -EBADF || result == -ENOSYS);
}
END_TEST

/* The program's clock_gettime() stands still: the shim must use the kernel's clock. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	*time = (struct timespec){ 0 };
	return 0;
}

START_TEST(time_is_the_kernels)
{
	struct timespec before, after;

	for (int i = 0; i < 1000; i++) {
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &before);
		uint64_t now = real_now();
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &after);
		ck_assert_uint_ge(now,
				  (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec);
		ck_assert_uint_le(now,
				  (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
	}
}
END_TEST

static pthread_barrier_t together;

static void *resolve(void *ret_real)
{
	struct real *seen = ret_real;

	pthread_barrier_wait(&together);
#define SEE(name) seen->name = REAL(name);
	REAL_NAMES(SEE)
#undef SEE
	return (void *)(uintptr_t)real();
}

START_TEST(all_threads_get_the_same_pointers)
{
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	struct real seen[THREADS];
	void *place;

	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, resolve, &seen[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &place), 0);
		ck_assert_ptr_eq(place, real());
	}
	for (int i = 0; i < THREADS; i++)
		ck_assert_mem_eq(&seen[i], real(), sizeof(seen[i]));
	ck_assert_ptr_nonnull(real()->syscall);
}
END_TEST

static int with_errno_kept(int inside, bool early)
{
	KEEP_ERRNO;

	errno = inside;
	if (early)
		return 1;
	close(-1);
	return 0;
}

START_TEST(errno_is_kept_on_every_way_out)
{
	errno = 77;
	ck_assert_int_eq(with_errno_kept(5, true), 1);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(with_errno_kept(0, false), 0);
	ck_assert_int_eq(errno, 77);
}
END_TEST

/* The first declared is released last: so the failing close comes before errno is restored. */
START_TEST(errno_is_kept_past_a_failing_close)
{
	errno = 77;
	{
		KEEP_ERRNO;
		AUTO_CLOSE int fd = 1000;
		ck_assert_int_eq(fd, 1000);
	}
	ck_assert_int_eq(errno, 77);
}
END_TEST

START_TEST(a_descriptor_is_closed_once)
{
	int pipes[2], number;

	ck_assert_int_eq(pipe(pipes), 0);
	{
		AUTO_CLOSE int fd = pipes[0];
		number = fd;
		ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	}
	ck_assert_int_eq(fcntl(number, F_GETFD), -1);
	ck_assert_int_ge(fcntl(pipes[1], F_GETFD), 0);
	errno = 77;
	{
		AUTO_CLOSE int none = -1;
		ck_assert_int_eq(none, -1);
	}
	ck_assert_int_eq(errno, 77); /* close(-1) would have been EBADF */
	{
		AUTO_CLOSE int given_away = pipes[1];
		given_away = -1;
		(void)given_away;
	}
	ck_assert_int_ge(fcntl(pipes[1], F_GETFD), 0);
}
END_TEST

/* The sanitizer checks that the memory is freed, and not twice. */
START_TEST(memory_is_freed_and_null_may_be)
{
	AUTO_FREE char *null = NULL;

	for (int i = 0; i < 100; i++) {
		AUTO_FREE char *data = malloc(1 << 20);
		ck_assert_ptr_nonnull(data);
		data[0] = 'x';
	}
	ck_assert_ptr_null(null);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("real calls");
	TCase *tc = tcase_create("errors"), *scopes = tcase_create("scopes");

	tcase_add_test(tc, all_threads_get_the_same_pointers);
	tcase_add_loop_test(tc, pwritev2_gives_what_the_plain_call_gives, 0, COUNT(writes));
	tcase_add_loop_test(tc, statx_gives_what_the_plain_call_gives, 0, COUNT(statxs));
	tcase_add_test(tc, statx_into_nowhere_is_efault);
	tcase_add_loop_test(tc, ioctl_gives_what_the_plain_call_gives, 0, COUNT(ioctls));
	tcase_add_loop_test(tc, open_gives_what_the_plain_call_gives, 0, COUNT(opens));
	tcase_add_test(tc, cachestat_counts_the_pages_that_were_read);
	tcase_add_test(tc, cachestat_of_no_file_is_an_error);
	tcase_add_test(tc, time_is_the_kernels);
	suite_add_tcase(s, tc);
	tcase_add_test(scopes, errno_is_kept_on_every_way_out);
	tcase_add_test(scopes, errno_is_kept_past_a_failing_close);
	tcase_add_test(scopes, a_descriptor_is_closed_once);
	tcase_add_test(scopes, memory_is_freed_and_null_may_be);
	suite_add_tcase(s, scopes);
	return s;
}
