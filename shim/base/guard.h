/* SPDX-License-Identifier: MIT */
/*
 * Holds off signals and cancellation while a thread holds a lock: no signal handler shall interrupt
 * its own thread there, and nobody cancel it. async/, engine/worker.c, device/device.c and
 * door/close.c use it. A guard within another costs nothing.
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

/* Hold off cancellation alone. */
void guard_raise_no_cancellation(int *ret_cancel);
void guard_lower_no_cancellation(const int *cancel);

/* These hold until the end of the scope. */
#define NO_CANCELLATION                                                                            \
	__attribute__((cleanup(guard_lower_no_cancellation))) int uncancelled;                     \
	guard_raise_no_cancellation(&uncancelled)
#define GUARDED                                                                                    \
	__attribute__((cleanup(guard_lower))) struct guard guarded;                                \
	guard_raise(&guarded)

/* For a thread of our own, which blocks all signals and which nobody cancels: its guards cost
 * nothing. */
void guard_for_ever(void);

#endif
