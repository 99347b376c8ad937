/* SPDX-License-Identifier: MIT */
/*
 * The writable block devices that a program has registered with its rings. A registered file needs
 * no descriptor of the program's, so each one here has a descriptor of our own for atomic writes.
 *
 * If a slot changes in a way that we do not follow, we forget all slots of its ring: their writes
 * then go to the kernel, which refuses them. Thread-safe; files_get() and files_put() take no lock.
 */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>

#include "base/uring_uapi.h"

struct look;
struct ring; /* ring_table.h; NULL: an unknown ring, whose files are unknown, too */

/* The slots from `first` on now hold these; -1: nothing, -2: what they held before. */
void files_set(const struct ring *ring, unsigned first, const int *fds, unsigned count);

/* ring: its id. */
void files_forget(uint32_t ring);
void files_forget_all(void);

/* Before and after io_uring_register() with this opcode; result: what it returned. */
void files_before_register(const struct ring *ring, unsigned opcode);
void files_after_register(const struct ring *ring, unsigned opcode, const void *argument,
			  unsigned count, long result);

/* Our descriptor of the file in a ring's slot, or -1. It stays open until files_put(): only that
 * closes it. */
struct file;
int files_get(const struct ring *ring, unsigned slot, struct file **ret_file);
void files_put(struct file *file);
/* True: the file is on the node that was looked at. Our number may name another file by now. */
bool files_is_on(const struct file *file, const struct look *look);

/* Tells whose slots this entry changes. It is inline because it is asked of every entry: so it
 * takes a nanosecond. An opcode newer than the kernels that we know may change any ring's slots. */
enum files_change { FILES_STAY, FILES_OF_RING, FILES_OF_ANY };

static inline enum files_change files_changed_by(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_FILES_UPDATE:
		return FILES_OF_RING;
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
	case IORING_OP_CLOSE:
	case IORING_OP_ACCEPT:
	case IORING_OP_SOCKET:
	case IORING_OP_PIPE:
		return sqe->file_index ? FILES_OF_RING : FILES_STAY;
	case IORING_OP_MSG_RING:
		return sqe->addr != IORING_MSG_DATA ? FILES_OF_ANY : FILES_STAY;
	default:
		return sqe->opcode > IORING_OP_LAST_KNOWN ? FILES_OF_ANY : FILES_STAY;
	}
}

/* Call it before such an entry is submitted: it forgets those slots. */
void files_before_change(const struct ring *ring, enum files_change change);

void files_after_fork(void);

#endif
