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

/* Before deep mode begins: what is in force for SIGSYS. */
void deep_signal_start(const struct sigaction *sigsys);

/* The program's handler up to now, and whether SIGSYS is in its mask. */
struct deep_known {
	void *handler;
	bool masks;
};

/* What takes the place of a function that the program wants called, or SIG_DFL ..., for any signal
 * but SIGSYS, which the caller takes out of the mask that goes with it; and the other way, for a
 * handler that the kernel tells of: true if SIGSYS is to be put into its mask. */
void *deep_signal_in(int signal, void *handler, bool masks, struct deep_known *ret_known);
bool deep_signal_out(void **handler, const struct deep_known *known);

/* As sigaction() for SIGSYS, but that nothing reaches the kernel. Either may be NULL. */
void deep_signal_sigsys(const struct deep_action *action, struct deep_action *ret_before);

/* A SIGSYS that was not raised by a system call of this program's. */
void deep_signal_foreign(int signal, siginfo_t *info, void *context, struct deep_pointer *pointer);
/* Does the program want its handler of SIGSYS on the alternate stack? */
bool deep_signal_is_on_stack(void);

/* Is a frame, to which this context belongs, on an alternate stack without room for a write? */
bool deep_signal_is_cramped(const ucontext_t *context);
/* The program has set this one; its frames take so much, 0: as much as the first that was seen. */
void deep_signal_stack(const stack_t *stack, size_t frame);
void deep_signal_note(const ucontext_t *context);
/* Traps calls again if a handler on a cramped stack has been left. */
void deep_signal_recover_if_left(void);
static inline void deep_signal_recover(void)
{
	if (deep_this.cramped_size)
		deep_signal_recover_if_left();
}
/* At most; the registers that the frame holds differ by machine and program. */
size_t deep_frame_size(const ucontext_t *context);

/* As `call`, which is sigprocmask() or the like, with SIGSYS left out and put back in the answer.
 */
typedef int deep_mask_call(int how, const sigset_t *set, sigset_t *ret_before);
int deep_signal_mask(deep_mask_call *call, int how, const sigset_t *set, sigset_t *ret_before);

#endif
