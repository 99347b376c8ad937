/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of the shim for the start of a program: of this one, which then does nothing,
 * with and without the shim, from fork() to its end. Also the child's CPU time, which other
 * programs disturb less. exec LIBRARY
 */
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { ROUNDS = 1000 };

struct start {
	double wall, cpu; /* us */
};

static struct start start(const char *path, char **environment)
{
	char name[] = "nothing", *arguments[] = { name, NULL };
	double before = nanoseconds(CLOCK_MONOTONIC);
	pid_t child = fork();
	struct rusage usage;
	int status;

	if (child == 0) {
		execve(path, arguments, environment);
		_exit(1);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0)
		exit(1);
	return (struct start){ (nanoseconds(CLOCK_MONOTONIC) - before) / 1000,
			       cpu_of(&usage) / 1000 };
}

int main(int argc, char **argv)
{
	static struct pairs shim_wall, shim_cpu, deep_wall, deep_cpu;
	char preload[4096], deeply[] = "UNTORN_DEEP=1";
	char *none[] = { NULL }, *shim[] = { preload, NULL }, *deep[] = { preload, deeply, NULL };

	if (argc != 2)
		return 0;
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argv[1]);
	for (int i = 0; i < ROUNDS; i++) {
		struct start bare = start("/proc/self/exe", none), with;
		with = start("/proc/self/exe", shim);
		add_pair(&shim_wall, bare.wall, with.wall);
		add_pair(&shim_cpu, bare.cpu, with.cpu);
		with = start("/proc/self/exe", deep);
		add_pair(&deep_wall, bare.wall, with.wall);
		add_pair(&deep_cpu, bare.cpu, with.cpu);
	}
	row_of_times("fork(), exec() and end of a program", &shim_wall, "us", 50, 0);
	row_of_times("    its CPU time", &shim_cpu, "us", 0, 0);
	row_of_times("the same in deep mode", &deep_wall, "us", 0, 0);
	row_of_times("    its CPU time", &deep_cpu, "us", 0, 0);
	return 0;
}
