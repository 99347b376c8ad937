/* SPDX-License-Identifier: MIT */
/*
 * Deep mode (UNTORN_DEEP=1): Syscall User Dispatch (Linux 5.11,
 * Documentation/admin-guide/syscall-user-dispatch.rst) brings us the system calls that a program
 * makes with its own instructions. In each armed thread a system call from outside the C library's
 * text raises SIGSYS, unless the thread's selector says PASS. We set PASS while the thread runs our
 * code: the loader's and liburing's calls there are not the program's. door/init.c starts deep
 * mode; door/deep.c handles SIGSYS. No lock.
 *
 * exec loses the arming, and so does a child that the C library's fork() did not make. Atomic
 * writes that are not caught there go to the kernel, which refuses them as without deep mode.
 */
#ifndef DEEP_H
#define DEEP_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { DEEP_SEE_A_FRAME = 0x756e746f }; /* a system call number that no kernel has */
enum { DEEP_PASS = 0, DEEP_TRAP = 1 };  /* SYSCALL_DISPATCH_FILTER_ALLOW, _BLOCK */

struct deep_thread {
	volatile unsigned char selector; /* the kernel reads it */
	bool armed;
	bool hides; /* SIGSYS is blocked, as far as the program knows */
	bool tiny;  /* its alternate stack has no room for a signal frame: nothing is trapped */
	volatile unsigned char again;    /* enum deep_again */
	bool left;                       /* untrapped until a filter has answered; door/deep.c */
	uintptr_t cramped, cramped_size; /* the stack of a handler in which nothing is trapped */
};

/* The state of a trapped call that we repeat in the program's place, by another instruction. */
enum deep_again { DEEP_NONE, DEEP_MADE, DEEP_REFUSED /* by a filter */ };

/* Initial-exec, because signal handlers touch it: the first access must not allocate. */
extern __thread struct deep_thread deep_this
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void deep_put_back(const unsigned char *selector)
{
	deep_this.selector = *selector;
}

/* From here to the end of the scope, system calls are ours and pass. A handler of the program's
 * that interrupts the scope is outside again: base/deep_signal.c. */
#define DEEP_INSIDE                                                                                \
	__attribute__((cleanup(deep_put_back), unused)) const unsigned char deep_was =             \
		deep_this.selector;                                                                \
	deep_this.selector = DEEP_PASS

/* The selector while the program runs. */
static inline unsigned char deep_outside(void)
{
	return deep_this.tiny ? DEEP_PASS : DEEP_TRAP;
}

/* Marks functions that the kernel calls. The thread pointer may be the program's own there, and
 * code that the compiler adds (stack protector, sanitizers) must not use it. */
#if __has_attribute(no_stack_protector)
#define DEEP_BARE __attribute__((noinline, no_stack_protector, no_sanitize("thread", "address")))
#else
#define DEEP_BARE                                                                                  \
	__attribute__((noinline, optimize("no-stack-protector"), no_sanitize("thread", "address")))
#endif

typedef void deep_handler(int signal, siginfo_t *info, void *context);

/* Arms this thread and installs the process's handler of SIGSYS. Called once, while no other thread
 * is in deep mode. Returns 0; or -errno, and nothing has changed: EINVAL: the kernel is too old;
 * ENOSYS: not on this architecture, or the handler cannot be installed; ENOTSUP: valgrind. */
int deep_start(deep_handler *handler);

/* Tests whether deep mode is available here, in a thread that is not armed, and leaves the thread
 * so. Returns 0 or -errno, as deep_start(). */
int deep_probe(void);

/* Is this process in deep mode? Async-signal-safe, as all that follow. */
bool deep_is_on(void);

/* Is this the process that is in deep mode, and not a child of vfork() or a bare clone()? */
bool deep_is_here(void);

/* deep_arm() arms the calling thread, which is new (hides: see deep_thread). deep_after_fork() arms
 * the thread of a forked child, if its parent was armed. */
void deep_arm(bool hides);
void deep_after_fork(void);

/* True if the instruction is in the C library's text, whose calls pass. */
bool deep_may_pass(const void *instruction);

/* Reasons why a thread's calls are no longer caught, for good or for a while. deep_lose() counts
 * the loss. deep_tell() logs each reason once (UNTORN_LOG=info); it is called where the stack has
 * room for that. */
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

/* Returns an instruction of the C library that returns from a signal handler (x86-64:
 * rt_sigreturn). */
void *deep_restorer(void);

#endif
