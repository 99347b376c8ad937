/* SPDX-License-Identifier: MIT */
/*
 * Shared by the benchmarks: clocks, the way past the shim, and rows of the table. Other programs
 * use the machine, too. So both sides of a row are measured in turn, in one run, in many short
 * rounds: neighbouring rounds have the same disturbances, and the ratio within a pair counts.
 */
#ifndef BENCH_H
#define BENCH_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static inline double nanoseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline double cpu_of(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e9 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e3;
}

/* User and kernel time of all threads, including the shim's. */
static inline double cpu_nanoseconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return cpu_of(&usage);
}

static inline int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

enum { MOST_ROUNDS = 2001 };

struct pairs {
	double bare[MOST_ROUNDS], ratio[MOST_ROUNDS];
	int count;
};

static inline void add_pair(struct pairs *pairs, double bare, double with)
{
	pairs->bare[pairs->count] = bare;
	pairs->ratio[pairs->count++] = with / bare;
}

static inline double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

/* The library's own function of this name, past any preload. */
static inline void *past_shim(const char *library, const char *name)
{
	void *handle = dlopen(library, RTLD_NOW);
	void *found = handle ? dlsym(handle, name) : NULL;

	if (!found) {
		fprintf(stderr, "no %s in %s\n", name, library);
		exit(77);
	}
	return found;
}

/* target: in words; NULL: none */
static inline void print_row(const char *what, double bare, double with, const char *unit,
			     const char *target, bool met)
{
	printf("%-50s %10.*f %10.*f %-9s", what, bare < 1000, bare, with < 1000, with, unit);
	if (bare > 0)
		printf("%6.3f", with / bare);
	else
		printf("     -");
	printf(" %+9.*f  %-16s%s\n", bare < 1000, with - bare, target ? target : "",
	       !target ? ""
	       : met   ? "met"
		       : "MISSED");
	fflush(stdout);
}

/* The target: at most `more` added, or at most `times` as much; 0: no such target. */
static inline void row_of_times(const char *what, struct pairs *pairs, const char *unit,
				double more, double times)
{
	double bare = median(pairs->bare, pairs->count), ratio = median(pairs->ratio, pairs->count);
	char target[64] = "";

	if (more > 0)
		snprintf(target, sizeof(target), times > 0 ? "+%g %s or %g" : "+%g %s", more, unit,
			 times);
	print_row(what, bare, bare * ratio, unit, more > 0 ? target : NULL,
		  bare * (ratio - 1) <= more || ratio <= times);
}

/* The target: at least `times` as many; 0: no target. */
static inline void row_of_rates(const char *what, struct pairs *pairs, const char *unit,
				double times)
{
	double bare = median(pairs->bare, pairs->count), ratio = median(pairs->ratio, pairs->count);
	char target[64];

	snprintf(target, sizeof(target), "%.1f", times);
	print_row(what, bare, bare * ratio, unit, times > 0 ? target : NULL, ratio >= times);
}

#endif
