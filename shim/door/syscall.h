/* SPDX-License-Identifier: MIT */
/* Every system call by its number: syscall(), and in deep mode instructions of the program's own.
 */
#ifndef ENTRY_SYSCALL_H
#define ENTRY_SYSCALL_H

#include <stdbool.h>

/* Is it one that entry_syscall() does not just hand on? */
bool entry_syscall_is_ours(long number);

/* The C view of syscall(number, a .. f): -1 and errno. Numbers that are not ours go to the next
 * one. */
__attribute__((visibility("hidden"), used)) long entry_syscall(long number, long a, long b, long c,
							       long d, long e, long f);

#endif
