/* SPDX-License-Identifier: MIT */
/*
 * A look at a descriptor number of the program's: which node it names, with which flags. The engine
 * looks before each write.
 *
 * Another thread may give the number to another file between two system calls, so two answers are
 * believed only if they are about one open file. A look marks its number. The doors report each
 * change of a marked number, and the changes are counted. A change that no door sees can mix the
 * flags of one file with the node of another; never two nodes.
 *
 * All functions are thread-safe, allocate nothing, take no lock, and return 0 or -errno.
 */
#ifndef LOOK_H
#define LOOK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct look {
	dev_t filesystem; /* of the node; filesystem and inode together identify it */
	ino_t inode;
	dev_t number; /* of the block device */
	int flags;    /* O_*, from F_GETFL; 0 after look_at_node() */
};

/* Makes one system call. -ENOTBLK: not a block device. */
int look_at_node(int fd, struct look *ret_look);

/* These two make one look: node, flags and, if ret_position is not NULL, file position of one open
 * file. look_begin() marks the number and reads the node, in one call.
 * look_end() reads the rest; -EAGAIN: the number may name another file by now, and look_at() tells
 * which. The caller may do other work between the two. */
struct look_begun {
	unsigned changes;
};
int look_begin(int fd, struct look *ret_look, struct look_begun *ret_begun);
int look_end(int fd, const struct look_begun *begun, struct look *look, off_t *ret_position);

/* Does both, as often as it takes. -EAGAIN: other threads never stop changing the number. */
int look_at(int fd, struct look *ret_look, off_t *ret_position);

bool look_is_same_node(const struct look *a, const struct look *b);

/* One bit for each number that a look, or a descriptor of ours, has marked. Larger numbers count as
 * marked. */
enum { LOOK_NUMBERS = 1 << 20, LOOK_WORD = 64 };
#define LOOK_NONE (~0U)
extern _Atomic uint64_t look_marks[LOOK_NUMBERS / LOOK_WORD];

void look_mark(unsigned number);

/* Each close() calls this, so it is inline and costs one load. */
static inline bool look_is_marked(unsigned number)
{
	return number >= LOOK_NUMBERS ||
	       (atomic_load_explicit(&look_marks[number / LOOK_WORD], memory_order_acquire) >>
			(number % LOOK_WORD) &
		1);
}

/* Returns the lowest marked number that is not below `number`, or LOOK_NONE. */
unsigned look_next(unsigned number);

/* Between these two calls each change waits a moment, for a look that met too many of them. */
void look_hold_off(void);
void look_let_go(void);

/* Call these around a system call that changes what marked numbers name. */
void look_before_change(void);
void look_after_change(void);

void look_after_fork(void); /* call it in the child */

#endif
