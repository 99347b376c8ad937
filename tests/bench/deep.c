/* SPDX-License-Identifier: MIT */
/*
 * What deep mode costs: a system call that is trapped against the same without deep mode, and those
 * that go through the C library in it against the same without. To be run by untorn run --deep.
 * Each round has a thread, which is armed as it begins and then disarms itself, so that all is
 * measured in turn. Prints the least of many rounds, for others use the machine too.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "inline_call.h"
#include "untorn.h"

enum { ROUNDS = 200, CALLS = 2000 };

static int (*bare_sigmask)(int, const sigset_t *, sigset_t *);
static int (*bare_sigaction)(int, const struct sigaction *, struct sigaction *);

static void by_instruction(void)
{
	inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static void by_library(void)
{
	getppid();
}

static void sigmask_of_ours(void)
{
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
}

static void sigmask_of_libc(void)
{
	sigset_t mask;

	bare_sigmask(SIG_BLOCK, NULL, &mask);
}

static void sigaction_of_ours(void)
{
	struct sigaction action;

	sigaction(SIGUSR1, NULL, &action);
}

static void sigaction_of_libc(void)
{
	struct sigaction action;

	bare_sigaction(SIGUSR1, NULL, &action);
}

static struct row {
	const char *name;
	void (*deep)(void), (*bare)(void);
	double least_deep, least_bare;
} rows[] = {
	{ "a call by an instruction of the program's", by_instruction, by_instruction, 1e9, 1e9 },
	{ "the same by the C library", by_library, by_library, 1e9, 1e9 },
	{ "pthread_sigmask()", sigmask_of_ours, sigmask_of_libc, 1e9, 1e9 },
	{ "sigaction()", sigaction_of_ours, sigaction_of_libc, 1e9, 1e9 },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static double nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void measure(void (*call)(void), double *least)
{
	double start = nanoseconds();

	for (int i = 0; i < CALLS; i++)
		call();
	double each = (nanoseconds() - start) / CALLS;
	if (each < *least)
		*least = each;
}

static void *round_of_all(void *unused)
{
	for (int i = 0; i < ROWS; i++)
		measure(rows[i].deep, &rows[i].least_deep);
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
	for (int i = 0; i < ROWS; i++)
		measure(rows[i].bare, &rows[i].least_bare);
	return unused;
}

int main(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW);
	pthread_t id;

	if (!getenv(UNTORN_ENV_DEEP) || !libc) {
		fputs("to be run by untorn run --deep\n", stderr);
		return 2;
	}
	*(void **)&bare_sigmask = dlsym(libc, "pthread_sigmask");
	*(void **)&bare_sigaction = dlsym(libc, "sigaction");
	for (int i = 0; i < ROUNDS; i++) {
		if (pthread_create(&id, NULL, round_of_all, NULL) != 0)
			return 1;
		pthread_join(id, NULL);
	}
	for (int i = 0; i < ROWS; i++)
		printf("  %-45s %7.1f ns, bare %6.1f ns: %5.2f times, %+.1f ns\n", rows[i].name,
		       rows[i].least_deep, rows[i].least_bare,
		       rows[i].least_deep / rows[i].least_bare,
		       rows[i].least_deep - rows[i].least_bare);
	return 0;
}
