/* SPDX-License-Identifier: MIT */
/*
 * The functions that set a thread's signal mask. In deep mode they never block SIGSYS: the kernel
 * would not deliver it then, but kill the program. Masks for the length of one call, such as
 * ppoll()'s, stay as they are: only handlers of the program run under them, and base/deep_signal.c
 * unblocks SIGSYS for those.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/deep.h"
#include "base/deep_signal.h"
#include "door/entry.h"
#include "door/deep.h"
#include "base/memory.h"
#include "base/real.h"

static int call_kernel(int how, const sigset_t *set, sigset_t *before)
{
	return (int)real_syscall(SYS_rt_sigprocmask, how, (long)set, (long)before, _NSIG / 8, 0, 0);
}

long entry_deep_sigprocmask(int how, const void *set, void *before, size_t size)
{
	sigset_t mine;

	if (!deep_is_on() || size != _NSIG / 8)
		return real_syscall(SYS_rt_sigprocmask, how, (long)set, (long)before, (long)size, 0,
				    0);
	if (set && !memory_has_word(set))
		return -EFAULT;
	sigemptyset(&mine);
	if (set)
		memcpy(&mine, set, size);
	return deep_signal_mask(call_kernel, how, set ? &mine : NULL, before);
}

#if ENTRY_DEEP_DOORS

int sighold(int signal);
int sigrelse(int signal);
int sigblock(int mask);
int sigsetmask(int mask);

EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
	if (!deep_is_on())
		return REAL(sigprocmask)(how, set, before);
	deep_signal_recover();
	return deep_signal_mask(REAL(sigprocmask), how, set, before);
}

/* In place of pthread_sigmask(), which a program without threads lacks before glibc 2.32. */
static int mask_without_threads(int how, const sigset_t *set, sigset_t *before)
{
	return -call_kernel(how, set, before);
}

EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
	deep_mask_call *next = REAL(pthread_sigmask);

	next = next ? next : mask_without_threads;
	if (!deep_is_on())
		return next(how, set, before);
	deep_signal_recover();
	return deep_signal_mask(next, how, set, before);
}

static int change_one(int how, int signal)
{
	sigset_t set;

	sigemptyset(&set);
	return sigaddset(&set, signal) < 0 ? -1 : sigprocmask(how, &set, NULL);
}

EXPORT int sighold(int signal)
{
	return change_one(SIG_BLOCK, signal);
}

EXPORT int sigrelse(int signal)
{
	return change_one(SIG_UNBLOCK, signal);
}

/* BSD's masks hold the first 32 signals. */
static int change_first(int how, int mask)
{
	sigset_t set, before;
	int was;

	sigemptyset(&set);
	memcpy(&set, &mask, sizeof(mask));
	if (sigprocmask(how, &set, &before) < 0)
		return -1;
	memcpy(&was, &before, sizeof(was));
	return was;
}

EXPORT int sigblock(int mask)
{
	return change_first(SIG_BLOCK, mask);
}

EXPORT int sigsetmask(int mask)
{
	return change_first(SIG_SETMASK, mask);
}

#endif
