/* SPDX-License-Identifier: MIT */
/*
 * System calls that a program makes with its own instructions: SIGSYS comes in their place, with
 * the registers as they were (base/deep.h). Start reading at entry_deep_trap(). Calls that
 * untorn serves go through the same door as syscall(), which makes all others by the C library's
 * instruction.
 *
 * Some calls cannot be made in a handler, whose end would undo them, or which a child must not
 * return from: their effect is written into the interrupted context, or they are made after the
 * handler's end by a site of ours, which returns to the program in parent and child.
 */
#include "door/deep.h"

#include <errno.h>
#include <linux/audit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "base/cleanup.h"
#include "base/deep.h"
#include "base/deep_signal.h"
#include "door/syscall.h"
#include "base/real.h"

#ifdef __x86_64__

#include <asm/prctl.h>

#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2 /* si_code */
#endif

enum { SITES = 16, SITE_SIZE = 32 };

/* Where each site goes on: behind one instruction of the program's, for good. */
__attribute__((visibility("hidden"), used)) void *_Atomic entry_deep_targets[SITES];
extern const char entry_deep_sites[];

/* The system call, and in the parent trapping again, without touching a register but rcx, which
 * has its due value in the end; or a flag. A child (rax 0) may have another thread's pointer. */
/* clang-format off */
__asm__(".text\n"
	".hidden entry_deep_sites\n"
	".p2align 5\n"
	"entry_deep_sites:\n"
	".set site, 0\n"
	".rept 16\n"
	"	.p2align 5\n"
	"	syscall\n"
	"	movq %rax, %rcx\n"
	"	jrcxz 1f\n"
	"	movq deep_this@gottpoff(%rip), %rcx\n"
	"	movb $1, %fs:(%rcx)\n"
	"1:	movq entry_deep_targets+8*site(%rip), %rcx\n"
	"	jmp *%rcx\n"
	"	.set site, site+1\n"
	".endr\n");
/* clang-format on */
_Static_assert(SITES == 16 && DEEP_TRAP == 1 && offsetof(struct deep_thread, selector) == 0,
	       "the assembly says so");

/* NULL: there are more places in the program than sites. */
static const char *find_site(void *target)
{
	for (int i = 0; i < SITES; i++) {
		void *known = NULL;
		if (atomic_compare_exchange_strong(&entry_deep_targets[i], &known, target) ||
		    known == target)
			return entry_deep_sites + (ptrdiff_t)i * SITE_SIZE;
	}
	return NULL;
}

/* The instruction again, and this thread is not trapped any more. */
static void leave(greg_t *registers)
{
	registers[REG_RIP] -= 2; /* syscall, and int $0x80, are two bytes */
	deep_this.selector = DEEP_PASS;
}

static void make_outside(greg_t *registers)
{
	const char *site = find_site((void *)registers[REG_RIP]);

	if (!site) {
		leave(registers);
		return;
	}
	registers[REG_RIP] = (greg_t)site;
	deep_this.selector = DEEP_PASS; /* until the site is through */
}

/* Our door is no place to be cancelled in, as the instruction was none. */
static long call(long number, const greg_t *registers)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	long result =
		entry_syscall(number, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
			      registers[REG_R10], registers[REG_R8], registers[REG_R9]);
	int error = errno;
	pthread_setcancelstate(state, &state);
	return result == -1 ? -error : result;
}

static void call_here(long number, ucontext_t *context)
{
	context->uc_mcontext.gregs[REG_RAX] = call(number, context->uc_mcontext.gregs);
	/* The handler's end puts back what is written there. */
	if (number == SYS_rt_sigprocmask)
		real_syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&context->uc_sigmask,
			     _NSIG / 8, 0, 0);
	if (number == SYS_sigaltstack)
		real_syscall(SYS_sigaltstack, 0, (long)&context->uc_stack, 0, 0, 0, 0);
	deep_this.selector = DEEP_TRAP;
}

static void answer(long number, ucontext_t *context)
{
	greg_t *registers = context->uc_mcontext.gregs;

	switch (number) {
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
		make_outside(registers);
		break;
	case SYS_rt_sigreturn: /* of a frame that lies where the stack pointer says */
		registers[REG_RIP] = (greg_t)deep_restorer();
		deep_this.selector = DEEP_TRAP;
		break;
	case SYS_arch_prctl: /* the thread leaves its own data behind, and the selector with it */
		if (registers[REG_RDI] == ARCH_SET_FS)
			leave(registers);
		else
			call_here(number, context);
		break;
	default:
		call_here(number, context);
	}
}

void entry_deep_trap(int signal, siginfo_t *info, void *context)
{
	ucontext_t *machine = context;

	if (info->si_code != SYS_USER_DISPATCH) {
		deep_signal_foreign(signal, info, context);
		return;
	}
	deep_this.selector = DEEP_PASS;
	KEEP_ERRNO;
	if (info->si_arch == AUDIT_ARCH_X86_64)
		answer(info->si_syscall, machine);
	else
		leave(machine->uc_mcontext.gregs);
}

#else

void entry_deep_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
}

#endif
