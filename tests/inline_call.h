/* SPDX-License-Identifier: MIT */
/* Makes a system call by the program's own instruction; returns >= 0 or -errno. */
#ifndef INLINE_CALL_H
#define INLINE_CALL_H

#include <errno.h>
#include <sys/syscall.h>

#ifdef __x86_64__
__attribute__((always_inline)) static inline long inline_call(long number, long a, long b, long c,
							      long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#else /* no deep mode here: its rows are left out */
static inline long inline_call(long number, long a, long b, long c, long d, long e, long f)
{
	(void)number, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return -ENOSYS;
}
#ifndef SYS_fork
#define SYS_fork       -1
#define SYS_vfork      -1
#define SYS_arch_prctl -1
#endif
#endif

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define HAS_DEEP 1
#else /* ThreadSanitizer's calls are inline too, and its runtime cannot take signals in them */
#define HAS_DEEP 0
#endif

#endif
