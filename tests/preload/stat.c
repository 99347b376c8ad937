/* SPDX-License-Identifier: MIT */
/*
 * Tests the counters. The program maps them through its own descriptor, as `untorn stat` does.
 * Counts are exact in threads and children, however these end. Before the first atomic write there
 * are no counters. The program may close the descriptor or replace it; that harms neither side.
 *
 * Links: -luring
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "counters_fd.h"
#include "rules/reason.h"
#include "untorn_uapi.h"

/* Maps the counters at the first call, for the rest of the process. */
static const struct counters *look(void)
{
	static const struct counters *counters;

	if (!counters) {
		int fd = descriptor();
		want(fd >= 0);
		counters = mmap(NULL, sizeof(*counters), PROT_READ, MAP_SHARED, fd, 0);
		want(counters != MAP_FAILED && counters->magic == COUNTERS_MAGIC);
	}
	return counters;
}

static const struct counters_door *door(enum door number)
{
	return &look()->slots[0].doors[number];
}

static uint64_t done(enum door number)
{
	uint64_t done = counters_read(&door(number)->done), timed = 0;

	for (int i = 0; i < COUNTERS_BUCKETS; i++)
		timed += counters_read(&door(number)->latency[i]);
	want(counters_read(&door(number)->bytes) == done * UNIT);
	/* The shim times the first COUNTERS_SAMPLE writes, and only some of the later ones. */
	want(done <= COUNTERS_SAMPLE ? timed == done : timed >= COUNTERS_SAMPLE);
	want(done < 64 || timed < done);
	return done;
}

static void nothing_before_the_first(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'a');
	struct iovec iov = { data, UNIT };

	want(pwrite(fd, data, UNIT, 0) == UNIT && pwritev2(fd, &iov, 1, 0, 0) == UNIT);
	check_statx(fd);
	want(descriptor() < 0);
	check_write(fd, 0, 'b');
	want(descriptor() >= 512 && fcntl(descriptor(), F_GETFD) == FD_CLOEXEC);
	want(done(DOOR_PWRITEV2) == 1 && counters_read(&look()->processes) == 1);
}

static void write_eight(int fd, off_t place, char letter)
{
	for (int i = 0; i < 8; i++)
		check_write(fd, place + (off_t)UNIT * i, letter);
}

static void eight_threads(void)
{
	write_in_threads(write_eight);
	want(done(DOOR_PWRITEV2) == 9 * 8);
}

/* Children and grandchildren that end without destructors. */
static void children(void)
{
	int fd = open_disk();

	check_write(fd, 0, 'a');
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();
		if (child == 0) {
			write_eight(fd, (off_t)UNIT * 8 * i, 'c');
			pid_t grandchild = fork();
			if (grandchild == 0) {
				close(STDERR_FILENO);
				check_write(fd, (off_t)UNIT * (100 + i), 'g');
				raise(SIGKILL);
			}
			want(status_of(grandchild) == SIGKILL);
			_exit(0);
		}
		want(status_of(child) == 0);
	}
	want(done(DOOR_PWRITEV2) == 1 + 3 * 9);
	want(counters_read(&look()->processes) == 7);
}

static void the_descriptor_is_the_programs(void)
{
	int fd = open_disk();

	check_write(fd, 0, 'a');
	int ours = descriptor(), other = memfd_create("other", 0);
	want(done(DOOR_PWRITEV2) == 1);
	want(dup2(other, ours) == ours);
	write_eight(fd, 0, 'b');
	want(lseek(other, 0, SEEK_END) == 0);
	want(close(ours) == 0);
	write_eight(fd, 0, 'c');
	want(done(DOOR_PWRITEV2) == 17 && descriptor() < 0);
}

static void refused_once(int fd, size_t length, off_t offset, int error, enum reason reason)
{
	static char *data;

	if (!data)
		data = buffer(4 * UNIT, 'r');
	want_error(atomic_write(fd, data, length, offset), error);
	want(counters_read(&door(DOOR_PWRITEV2)->refused[reason]) == 1);
}

static void reasons(void)
{
	int fd = open_disk(), read_only = open(DISK, O_RDONLY | O_DIRECT);
	int buffered = open(DISK, O_RDWR);
	char *data = buffer(UNIT, 's');
	struct iovec two[2] = { { data, 512 }, { data + 512, 512 } };

	check_write(fd, 0, 'a');
	refused_once(fd, 3072, 0, EINVAL, REASON_LENGTH);
	refused_once(fd, UNIT, 512, EINVAL, REASON_OFFSET);
	refused_once(fd, 2 * UNIT, 0, EINVAL, REASON_SIZE);
	refused_once(fd, UNIT, DISK_SIZE, ENOSPC, REASON_END);
	refused_once(read_only, UNIT, 0, EBADF, REASON_DESCRIPTOR);
	refused_once(buffered, UNIT, 0, EOPNOTSUPP, REASON_NOT_DIRECT);
	want_error(pwritev2(fd, two, 2, 0, RWF_ATOMIC), EINVAL);
	want(counters_read(&door(DOOR_PWRITEV2)->refused[REASON_SEGMENTS]) == 1);
	want_error(atomic_write(fd, data + 1, UNIT, 0), EINVAL);
	want(counters_read(&door(DOOR_PWRITEV2)->refused[REASON_ALIGNMENT]) == 1);
	want_error(pwritev2(fd, two, 1, 0, RWF_ATOMIC | 0x400), EOPNOTSUPP);
	want(counters_read(&door(DOOR_PWRITEV2)->refused[REASON_FLAGS]) == 1);
	want(done(DOOR_PWRITEV2) == 1);
}

