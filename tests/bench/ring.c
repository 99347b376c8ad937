/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of taking a write out of a program's io_uring and bringing its completion back.
 * Here the checks are left out, and a command is a NOP, which takes no time. Compared with as many
 * writes to /dev/null in the program's ring alone. CPU time of all threads for each write.
 *
 * Links: -luring -Wl,--wrap=engine_start -Wl,--wrap=engine_leave -Wl,--wrap=engine_open_node -Wl,--wrap=engine_is_sound -Wl,--wrap=engine_prepare -Wl,--wrap=engine_land -Wl,--wrap=engine_finish -Wl,--wrap=span_after
 */
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "engine/engine.h"
#include "async/ring_prepared.h"
#include "engine/span.h"

enum { WRITES = 10000, ROUNDS = 101, LENGTH = 16384 };

int __wrap_engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
			bool *ret_early);
void __wrap_engine_leave(struct engine_job *job);
int __wrap_engine_open_node(const struct engine_job *job);
bool __wrap_engine_is_sound(const struct engine_job *job);
void __wrap_engine_prepare(const struct engine_job *job, struct io_uring_sqe *sqe);
ssize_t __wrap_engine_land(struct engine_job *job, int result);
ssize_t __wrap_engine_finish(struct engine_job *job);

void __wrap_span_after(struct work *works);
void __wrap_span_after(struct work *works)
{
	(void)works;
}

int __wrap_engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
			bool *ret_early)
{
	(void)call;
	(void)form;
	*ret_early = false;
	ret_job->by_hold = ret_job->asks = false;
	ret_job->own.identity.disk = 1;
	ret_job->request.address = 1;
	return REQUEST_GOOD;
}

void __wrap_engine_leave(struct engine_job *job)
{
	job->has_node = true;
}

int __wrap_engine_open_node(const struct engine_job *job)
{
	(void)job;
	return memfd_create("node", MFD_CLOEXEC);
}

bool __wrap_engine_is_sound(const struct engine_job *job)
{
	(void)job;
	return true;
}

void __wrap_engine_prepare(const struct engine_job *job, struct io_uring_sqe *sqe)
{
	(void)job;
	sqe->opcode = IORING_OP_NOP;
}

ssize_t __wrap_engine_land(struct engine_job *job, int result)
{
	(void)job;
	return result ? -EIO : LENGTH;
}

ssize_t __wrap_engine_finish(struct engine_job *job)
{
	(void)job;
	return LENGTH;
}

static int node = -1;

static void prepare(struct io_uring *ring, bool atomic)
{
	static char data[LENGTH];
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_write(sqe, node, data, LENGTH, 0);
	sqe->rw_flags = atomic ? RWF_ATOMIC : 0;
}

static void submit(struct io_uring *ring, unsigned waits)
{
	ring_before_submit((struct uring *)ring, waits);
	io_uring_submit_and_wait(ring, waits);
}

static unsigned reap(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;

	io_uring_for_each_cqe(ring, head, cqe)
	{
		if (cqe->res != LENGTH)
			exit(1);
		count++;
	}
	io_uring_cq_advance(ring, count);
	return count;
}

/* Up to `depth` writes at once. */
static double run(struct io_uring *ring, bool atomic, unsigned depth)
{
	double before = cpu_nanoseconds();
	unsigned submitted = 0, done = 0;

	while (done < WRITES) {
		for (; submitted < WRITES && submitted - done < depth; submitted++)
			prepare(ring, atomic);
		submit(ring, 1);
		done += reap(ring);
	}
	return (cpu_nanoseconds() - before) / WRITES;
}

static void compare(struct io_uring *ring, unsigned depth)
{
	static struct pairs pairs;
	char name[64];

	pairs.count = 0;
	for (int i = 0; i < ROUNDS; i++) {
		double plain = run(ring, false, depth);
		add_pair(&pairs, plain, run(ring, true, depth));
	}
	snprintf(name, sizeof(name), "io_uring beside checks and command, %u at once", depth);
	row_of_times(name, &pairs, "ns", 0, 0);
}

int main(void)
{
	struct io_uring ring;

	node = open("/dev/null", O_WRONLY);
	if (io_uring_queue_init(64, &ring, 0) < 0)
		return 77;
	ring_table_note(ring.ring_fd, ring.flags, ring.sq.khead);
	compare(&ring, 1);
	compare(&ring, 8);
	compare(&ring, 32);
	return 0;
}
