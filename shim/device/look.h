/* SPDX-License-Identifier: MIT */
/*
 * A look at a descriptor number of the program's: which node, with which flags.
 *
 * Another thread may give the number to another file between two system calls, so two answers are
 * believed only if they are about one open file. The doors tell of each change of a number that has
 * been looked at: it is marked, and the changes are counted. A change that no door sees can mix the
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
	dev_t filesystem; /* where the node lies: with the inode it tells nodes apart */
	ino_t inode;
	dev_t number; /* of the block device */
	int flags;    /* O_*, as F_GETFL gives them now; look_at_node() leaves them out */
};

/* One system call. -ENOTBLK: no block device. */
int look_at_node(int fd, struct look *ret_look);

/* Node, flags and, if ret_position is not NULL, file position of one open file; marks the number.
 * In two halves, the first of which tells the node alone, in one call; what is done between them
 * only takes time. -EAGAIN of the second: the file is another one by now, and look_at() tells
 * which. */
struct look_begun {
	unsigned changes;
};
int look_begin(int fd, struct look *ret_look, struct look_begun *ret_begun);
int look_end(int fd, const struct look_begun *begun, struct look *look, off_t *ret_position);

/* Both, as often as it takes. -EAGAIN: other threads never stop changing the number. */
int look_at(int fd, struct look *ret_look, off_t *ret_position);

bool look_is_same_node(const struct look *a, const struct look *b);

/* Numbers that a look, or a descriptor of ours, has marked. Larger ones count as marked. */
enum { LOOK_NUMBERS = 1 << 20, LOOK_WORD = 64 };
#define LOOK_NONE (~0U)
extern _Atomic uint64_t look_marks[LOOK_NUMBERS / LOOK_WORD];

void look_mark(unsigned number);

/* For each close: in place, it costs a load. */
static inline bool look_is_marked(unsigned number)
{
	return number >= LOOK_NUMBERS ||
	       (atomic_load_explicit(&look_marks[number / LOOK_WORD], memory_order_acquire) >>
			(number % LOOK_WORD) &
		1);
}

/* The next marked number from here on, or LOOK_NONE. */
unsigned look_next(unsigned number);

/* Changes wait a moment, for a look that met too many of them. */
void look_hold_off(void);
void look_let_go(void);

/* Around a system call that changes what marked numbers name. */
void look_before_change(void);
void look_after_change(void);

void look_after_fork(void); /* in the child */

#endif
