/* SPDX-License-Identifier: MIT */
/* The door for system calls by number. syscall() comes here, and in deep mode the program's own
 * instructions (deep.c). */
#ifndef ENTRY_SYSCALL_H
#define ENTRY_SYSCALL_H

#include <stdbool.h>

/* False: entry_syscall() would only hand this number on. */
bool entry_syscall_is_ours(long number);

/* syscall(number, a .. f) in C: -1 and errno. Hands other numbers to the next syscall(). */
__attribute__((visibility("hidden"), used)) long entry_syscall(long number, long a, long b, long c,
							       long d, long e, long f);

#endif
