/* SPDX-License-Identifier: MIT */
/*
 * The handler of SIGSYS in deep mode. The kernel raises SIGSYS in place of a system call by the
 * program's own instruction, with the registers as they were (base/deep.h). Start reading at
 * entry_deep_trap(). Calls that untorn serves go through the same door as syscall(). All others go
 * to the next syscall(), which uses the C library's instruction.
 *
 * Some calls cannot be made in a handler: its end would undo their effect, or a child must not
 * return from it. For these, the handler writes the effect into the interrupted context, or a site
 * of ours makes the call after the handler's end and returns to the program, in parent and child.
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
#include "base/deep_pointer.h"
#include "base/deep_signal.h"
#include "door/syscall.h"
#include "base/real.h"

#ifdef __x86_64__

#include <asm/prctl.h>

enum { SITES = 128, SITE_SIZE = 32 };

/* Where each site returns to: behind one instruction of the program's. Once set, it never changes.
 * The second half is for calls that make no child. */
__attribute__((visibility("hidden"), used)) void *_Atomic entry_deep_targets[2 * SITES];
extern const char entry_deep_sites[];

/* Each site makes the system call, then traps the thread again. It changes no flag and no register
 * but rcx, which ends with the value that the call would have left in it. Sites of the first half
 * skip the trapping in a child (rax 0), which may have another thread's pointer. */
/* clang-format off */
__asm__(".text\n"
	".hidden entry_deep_sites\n"
	".p2align 5\n"
	"entry_deep_sites:\n"
	".set site, 0\n"
	".rept 256\n"
	"	.p2align 5\n"
	"	syscall\n"
	"	.if site < 128\n"
	"	movq %rax, %rcx\n"
	"	jrcxz 1f\n"
	"	.endif\n"
	"	movq deep_this@gottpoff(%rip), %rcx\n"
	"	movb $1, %fs:(%rcx)\n"
	"1:	movq entry_deep_targets+8*site(%rip), %rcx\n"
	"	jmp *%rcx\n"
	"	.set site, site+1\n"
	".endr\n");
/* clang-format on */
_Static_assert(SITES == 128 && DEEP_TRAP == 1 && offsetof(struct deep_thread, selector) == 0,
	       "the assembly says so");

/* NULL: there are more places in the program than sites. */
static const char *find_site(void *target, int first)
{
	for (int i = first; i < first + SITES; i++) {
		void *known = NULL;
		if (atomic_compare_exchange_strong(&entry_deep_targets[i], &known, target) ||
		    known == target)
			return entry_deep_sites + (ptrdiff_t)i * SITE_SIZE;
	}
	return NULL;
}

/* Runs the instruction again untrapped; this thread is not trapped any more. */
static void leave(greg_t *registers, enum deep_loss loss)
{
	registers[REG_RIP] -= 2; /* syscall, and int $0x80, are two bytes */
	deep_this.selector = DEEP_PASS;
	deep_lose(loss);
}

/* A site writes the selector by the thread pointer, which must be ours. */
static void make_outside(greg_t *registers, const struct deep_pointer *pointer, int first)
{
	const char *site = pointer->is_theirs ? NULL : find_site((void *)registers[REG_RIP], first);

	if (!site) {
		leave(registers, pointer->is_theirs ? DEEP_LOST_POINTER : DEEP_LOST_PLACES);
		return;
	}
	registers[REG_RIP] = (greg_t)site;
	deep_this.selector = DEEP_PASS; /* until the site is through */
}

/* Cancellation is off, because the program's instruction was no cancellation point either. */
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

/* Makes a call that is not ours. Asynchronous cancellation may end the thread in it; then nothing
 * is put back. A seccomp filter that judges by the instruction's address may refuse the call. If
 * the next syscall() lies outside the range that passes (another preload's, or an old C library's),
 * it is trapped itself, and comes here once more. */
static void call_plain(long number, greg_t *registers)
{
	unsigned char outer = deep_this.again;

	if (outer == DEEP_NONE)
		deep_this.selector = deep_outside();
	deep_this.again = DEEP_MADE;
	long result =
		REAL(syscall)(number, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
			      registers[REG_R10], registers[REG_R8], registers[REG_R9]);
	bool is_refused = deep_this.again == DEEP_REFUSED;
	deep_this.again = outer;
	if (outer == DEEP_NONE)
		deep_this.selector = deep_outside();
	if (!is_refused) {
		registers[REG_RAX] = result == -1 ? -errno : result;
		return;
	}
	leave(registers, DEEP_LOST_FILTER);
	deep_this.left = true;
}

static void call_here(long number, ucontext_t *context)
{
	if (!entry_syscall_is_ours(number)) {
		call_plain(number, context->uc_mcontext.gregs);
		return;
	}
	context->uc_mcontext.gregs[REG_RAX] = call(number, context->uc_mcontext.gregs);
	/* The handler's end puts uc_sigmask in force, so the new mask goes there. */
	if (number == SYS_rt_sigprocmask)
		real_syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&context->uc_sigmask,
			     _NSIG / 8, 0, 0);
	deep_this.selector = deep_outside();
}

