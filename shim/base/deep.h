/* SPDX-License-Identifier: MIT */
/*
 * Deep mode (UNTORN_DEEP=1): system calls that a program makes with its own instructions come to us
 * by Syscall User Dispatch (Linux 5.11, Documentation/admin-guide/syscall-user-dispatch.rst). In
 * each armed thread an instruction outside the C library's text raises SIGSYS, unless the thread's
 * selector says PASS. Ours says it while we are inside, for there the loader's and liburing's own
 * calls are not the program's.
 *
 * Arming is lost in a child that the C library's fork() did not make, and by exec: what is not
 * caught then is refused by the kernel, as without deep mode.
 */
#ifndef DEEP_H
#define DEEP_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { DEEP_SEE_A_FRAME = 0x756e746f }; /* a system call that there is not */
enum { DEEP_PASS = 0, DEEP_TRAP = 1 };  /* SYSCALL_DISPATCH_FILTER_ALLOW, _BLOCK */

struct deep_thread {
	volatile unsigned char selector; /* the kernel reads it */
	bool armed;
	bool hides; /* SIGSYS is blocked, as far as the program knows */
	bool tiny;  /* its alternate stack has no room for a signal frame: nothing is trapped */
	volatile unsigned char again;    /* enum deep_again */
	bool left;                       /* for a filter, until that has spoken; door/deep.c */
	uintptr_t cramped, cramped_size; /* the stack of a handler in which nothing is trapped */
};

/* A trapped call that we make in the program's place, by another instruction. */
enum deep_again { DEEP_NONE, DEEP_MADE, DEEP_REFUSED /* by a filter */ };

/* Initial-exec, for it is touched in signal handlers. */
extern __thread struct deep_thread deep_this
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void deep_put_back(const unsigned char *selector)
{
	deep_this.selector = *selector;
}

/* From here to the end of the scope system calls are ours. A handler of the program's that comes in
 * between is outside again: base/deep_signal.c. */
#define DEEP_INSIDE                                                                                \
	__attribute__((cleanup(deep_put_back), unused)) const unsigned char deep_was =             \
		deep_this.selector;                                                                \
	deep_this.selector = DEEP_PASS

/* The selector while the program runs. */
static inline unsigned char deep_outside(void)
{
	return deep_this.tiny ? DEEP_PASS : DEEP_TRAP;
}

/* For functions that the kernel calls: the thread pointer may be the program's own then, and what a
 * compiler adds (stack protector, sanitizers) must not use it. */
#if __has_attribute(no_stack_protector)
#define DEEP_BARE __attribute__((noinline, no_stack_protector, no_sanitize("thread", "address")))
#else
#define DEEP_BARE                                                                                  \
	__attribute__((noinline, optimize("no-stack-protector"), no_sanitize("thread", "address")))
#endif

typedef void deep_handler(int signal, siginfo_t *info, void *context);

/* Arms this thread, with this handler for the process; 0, or -errno and nothing has changed: EINVAL
 * the kernel is too old, ENOSYS not on this architecture. Once, with no other thread in deep mode.
 */
int deep_start(deep_handler *handler);

/* Can it be had here? The calling thread is left as it was. 0 or -errno, as deep_start(). */
int deep_probe(void);

/* Is this process in deep mode? Async-signal-safe, as all that follow. */
bool deep_is_on(void);

/* Is this the process that is in deep mode, and not a child of vfork() or a bare clone()? */
bool deep_is_here(void);

/* The calling thread, that is new; hides: as deep_thread. */
void deep_arm(bool hides);
void deep_after_fork(void);

/* Is it in the C library's text, which passes? */
bool deep_may_pass(const void *instruction);

/* Calls of this thread are not caught any more, or for a while: counted, and told once per reason
 * (UNTORN_LOG=info) by deep_tell(), where there is room for that. */
enum deep_loss {
	DEEP_LOST_STACK,
	DEEP_LOST_TINY,
	DEEP_LOST_PLACES,
	DEEP_LOST_POINTER,
	DEEP_LOST_32_BIT,
	DEEP_LOST_FILTER
};
void deep_lose(enum deep_loss loss);
void deep_tell_losses(void);
extern _Atomic unsigned deep_lost, deep_told __attribute__((visibility("hidden"))); /* a bit each */
static inline void deep_tell(void)
{
	if (atomic_load_explicit(&deep_lost, memory_order_relaxed) !=
	    atomic_load_explicit(&deep_told, memory_order_relaxed))
		deep_tell_losses();
}

/* An instruction in the C library that returns from a signal handler (x86-64: rt_sigreturn). */
void *deep_restorer(void);

#endif
