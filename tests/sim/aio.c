/* SPDX-License-Identifier: MIT */
/*
 * Plain reads and writes of the simulated disk by libaio, through its library and by system calls:
 * the results and errors must be a kernel's, and the data must be in the right place of the image.
 *
 * Links: -laio
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/aio_calls.h"

#define END ((off_t)DISK_SIZE)

enum { BLOCK = 512 };

static char *unreadable(void)
{
	return mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* io_submit() by system call (raw) or libaio: the number accepted, or -errno. */
static long submit_by(bool raw, io_context_t context, long count, struct iocb **iocbs)
{
	if (!raw)
		return io_submit(context, count, iocbs);
	long result = syscall(SYS_io_submit, context, count, iocbs);
	return result < 0 ? -errno : result;
}

static long get_events(bool raw, io_context_t context, long count, struct io_event *events)
{
	return raw ? syscall(SYS_io_getevents, context, count, count, events, NULL)
		   : io_getevents(context, count, count, events, NULL);
}

enum { BY_SUBMIT = 1000000 };

/* The event's result, or BY_SUBMIT + the error of io_submit(). The iocb must be unchanged. */
static long aio_outcome(struct iocb *iocb)
{
	static io_context_t context;
	struct iocb before = *iocb;
	struct io_event event;
	bool raw = getenv("DOOR");

	if (!context)
		context = context_of(8);
	errno = 4321;
	long accepted = submit_by(raw, context, 1, &iocb);
	want(memcmp(&before, iocb, sizeof(before)) == 0 && (raw || errno == 4321));
	if (accepted < 0)
		return BY_SUBMIT - accepted;
	want(accepted == 1 && get_events(raw, context, 1, &event) == 1);
	want(event.obj == iocb && event.data == iocb->data && event.res2 == 0);
	return (long)event.res;
}

static void aio(void)
{
	int fd = open_disk();
	char *data = buffer(4096, 'a'), *back = buffer(4096, 0);
	struct iovec two[] = { { data, BLOCK }, { data + 1024, 1024 } };
	struct iocb iocb;

	io_prep_pwrite(&iocb, fd, data, 4096, 8192);
	iocb.data = data;
	want(aio_outcome(&iocb) == 4096 && image_holds(8192, 4096, 'a'));
	io_prep_pread(&iocb, fd, back, 4096, 8192);
	want(aio_outcome(&iocb) == 4096 && memcmp(data, back, 4096) == 0);
	memset(data, 'v', 4096);
	io_prep_pwritev(&iocb, fd, two, 2, 0);
	want(aio_outcome(&iocb) == 1536 && image_holds(0, 1536, 'v') && image_holds(1536, 512, 0));
	two[0].iov_base = back, two[1].iov_base = back + BLOCK;
	io_prep_preadv(&iocb, fd, two, 2, 0);
	want(aio_outcome(&iocb) == 1536 && memcmp(data, back, 1536) == 0 && back[1536] == 'a');
	io_prep_fsync(&iocb, fd);
	want(aio_outcome(&iocb) == 0);
	io_prep_fdsync(&iocb, fd);
	want(aio_outcome(&iocb) == 0);
	io_prep_pwrite(&iocb, fd, data, 4096, END - BLOCK);
	want(aio_outcome(&iocb) == BLOCK && image_holds(END - BLOCK, BLOCK, 'v'));
	io_prep_pread(&iocb, fd, data, 4096, END);
	want(aio_outcome(&iocb) == 0);
}

