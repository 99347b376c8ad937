/* SPDX-License-Identifier: MIT */
/*
 * Start reading at relay(), which the kernel calls in place of the program's handlers. A child of
 * vfork() shares our memory but has handlers of its own: callers do not call this in one.
 */
#include "base/deep_signal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/deep.h"
#include "base/deep_pointer.h"
#include "base/real.h"

enum {
	ROOM = 16 << 10, /* bytes that a write takes */
	XSTATE = 464,    /* offset of the words about the registers' size:
			    arch/x86/include/uapi/asm/sigcontext.h, struct _fpx_sw_bytes */
	XSTATE_MAGIC = 0x46505853,
	LEGACY = 512, /* size of the registers' area without these words */
	SLACK = 192,  /* red zone, alignment */
};

static void *_Atomic handlers[_NSIG];
static _Atomic uint64_t with_sigsys; /* signals whose mask has SIGSYS, as the program knows it */
static struct {
	void *_Atomic handler;
	_Atomic uint64_t flags, mask;
} asked; /* what the program set for SIGSYS */

static void unblock(void)
{
	uint64_t ours = 1ULL << (SIGSYS - 1);

	REAL(syscall)(SYS_rt_sigprocmask, SIG_UNBLOCK, &ours, NULL, sizeof(ours));
}

#ifdef __x86_64__

static _Atomic size_t seen;

void deep_signal_note(const ucontext_t *context)
{
	atomic_store(&seen, deep_frame_size(context));
}

void deep_signal_stack(const stack_t *stack, size_t frame)
{
	deep_this.tiny = !(stack->ss_flags & SS_DISABLE) && stack->ss_size < (frame ? frame : seen);
}

size_t deep_frame_size(const ucontext_t *context)
{
	const char *registers = (const char *)context->uc_mcontext.fpregs;
	uint32_t about[2];

	if (!registers)
		return sizeof(*context) + SLACK;
	memcpy(about, registers + XSTATE, sizeof(about));
	return (size_t)(registers - (const char *)context) + SLACK +
	       (about[0] == XSTATE_MAGIC ? about[1] : LEGACY);
}

static bool is_interrupted_wait(const ucontext_t *context)
{
	return context->uc_mcontext.gregs[REG_RAX] == -EINTR;
}

#else

size_t deep_frame_size(const ucontext_t *context)
{
	return sizeof(*context) + SLACK;
}

static bool is_interrupted_wait(const ucontext_t *context)
{
	return context != NULL;
}

#endif

static size_t left_below(const void *address, const stack_t *stack)
{
	return (uintptr_t)address - (uintptr_t)stack->ss_sp;
}

/* A trap takes another signal frame and the room of a write. Where an alternate stack has less,
 * nothing is trapped, and the kernel refuses an atomic write. */
static bool has_room(const ucontext_t *context)
{
	size_t left = left_below(__builtin_frame_address(0), &context->uc_stack);

	return left >= context->uc_stack.ss_size || left >= deep_frame_size(context) + ROOM;
}

bool deep_signal_is_cramped(const ucontext_t *context)
{
	const stack_t *stack = &context->uc_stack;
	size_t left = left_below(context, stack);

	return left < stack->ss_size && left < ROOM;
}

static bool is_cramped(void)
{
	return (uintptr_t)__builtin_frame_address(0) - deep_this.cramped < deep_this.cramped_size;
}

/* The program may have left its handler on the cramped stack by a jump. */
void deep_signal_recover_if_left(void)
{
	if (is_cramped())
		return;
	deep_this.cramped_size = 0;
	deep_this.selector = deep_outside();
	deep_tell();
}

static void cramp(const stack_t *stack)
{
	deep_lose(DEEP_LOST_STACK);
	deep_this.cramped = (uintptr_t)stack->ss_sp;
	deep_this.cramped_size = stack->ss_size;
}

/* The state that is put back when a handler returns. */
struct before {
	unsigned char selector, again;
	uintptr_t cramped, cramped_size;
};

/* The mask of sigsuspend(), ppoll() and the like may have SIGSYS in it. If a handler interrupted
 * such a call, the call has failed with EINTR, and SIGSYS is unblocked here. No other mask ever has
 * it. */
__attribute__((noinline)) static void go_outside(const ucontext_t *context,
						 struct before *ret_before)
{
	int error = errno;

	*ret_before = (struct before){ deep_this.selector, deep_this.again, deep_this.cramped,
				       deep_this.cramped_size };
	deep_this.selector = DEEP_PASS;
	deep_this.again = DEEP_NONE;
	if (is_interrupted_wait(context))
		unblock();
	if (!has_room(context))
		cramp(&context->uc_stack);
	else if (!is_cramped())
		deep_this.selector = deep_outside();
	errno = error;
}

__attribute__((noinline)) static void come_back(ucontext_t *context, const struct before *before)
{
	sigdelset(&context->uc_sigmask, SIGSYS);
	deep_this.cramped = before->cramped;
	deep_this.cramped_size = before->cramped_size;
	deep_this.again = before->again;
	deep_this.selector = before->selector;
}

DEEP_BARE static void relay(int signal, siginfo_t *info, void *context)
{
	struct deep_pointer pointer;
	struct before before;

	deep_pointer_enter(&pointer);
	deep_handler *handler = (deep_handler *)atomic_load(&handlers[signal]);
	go_outside(context, &before);
	deep_pointer_leave(&pointer);
	handler(signal, info, context);
	deep_pointer_enter(&pointer);
	come_back(context, &before);
	deep_pointer_leave(&pointer);
}

