/* SPDX-License-Identifier: MIT */
/*
 * The hold: an open file of ours on a device node that the program writes to. Everything about a
 * write - size, block size, page cache, command - goes through it, never through the program's
 * number. While it is open the kernel gives the device's number to no other disk, and neither moves
 * nor deletes the partition (README.md has the proofs).
 *
 * A hold ends with the last of the program's descriptors of the node that atomic writes went
 * through: the doors call hold_before_change() first. Its number is a number too: it is proven by
 * one system call before each use, in the caller's own table of descriptors.
 *
 * Thread-safe, safe in signal handlers and children of vfork(); no heap, no lock. -errno.
 */
#ifndef HOLD_H
#define HOLD_H

#include "device/device.h"
#include "device/identity.h"
#include "device/look.h"

struct hold {
	_Atomic unsigned state; /* hold.c; the rest does not change while it is in use */
	int fd;
	pid_t owner;   /* the process that made it, no child that shares or copied our memory */
	bool is_wrong; /* hold_forget() */
	_Atomic off_t position; /* of our file, which tells it from all others; 0: it shares the
				   program's file, where the node could not be opened anew */
	struct look node;       /* flags: its access mode */
	struct identity identity;
	_Atomic uint64_t told;  /* device.told of the last answer that was the same; 0: none yet */
	_Atomic bool is_told;   /* somebody has filled it in, or is about to */
	struct device device;   /* the first answer: with another one this hold is forgotten */
	_Atomic int node_tried; /* engine/async.c */
};

/* A hold of this node in use, of whatever access, if there is one of which an answer is known; else
 * NULL. Then the one for what was looked at, with the flags, which is sound; or NULL. */
struct hold *hold_recall(const struct look *node);
struct hold *hold_choose(struct hold *first, const struct look *look);
/* The device's answer goes with the hold, for those who come after. */
void hold_tell(struct hold *hold, const struct device *device);

/* The hold for what fd was when it was looked at, in use until hold_put(). fd must be open for
 * writing. -EAGAIN: fd is another file by now. Or why there is none: EMFILE, ENFILE, ENOMEM ... */
int hold_get(int fd, const struct look *look, struct hold **ret_hold);
void hold_put(struct hold *hold);

/* One more use of one that is in use; a use that another thread will end. */
void hold_share(struct hold *hold);
void hold_hand_over(struct hold *hold);

/* For a hold in use that was found to be open on another disk: nobody else shall use it. */
void hold_forget(struct hold *hold);

/* Is its number, in the caller's table, still what it was? */
bool hold_is_sound(const struct hold *hold);

/* Around a system call that closes the numbers from first to last or gives them to other files;
 * only where look_is_marked() is true of one. */
void hold_before_change(unsigned first, unsigned last);
void hold_after_change(void);

/* Is this number one of ours? */
bool hold_owns(unsigned number);
/* The next of ours from here on, or UINT_MAX. */
unsigned hold_next(unsigned number);
/* Takes ours from a number that the program wants. -EBUSY: a write is using it. */
int hold_move(unsigned number);

/* The calling thread's table of descriptors is about to vanish: what it holds from now on is for
 * one write. */
void hold_for_once(bool once);

/* A descriptor that is high, for programs count from 0, and closed by exec; or -errno. */
int hold_duplicate(int fd);
/* For one write: a descriptor that shares fd's file, and its position; or -errno. The doors keep it
 * from the program. */
int hold_borrow(int fd);
void hold_return(int own);
/* An open file of our own on what fd was seen to be, or -errno. *ret_position: as hold.position. */
int hold_open(int fd, const struct look *look, off_t *ret_position);
/* Does any process hold a lock on this file, or can that not be told? Closing a descriptor of ours
 * would drop this one's. */
bool hold_has_locks(int fd);

/* In the child. A handler may fork in the middle of a write, which then goes on there too: what
 * this thread uses stays. */
void hold_after_fork(void);

#endif
