/* SPDX-License-Identifier: MIT */
/*
 * Arms threads. Calls pass from the C library's text: the segment that contains the restorer which
 * sigaction() gave our handler, because a return from the handler must never be trapped.
 */
#include "base/deep.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/counters.h"
#include "base/deep_pointer.h"
#include "base/deep_signal.h"
#include "base/log.h"
#include "base/real.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

__thread struct deep_thread deep_this __attribute__((tls_model("initial-exec")));

_Atomic unsigned deep_lost, deep_told;

void deep_lose(enum deep_loss loss)
{
	struct counters *counters = counters_get_if_any();

	if (counters)
		counters_add(&counters->uncaught, 1);
	atomic_fetch_or(&deep_lost, 1U << loss);
}

void deep_tell_losses(void)
{
	static const char *const reasons[] = {
		[DEEP_LOST_STACK] =
			"a signal handler on an alternate stack without 16 KiB to spare",
		[DEEP_LOST_TINY] = "a thread whose alternate stack has no room for a signal frame",
		[DEEP_LOST_PLACES] = "a thread that calls clone() or the like from too many places",
		[DEEP_LOST_POINTER] = "a thread with a thread pointer of its own",
		[DEEP_LOST_32_BIT] = "a thread that makes 32-bit calls",
		[DEEP_LOST_FILTER] =
			"a thread whose seccomp filter allows a call at its own place only",
	};
	unsigned fresh = atomic_load(&deep_lost) & ~atomic_load(&deep_told);

	if (!fresh || !log_wants(LOG_INFO))
		return;
	fresh &= ~atomic_fetch_or(&deep_told, fresh);
	for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (fresh & 1U << i)
			log_line("deep mode does not catch: %s", reasons[i]);
	}
}

#ifdef __x86_64__

enum { RESTORER = 0x04000000 }; /* SA_RESTORER, arch/x86/include/uapi/asm/signal.h */

static struct {
	uintptr_t start, size;
	void *restorer;
} libc;
static _Atomic bool on;
static _Atomic pid_t owner;

static int dispatch(bool wanted, uintptr_t start, uintptr_t size, volatile unsigned char *selector)
{
	return (int)real_syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, wanted, (long)start,
				 (long)size, (long)selector, 0);
}

static int find_segment(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *program = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + program->p_vaddr;
		if (program->p_type == PT_LOAD && (program->p_flags & PF_X) &&
		    (uintptr_t)libc.restorer - start < program->p_memsz) {
			libc.start = start;
			libc.size = program->p_memsz;
			return 1;
		}
	}
	return 0;
}

/* Reads the restorer that the C library's sigaction() has set, the same for a handler of any
 * signal. */
static void *find_restorer(void)
{
	struct deep_action action = { 0 };

	real_syscall(SYS_rt_sigaction, SIGSYS, 0, (long)&action, sizeof(action.mask), 0, 0);
	return action.restorer;
}

/* Calls the kernel directly: a sanitizer's sigaction() would put a handler of its own before ours.
 * NODEFER: a trap in a handler that has interrupted ours must not find SIGSYS blocked. ONSTACK: in
 * a program with an alternate stack, other stacks may be too small for a frame. */
static int install(deep_handler *handler)
{
	const struct deep_action action = { (void *)handler,
					    SA_SIGINFO | SA_NODEFER | SA_ONSTACK | RESTORER,
					    libc.restorer, 0 };

	return (int)real_syscall(SYS_rt_sigaction, SIGSYS, (long)&action, 0, sizeof(action.mask), 0,
				 0);
}

static int take_signal(deep_handler *handler, struct sigaction *ret_before)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	if (!REAL(sigaction) || REAL(sigaction)(SIGSYS, &action, ret_before) < 0)
		return -ENOSYS;
	libc.restorer = find_restorer();
	if (dl_iterate_phdr(find_segment, NULL) && install(handler) == 0)
		return 0;
	REAL(sigaction)(SIGSYS, ret_before, NULL);
	return -ENOSYS;
}

int deep_probe(void)
{
	/* valgrind makes the program's system calls itself: the kernel would trap valgrind's. */
	if (config_preloads("vgpreload"))
		return -ENOTSUP;
	int error = dispatch(true, 1, (uintptr_t)INTPTR_MAX, NULL); /* everything may pass */

	return error ? error : dispatch(false, 0, 0, NULL);
}

/* Makes the first trapped call: its signal frame shows how large frames are here. */
static void see_a_frame(void)
{
	long number = DEEP_SEE_A_FRAME;

	__asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
}

int deep_start(deep_handler *handler)
{
	struct sigaction before;

	KEEP_ERRNO;
	int error = deep_probe();
	if (!error)
		error = take_signal(handler, &before);
	if (error)
		return error;
	deep_signal_start(&before);
	deep_pointer_start();
	atomic_store(&owner, getpid());
	atomic_store(&on, true);
	deep_arm(false);
	see_a_frame();
	return 0;
}

/* A new thread may have got a mask with SIGSYS in it. We unblock SIGSYS; the program is still told
 * that it is blocked. */
void deep_arm(bool hides)
{
	const uint64_t ours = 1ULL << (SIGSYS - 1);
	uint64_t before = 0;

	KEEP_ERRNO;
	if (real_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&ours, (long)&before, sizeof(ours),
			 0, 0) < 0)
		return;
	deep_pointer_learn();
	deep_this.hides = hides || (before & ours);
	deep_this.selector = DEEP_TRAP;
	deep_this.armed = dispatch(true, libc.start, libc.size, &deep_this.selector) == 0;
}

void *deep_restorer(void)
{
	return libc.restorer;
}

bool deep_may_pass(const void *instruction)
{
	return (uintptr_t)instruction - libc.start <= libc.size;
}

bool deep_is_on(void)
{
	return atomic_load_explicit(&on, memory_order_relaxed);
}

bool deep_is_here(void)
{
	return atomic_load_explicit(&owner, memory_order_relaxed) == getpid();
}

void deep_after_fork(void)
{
	if (!deep_is_on())
		return;
	atomic_store(&owner, getpid());
	if (deep_this.armed)
		deep_arm(deep_this.hides);
}

#else

int deep_start(deep_handler *handler)
{
	(void)handler;
	return -ENOSYS;
}

int deep_probe(void)
{
	return -ENOSYS;
}

bool deep_is_on(void)
{
	return false;
}

bool deep_is_here(void)
{
	return false;
}

void deep_arm(bool hides)
{
	(void)hides;
}

void deep_after_fork(void)
{
}

void *deep_restorer(void)
{
	return NULL;
}

#endif
