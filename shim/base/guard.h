/* SPDX-License-Identifier: MIT */
/*
 * For those who hold a lock: no signal handler shall meet its own thread with it, and no thread be
 * cancelled with it. A guard within another costs nothing.
 */
#ifndef GUARD_H
#define GUARD_H

#include <signal.h>

struct guard {
	sigset_t mask;
	int cancel;
};

void guard_raise(struct guard *ret_guard);
void guard_lower(const struct guard *guard);

/* Only the latter. */
void guard_raise_no_cancellation(int *ret_cancel);
void guard_lower_no_cancellation(const int *cancel);

/* Until the end of the scope. */
#define NO_CANCELLATION                                                                            \
	__attribute__((cleanup(guard_lower_no_cancellation))) int uncancelled;                     \
	guard_raise_no_cancellation(&uncancelled)
#define GUARDED                                                                                    \
	__attribute__((cleanup(guard_lower))) struct guard guarded;                                \
	guard_raise(&guarded)

/* For a thread of our own, that blocks all signals and that nobody cancels. */
void guard_for_ever(void);

#endif
