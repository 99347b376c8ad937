/* SPDX-License-Identifier: MIT */
/*
 * Only the kernel knows of the thread (clone(2) with CLONE_VFORK). It shares the caller's thread
 * pointer, and with it errno and all else that belongs to a thread; the caller waits for its end.
 * Signals are held off, so that no handler runs in it.
 */
#include "engine/own_table.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/guard.h"
#include "base/real.h"
#include "device/hold.h"

enum { STACK = 128 << 10, ROOM = 8 /* descriptors: the hold, and what is read in /sys */ };

struct run {
	void (*work)(void *argument);
	void *argument;
	int keep; /* -1: there is room */
};

/* Closes the highest numbers first, the standard streams last. */
static void make_room(int keep)
{
	struct rlimit limit;
	int closed = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	int top = limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur;
	for (int fd = top - 1; fd >= 0 && closed < ROOM && top - fd < 1 << 16; fd--) {
		if (fd != keep && !hold_owns((unsigned)fd))
			closed += real_syscall(SYS_close, fd, 0, 0, 0, 0, 0) == 0;
	}
}

static int begin(void *argument)
{
	struct run *run = argument;

	if (run->keep >= 0)
		make_room(run->keep);
	hold_for_once(true);
	run->work(run->argument);
	hold_for_once(false);
	return 0;
}

static bool start(struct run *run)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		return false;
	GUARDED;
	int thread = clone(begin, stack + STACK,
			   CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
				   CLONE_VFORK,
			   run);
	munmap(stack, STACK);
	return thread > 0;
}

bool own_table_run(void (*work)(void *argument), void *argument)
{
	return start(&(struct run){ work, argument, -1 });
}

bool own_table_run_with_room(void (*work)(void *argument), void *argument, int keep)
{
	return start(&(struct run){ work, argument, keep });
}