static void a_device_that_cannot(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'n');

	want_error(atomic_write(fd, data, UNIT, 0), EOPNOTSUPP);
	want(counters_read(
		     &door(DOOR_PWRITEV2)->refused[REASON_DEVICE + REFUSAL_BOUNDARY_OFFSET]) == 1);
}

/* The second command fails. */
static void failures(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'f');

	check_write(fd, 0, 'a');
	want_error(atomic_write(fd, data, UNIT, 0), EIO);
	want(counters_read(&door(DOOR_PWRITEV2)->errors) == 1 && done(DOOR_PWRITEV2) == 1);
}

/* The shim does not handle files: the kernel refuses the write, or does it if it can. */
static void files(void)
{
	int file = memfd_create("file", 0);
	char *data = buffer(UNIT, 'k');

	bool failed = atomic_write(file, data, UNIT, 0) < 0;
	want(counters_read(&look()->slots[0].key) == 1);
	want(counters_read(&door(DOOR_PWRITEV2)->kernel) == 1);
	want(counters_read(&door(DOOR_PWRITEV2)->kernel_failed) == failed);
}

static void write_by_aio(int fd, char *data, long result)
{
	aio_context_t context = 0;
	struct iocb iocb = {
		.aio_fildes = (uint32_t)fd,
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_buf = (uintptr_t)data,
		.aio_nbytes = UNIT,
		.aio_rw_flags = RWF_ATOMIC,
	};
	struct iocb *iocbs[] = { &iocb };
	struct io_event event;

	want(syscall(SYS_io_setup, 1, &context) == 0);
	want(syscall(SYS_io_submit, context, 1L, iocbs) == 1);
	want(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) == 1);
	want(event.res == result);
	want(syscall(SYS_io_destroy, context) == 0);
}

static void doors(void)
{
	int fd = open_disk();
	char *data = buffer(2 * UNIT, 'd');
	struct iovec iov = { data, UNIT };

	for (int i = 0; i < 3; i++)
		want(syscall(SYS_pwritev2, fd, &iov, 1L, 0L, 0L, (long)RWF_ATOMIC) == UNIT);
	for (int i = 0; i < 5; i++)
		write_by_aio(fd, data, UNIT);
	check_write(fd, 0, 'w');
	write_by_aio(fd, data + 1, -EINVAL);
	check_statx(fd);
	want(done(DOOR_SYSCALL) == 3 && done(DOOR_LIBAIO) == 5 && done(DOOR_PWRITEV2) == 1);
	want(counters_read(&door(DOOR_LIBAIO)->refused[REASON_ALIGNMENT]) == 1);
	want(counters_read(&look()->slots[0].statx) == 1);
}

static void submit(struct io_uring *ring, unsigned count)
{
	struct io_uring_cqe *cqe;

	want(io_uring_submit(ring) == (int)count);
	for (unsigned i = 0; i < count; i++) {
		want(io_uring_wait_cqe(ring, &cqe) == 0);
		io_uring_cqe_seen(ring, cqe);
	}
}

static void put_write(struct io_uring *ring, int fd, const void *data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_write(sqe, fd, data, UNIT, 0);
	sqe->rw_flags = RWF_ATOMIC;
}

/* One write that the shim does, and one behind a NOP in a chain, which goes to the kernel. */
static void ring(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'u');
	struct io_uring ring;

	check_write(fd, 0, 'a');
	if (io_uring_queue_init(8, &ring, 0) < 0)
		return; /* not on this kernel */
	put_write(&ring, fd, data);
	submit(&ring, 1);
	struct io_uring_sqe *first = io_uring_get_sqe(&ring);
	io_uring_prep_nop(first);
	first->flags = IOSQE_IO_LINK;
	put_write(&ring, fd, data);
	submit(&ring, 2);
	io_uring_queue_exit(&ring);
	want(done(DOOR_IO_URING) == 1 && counters_read(&door(DOOR_IO_URING)->kernel) == 1);
}

/* With UNTORN_LOG: the program's database has taken standard error's number. */
static void stderr_is_data(void)
{
	int fd = open_disk(), kept = dup(STDERR_FILENO), data = memfd_create("data", 0);
	struct stat st;

	want(dup2(data, STDERR_FILENO) == STDERR_FILENO);
	write_eight(fd, 0, 'e');
	want(fstat(data, &st) == 0 && dup2(kept, STDERR_FILENO) == STDERR_FILENO);
	want(st.st_size == 0);
}

const struct body bodies[] = {
	{ "nothing_before_the_first", nothing_before_the_first },
	{ "eight_threads", eight_threads },
	{ "children", children },
	{ "the_descriptor_is_the_programs", the_descriptor_is_the_programs },
	{ "reasons", reasons },
	{ "a_device_that_cannot", a_device_that_cannot },
	{ "failures", failures },
	{ "files", files },
	{ "doors", doors },
	{ "ring", ring },
	{ "stderr_is_data", stderr_is_data },
	{ 0 },
};

static const struct preload_row rows[] = {
	{ "nothing_before_the_first", "", NULL, 1 },
	{ "eight_threads", "", NULL, 72 },
	{ "children", "", NULL, 28 },
	{ "the_descriptor_is_the_programs", "", NULL, 17 },
	{ "reasons", "", NULL, 1 },
	{ "a_device_that_cannot", ",nabo=8", NULL, 0 },
	{ "failures", ",fault=2:-5", NULL, -1 },
	{ "files", "", NULL, 0 },
	{ "doors", "", NULL, 9 },
	{ "ring", "", NULL, -1 },
	{ "stderr_is_data", "", "UNTORN_LOG=debug=all", 8 },
};

Suite *suite(void)
{
	return preload_suite("stat", rows, sizeof(rows) / sizeof(rows[0]));
}
