/* SPDX-License-Identifier: MIT */
/*
 * A program may give a thread another thread pointer, by arch_prctl(ARCH_SET_FS) or the instruction
 * WRFSBASE, as runtimes with tasks of their own do. The thread's own data (errno, our selector) are
 * then out of reach. So handlers that the kernel calls put the C library's pointer in place while
 * they need it. door/deep.c and base/deep_signal.c call this.
 *
 * It needs x86-64 with FSGSBASE (Linux 5.9, processors since 2012). Elsewhere a thread that changes
 * its pointer by arch_prctl() is no longer caught. Async-signal-safe, no lock.
 */
#ifndef DEEP_POINTER_H
#define DEEP_POINTER_H

#include <stdbool.h>
#include <stdint.h>

struct deep_pointer {
	uintptr_t theirs;
	bool is_theirs;
};

/* deep_pointer_start() is called once, then deep_pointer_learn() in each thread that is armed. */
void deep_pointer_start(void);
void deep_pointer_learn(void);

/* Puts the C library's pointer in place; puts the program's back. */
void deep_pointer_enter(struct deep_pointer *ret_pointer);
void deep_pointer_leave(const struct deep_pointer *pointer);

/* deep_pointer_leave() will put this value in place. Call it only if deep_pointer_can(). */
bool deep_pointer_can(void);
void deep_pointer_set(struct deep_pointer *pointer, uintptr_t value);

#endif
