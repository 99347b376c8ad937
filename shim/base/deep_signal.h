/* SPDX-License-Identifier: MIT */
/*
 * A program's signals in deep mode. SIGSYS is ours and never blocked. We record what the program
 * does with it, return that when the program asks, and apply it to a SIGSYS that dispatch did not
 * raise. We call the program's other handlers, so that they run outside of our code even when they
 * interrupt it, and stay there if they leave by longjmp(). door/deep*.c call this.
 * Async-signal-safe, no lock.
 */
#ifndef DEEP_SIGNAL_H
#define DEEP_SIGNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "base/deep.h"

enum { DEEP_SECCOMP = 1, DEEP_DISPATCH = 2 }; /* si_code: SYS_SECCOMP, SYS_USER_DISPATCH */

struct deep_pointer;

/* The kernel's struct sigaction on x86-64 (arch/x86/include/uapi/asm/signal.h). */
struct deep_action {
	void *handler;
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};

/* Called before deep mode begins, with the action in force for SIGSYS. Takes over the other
 * handlers. */
void deep_signal_start(const struct sigaction *sigsys);

/* The program's handler up to now, and whether SIGSYS is in its mask. */
struct deep_known {
	void *handler;
	bool masks;
};

/* deep_signal_in() takes a handler that the program sets for a signal other than SIGSYS, and
 * returns the one for the kernel: ours for a function, SIG_DFL and the like as they are. masks:
 * SIGSYS is in the program's mask; the caller removes it there. deep_signal_out() replaces ours by
 * the program's in what the kernel reports. True: the caller adds SIGSYS to the reported mask. */
void *deep_signal_in(int signal, void *handler, bool masks, struct deep_known *ret_known);
bool deep_signal_out(void **handler, const struct deep_known *known);

/* Acts as sigaction() for SIGSYS on our record alone; nothing reaches the kernel. Either may be
 * NULL. */
void deep_signal_sigsys(const struct deep_action *action, struct deep_action *ret_before);

/* Handles a SIGSYS that no trapped call raised: a filter's, or one that somebody sent. */
void deep_signal_foreign(int signal, siginfo_t *info, void *context, struct deep_pointer *pointer);
/* True if the program wants its handler of SIGSYS on the alternate stack. */
bool deep_signal_is_on_stack(void);

/* True if this context's frame is on an alternate stack without room for a write. */
bool deep_signal_is_cramped(const ucontext_t *context);
/* The program has set this alternate stack. frame: bytes that a signal frame takes; 0: as many as
 * the first one that deep_signal_note() saw. */
void deep_signal_stack(const stack_t *stack, size_t frame);
void deep_signal_note(const ucontext_t *context);
/* Traps calls again if the program has left its handler on a cramped stack. */
void deep_signal_recover_if_left(void);
static inline void deep_signal_recover(void)
{
	if (deep_this.cramped_size)
		deep_signal_recover_if_left();
}
/* Returns how many bytes a signal frame takes at most; its registers differ by machine and
 * program. */
size_t deep_frame_size(const ucontext_t *context);

/* Makes `call`, which is sigprocmask() or the like, without SIGSYS; adds SIGSYS to *ret_before if
 * the program has it blocked. */
typedef int deep_mask_call(int how, const sigset_t *set, sigset_t *ret_before);
int deep_signal_mask(deep_mask_call *call, int how, const sigset_t *set, sigset_t *ret_before);

#endif