static bool is_function(const void *handler)
{
	return handler != (void *)SIG_DFL && handler != (void *)SIG_IGN &&
	       handler != (void *)SIG_ERR && handler != (void *)SIG_HOLD;
}

static uint64_t bit_of(int signal)
{
	return 1ULL << (signal - 1);
}

static void set_bit(int signal, bool on)
{
	if (on)
		atomic_fetch_or(&with_sigsys, bit_of(signal));
	else
		atomic_fetch_and(&with_sigsys, ~bit_of(signal));
}

void *deep_signal_in(int signal, void *handler, bool masks, struct deep_known *ret_known)
{
	if (signal <= 0 || signal >= _NSIG)
		return handler;
	ret_known->handler = atomic_load(&handlers[signal]);
	ret_known->masks = atomic_load(&with_sigsys) & bit_of(signal);
	if (!is_function(handler) || handler == (void *)relay)
		return handler;
	atomic_store(&handlers[signal], handler);
	set_bit(signal, masks);
	return (void *)relay;
}

bool deep_signal_out(void **handler, const struct deep_known *known)
{
	if (*handler != (void *)relay)
		return false;
	*handler = known->handler;
	return known->masks;
}

void deep_signal_sigsys(const struct deep_action *action, struct deep_action *ret_before)
{
	struct deep_action before = { atomic_load(&asked.handler), atomic_load(&asked.flags),
				      deep_restorer(), atomic_load(&asked.mask) };

	if (action) {
		atomic_store(&asked.flags, action->flags);
		atomic_store(&asked.mask, action->mask);
		atomic_store(&asked.handler, action->handler);
	}
	if (ret_before)
		*ret_before = before;
}

/* Takes over handlers that other libraries' constructors have set. */
static void take_over_handlers(void)
{
	struct sigaction action;
	struct deep_known known;

	for (int i = 1; i < _NSIG; i++) {
		if (i == SIGSYS || REAL(sigaction)(i, NULL, &action) < 0 ||
		    !is_function((void *)action.sa_handler))
			continue;
		action.sa_handler = (sighandler_t)deep_signal_in(
			i, (void *)action.sa_handler, sigismember(&action.sa_mask, SIGSYS) == 1,
			&known);
		sigdelset(&action.sa_mask, SIGSYS);
		REAL(sigaction)(i, &action, NULL);
	}
}

void deep_signal_start(const struct sigaction *sigsys)
{
	uint64_t mask;

	memcpy(&mask, &sigsys->sa_mask, sizeof(mask));
	atomic_store(&asked.handler, (void *)sigsys->sa_handler);
	atomic_store(&asked.flags, (unsigned)sigsys->sa_flags);
	atomic_store(&asked.mask, mask);
	take_over_handlers();
}

/* Ends the process as SIGSYS does without a handler. */
static void die(void)
{
	const struct sigaction none = { .sa_handler = SIG_DFL };

	deep_this.selector = DEEP_PASS;
	REAL(sigaction)(SIGSYS, &none, NULL);
	REAL(syscall)(SYS_tgkill, getpid(), REAL(syscall)(SYS_gettid), SIGSYS);
}

/* Repeats the call with SIGSYS blocked: the filter's signal then ends the process. We can make no
 * other call for that, because the filter may allow none. */
static void die_of_a_filter(ucontext_t *context)
{
#ifdef __x86_64__
	context->uc_mcontext.gregs[REG_RIP] -= 2;
#endif
	sigaddset(&context->uc_sigmask, SIGSYS);
}

/* Returns the program's handler; NULL: there is nothing to call. Natively, a filter's SIGSYS that
 * is blocked or ignored ends the program. */
__attribute__((noinline)) static deep_handler *take_handler(const siginfo_t *info,
							    ucontext_t *context)
{
	void *handler = atomic_load(&asked.handler);
	bool is_of_filter = info->si_code == DEEP_SECCOMP;

	if (is_of_filter && (!is_function(handler) || deep_this.hides)) {
		die_of_a_filter(context);
		return NULL;
	}
	if (handler == (void *)SIG_DFL)
		die();
	if (!is_function(handler))
		return NULL;
	if (atomic_load(&asked.flags) & (unsigned)SA_RESETHAND)
		atomic_store(&asked.handler, (void *)SIG_DFL);
	return (deep_handler *)handler;
}

bool deep_signal_is_on_stack(void)
{
	return atomic_load(&asked.flags) & (unsigned)SA_ONSTACK;
}

DEEP_BARE void deep_signal_foreign(int signal, siginfo_t *info, void *context,
				   struct deep_pointer *pointer)
{
	struct before before;
	deep_handler *handler = take_handler(info, context);

	if (!handler)
		return;
	go_outside(context, &before);
	deep_pointer_leave(pointer);
	handler(signal, info, context);
	deep_pointer_enter(pointer);
	come_back(context, &before);
}

/* True if SIGSYS is blocked after this call, as the program knows it. */
static bool hides_then(bool hides, int how, const sigset_t *set)
{
	bool named = sigismember(set, SIGSYS) == 1;

	if (how == SIG_SETMASK)
		return named;
	return named ? how == SIG_BLOCK : hides;
}

int deep_signal_mask(deep_mask_call *call, int how, const sigset_t *set, sigset_t *ret_before)
{
	bool hides = deep_this.hides, then = set ? hides_then(hides, how, set) : hides;
	sigset_t without;

	if (set) {
		without = *set;
		sigdelset(&without, SIGSYS);
	}
	int result = call(how, set ? &without : NULL, ret_before);
	if (result == 0) {
		deep_this.hides = then;
		if (ret_before && hides)
			sigaddset(ret_before, SIGSYS);
	}
	return result;
}