/* As in arch/x86/kernel/process_64.c: the address must lie in user space. */
static long set_pointer(struct deep_pointer *pointer, uintptr_t value)
{
	const uintptr_t end = (UINT64_C(1) << 47) - 4096;

	if (value >= end)
		return -EPERM;
	deep_pointer_set(pointer, value);
	return 0;
}

/* The kernel writes its own answer first: that shows whether the address can be written. */
static long get_pointer(const struct deep_pointer *pointer, uintptr_t *ret_value)
{
	long result = real_syscall2(SYS_arch_prctl, ARCH_GET_FS, (long)ret_value);

	if (result == 0 && pointer->is_theirs)
		*ret_value = pointer->theirs;
	return result;
}

static void change_pointer(ucontext_t *context, struct deep_pointer *pointer)
{
	greg_t *registers = context->uc_mcontext.gregs;

	if (registers[REG_RDI] != ARCH_SET_FS && registers[REG_RDI] != ARCH_GET_FS) {
		call_here(SYS_arch_prctl, context);
		return;
	}
	if (registers[REG_RDI] == ARCH_SET_FS && !deep_pointer_can()) {
		leave(registers, DEEP_LOST_POINTER);
		return;
	}
	registers[REG_RAX] = registers[REG_RDI] == ARCH_SET_FS
				     ? set_pointer(pointer, (uintptr_t)registers[REG_RSI])
				     : get_pointer(pointer, (uintptr_t *)registers[REG_RSI]);
	deep_this.selector = deep_outside();
}

/* Tries the change here. EPERM: this handler runs on the old stack, so only the call after its end
 * can succeed. Any other error will be that call's too, and is the program's. */
static void change_stack(const ucontext_t *context, greg_t *registers,
			 const struct deep_pointer *pointer)
{
	const stack_t *stack = (const stack_t *)registers[REG_RDI];
	long tried = stack ? real_syscall2(SYS_sigaltstack, (long)stack, 0) : -EFAULT;

	if (tried == 0 || tried == -EPERM)
		deep_signal_stack(stack, deep_frame_size(context));
	if (deep_this.tiny)
		leave(registers, DEEP_LOST_TINY);
	else
		make_outside(registers, pointer, SITES);
}

static void answer(long number, ucontext_t *context, struct deep_pointer *pointer)
{
	greg_t *registers = context->uc_mcontext.gregs;

	switch (number) {
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
		make_outside(registers, pointer, 0);
		break;
	case SYS_rt_sigreturn: /* of a frame that lies where the stack pointer says */
		registers[REG_RIP] = (greg_t)deep_restorer();
		deep_this.selector = deep_outside();
		break;
	case DEEP_SEE_A_FRAME:
		deep_signal_note(context);
		registers[REG_RAX] = -ENOSYS;
		deep_this.selector = deep_outside();
		break;
	case SYS_arch_prctl:
		change_pointer(context, pointer);
		break;
	case SYS_sigaltstack:
		change_stack(context, registers, pointer);
		break;
	default:
		call_here(number, context);
	}
}

/* True if a seccomp filter refused a call that we made in the program's place. */
static bool is_refused_again(const siginfo_t *info)
{
	return info->si_code == DEEP_SECCOMP && deep_this.again == DEEP_MADE &&
	       deep_may_pass(info->si_call_addr);
}

__attribute__((noinline)) static void serve(const siginfo_t *info, ucontext_t *context,
					    struct deep_pointer *pointer)
{
	KEEP_ERRNO;

	deep_this.selector = DEEP_PASS;
	if (context->uc_stack.ss_size)
		entry_deep_rearm(context);
	if (info->si_arch == AUDIT_ARCH_X86_64)
		answer(info->si_syscall, context, pointer);
	else
		leave(context->uc_mcontext.gregs, DEEP_LOST_32_BIT);
	deep_tell();
}

__attribute__((noinline)) static void note_refusal(ucontext_t *context)
{
	deep_this.again = DEEP_REFUSED;
	context->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
}

/* The filter has answered the call for which leave() stopped trapping: traps the thread again. */
__attribute__((noinline)) static void catch_again(const siginfo_t *info)
{
	if (info->si_code != DEEP_SECCOMP || !deep_this.left)
		return;
	deep_this.left = false;
	deep_this.selector = deep_outside();
}

DEEP_BARE static void trap(int signal, siginfo_t *info, void *context)
{
	struct deep_pointer pointer;

	deep_pointer_enter(&pointer);
	if (info->si_code == DEEP_DISPATCH) {
		serve(info, context, &pointer);
	} else if (is_refused_again(info)) {
		note_refusal(context);
	} else {
		deep_signal_foreign(signal, info, context, &pointer);
		catch_again(info);
	}
	deep_pointer_leave(&pointer);
}

/* True if the frame must move: the alternate stack lacks room, or the program wants its own handler
 * of SIGSYS on the interrupted stack. */
DEEP_BARE static bool is_misplaced(const siginfo_t *info, const ucontext_t *context)
{
	return deep_signal_is_cramped(context) ||
	       (info->si_code != DEEP_DISPATCH && !deep_signal_is_on_stack());
}

DEEP_BARE void entry_deep_trap(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *machine = context;

	if (machine->uc_stack.ss_size && is_misplaced(info, context))
		entry_deep_move_frame(trap, signal, info, context);
	trap(signal, info, context);
}

#else

void entry_deep_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
}

#endif
