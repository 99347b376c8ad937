/* SPDX-License-Identifier: MIT */
/*
 * Which block devices a program has registered with its rings, as files without descriptors: of
 * each a descriptor of our own, by which an atomic write to it can be done.
 *
 * A slot that changes in a way that we do not follow is forgotten, with all of its ring: its writes
 * then go to the kernel, which refuses them. Thread-safe.
 */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>

#include "base/uring_uapi.h"

/* The slots from `first` on now hold these; -1: nothing, -2: what they held. */
void files_set(int ring, unsigned first, const int *fds, unsigned count);

/* Rings are known by their descriptor's number. */
void files_forget(int ring);
void files_forget_all(void);

/* Around io_uring_register() of this opcode, with its arguments and what it returned. */
void files_before_register(int ring, unsigned opcode);
void files_after_register(int ring, unsigned opcode, const void *argument, unsigned count,
			  long result);

/* Of the ring's slot, not for the closing; or -1. */
int files_find(int ring, unsigned slot);

/* Does this entry change slots? To be asked of all, and so here: in place it takes a nanosecond.
 * What comes after the kernel that we know may do anything. */
static inline bool files_are_changed_by(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_FILES_UPDATE:
		return true;
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
	case IORING_OP_CLOSE:
	case IORING_OP_ACCEPT:
	case IORING_OP_SOCKET:
		return sqe->file_index != 0;
	case IORING_OP_MSG_RING:
		return sqe->addr != IORING_MSG_DATA;
	default:
		return sqe->opcode > IORING_OP_SENDMSG_ZC;
	}
}

/* Is there any? */
bool files_are_there(void);

void files_after_fork(void);

#endif
