/* SPDX-License-Identifier: MIT */
/*
 * The functions of deep mode that the other files of deep mode call. In deep mode each system call
 * by an instruction of the program's own arrives as SIGSYS (untorn-deep(7)); base/deep.h arms a
 * thread. entry_deep_trap() runs a whole door. All others are async-signal-safe and take no lock.
 */
#ifndef ENTRY_DEEP_H
#define ENTRY_DEEP_H

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

#include "base/deep.h"

struct deep_action;

/* 0 under ThreadSanitizer: we do not replace sigaction() and its relatives there, because its
 * runtime calls them before instrumented code can run, and must intercept them itself. */
#ifdef __SANITIZE_THREAD__
#define ENTRY_DEEP_DOORS 0
#else
#define ENTRY_DEEP_DOORS 1
#endif

/* The handler of SIGSYS. */
void entry_deep_trap(int signal, siginfo_t *info, void *context);

/* rt_sigaction() and rt_sigprocmask(), in deep mode or not: 0 or -errno. */
long entry_deep_sigaction(int signal, const struct deep_action *action, struct deep_action *before,
			  size_t size);
long entry_deep_sigprocmask(int how, const void *set, void *before, size_t size);

/* After a frame was moved: enables an alternate stack again that delivery disabled (SS_AUTODISARM).
 */
void entry_deep_rearm(const ucontext_t *context);

/* If the frame of this handler lies on an alternate stack that was not in use: goes on in the
 * handler with the frame on the interrupted stack, and does not return. */
void entry_deep_move_frame(deep_handler *handler, int signal, siginfo_t *info, ucontext_t *context);

void entry_deep_thread_after_fork(void);

#endif