/* As with a kernel, io_submit() returns some errors, and the event has the others. */
static void aio_errors(void)
{
	char *data = buffer(4096, 'e'), *hole = unreadable();
	struct iovec bad = { hole, BLOCK };
	struct {
		int flags;
		short opcode;
		void *address;
		size_t length;
		off_t offset;
		int rw_flags;
		long result;
	} rows[] = {
		{ O_RDWR, IO_CMD_PWRITE, data, 100, 0, 0, -EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data + 1, BLOCK, 0, 0, -EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data, BLOCK, 100, 0, -EINVAL },
		{ O_RDWR, IO_CMD_PREAD, data, 100, 0, 0, -EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data, BLOCK, END, 0, -ENOSPC },
		{ O_RDWR, IO_CMD_PWRITE, hole, BLOCK, 0, 0, -EFAULT },
		{ O_RDWR, IO_CMD_PREAD, hole, BLOCK, 0, 0, -EFAULT },
		{ O_RDWR, IO_CMD_PWRITEV, &bad, 1, 0, 0, -EFAULT },
		{ O_RDWR, IO_CMD_PWRITEV, hole, 1, 0, 0, BY_SUBMIT + EFAULT },
		{ O_RDWR, IO_CMD_PWRITEV, &bad, 1025, 0, 0, BY_SUBMIT + EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data, BLOCK, -BLOCK, 0, BY_SUBMIT + EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data, BLOCK, -1, 0, BY_SUBMIT + EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data, BLOCK, INT64_MAX - 5, 0, BY_SUBMIT + EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data, SIZE_MAX, 0, 0, BY_SUBMIT + EINVAL },
		{ O_RDWR, IO_CMD_PWRITE, data, BLOCK, 0, 0x40000000, BY_SUBMIT + EOPNOTSUPP },
		{ O_RDWR, IO_CMD_PWRITE, data, BLOCK, 0, RWF_ATOMIC, BY_SUBMIT + EOPNOTSUPP },
		{ O_RDONLY, IO_CMD_PWRITE, data, BLOCK, 0, 0, BY_SUBMIT + EBADF },
		{ O_RDONLY, IO_CMD_PWRITE, data, BLOCK, 0, RWF_ATOMIC, BY_SUBMIT + EOPNOTSUPP },
		{ O_WRONLY, IO_CMD_PREAD, data, BLOCK, 0, 0, BY_SUBMIT + EBADF },
		{ O_RDWR, IO_CMD_FSYNC, data, 0, 0, 0, BY_SUBMIT + EINVAL },
		{ O_RDWR, 77, data, BLOCK, 0, 0, BY_SUBMIT + EINVAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct iocb iocb = { 0 };
		int fd = open(DISK, rows[i].flags | O_DIRECT);
		io_prep_pwrite(&iocb, fd, rows[i].address, rows[i].length, rows[i].offset);
		iocb.aio_lio_opcode = rows[i].opcode;
		iocb.aio_rw_flags = rows[i].rw_flags;
		long result = aio_outcome(&iocb);
		if (result != rows[i].result)
			fprintf(stderr, "row %zu: %ld, not %ld\n", i, result, rows[i].result);
		want(result == rows[i].result);
		close(fd);
	}
	want(image_holds(0, 4096, 0) && image_holds(END - BLOCK, BLOCK, 0));
}

static void aio_refused_by_the_kernel(void)
{
	int fd = open_disk();
	struct iocb iocb, *slot = &iocb;
	char *data = buffer(BLOCK, 'n');

	io_prep_pwrite(&iocb, fd, data, BLOCK, 0);
	want(submit_by(getenv("DOOR"), (io_context_t)unreadable(), 1, &slot) == -EINVAL);
	io_set_eventfd(&iocb, fd);
	want(aio_outcome(&iocb) == BY_SUBMIT + EINVAL);
	io_set_eventfd(&iocb, 1000);
	want(aio_outcome(&iocb) == BY_SUBMIT + EBADF);
	io_prep_pwrite(&iocb, fd, data, BLOCK, 0);
	iocb.u.c.__pad3 = 1; /* aio_reserved2 */
	want(aio_outcome(&iocb) == BY_SUBMIT + EINVAL);
	io_prep_pwrite(&iocb, fd, data, BLOCK, 0);
	iocb.u.c.flags = 2; /* IOCB_FLAG_IOPRIO */
	iocb.aio_reqprio = (short)0xe000;
	want(aio_outcome(&iocb) == BY_SUBMIT + EINVAL && image_holds(0, BLOCK, 0));
}

static void no_such_pointers(void)
{
	io_context_t context = context_of(8);
	int fd = open_disk();
	struct iocb iocb, *slots[] = { &iocb, (struct iocb *)unreadable() };
	struct io_event event;

	io_prep_pwrite(&iocb, fd, buffer(BLOCK, 'p'), BLOCK, 0);
	want(submit_by(getenv("DOOR"), context, 2, slots) == 1 && image_holds(0, BLOCK, 'p'));
	want(submit_by(getenv("DOOR"), context, 1, slots + 1) == -EFAULT);
	want(submit_by(getenv("DOOR"), context, 2, (struct iocb **)unreadable()) == -EFAULT);
	want(get_events(getenv("DOOR"), context, 1, &event) == 1 && event.res == BLOCK);
	struct iocb *constant =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	io_prep_pwrite(constant, fd, buffer(BLOCK, 'q'), BLOCK, 0);
	want(mprotect(constant, 4096, PROT_READ) == 0);
	want(submit_by(getenv("DOOR"), context, 1, &constant) == -EFAULT &&
	     image_holds(0, BLOCK, 'p'));
}

/* Writes to other files are among them; the second one fails and ends the submission. */
static void aio_many(void)
{
	enum { MANY = 40, LAST = 30 };
	io_context_t context = context_of(MANY);
	int fd = open_disk(), signalled = eventfd(0, EFD_NONBLOCK),
	    null = open("/dev/null", O_WRONLY);
	struct iocb iocbs[MANY], *slots[MANY];
	struct io_event events[MANY];
	uint64_t count;

	for (int i = 0; i < MANY; i++) {
		slots[i] = &iocbs[i];
		io_prep_pwrite(slots[i],
			       i == 7      ? null
			       : i == LAST ? -1
					   : fd,
			       buffer(BLOCK, 'm'), i == 9 ? 100 : BLOCK, i * BLOCK);
		slots[i]->data = (void *)(intptr_t)i;
		if (i % 2)
			io_set_eventfd(slots[i], signalled);
	}
	want(submit_by(getenv("DOOR"), context, MANY, slots) == LAST);
	want(read(signalled, &count, sizeof(count)) == sizeof(count) && count == LAST / 2);
	want(get_events(getenv("DOOR"), context, LAST, events) == LAST);
	for (int i = 0; i < LAST; i++)
		want(events[i].data == (void *)(intptr_t)i && events[i].obj == slots[i] &&
		     (long)events[i].res == (i == 9 ? -EINVAL : BLOCK));
	want(submit_by(getenv("DOOR"), context, MANY - LAST, slots + LAST) == -EBADF);
	want(image_holds(0, 7 * BLOCK, 'm') && image_holds(7 * BLOCK, BLOCK, 0) &&
	     image_holds(9 * BLOCK, BLOCK, 0) && image_holds(LAST * BLOCK, 8192, 0));
}

static void read_only(void)
{
	int fd = open_disk(), one = 1;
	struct iocb iocb;

	want(ioctl(fd, BLKROSET, &one) == 0);
	io_prep_pwrite(&iocb, fd, buffer(BLOCK, 'o'), BLOCK, 0);
	want(aio_outcome(&iocb) == -EPERM && image_holds(0, BLOCK, 0));
}

/* ",part=2048+4096": at sector 2048. */
static void partition(void)
{
	int fd = open(DISK "p1", O_RDWR | O_DIRECT);
	const off_t start = 2048 * 512, size = 4096 * 512;
	char *data = buffer(1024, 'P');
	struct iocb iocb;

	io_prep_pwrite(&iocb, fd, data, 1024, 4096);
	want(aio_outcome(&iocb) == 1024 && image_holds(start + 4096, 1024, 'P'));
	io_prep_pwrite(&iocb, fd, data, 1024, size - BLOCK);
	want(aio_outcome(&iocb) == BLOCK && image_holds(start + size - BLOCK, BLOCK, 'P'));
	io_prep_pwrite(&iocb, fd, data, 1024, size);
	want(aio_outcome(&iocb) == -ENOSPC && image_holds(start + size, 1024, 0));
	want(image_holds(0, start + 4096, 0));
}

/* cut=2: each of the writes under way together may be on the disk or not. */
static void power_cut(void)
{
	pid_t child = fork();

	if (child == 0) {
		int fd = open_disk();
		struct iocb iocbs[4], *slots[4];
		for (int i = 0; i < 4; i++) {
			slots[i] = &iocbs[i];
			io_prep_pwrite(slots[i], fd, buffer(BLOCK, 'z'), BLOCK, i * BLOCK);
		}
		submit_by(getenv("DOOR"), context_of(8), 4, slots);
		_exit(3);
	}
	want(WIFSIGNALED(status_of(child)));
}

enum { EACH = 100, THREADS = 2 };
static io_context_t shared;
static char *shared_data;

static void *submit_many(void *first)
{
	int fd = open_disk();

	for (int i = 0; i < EACH; i++) {
		struct iocb *iocb = malloc(sizeof(*iocb));
		long accepted;
		io_prep_pwrite(iocb, fd, shared_data, i % 3 ? BLOCK : 100,
			       ((intptr_t)first + i) * BLOCK);
		while ((accepted = submit_by(getenv("DOOR"), shared, 1, &iocb)) == -EAGAIN)
			usleep(100);
		want(accepted == 1);
	}
	close(fd);
	return NULL;
}

/* The thread that fetches the event frees the iocb at once. */
static void other_threads(void)
{
	pthread_t threads[THREADS];
	int good = 0, bad = 0;
	struct io_event event;

	shared = context_of(4);
	shared_data = buffer(BLOCK, 't');
	for (intptr_t i = 0; i < THREADS; i++)
		want(pthread_create(&threads[i], NULL, submit_many, (void *)(i * EACH)) == 0);
	for (int i = 0; i < THREADS * EACH; i++) {
		want(get_events(getenv("DOOR"), shared, 1, &event) == 1);
		good += (long)event.res == BLOCK;
		bad += (long)event.res == -EINVAL;
		memset(event.obj, 'x', sizeof(struct iocb));
		free(event.obj);
	}
	want(good == THREADS * 66 && bad == THREADS * 34);
	for (int i = 0; i < THREADS; i++)
		want(pthread_join(threads[i], NULL) == 0);
}

static void not_a_node(void)
{
	int disk = open_disk(), fd = open(image_path(), O_RDWR);
	struct iocb iocb;

	want(disk >= 0 && fd >= 0);
	io_prep_pwrite(&iocb, fd, buffer(BLOCK, 'f'), 100, 107);
	want(aio_outcome(&iocb) == 100 && image_holds(107, 100, 'f'));
}

const struct body bodies[] = {
	{ "aio", aio },
	{ "aio_errors", aio_errors },
	{ "aio_refused_by_the_kernel", aio_refused_by_the_kernel },
	{ "no_such_pointers", no_such_pointers },
	{ "aio_many", aio_many },
	{ "read_only", read_only },
	{ "partition", partition },
	{ "power_cut", power_cut },
	{ "other_threads", other_threads },
	{ "not_a_node", not_a_node },
	{ NULL, NULL },
};

#define PART ",part=2048+4096"

/* Each row runs through the library and by system calls. */
static const struct {
	const char *body, *disk;
	int writes; /* in the disk's log */
} rows[] = {
	{ "aio", "", 3 },
	{ "aio_errors", "", 0 },
	{ "aio_refused_by_the_kernel", "", 0 },
	{ "no_such_pointers", "", 1 },
	{ "aio_many", "", 28 },
	{ "read_only", "", 0 },
	{ "partition", PART, 2 },
	{ "power_cut", ",cut=2,cut_action=kill", 4 },
	{ "other_threads", "", 132 },
	{ "not_a_node", "", 0 },
};

START_TEST(an_entry_does_what_linux_does_with_a_block_device)
{
	for (int raw = 0; raw < 2; raw++) {
		preload_run(rows[_i].body, rows[_i].disk, raw ? "DOOR=raw" : NULL);
		int writes = preload_log_count("via=pwrite");
		ck_assert_msg(writes == rows[_i].writes, "%s%s: %d writes, not %d", rows[_i].body,
			      raw ? ", raw" : "", writes, rows[_i].writes);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("libaio on the simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, an_entry_does_what_linux_does_with_a_block_device, 0,
			    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, tc);
	return s;
}
