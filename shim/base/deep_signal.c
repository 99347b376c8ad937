/* SPDX-License-Identifier: MIT */
/*
 * Start reading at relay(), which the kernel calls in place of the program's handlers. A child of
 * vfork() shares our memory but has handlers of its own: callers keep it away from here.
 */
#include "base/deep_signal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/deep.h"
#include "base/real.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51 /* Linux 5.14 on x86 */
#endif

enum {
	FRAME = 12 << 10, /* of a handler, with AMX; where the kernel does not tell */
	ROOM = 16 << 10,  /* that a write takes */
};

static void *_Atomic handlers[_NSIG];
static struct {
	void *_Atomic handler;
	_Atomic uint64_t flags, mask;
} asked; /* for SIGSYS */
static size_t frame;

static void unblock(void)
{
	uint64_t ours = 1ULL << (SIGSYS - 1);

	REAL(syscall)(SYS_rt_sigprocmask, SIG_UNBLOCK, &ours, NULL, sizeof(ours));
}

/* On an alternate stack another signal's frame may be too much: there nothing is to be trapped, and
 * an atomic write is refused by the kernel. */
static bool has_room(const ucontext_t *context)
{
	size_t left = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)context->uc_stack.ss_sp;

	return left >= context->uc_stack.ss_size || left >= frame + ROOM;
}

/* sa_mask, and the masks of sigsuspend(), ppoll() and the like, may have SIGSYS in them. */
static void relay(int signal, siginfo_t *info, void *context)
{
	deep_handler *handler = (deep_handler *)atomic_load(&handlers[signal]);
	ucontext_t *machine = context;
	unsigned char selector = deep_this.selector;
	int error = errno;

	deep_this.selector = DEEP_PASS;
	unblock();
	errno = error;
	deep_this.selector = has_room(machine) ? DEEP_TRAP : DEEP_PASS;
	handler(signal, info, context);
	sigdelset(&machine->uc_sigmask, SIGSYS);
	deep_this.selector = selector;
}

static bool is_function(const void *handler)
{
	return handler != (void *)SIG_DFL && handler != (void *)SIG_IGN &&
	       handler != (void *)SIG_ERR && handler != (void *)SIG_HOLD;
}

void *deep_signal_in(int signal, void *handler, void **ret_known)
{
	if (signal <= 0 || signal >= _NSIG)
		return handler;
	*ret_known = atomic_load(&handlers[signal]);
	if (!is_function(handler) || handler == (void *)relay)
		return handler;
	atomic_store(&handlers[signal], handler);
	return (void *)relay;
}

void *deep_signal_out(void *handler, void *known)
{
	return handler == (void *)relay ? known : handler;
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

/* Those that other libraries' constructors have set. */
static void take_over_handlers(void)
{
	struct sigaction action;
	void *known;

	for (int i = 1; i < _NSIG; i++) {
		if (i == SIGSYS || REAL(sigaction)(i, NULL, &action) < 0 ||
		    !is_function((void *)action.sa_handler))
			continue;
		action.sa_handler =
			(sighandler_t)deep_signal_in(i, (void *)action.sa_handler, &known);
		REAL(sigaction)(i, &action, NULL);
	}
}

void deep_signal_start(const struct sigaction *sigsys)
{
	unsigned long told = getauxval(AT_MINSIGSTKSZ);

	uint64_t mask;

	memcpy(&mask, &sigsys->sa_mask, sizeof(mask));
	frame = told ? told : FRAME;
	atomic_store(&asked.handler, (void *)sigsys->sa_handler);
	atomic_store(&asked.flags, (unsigned)sigsys->sa_flags);
	atomic_store(&asked.mask, mask);
	take_over_handlers();
}

/* As if nobody had a handler. */
static void die(void)
{
	const struct sigaction none = { .sa_handler = SIG_DFL };

	deep_this.selector = DEEP_PASS;
	REAL(sigaction)(SIGSYS, &none, NULL);
	REAL(syscall)(SYS_tgkill, getpid(), REAL(syscall)(SYS_gettid), SIGSYS);
}

void deep_signal_foreign(int signal, siginfo_t *info, void *context)
{
	void *handler = atomic_load(&asked.handler);
	unsigned char selector = deep_this.selector;

	if (handler == (void *)SIG_DFL)
		die();
	if (!is_function(handler))
		return;
	if (atomic_load(&asked.flags) & (unsigned)SA_RESETHAND)
		atomic_store(&asked.handler, (void *)SIG_DFL);
	deep_this.selector = has_room(context) ? DEEP_TRAP : DEEP_PASS;
	((deep_handler *)handler)(signal, info, context);
	sigdelset(&((ucontext_t *)context)->uc_sigmask, SIGSYS);
	deep_this.selector = selector;
}

/* Is SIGSYS blocked after this? */
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
