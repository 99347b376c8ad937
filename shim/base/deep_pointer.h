/* SPDX-License-Identifier: MIT */
/*
 * A program may give a thread another thread pointer, by arch_prctl(ARCH_SET_FS) or the instruction
 * WRFSBASE, as runtimes with tasks of their own do. A thread's own data - errno, our selector - are
 * then out of reach, until the handlers that the kernel calls have put the C library's pointer in
 * its place for as long as they need it.
 *
 * x86-64 with FSGSBASE (Linux 5.9, processors since 2012); elsewhere a thread that changes its
 * pointer by arch_prctl() is not caught any more. Async-signal-safe.
 */
#ifndef DEEP_POINTER_H
#define DEEP_POINTER_H

#include <stdbool.h>
#include <stdint.h>

struct deep_pointer {
	uintptr_t theirs;
	bool is_theirs;
};

/* Once; then in each thread that is armed. */
void deep_pointer_start(void);
void deep_pointer_learn(void);

/* Puts ours in place; and theirs back. */
void deep_pointer_enter(struct deep_pointer *ret_pointer);
void deep_pointer_leave(const struct deep_pointer *pointer);

/* Leaving will put this value in place, where that can be had. */
bool deep_pointer_can(void);
void deep_pointer_set(struct deep_pointer *pointer, uintptr_t value);

#endif
