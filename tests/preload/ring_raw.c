/* SPDX-License-Identifier: MIT */
/*
 * Tests special to rings that a program works by its own system calls, over the simulated disk.
 * tests/preload/uring.c has the tests of both ways.
 *
 * Links: -luring
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "ring_doors.h"

/* The shim must do no write behind a bad entry at which the kernel stops. */
static void bad_entries(void)
{
	int fd = open_disk();
	bool goes_on = setup_flags() & IORING_SETUP_SUBMIT_ALL;
	struct io_uring *ring = ring_of(8);
	int results[5];
	uint64_t tag;

	prepare(ring, fd, buffer(UNIT, 'b'), UNIT, 0, 0);
	for (unsigned i = 1; i < 3; i++) {
		struct io_uring_sqe *sqe = next_entry(ring);
		io_uring_prep_nop(sqe);
		sqe->opcode = i == 2 ? 0xff : IORING_OP_NOP;
		sqe->user_data = i;
	}
	prepare(ring, fd, buffer(UNIT, 'b'), UNIT, UNIT, 3);
	prepare(ring, fd, buffer(UNIT, 'b'), UNIT, 2 * UNIT, 4);
	want(submit(ring, 0) == (goes_on ? 5 : 3));
	if (!goes_on) {
		usleep(20000);
		want(holds(fd, UNIT, 2 * UNIT, 0) && submit(ring, 0) == 2);
	}
	for (int i = 0; i < 5; i++) {
		int result = result_of_next(ring, &tag);
		results[tag] = result;
	}
	want(results[0] == UNIT && results[1] == 0 && results[2] == -EINVAL);
	want(results[3] == UNIT && results[4] == UNIT && holds(fd, 0, 3 * UNIT, 'b'));
	end(ring);
}

/* The program writes its entries once and publishes them again and again. */
static void published_again(void)
{
	int fd = open_disk();
	struct io_uring *ring = ring_of(4);
	uint64_t tag;

	for (unsigned i = 0; i < 4; i++)
		prepare(ring, fd, buffer(UNIT, 'A'), UNIT, (off_t)UNIT * i, i)->flags |=
			i < 2 ? IOSQE_IO_LINK : 0;
	for (int round = 0; round < 5; round++) {
		want(submit(ring, round % 2 ? 4 : 0) == 4);
		for (int i = 0; i < 4; i++)
			want(result_of_next(ring, &tag) == UNIT && tag < 4);
		ring->sq.sqe_tail += 4;
	}
	want(is_empty(ring) && holds(fd, 0, 4 * UNIT, 'A'));
	end(ring);
}

/* close() ends the ring, and the shim must keep nothing of it open. */
static void closed(void)
{
	int fd = open_disk(), ends[2];
	struct io_uring *ring = ring_of(16);
	char *data[8], byte;

	/* The ring reads from this pipe for as long as the ring exists. */
	want(pipe(ends) == 0);
	io_uring_prep_read(next_entry(ring), ends[0], &byte, 1, 0);
	want(submit(ring, 0) == 1 && close(ends[0]) == 0);
	for (int i = 0; i < 8; i++) {
		data[i] = buffer(UNIT, 'q');
		prepare(ring, fd, data[i], UNIT, (off_t)UNIT * i, 1);
	}
	want(submit(ring, 0) == 8);
	munmap(ring->sq.sqes, *ring->sq.kring_entries * sizeof(*ring->sq.sqes));
	munmap(ring->sq.ring_ptr, ring->sq.ring_sz);
	want(getenv("RANGE") ? close_range((unsigned)ring->ring_fd, (unsigned)ring->ring_fd, 0) == 0
			     : syscall(SYS_close, ring->ring_fd) == 0);
	for (int i = 0; i < 8; i++)
		memset(data[i], 'x', UNIT);
	want(holds(fd, 0, 8 * UNIT, 'q'));
	signal(SIGPIPE, SIG_IGN);
	struct pollfd writer = { .fd = ends[1] };
	want(poll(&writer, 1, 3000) == 1 && (writer.revents & POLLERR));
}

