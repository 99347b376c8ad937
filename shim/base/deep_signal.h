/* SPDX-License-Identifier: MIT */
/*
 * A program's signals in deep mode. SIGSYS is ours and never blocked: what the program does with it
 * is remembered, told when it asks, and done to a SIGSYS that is not of our making. Other handlers
 * of the program's are called through us, so that they are outside of our code even when they
 * interrupt it, and stay there if they leave by longjmp(). Async-signal-safe; nothing locks.
 */
#ifndef DEEP_SIGNAL_H
#define DEEP_SIGNAL_H

#include <signal.h>
#include <stdint.h>

/* The kernel's struct sigaction on x86-64 (arch/x86/include/uapi/asm/signal.h). */
struct deep_action {
	void *handler;
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};

/* Before deep mode begins: what is in force for SIGSYS. */
void deep_signal_start(const struct sigaction *sigsys);

/* What takes the place of a function that the program wants called, or SIG_DFL ..., for any signal
 * but SIGSYS; and the other way, for a handler that the kernel tells of. `known` of the first is
 * the program's handler up to now, to be given to the second. */
void *deep_signal_in(int signal, void *handler, void **ret_known);
void *deep_signal_out(void *handler, void *known);

/* As sigaction() for SIGSYS, but that nothing reaches the kernel. Either may be NULL. */
void deep_signal_sigsys(const struct deep_action *action, struct deep_action *ret_before);

/* A SIGSYS that was not raised by a system call of this program's. */
void deep_signal_foreign(int signal, siginfo_t *info, void *context);

/* As `call`, which is sigprocmask() or the like, with SIGSYS left out and put back in the answer.
 */
typedef int deep_mask_call(int how, const sigset_t *set, sigset_t *ret_before);
int deep_signal_mask(deep_mask_call *call, int how, const sigset_t *set, sigset_t *ret_before);

#endif
