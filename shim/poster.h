/* SPDX-License-Identifier: MIT */
/*
 * Posts completions into other io_urings, by IORING_OP_MSG_RING (5.18). A poster is a small ring of
 * one thread's own: registered with it, so that it needs no descriptor and no lock.
 */
#ifndef POSTER_H
#define POSTER_H

#include <stdbool.h>
#include <stdint.h>

struct poster;

/* Can this kernel, and may this process? Found out once. Thread-safe. */
bool poster_is_possible(void);

/* Does a NOP of this kernel take its result from the entry (6.10)? The same. */
bool poster_nop_can_inject(void);
#define POSTER_NOP_INJECT_RESULT (1U << 0) /* IORING_NOP_INJECT_RESULT */

/* For the calling thread, or NULL. It is never given back. */
struct poster *poster_make(void);

/* By the thread that made it. 0, or -errno: -EBADF or -EBADFD, there is no such ring. */
int poster_post(struct poster *poster, int ring, uint64_t user_data, int32_t result);

#endif
