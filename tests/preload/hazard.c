/* SPDX-License-Identifier: MIT */
/*
 * The shim in a host program in trouble, over the simulated disk: it lacks descriptors, memory,
 * rights or its standard streams, passes a descriptor around, or has a disk that stalls, weakens or
 * goes away under many threads.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "untorn_uapi.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static void set_limit(int resource, rlim_t value)
{
	struct rlimit limit;

	want(getrlimit(resource, &limit) == 0);
	limit.rlim_cur = value;
	want(setrlimit(resource, &limit) == 0);
}

/* The first write needs descriptors, and must succeed all the same. Later writes need none, but the
 * simulated disk does, so they fail. No write may be half done, and all must work afterwards. */
static void no_descriptor_free(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'b');
	struct statx stx;

	bool known = getenv("KNOWN");
	if (known)
		check_write(fd, 0, 'a');
	set_limit(RLIMIT_NOFILE, 40);
	while (dup(fd) >= 0)
		continue;
	for (int i = 0; i < 5; i++) {
		want(atomic_write(fd, data, UNIT, UNIT) == (known ? -1 : UNIT));
		want(statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) == 0);
		want(statx(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC, &stx) == 0 || errno == EMFILE);
	}
	set_limit(RLIMIT_NOFILE, 42); /* for the hold and the simulated disk */
	want(holds(fd, UNIT, UNIT, known ? 0 : 'b'));
	for (int i = 1; i < 20; i++)
		check_write(fd, UNIT * i, (char)('c' + i));
	check_statx(fd);
}

/* A write at the file's position needs a descriptor or a thread: neither is free. */
static void nothing_free_at_the_position(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'n');
	struct iovec iov = { data, UNIT };
	volatile char dirt[30000];

	if (SANITIZED)
		return;
	want(pwritev2(fd, &iov, 1, -1, RWF_ATOMIC) == UNIT);
	close(fd);
	fd = open_disk();
	set_limit(RLIMIT_NOFILE, 40);
	while (dup(fd) >= 0)
		continue;
	memset((char *)(uintptr_t)dirt, 0x6f, sizeof(dirt)); /* the write uses this stack next */
	set_limit(RLIMIT_AS, 1 << 20);
	want(pwritev2(fd, &iov, 1, -1, RWF_ATOMIC) == -1 && errno == ENOMEM);
	set_limit(RLIMIT_AS, RLIM_INFINITY);
}

static rlim_t address_space(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	want(file && fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void little_memory(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'm');
	struct statx stx;

	if (SANITIZED)
		return;
	set_limit(RLIMIT_AS, address_space());
	want(atomic_write(fd, data, UNIT, 0) == -1 && (errno == ENOMEM || errno == EOPNOTSUPP));
	want(statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) == 0);
	set_limit(RLIMIT_AS, RLIM_INFINITY);
	check_write(fd, 0, 'm');
	/* Less than the memory that preparing the page cache needs: it is already allocated. */
	set_limit(RLIMIT_AS, address_space() + (1 << 20));
	for (int i = 0; i < 50; i++)
		check_write(fd, UNIT * i, 'M');
	check_statx(fd);
}

/* Descriptors 0, 1 and 2 become the disk and two files: the shim must print nothing into them. */
static void no_standard_streams(void)
{
	struct stat st;
	char *data = buffer(UNIT, 's');

	close_range(0, 2, 0);
	if (open(DISK, O_RDWR | O_DIRECT) != 0 || memfd_create("out", 0) != 1 ||
	    memfd_create("err", 0) != 2)
		_exit(2);
	for (int i = 0; i < 5; i++) {
		if (atomic_write(0, data, UNIT, UNIT * i) != UNIT ||
		    !holds(0, UNIT * i, UNIT, 's') || atomic_write(0, data, 3, 0) != -1 ||
		    atomic_write(1, data, UNIT, 0) != -1)
			_exit(3);
	}
	for (int fd = 1; fd <= 2; fd++) {
		if (fstat(fd, &st) < 0 || st.st_size != 0)
			_exit(4);
	}
	_exit(0);
}

/* Calls work(0) ... work(count - 1) in threads at once; returns the sum of their results. */
static intptr_t in_threads(int count, void *(*work)(void *))
{
	pthread_t ids[64];
	intptr_t sum = 0;
	void *result;

	for (intptr_t i = 0; i < count; i++)
		want(pthread_create(&ids[i], NULL, work, (void *)i) == 0);
	for (int i = 0; i < count; i++) {
		want(pthread_join(ids[i], &result) == 0);
		sum += (intptr_t)result;
	}
	return sum;
}

