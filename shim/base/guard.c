/* SPDX-License-Identifier: MIT */
/* Counts a thread's guards. The count is safe from handlers: while it is not 0, none runs. */
#include "base/guard.h"

#include <pthread.h>

static __thread unsigned depth __attribute__((tls_model("initial-exec")));

void guard_raise_no_cancellation(int *ret_cancel)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, ret_cancel);
}

void guard_lower_no_cancellation(const int *cancel)
{
	int unused;

	pthread_setcancelstate(*cancel, &unused);
}

void guard_raise(struct guard *ret_guard)
{
	sigset_t all;

	if (depth == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &ret_guard->mask);
		guard_raise_no_cancellation(&ret_guard->cancel);
	}
	depth++;
}

void guard_lower(const struct guard *guard)
{
	if (--depth > 0)
		return;
	guard_lower_no_cancellation(&guard->cancel);
	pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
}

void guard_for_ever(void)
{
	depth = 1;
}
