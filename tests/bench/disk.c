/* SPDX-License-Identifier: MIT */
/*
 * Measures random writes of 16 KiB to an NVMe disk through the preloaded shim, against the kernel's
 * writes past it: its own atomic writes if it has them, else plain ones. Also the bare command.
 * disk DEVICE [LEAST]: the target is that a single pwritev2() is LEAST times as fast
 *
 * Links: -laio -luring
 */
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"
#include "untorn_uapi.h"

enum { UNIT = 16384, PLACES = 2048, DEEPEST = 32, ROUNDS = 101 };
static const double MOST_NS = 5e9;

static int fd;
static unsigned block;
static char *data;
static bool native;

/* The writes in a round: enough to take a while, and a multiple of the depth. */
static int writes_of(unsigned depth)
{
	return depth == 1 ? 128 : 512;
}

static off_t place(void)
{
	static unsigned seed;

	seed = seed * 1103515245 + 12345;
	return (off_t)(seed >> 8) % PLACES * UNIT;
}

static void want(bool good, const char *what, long result)
{
	if (good)
		return;
	fprintf(stderr, "%s: %ld, %s\n", what, result, strerror(errno));
	exit(1);
}

static void by_pwrite(bool through, unsigned depth)
{
	static __typeof__(pwritev2) *past;
	struct iovec iov = { data, UNIT };
	long result;

	past = past ? past : past_shim("libc.so.6", "pwritev2");
	for (int i = 0; i < writes_of(depth); i++) {
		if (through)
			result = pwritev2(fd, &iov, 1, place(), RWF_ATOMIC);
		else if (native)
			result = past(fd, &iov, 1, place(), RWF_ATOMIC);
		else
			result = pwrite(fd, data, UNIT, place());
		want(result == UNIT, "pwrite", result);
	}
}

/* Without the shim: only the command, which the shim needs at least. */
static void by_command(bool through, unsigned depth)
{
	struct nvme_user_io io = { .opcode = 1,
				   .nblocks = (unsigned short)(UNIT / block - 1),
				   .addr = (unsigned long)data };

	if (!through) {
		by_pwrite(false, depth);
		return;
	}
	for (int i = 0; i < writes_of(depth); i++) {
		io.slba = (unsigned long)place() / block;
		want(ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io) == 0, "ioctl", -1);
	}
}

static struct io_uring rings[2];

static int submit_and_wait(bool through, struct io_uring *ring)
{
	static __typeof__(io_uring_submit_and_wait) *past;

	past = past ? past : past_shim("liburing.so.2", "io_uring_submit_and_wait");
	return through ? io_uring_submit_and_wait(ring, 1) : past(ring, 1);
}

static void by_uring(bool through, unsigned depth)
{
	struct io_uring *ring = &rings[through];
	struct io_uring_cqe *cqe;
	int submitted = 0, done = 0, writes = writes_of(depth);
	unsigned head, count;

	while (done < writes) {
		for (; submitted < writes && submitted - done < (int)depth; submitted++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
			io_uring_prep_write(sqe, fd, data, UNIT, (unsigned long)place());
			sqe->rw_flags = through || native ? RWF_ATOMIC : 0;
		}
		want(submit_and_wait(through, ring) >= 0, "io_uring", -1);
		count = 0;
		io_uring_for_each_cqe(ring, head, cqe)
		{
			want(cqe->res == UNIT, "io_uring", cqe->res);
			count++;
		}
		io_uring_cq_advance(ring, count);
		done += (int)count;
	}
}

static io_context_t contexts[2];

/* libaio's own functions would call the shim's syscall(). */
static long submit_aio(bool through, long count, struct iocb **iocbs)
{
	static __typeof__(syscall) *past;

	past = past ? past : past_shim("libc.so.6", "syscall");
	return through ? io_submit(contexts[1], count, iocbs)
		       : past(SYS_io_submit, contexts[0], count, iocbs);
}

static long wait_aio(bool through, struct io_event *events)
{
	static __typeof__(syscall) *past;

	past = past ? past : past_shim("libc.so.6", "syscall");
	return through ? io_getevents(contexts[1], 1, DEEPEST, events, NULL)
		       : past(SYS_io_getevents, contexts[0], 1, DEEPEST, events, NULL);
}