static void *write_to_own_place(void *number)
{
	int fd = open_disk();

	for (int i = 0; i < 16; i++)
		check_write(fd, (off_t)UNIT * (100 + (intptr_t)number), (char)('a' + i % 26));
	check_statx(fd);
	close(fd);
	return NULL;
}

/* 1024 writes of 20 ms each on a slow disk: different threads must not wait for one another. */
static void many_threads(void)
{
	alarm(SANITIZED ? 50 : 10);
	in_threads(64, write_to_own_place);
}

static void fork_storm(void)
{
	pthread_t ids[4];
	pid_t children[30];
	int fd = open_disk();
	char *data = buffer(UNIT, 0);

	if (SANITIZED) /* their malloc(), which dlopen() calls, hangs in a child of threads */
		check_write(fd, 0, 'a');
	for (intptr_t i = 0; i < 4; i++)
		want(pthread_create(&ids[i], NULL, write_to_own_place, (void *)i) == 0);
	for (int i = 0; i < 30; i++) {
		memset(data, 'a' + i, UNIT);
		children[i] = fork();
		if (children[i] == 0) {
			alarm(30); /* instead of hanging */
			for (int j = 0; j < 5; j++)
				want(atomic_write(fd, data, UNIT, UNIT * i) == UNIT);
			_exit(0);
		}
	}
	for (int i = 0; i < 30; i++)
		want(status_of(children[i]) == 0);
	for (int i = 0; i < 4; i++)
		want(pthread_join(ids[i], NULL) == 0);
	for (int i = 0; i < 30; i++)
		want(holds(fd, UNIT * i, UNIT, (char)('a' + i)));
}

static void duplicates(void)
{
	int fd = open_disk(), other = open("/dev/null", O_RDWR);
	int copies[] = { dup(fd), dup2(fd, 70), dup3(fd, other, O_CLOEXEC), fcntl(fd, F_DUPFD, 80),
			 fcntl(fd, F_DUPFD_CLOEXEC, 90) };

	close(fd);
	for (int i = 0; i < 5; i++) {
		check_write(copies[i], UNIT * i, 'D');
		check_statx(copies[i]);
	}
	/* A number that was the disk's is now another file's. */
	want(dup2(memfd_create("other", 0), copies[1]) == copies[1]);
	want(atomic_write(copies[1], buffer(UNIT, 'x'), UNIT, 0) == -1);
	want(holds(copies[0], 0, UNIT, 'D'));
}

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static void passed_over_a_socket(void)
{
	int sockets[2], fd;
	char byte = 'p';
	union control control = { .header = { CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { NULL, 0, &iov, 1, &control, sizeof(control), 0 };

	want(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	pid_t child = fork();
	if (child == 0) {
		want(recvmsg(sockets[1], &message, 0) == 1 && CMSG_FIRSTHDR(&message));
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		check_write(fd, UNIT, 'p');
		check_statx(fd);
		_exit(0);
	}
	fd = open_disk();
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	want(sendmsg(sockets[0], &message, 0) == 1);
	want(status_of(child) == 0 && holds(fd, UNIT, UNIT, 'p'));
}

static void over_exec(void)
{
	const char *inherited = getenv("INHERITED");
	int fd = inherited ? atoi(inherited) : open(DISK, O_RDWR | O_DIRECT);
	char number[16];

	check_write(fd, 0, 'i');
	check_statx(fd);
	if (inherited)
		return;
	snprintf(number, sizeof(number), "%d", fd);
	setenv("INHERITED", number, 1);
	execl("/proc/self/exe", "preload-body", "--body", "over_exec", (char *)NULL);
	want(!"exec");
}

static void *write_until_gone(void *number)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'v');
	intptr_t good = 0, bad = 0;

	for (int i = 0; i < 50; i++) {
		ssize_t result = atomic_write(fd, data, UNIT, (off_t)UNIT * (intptr_t)number);
		good += result == UNIT;
		bad += result == -1 && (errno == ENODEV || errno == EIO);
		want(good + bad == i + 1);
	}
	return (void *)good;
}

static void gone(void)
{
	alarm(40);
	int fd = open_disk();

	want(in_threads(16, write_until_gone) == 99);
	want(atomic_write(open_disk(), buffer(UNIT, 'v'), UNIT, 0) == -1);
	usleep(2200000); /* the shim no longer believes the old answers */
	want(atomic_write(fd, buffer(UNIT, 'v'), UNIT, 0) == -1 && errno == ENODEV);
}

/* After 20 commands the disk promises only one block. The shim may believe the old promise for
 * another second. */
static void weakened(void)
{
	int fd = open_disk(), i = 0;
	char *data = buffer(UNIT, 'w');
	struct statx stx;

	while (i < 200 && atomic_write(fd, data, UNIT, (off_t)UNIT * i) == UNIT) {
		usleep(i < 19 ? 0 : 20000);
		i++;
	}
	want(i >= 20 && i < 80 && errno == EINVAL);
	want(atomic_write(fd, data, UNIT, (off_t)UNIT * i) == -1 && errno == EINVAL);
	want(holds(fd, (off_t)UNIT * i, UNIT, 0));
	want(atomic_write(fd, data, 512, (off_t)UNIT * i) == 512);
	want(statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) == 0);
	want(untorn_statx_atomic(&stx)->unit_max == 512);
}

