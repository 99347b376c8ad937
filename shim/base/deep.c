/* SPDX-License-Identifier: MIT */
/*
 * The range that the kernel lets pass is the C library's text: the segment in which lies the
 * restorer that sigaction() gave our handler, for a return from the handler must never be trapped.
 */
#include "base/deep.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/deep_signal.h"
#include "base/real.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

__thread struct deep_thread deep_this __attribute__((tls_model("initial-exec")));

#ifdef __x86_64__

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

/* What sigaction() of the C library makes of a handler of any signal. */
static void *find_restorer(void)
{
	struct deep_action action = { 0 };

	real_syscall(SYS_rt_sigaction, SIGSYS, 0, (long)&action, sizeof(action.mask), 0, 0);
	return action.restorer;
}

/* NODEFER: a trap in a handler that has interrupted ours must not find SIGSYS blocked. */
static int take_signal(deep_handler *handler, struct sigaction *ret_before)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER };

	if (!REAL(sigaction) || REAL(sigaction)(SIGSYS, &action, ret_before) < 0)
		return -ENOSYS;
	libc.restorer = find_restorer();
	if (dl_iterate_phdr(find_segment, NULL))
		return 0;
	REAL(sigaction)(SIGSYS, ret_before, NULL);
	return -ENOSYS;
}

int deep_probe(void)
{
	int error = dispatch(true, 1, (uintptr_t)INTPTR_MAX, NULL); /* everything may pass */

	return error ? error : dispatch(false, 0, 0, NULL);
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
	atomic_store(&owner, getpid());
	atomic_store(&on, true);
	deep_arm(false);
	return 0;
}

/* A thread that was to be given another mask has it now, but for SIGSYS. */
void deep_arm(bool hides)
{
	const uint64_t ours = 1ULL << (SIGSYS - 1);
	uint64_t before = 0;

	KEEP_ERRNO;
	if (real_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&ours, (long)&before, sizeof(ours),
			 0, 0) < 0)
		return;
	deep_this.hides = hides || (before & ours);
	deep_this.selector = DEEP_TRAP;
	deep_this.armed = dispatch(true, libc.start, libc.size, &deep_this.selector) == 0;
}

void *deep_restorer(void)
{
	return libc.restorer;
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