/* Whether this process has the kernel's polling thread, "iou-sqp-PID" (5.12). */
static bool has_polling_thread(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	bool found = false;

	while ((task = readdir(tasks))) {
		char path[300], name[17] = "";
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		FILE *file = fopen(path, "r");
		found |=
			file && fgets(name, sizeof(name), file) && strncmp(name, "iou-sqp", 7) == 0;
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return found;
}

/* The kernel's polling thread takes entries that the shim does not see: the kernel refuses them. */
static void polling_thread(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open_disk();

	for (int i = 0; !has_polling_thread() && i < 1000; i++)
		usleep(10000); /* the thread names itself when it first runs */
	want(has_polling_thread());
	prepare(ring, fd, buffer(UNIT, 'p'), UNIT, 0, 77);
	want(outcome(ring) == -EOPNOTSUPP && holds(fd, 0, UNIT, 0));
	end(ring);
}

/* Through liburing the shim takes the writes out before that thread sees them. */
static void library_keeps_its_thread(void)
{
	struct io_uring *ring = ring_of(8);
	int fd = open_disk();
	char *data = buffer(UNIT, 'l');
	uint64_t tag;

	for (int i = 0; !has_polling_thread() && i < 1000; i++)
		usleep(10000);
	want(has_polling_thread());
	for (int i = 0; i < 8; i++)
		prepare(ring, fd, data, UNIT, (off_t)i * UNIT, 77);
	want(submit(ring, 0) == 8);
	for (int i = 0; i < 8; i++)
		want(result_of_next(ring, &tag) == UNIT);
	want(holds(fd, 0, 8 * UNIT, 'l'));
	end(ring);
}

static void mark(void)
{
	syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
}

/* Counts the SIGSYS of deep mode that the child gets between its two marks. */
static int traps_between_marks(pid_t child)
{
	int status, marks = 0, traps = 0;

	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);
		marks += signal == SIGUSR1;
		traps += signal == SIGSYS && marks == 1;
		want(ptrace(PTRACE_CONT, child, 0, signal == SIGUSR1 ? 0 : signal) == 0);
	}
	want(WIFEXITED(status) && WEXITSTATUS(status) == 0 && marks == 2);
	return traps;
}

