/* SPDX-License-Identifier: MIT */
/*
 * Alternate stacks in deep mode. The handler of SIGSYS runs on the program's alternate stack,
 * because the interrupted stack may be as small as a coroutine's. If the alternate stack is the
 * small one, the handler moves the kernel's frame to the interrupted stack, as if there were no
 * other. If not even the frame has room on the alternate stack, the thread's calls are not trapped.
 *
 * In a frame, uc_stack is the alternate stack that the program set; the handler's end sets it
 * again. With SS_AUTODISARM the kernel has no alternate stack while the handler runs.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/deep.h"
#include "base/deep_signal.h"
#include "base/real.h"
#include "door/deep.h"
#include "door/entry.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31) /* include/uapi/linux/signal.h, 4.7 */
#endif

#ifdef __x86_64__

static bool is_within(uintptr_t address, const stack_t *stack)
{
	return address - (uintptr_t)stack->ss_sp <= stack->ss_size;
}

static bool is_disabled(const stack_t *stack)
{
	return (stack->ss_flags & SS_DISABLE) || !stack->ss_size;
}

/* At delivery the kernel disabled the program's alternate stack. Once the frame has moved off it,
 * the stack is free again. */
void entry_deep_rearm(const ucontext_t *context)
{
	const stack_t *stack = &context->uc_stack;

	if (((unsigned)stack->ss_flags & SS_AUTODISARM) && !is_disabled(stack) &&
	    !is_within((uintptr_t)__builtin_frame_address(0), stack))
		real_syscall2(SYS_sigaltstack, (long)stack, 0);
}

/* The frame begins with the return address, just before the context, and fills the rest of its
 * stack. The registers saved in it must stay aligned to 64 bytes. */
DEEP_BARE void entry_deep_move_frame(deep_handler *handler, int signal, siginfo_t *info,
				     ucontext_t *context)
{
	const stack_t *stack = &context->uc_stack;
	uintptr_t from = (uintptr_t)context - 8,
		  stack_pointer = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
	size_t size = (uintptr_t)stack->ss_sp + stack->ss_size - from;

	if (is_disabled(stack) || !is_within(from, stack) || is_within(stack_pointer, stack))
		return;
	uintptr_t to = ((stack_pointer - 128 - size - 64) & ~(uintptr_t)63) | (from & 63);
	memcpy((void *)to, (const void *)from, size);
	ucontext_t *moved = (ucontext_t *)(to + 8);
	moved->uc_mcontext.fpregs =
		(fpregset_t)((uintptr_t)context->uc_mcontext.fpregs - from + to);
	__asm__ volatile("movq %0, %%rsp\n"
			 "jmp *%1\n" ::"r"(to),
			 "r"(handler), "D"((long)signal), "S"((uintptr_t)info - from + to),
			 "d"(moved)
			 : "memory");
	__builtin_unreachable();
}

#if ENTRY_DEEP_DOORS

EXPORT int sigaltstack(const stack_t *restrict stack, stack_t *restrict before)
{
	int result = (int)ret_errno(real_syscall2(SYS_sigaltstack, (long)stack, (long)before));
	bool was_tiny = deep_this.tiny;

	if (result < 0 || !stack || !deep_is_on() || !deep_this.armed)
		return result;
	deep_signal_stack(stack, 0);
	if (deep_this.tiny != was_tiny)
		deep_this.selector = deep_outside();
	if (deep_this.tiny && !was_tiny)
		deep_lose(DEEP_LOST_TINY);
	return result;
}

#endif

#else

void entry_deep_rearm(const ucontext_t *context)
{
	(void)context;
}

void entry_deep_move_frame(deep_handler *handler, int signal, siginfo_t *info, ucontext_t *context)
{
	(void)handler, (void)signal, (void)info, (void)context;
}

#endif
