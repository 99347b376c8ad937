/* SPDX-License-Identifier: MIT */
/* For bodies that run in deep mode and use signals. */
#ifndef DEEP_BODY_H
#define DEEP_BODY_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "inline_call.h"
#include "preload.h"
#include "untorn_uapi.h"

static int disk;
static char *data;
static volatile off_t place;
static volatile int came, written;

/* Writes by instruction. If deep mode did not handle the trap, SIGSYS would end the process. */
static inline void write_next(void)
{
	struct iovec iov = { data, UNIT };

	want(inline_call(SYS_pwritev2, disk, (long)&iov, 1, place, 0, RWF_ATOMIC) == UNIT);
	place = (place + UNIT) % DISK_SIZE;
	written++;
}

static inline void begin(void)
{
	disk = open_disk();
	data = buffer(UNIT, 'S');
}

static inline sigset_t all_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	return all;
}

/* As the kernel reports it in /proc, past the shim. */
static inline bool is_really_blocked(int signal)
{
	char line[128];
	unsigned long mask = 0;
	FILE *status = fopen("/proc/thread-self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "SigBlk: %lx", &mask);
	fclose(status);
	return mask >> (signal - 1) & 1;
}

struct raw_action {
	void (*handler)(int);
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};

#ifdef __x86_64__
void own_restorer(void);
__asm__(".text\nown_restorer:\n	movq $15, %rax\n	syscall\n");
#else
static inline void own_restorer(void)
{
}
#endif

static inline void count(int signal)
{
	(void)signal;
	came++;
}

static inline void count_and_write(int signal)
{
	(void)signal;
	came++;
	write_next();
}

#endif
