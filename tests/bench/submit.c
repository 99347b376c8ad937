/* SPDX-License-Identifier: MIT */
/*
 * What the shim costs a submission that is none of its business: io_uring_submit() with one NOP and
 * with 32, through the shim, which is preloaded, and past it. CPU time; the median of several
 * rounds, in turn.
 */
#include <dlfcn.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SUBMISSIONS = 300000, ROUNDS = 15 };

typedef int submit(struct io_uring *ring);

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double run(struct io_uring *ring, submit *function, unsigned count)
{
	unsigned submissions = SUBMISSIONS / count;
	double before = cpu_ns();

	for (unsigned i = 0; i < submissions; i++) {
		for (unsigned k = 0; k < count; k++)
			io_uring_prep_nop(io_uring_get_sqe(ring));
		if (function(ring) != (int)count)
			exit(1);
		io_uring_cq_advance(ring, count);
	}
	return (cpu_ns() - before) / submissions;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(*values), by_size);
	return values[ROUNDS / 2];
}

static void compare(struct io_uring *ring, submit *past, unsigned count)
{
	double without[ROUNDS], with[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		without[i] = run(ring, past, count);
		with[i] = run(ring, io_uring_submit, count);
	}
	double bare = median(without), shim = median(with);
	printf("io_uring_submit() of %2u: %.0f ns, with the shim %.0f ns: %.1f ns more, %.3f times\n",
	       count, bare, shim, shim - bare, shim / bare);
}

int main(void)
{
	struct io_uring ring;
	void *library = dlopen("liburing.so.2", RTLD_NOW);
	submit *past = library ? (submit *)dlsym(library, "io_uring_submit") : NULL;

	if (!past || past == io_uring_submit || io_uring_queue_init(64, &ring, 0) < 0)
		return 77; /* the shim is not preloaded, or there is no io_uring */
	compare(&ring, past, 1);
	compare(&ring, past, 32);
	return 0;
}