static atomic_bool stop_writing;

static void *write_alternately(void *number)
{
	int fd = open_disk(), is_atomic = getenv("PLAIN") == NULL;
	char *data = buffer(UNIT, 0);

	for (int i = 0; !atomic_load(&stop_writing); i++) {
		memset(data, 'a' + (int)(intptr_t)number * 2 + (i & 1), UNIT);
		struct iovec iov = { data, UNIT };
		want(pwritev2(fd, &iov, 1, 0, is_atomic ? RWF_ATOMIC : 0) == UNIT);
	}
	close(fd);
	return NULL;
}

static void race_readers(void)
{
	pthread_t ids[2];
	int fd = open_disk(), mixed = 0;
	char *data = buffer(UNIT, 0);

	alarm(10);
	for (intptr_t i = 0; i < 2; i++)
		want(pthread_create(&ids[i], NULL, write_alternately, (void *)i) == 0);
	for (int i = 0; i < 2000; i++) {
		want(pread(fd, data, UNIT, 0) == UNIT);
		mixed += memcmp(data, data + 1, UNIT - 1) != 0;
	}
	atomic_store(&stop_writing, true);
	for (int i = 0; i < 2; i++)
		want(pthread_join(ids[i], NULL) == 0);
	want(getenv("PLAIN") ? mixed > 0 : mixed == 0);
}

const struct body bodies[] = {
	{ "no_descriptor_free", no_descriptor_free },
	{ "nothing_free_at_the_position", nothing_free_at_the_position },
	{ "little_memory", little_memory },
	{ "no_standard_streams", no_standard_streams },
	{ "many_threads", many_threads },
	{ "fork_storm", fork_storm },
	{ "duplicates", duplicates },
	{ "passed_over_a_socket", passed_over_a_socket },
	{ "over_exec", over_exec },
	{ "gone", gone },
	{ "weakened", weakened },
	{ "race_readers", race_readers },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "no_descriptor_free", "", NULL, -1 },
	{ "no_descriptor_free", "", "KNOWN=1", -1 },
	{ "nothing_free_at_the_position", "", NULL, SANITIZED ? 0 : 1 },
	{ "little_memory", "", NULL, -1 },
	{ "no_standard_streams", "", NULL, 5 },
	/* ThreadSanitizer takes a thread with its own table of descriptors for a fork. */
	{ "many_threads", "", "TSAN_OPTIONS=die_after_fork=0", 1024 },
	{ "fork_storm", "", "TSAN_OPTIONS=report_thread_leaks=0", SANITIZED ? 215 : 214 },
	{ "duplicates", "", NULL, 5 },
	{ "passed_over_a_socket", "", NULL, 1 },
	{ "over_exec", "", NULL, 2 },
	{ "gone", ",gone=100", NULL, -1 },
	{ "weakened", ",weakens=20", NULL, -1 },
	{ "many_threads", ",delay=20000", "TSAN_OPTIONS=die_after_fork=0", 1024 },
	{ "race_readers", ",tear_us=30", NULL, -1 },
	{ "race_readers", ",tear_us=30", "PLAIN=1", 0 },
};

Suite *suite(void)
{
	return preload_suite("the shim in hazard", rows, sizeof(rows) / sizeof(rows[0]));
}
