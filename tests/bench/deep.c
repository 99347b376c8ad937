/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of deep mode: a trapped system call, and calls through the C library, each
 * against the same call without deep mode. Run it by untorn run --deep. Each round has a new
 * thread: it begins armed and then disarms itself, so that both sides are measured in turn.
 */
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#include "bench.h"
#include "inline_call.h"
#include "untorn.h"

enum { ROUNDS = 1000, CALLS = 200 };

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

static unsigned long text, text_size;
static volatile unsigned char selector;

static int find_text(struct dl_phdr_info *info, size_t size, void *address)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *program = &info->dlpi_phdr[i];
		unsigned long start = info->dlpi_addr + program->p_vaddr;
		if (program->p_type == PT_LOAD &&
		    (unsigned long)address - start < program->p_memsz) {
			text = start;
			text_size = program->p_memsz;
		}
	}
	return 0;
}

/* The smallest possible handler. */
static void only_the_call(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
#ifdef __x86_64__
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = getppid();
#else
	(void)context;
#endif
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

static const struct {
	const char *name;
	void (*deep)(void), (*bare)(void);
} rows[] = {
	{ "a call by an instruction of the program's", by_instruction, by_instruction },
	{ "the same by the C library", by_library, by_library },
	{ "pthread_sigmask()", sigmask_of_ours, sigmask_of_libc },
	{ "sigaction()", sigaction_of_ours, sigaction_of_libc },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
static struct pairs pairs[ROWS];

static double measure(void (*call)(void))
{
	double start = nanoseconds(CLOCK_MONOTONIC);

	for (int i = 0; i < CALLS; i++)
		call();
	return (nanoseconds(CLOCK_MONOTONIC) - start) / CALLS;
}

/* The kernel's own cost of a trap, with the smallest possible handler. */
static struct pairs traps;

static double measure_trap(void)
{
	struct sigaction mine = { .sa_sigaction = only_the_call, .sa_flags = SA_SIGINFO }, was;

	bare_sigaction(SIGSYS, &mine, &was);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, text, text_size, &selector);
	double each = measure(by_instruction);
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
	bare_sigaction(SIGSYS, &was, NULL);
	return each;
}

static void *round_of_all(void *unused)
{
	double deep[ROWS], bare[ROWS];

	for (int i = 0; i < ROWS; i++)
		deep[i] = measure(rows[i].deep);
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
	for (int i = 0; i < ROWS; i++) {
		bare[i] = measure(rows[i].bare);
		add_pair(&pairs[i], bare[i], deep[i]);
	}
	add_pair(&traps, bare[0], measure_trap());
	return unused;
}

int main(void)
{
	pthread_t id;

	if (!getenv(UNTORN_ENV_DEEP)) {
		fputs("to be run by untorn run --deep\n", stderr);
		return 2;
	}
	*(void **)&bare_sigmask = past_shim("libc.so.6", "pthread_sigmask");
	*(void **)&bare_sigaction = past_shim("libc.so.6", "sigaction");
	dl_iterate_phdr(find_text, (void *)bare_sigaction);
	for (int i = 0; i < ROUNDS; i++) {
		if (pthread_create(&id, NULL, round_of_all, NULL) != 0)
			return 1;
		pthread_join(id, NULL);
	}
	for (int i = 0; i < ROWS; i++)
		row_of_times(rows[i].name, &pairs[i], "ns", 0, 0);
	row_of_times("    the kernel's part: trap, signal, return, call", &traps, "ns", 0, 0);
	return 0;
}
