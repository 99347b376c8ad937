/* SPDX-License-Identifier: MIT */
/*
 * syscall(2), for programs that have no libc function for what they want (xfs_io's statx, perl).
 *
 * The function is written in assembly, because it must hand on calls that return twice or on
 * another stack (vfork, clone): it looks the number up, and jumps with all registers and the stack
 * as they came - to C for the numbers that are ours, else to the next syscall(). Before that
 * one is known (another library's constructor may be calling) it makes the system call itself.
 *
 * Both architectures pass the first seven arguments of a variadic function as those of any other.
 */
#include <sys/syscall.h>

#include "async/aio.h"
#include "door/entry.h"
#include "door/deep.h"
#include "door/syscall.h"
#include "base/real.h"
#include "async/ring_raw.h"
#include "untorn_uapi.h"

__attribute__((visibility("hidden"), used)) long entry_syscall_error(long result);

long entry_syscall_error(long result)
{
	return ret_errno(result);
}

static long write_or_statx(long number, long a, long b, long c, long d, long e, long f)
{
	/* pwritev2 takes its offset as two halves; on 64 bits the low one is all of it. */
	if (number == SYS_pwritev2 && (f & RWF_ATOMIC))
		return entry_write_by(DOOR_SYSCALL, (int)a, (const struct iovec *)b, (int)c, d,
				      (int)f);
	if (number == SYS_statx && ((unsigned)d & STATX_WRITE_ATOMIC))
		return entry_statx((int)a, (const char *)b, (int)c, (unsigned)d, (struct statx *)e);
	return REAL(syscall)(number, a, b, c, d, e, f);
}

long entry_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	switch (number) {
	case SYS_io_submit:
		return ret_errno(aio_submit((aio_context_t)a, b, (struct iocb **)c));
	case SYS_io_getevents:
		return ret_errno(aio_getevents((aio_context_t)a, b, c, (struct io_event *)d,
					       (struct timespec *)e));
	case SYS_io_pgetevents:
		return ret_errno(aio_pgetevents((aio_context_t)a, b, c, (struct io_event *)d,
						(struct timespec *)e,
						(const struct aio_sigset *)f));
	case SYS_io_cancel:
		return ret_errno(
			aio_cancel((aio_context_t)a, (struct iocb *)b, (struct io_event *)c));
	case SYS_io_destroy:
		return ret_errno(aio_destroy((aio_context_t)a));
	case SYS_io_uring_setup:
		return ret_errno(ring_raw_setup((unsigned)a, (struct io_uring_params *)b));
	case SYS_io_uring_enter:
		return ret_errno(ring_raw_enter((unsigned)a, (unsigned)b, (unsigned)c, (unsigned)d,
						(const void *)e, (size_t)f));
	case SYS_io_uring_register:
		return ret_errno(
			ring_raw_register((unsigned)a, (unsigned)b, (void *)c, (unsigned)d));
	case SYS_rt_sigaction:
		return ret_errno(entry_deep_sigaction((int)a, (void *)b, (void *)c, (size_t)d));
	case SYS_rt_sigprocmask:
		return ret_errno(entry_deep_sigprocmask((int)a, (void *)b, (void *)c, (size_t)d));
	case SYS_close:
		return close((int)a);
#ifdef SYS_dup2
	case SYS_dup2:
		return dup2((int)a, (int)b);
#endif
	case SYS_dup3:
		return dup3((int)a, (int)b, (int)c);
	case SYS_close_range:
		return close_range((unsigned)a, (unsigned)b, (int)c);
	default:
		return write_or_statx(number, a, b, c, d, e, f);
	}
}

/* The numbers that entry_syscall() may serve itself. */
#define STRING(x) #x
#define NUMBER(x) STRING(x)
#define NUMBERS 512
__attribute__((visibility("hidden"), used)) const bool entry_syscall_ours[NUMBERS] = {
	[SYS_io_submit] = true,      [SYS_io_getevents] = true,
	[SYS_io_pgetevents] = true,  [SYS_io_cancel] = true,
	[SYS_io_destroy] = true,     [SYS_io_uring_setup] = true,
	[SYS_io_uring_enter] = true, [SYS_io_uring_register] = true,
	[SYS_rt_sigaction] = true,   [SYS_rt_sigprocmask] = true,
	[SYS_close] = true,          [SYS_dup3] = true,
	[SYS_close_range] = true,    [SYS_pwritev2] = true,
	[SYS_statx] = true,
#ifdef SYS_dup2
	[SYS_dup2] = true,
#endif
};

bool entry_syscall_is_ours(long number)
{
	return (unsigned long)number < NUMBERS && entry_syscall_ours[number];
}

/* clang-format off */
#if defined(__x86_64__)

__asm__(".text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	".p2align 4\n"
	"syscall:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	cmpq $" NUMBER(NUMBERS) ", %rdi\n"
	"	jae 3f\n"
	"	leaq entry_syscall_ours(%rip), %rax\n"
	"	cmpb $0, (%rax,%rdi)\n"
	"	jne entry_syscall\n"
	"3:"
	"	movq real_next_syscall(%rip), %rax\n"
	"	testq %rax, %rax\n"
	"	je 1f\n"
	"	jmp *%rax\n"
	"1:	movq %rdi, %rax\n"
	"	movq %rsi, %rdi\n"
	"	movq %rdx, %rsi\n"
	"	movq %rcx, %rdx\n"
	"	movq %r8, %r10\n"
	"	movq %r9, %r8\n"
	"	movq 8(%rsp), %r9\n"
	"	syscall\n"
	"	cmpq $-4095, %rax\n"
	"	jae 2f\n"
	"	ret\n"
	"2:	movq %rax, %rdi\n"
	"	jmp entry_syscall_error\n"
	"	.cfi_endproc\n"
	".size syscall, .-syscall\n");

#elif defined(__aarch64__)

__asm__(".text\n"
	".globl syscall\n"
	".type syscall, %function\n"
	".p2align 4\n"
	"syscall:\n"
	"	.cfi_startproc\n"
	"	hint 34\n" /* bti c */
	"	cmp x0, #" NUMBER(NUMBERS) "\n"
	"	b.hs 3f\n"
	"	adrp x16, entry_syscall_ours\n"
	"	add x16, x16, :lo12:entry_syscall_ours\n"
	"	ldrb w16, [x16, x0]\n"
	"	cbnz w16, entry_syscall\n"
	"3:"
	"	adrp x16, real_next_syscall\n"
	"	ldr x16, [x16, :lo12:real_next_syscall]\n"
	"	cbz x16, 1f\n"
	"	br x16\n"
	"1:	mov x8, x0\n"
	"	mov x0, x1\n"
	"	mov x1, x2\n"
	"	mov x2, x3\n"
	"	mov x3, x4\n"
	"	mov x4, x5\n"
	"	mov x5, x6\n"
	"	svc 0\n"
	"	cmn x0, #4095\n"
	"	b.cs entry_syscall_error\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size syscall, .-syscall\n");

#else
#error "write syscall() for this architecture: see the two above"
#endif
/* clang-format on */
