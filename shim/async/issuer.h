/* SPDX-License-Identifier: MIT */
/*
 * Which thread may submit to a ring (IORING_SETUP_SINGLE_ISSUER): the kernel refuses all others,
 * but only when they enter, and then their atomic writes must not have been done. Thread-safe, no
 * lock.
 */
#ifndef ISSUER_H
#define ISSUER_H

#include <stdbool.h>

/* In the thread that set the ring up. */
void issuer_note(int ring, unsigned flags);

/* May the calling thread submit, and will the kernel take what it submits? flags: IORING_SETUP_*,
 * as the kernel has them. False also of a ring that was set up disabled, for restrictions that we
 * do not know may be upon it. */
bool issuer_may_submit(int ring, unsigned flags);

void issuer_after_fork(void);

#endif