/* Deep mode must not trap liburing's own system calls. */
static void library_keeps_its_calls(void)
{
	pid_t child = fork();

	if (child > 0) {
		want(traps_between_marks(child) == 0);
		return;
	}
	struct io_uring *ring = ring_of(8);
	int fd = open_disk();

	want(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
	for (int i = 0; i < 7; i++)
		prepare(ring, fd, buffer(UNIT, 'c'), UNIT, (off_t)i * UNIT, 77);
	io_uring_prep_nop(next_entry(ring));
	mark();
	want(submit(ring, 0) == 8);
	mark();
	_exit(0);
}

/* A child of vfork() closes its descriptor of the ring, not its parent's hold on it. */
static void closed_by_a_vforked_child(void)
{
	int fd = open_disk(), status;
	struct io_uring *ring = ring_of(8);

	prepare(ring, fd, buffer(UNIT, 'v'), UNIT, 0, 77);
	want(outcome(ring) == UNIT);
	pid_t child = vfork();
	if (child == 0) {
		close(ring->ring_fd);
		_exit(0);
	}
	want(waitpid(child, &status, 0) == child);
	prepare(ring, fd, buffer(UNIT, 'V'), UNIT, UNIT, 77);
	want(outcome(ring) == UNIT && holds(fd, UNIT, UNIT, 'V'));
	end(ring);
}

/* Sets one alarm. The handler sets the next one at its end: else a slow machine would do nothing
 * else. */
static void set_alarm(void)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 200 } };

	want(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static struct io_uring *handlers_ring;
static int handlers_fd;
static unsigned handled;

/* The handler has its own ring, but the shim's tables are shared by all rings. */
static void write_in_handler(int signal)
{
	static char *data;
	struct io_uring_cqe *cqe;
	int before = errno;

	(void)signal;
	data = data ? data : handlers_ring->cq.ring_ptr; /* any memory will do */
	struct io_uring_sqe *sqe = next_entry(handlers_ring);
	io_uring_prep_write(sqe, handlers_fd, data, 512, DISK_SIZE / 2);
	sqe->rw_flags = RWF_ATOMIC;
	want(submit(handlers_ring, 0) == 1);
	want(io_uring_wait_cqe(handlers_ring, &cqe) == 0 && cqe->res == 512);
	io_uring_cqe_seen(handlers_ring, cqe);
	handled++;
	set_alarm();
	errno = before;
}

static void interrupted_by_another_ring(void)
{
	int fd = handlers_fd = open_disk();
	struct io_uring *ring = ring_of(8);
	char *data = buffer(UNIT, 'i');

	handlers_ring = ring_of(8);
	signal(SIGALRM, write_in_handler);
	set_alarm();
	for (int i = 0; i < 1000; i++) {
		struct io_uring_cqe *cqe;
		int result;
		prepare(ring, fd, data, UNIT, (off_t)UNIT * i, 77);
		want(submit(ring, 0) == 1);
		do
			result = io_uring_wait_cqe(ring, &cqe);
		while (result == -EINTR);
		want(result == 0 && cqe->res == UNIT);
		io_uring_cqe_seen(ring, cqe);
	}
	signal(SIGALRM, SIG_IGN);
	want(handled > 10);
	end(ring);
}

/* The shim's own descriptor of this device, or -1. */
static int own_of(const char *path)
{
	struct stat device, st;

	want(stat(path, &device) == 0);
	for (int fd = 512; fd < 1024; fd++) {
		if (fstat(fd, &st) == 0 && st.st_rdev == device.st_rdev)
			return fd;
	}
	return -1;
}

static void take(int how, int other, int own)
{
	switch (how) {
	case 0:
		want(close(own) == 0 && fcntl(other, F_DUPFD, own) == own);
		return;
	case 1:
		want(dup2(other, own) == own);
		return;
	case 2:
		want(dup3(other, own, O_CLOEXEC) == own);
		return;
	case 3:
		want(syscall(SYS_dup3, other, own, 0) == own);
		return;
	default:
		want(close_range(512, ~0U, 0) == 0 && fcntl(other, F_DUPFD, own) == own);
	}
}

/* The program gives the shim's numbers to another file: its writes must still succeed, and nothing
 * may get into that file. */
static void numbers_taken_away(void)
{
	int fd = open_disk(), other = memfd_create("other", 0), own;
	struct io_uring *ring = ring_of(4);
	struct stat st;

	for (int how = 0; how < 5; how++) {
		prepare(ring, fd, buffer(UNIT, 'a'), UNIT, (off_t)how * UNIT, 77);
		want(outcome(ring) == UNIT);
		want((own = own_of("/dev/null")) >= 512);
		take(how, other, own);
		prepare(ring, fd, buffer(UNIT, 'b'), UNIT, (off_t)how * UNIT, 77);
		want(outcome(ring) == UNIT);
		want(holds(fd, (off_t)how * UNIT, UNIT, 'b'));
		want(fstat(other, &st) == 0 && st.st_size == 0);
		close(own);
	}
}

const struct body bodies[] = {
	{ "bad_entries", bad_entries },
	{ "published_again", published_again },
	{ "closed", closed },
	{ "polling_thread", polling_thread },
	{ "library_keeps_its_thread", library_keeps_its_thread },
	{ "library_keeps_its_calls", library_keeps_its_calls },
	{ "closed_by_a_vforked_child", closed_by_a_vforked_child },
	{ "numbers_taken_away", numbers_taken_away },
	{ "interrupted_by_another_ring", interrupted_by_another_ring },
	{ NULL, NULL },
};

#define RAW    "DOOR=raw\n"
#define SQPOLL "SETUP=0x2" /* IORING_SETUP_SQPOLL; SUBMIT_ALL below */
#define ALL    "SETUP=0x80"

static const struct preload_row rows[] = {
	{ "bad_entries", "", "DOOR=raw", 3 },
	{ "bad_entries", "", RAW ALL, 3 },
	{ "polling_thread", "", RAW SQPOLL, 0 },
	{ "polling_thread", "", RAW "UNTORN_MODE=command\n" SQPOLL, 0 },
	{ "library_keeps_its_thread", "", "UNTORN_MODE=command\n" SQPOLL, 8 },
	{ "library_keeps_its_thread", "", "UNTORN_DEEP=1\nUNTORN_MODE=command\n" SQPOLL, 8 },
	{ "library_keeps_its_calls", "", "UNTORN_DEEP=1", -1 },
	{ "published_again", "", "DOOR=raw", 20 },
	{ "closed", ",delay=20000", "DOOR=raw", 8 },
	{ "closed", ",delay=20000", RAW "RANGE=1", 8 },
	{ "closed_by_a_vforked_child", "", "DOOR=raw", 2 },
	{ "numbers_taken_away", "", "WAIT=1", 10 },
	{ "numbers_taken_away", "", RAW "WAIT=1", 10 },
	/* Tests only the tables. The handler may have to make a worker: libuntorn(7) says so. */
	{ "interrupted_by_another_ring", "", RAW "TSAN_OPTIONS=report_signal_unsafe=0", -1 },
};

Suite *suite(void)
{
	return preload_suite("rings by system calls", rows, sizeof(rows) / sizeof(rows[0]));
}