static void prepare_aio(struct iocb *iocb, bool through)
{
	io_prep_pwrite(iocb, fd, data, UNIT, place());
	iocb->aio_rw_flags = through || native ? RWF_ATOMIC : 0;
}

static void by_aio(bool through, unsigned depth)
{
	struct iocb iocbs[DEEPEST], *list[DEEPEST];
	struct io_event events[DEEPEST];
	int submitted = 0, done = 0, writes = writes_of(depth);
	long count = depth;

	for (unsigned i = 0; i < depth; i++)
		list[i] = &iocbs[i];
	while (done < writes) {
		count = count < writes - submitted ? count : writes - submitted;
		for (int i = 0; i < count; i++)
			prepare_aio(list[i], through);
		if (count)
			want(submit_aio(through, count, list) == count, "io_submit", count);
		submitted += (int)count;
		count = wait_aio(through, events);
		want(count > 0, "io_getevents", count);
		for (int i = 0; i < count; i++) {
			want(events[i].res == UNIT, "libaio", (long)events[i].res);
			list[i] = events[i].obj;
		}
		done += (int)count;
	}
}

struct figures {
	double rate, cpu;
};

static struct figures round_of(void (*write)(bool, unsigned), bool through, unsigned depth)
{
	double start = nanoseconds(CLOCK_MONOTONIC), cpu = cpu_nanoseconds();

	write(through, depth);
	cpu = cpu_nanoseconds() - cpu;
	return (struct figures){ writes_of(depth) / (nanoseconds(CLOCK_MONOTONIC) - start) * 1e9,
				 cpu / writes_of(depth) / 1000 };
}

static void compare(const char *what, void (*write)(bool, unsigned), unsigned depth, double least)
{
	static struct pairs rates, cpus;
	struct figures figures[2];
	char name[64];

	double start = nanoseconds(CLOCK_MONOTONIC);
	rates.count = cpus.count = 0;
	for (int i = 0; i < ROUNDS && nanoseconds(CLOCK_MONOTONIC) - start < MOST_NS; i++) {
		figures[i % 2] = round_of(write, i % 2, depth);
		figures[!(i % 2)] = round_of(write, !(i % 2), depth);
		add_pair(&rates, figures[0].rate, figures[1].rate);
		add_pair(&cpus, figures[0].cpu, figures[1].cpu);
	}
	snprintf(name, sizeof(name), "%s, %u at once", what, depth);
	row_of_rates(name, &rates, "writes/s", least);
	row_of_times("    CPU time of each", &cpus, "us", 0, 0);
}

static void find_native(void)
{
	__typeof__(pwritev2) *past = past_shim("libc.so.6", "pwritev2");
	struct iovec iov = { data, UNIT };

	native = past(fd, &iov, 1, 0, RWF_ATOMIC) == UNIT;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	fd = open(argv[1], O_RDWR | O_DIRECT);
	data = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		    -1, 0);
	want(fd >= 0 && data != MAP_FAILED &&
		     ioctl(fd, _IO(0x12, 104) /* BLKSSZGET */, &block) == 0,
	     argv[1], -1);
	for (int i = 0; i < 2; i++)
		want(io_uring_queue_init(64, &rings[i], 0) == 0 &&
			     io_setup(DEEPEST, &contexts[i]) == 0,
		     "set-up", -1);
	find_native();
	compare("the bare command by ioctl()", by_command, 1, 0);
	compare("pwritev2()", by_pwrite, 1, argc > 2 ? strtod(argv[2], NULL) : 1);
	for (unsigned depth = 1; depth <= DEEPEST; depth = depth == 1 ? 8 : depth * 4)
		compare("io_uring", by_uring, depth, depth == DEEPEST);
	for (unsigned depth = 1; depth <= DEEPEST; depth = depth == 1 ? 8 : depth * 4)
		compare("libaio", by_aio, depth, depth == DEEPEST);
	return 0;
}
