/* SPDX-License-Identifier: MIT */
/*
 * Atomic writes in a signal handler, at any moment of a program that allocates memory and loads
 * libraries, while another thread writes to a disk that does not answer:
 *	handlers DISK SILENT-DISK SECONDS
 * Prints the number of writes to each disk, and the duration of the longest one to DISK. Fails if
 * a write failed, if that one took more than 1 s, or if handlers made fewer than 100.
 *
 * Links: -ldl
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LENGTH = 4096, PERIOD_US = 2000, RWF_ATOMIC_FLAG = 0x40 };

static int fd;
static char data[LENGTH] __attribute__((aligned(LENGTH)));
static volatile long writes, silent_writes, failures;
static volatile double longest;
static volatile bool over;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool write_once(int to)
{
	struct iovec iov = { data, LENGTH };

	return pwritev2(to, &iov, 1, 0, RWF_ATOMIC_FLAG) == LENGTH;
}

static void handle(int signal)
{
	int before = errno;
	double began = now();

	(void)signal;
	if (!write_once(fd))
		failures = failures + 1;
	double took = now() - began;
	if (took > longest)
		longest = took;
	writes = writes + 1;
	errno = before;
}

static void *write_to_silent(void *path)
{
	sigset_t all;
	int silent;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	silent = open(path, O_RDWR | O_DIRECT);
	while (!over) {
		if (!write_once(silent))
			failures = failures + 1;
		silent_writes = silent_writes + 1;
	}
	return NULL;
}

static void allocate_and_load(void)
{
	static void *blocks[64];
	unsigned i = (unsigned)rand() % 64;

	free(blocks[i]);
	blocks[i] = malloc((size_t)rand() % 100000);
	if (rand() % 8 == 0) {
		void *library = dlopen("libm.so.6", RTLD_NOW);
		if (library)
			dlclose(library);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, PERIOD_US }, { 0, PERIOD_US } },
			 none = { { 0, 0 }, { 0, 0 } };
	pthread_t thread;

	if (argc != 4)
		return 0;
	fd = open(argv[1], O_RDWR | O_DIRECT);
	double end = now() + atof(argv[3]);
	pthread_create(&thread, NULL, write_to_silent, argv[2]);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (now() < end)
		allocate_and_load();
	setitimer(ITIMER_REAL, &none, NULL);
	over = true;
	printf("%ld writes in handlers, the longest %.3f s; %ld to the other disk; %ld failed\n",
	       writes, longest, silent_writes, failures);
	return failures || longest > 1 || writes < 100; /* the silent disk is silent for 4 s */
}
