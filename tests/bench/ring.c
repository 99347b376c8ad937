/* SPDX-License-Identifier: MIT */
/*
 * What the mechanism costs by which a write leaves a program's io_uring and its completion comes
 * back: here the checks are left out and a command is a NOP, which takes no time. Beside it as
 * many writes to /dev/null in the program's ring alone. CPU time of all threads, a write; the
 * least of several rounds, in turn, for others use the machine too.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine.h"
#include "ring_prepared.h"

enum { WRITES = 200000, ROUNDS = 9, LENGTH = 16384 };

int __wrap_engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
			bool *ret_early);
bool __wrap_engine_keep(struct engine_job *job, enum form form);
int __wrap_engine_open_node(const struct engine_job *job);
bool __wrap_engine_is_sound(const struct engine_job *job);
void __wrap_engine_prepare(const struct engine_job *job, struct io_uring_sqe *sqe);
ssize_t __wrap_engine_land(const struct engine_job *job, int result);
ssize_t __wrap_engine_finish(const struct engine_job *job);

int __wrap_engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
			bool *ret_early)
{
	(void)call;
	(void)form;
	*ret_early = false;
	ret_job->device.identity.disk = 1;
	return REQUEST_GOOD;
}

bool __wrap_engine_keep(struct engine_job *job, enum form form)
{
	(void)form;
	job->has_node = true;
	return true;
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

ssize_t __wrap_engine_land(const struct engine_job *job, int result)
{
	(void)job;
	return result ? -EIO : LENGTH;
}

ssize_t __wrap_engine_finish(const struct engine_job *job)
{
	(void)job;
	return LENGTH;
}

static double cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
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

/* As many as `depth` at once. */
static double run(struct io_uring *ring, bool atomic, unsigned depth)
{
	double before = cpu_us();
	unsigned submitted = 0, done = 0;

	while (done < WRITES) {
		for (; submitted < WRITES && submitted - done < depth; submitted++)
			prepare(ring, atomic);
		submit(ring, 1);
		done += reap(ring);
	}
	return (cpu_us() - before) / WRITES;
}

static double least(const double values[ROUNDS])
{
	double least = values[0];

	for (int i = 1; i < ROUNDS; i++)
		least = values[i] < least ? values[i] : least;
	return least;
}

static void compare(struct io_uring *ring, unsigned depth)
{
	double plains[ROUNDS], writes[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		plains[i] = run(ring, false, depth);
		writes[i] = run(ring, true, depth);
	}
	double plain = least(plains), atomic = least(writes);
	printf("depth %2u: plain %.3f us, through the mechanism %.3f us: %.3f us more\n", depth,
	       plain, atomic, atomic - plain);
}

int main(void)
{
	struct io_uring ring;

	node = open("/dev/null", O_WRONLY);
	if (io_uring_queue_init(64, &ring, 0) < 0)
		return 77;
	compare(&ring, 1);
	compare(&ring, 8);
	compare(&ring, 32);
	return 0;
}
