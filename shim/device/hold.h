/* SPDX-License-Identifier: MIT */
/*
 * The hold: an open file of ours on a device node that the program writes to. Everything about a
 * write - size, block size, page cache, command - goes through it, never through the program's
 * number. While it is open the kernel gives the device's number to no other disk, and neither moves
 * nor deletes the partition (README.md has the proofs).
 *
 * The engine takes a hold for each write, and makes it if there is none. It ends before the program
 * closes or replaces its last marked descriptor of the node: the doors call hold_before_change().
 * The number of the hold may be replaced too, so one system call proves it before each use, in the
 * caller's own table of descriptors.
 *
 * Thread-safe, safe in signal handlers and children of vfork(); no heap, no lock. Errors are
 * -errno.
 */
#ifndef HOLD_H
#define HOLD_H

#include "device/device.h"
#include "device/identity.h"
#include "device/look.h"

struct hold {
	/* See hold.c. While the hold is in use, fd, position, node and identity do not change. */
	_Atomic unsigned state;
	int fd;
	pid_t owner;   /* the process that made it or kept it in fork(); no child of vfork() or
			  _Fork() */
	bool is_wrong; /* set by hold_forget() */
	/* Identifies our open file. 0: it has none, mostly because the hold shares the program's
	 * open file, where the node could not be reopened. */
	_Atomic off_t position;
	struct look node; /* node.flags has the hold's access mode */
	struct identity identity;
	_Atomic uint64_t told;  /* device.told of the last answer equal to `device`; 0: none, or it
				   has changed */
	_Atomic bool is_told;   /* a thread has filled in `device`, or is about to */
	struct device device;   /* the first answer; a different one ends the hold */
	_Atomic int node_tried; /* result of trying /dev/ngXnY, see engine/finish.c */
};

/* hold_recall() returns a hold of this node, of any access mode, whose device has answered; or
 * NULL. hold_choose() then takes that hold and the whole look. It returns a sound hold of ours with
 * the look's access mode, or NULL, and puts `first` if it returns another. Each is in use until
 * hold_put(). */
struct hold *hold_recall(const struct look *node);
struct hold *hold_choose(struct hold *first, const struct look *look);
/* Stores the device's answer in the hold, for later writes. If it differs from the first one, no
 * new write uses the hold. */
void hold_tell(struct hold *hold, const struct device *device);

/* Finds or makes the hold for the node and access mode of the look; in use until hold_put(). fd
 * must be open for writing. -EAGAIN: fd is another file by now. Other -errno: no hold could be made
 * (EMFILE, ENFILE, ENOMEM ...). */
int hold_get(int fd, const struct look *look, struct hold **ret_hold);
void hold_put(struct hold *hold);

/* hold_share() adds a use to a hold in use. hold_hand_over(): another thread will end this use. */
void hold_share(struct hold *hold);
void hold_hand_over(struct hold *hold);

/* Call it for a hold in use that is open on another disk: no new write uses it. */
void hold_forget(struct hold *hold);

/* True: in the caller's table, the hold's number still names our open file. */
bool hold_is_sound(const struct hold *hold);

/* The doors call these around a system call that closes the numbers from first to last or gives
 * them to other files, if look_is_marked() is true of one of them. */
void hold_before_change(unsigned first, unsigned last);
void hold_after_change(void);

/* True: the number is a hold's or borrowed. */
bool hold_owns(unsigned number);
/* Returns the lowest such number that is not below `number`, or UINT_MAX. */
unsigned hold_next(unsigned number);
/* The program wants this number: waits until no write uses it, and takes the hold out of the table.
 * -EBUSY: a write still uses it after a second. */
int hold_move(unsigned number);

/* The calling thread's table of descriptors is about to vanish: while `once` is true, each hold
 * that it makes is for one write. */
void hold_for_once(bool once);

/* Duplicates fd to a high number, because programs count from 0; exec closes it. Returns the
 * descriptor or -errno. */
int hold_duplicate(int fd);
/* Returns a descriptor for one write, which shares fd's open file and position; or -errno. The
 * doors keep its number from the program until hold_return(). */
int hold_borrow(int fd);
void hold_return(int own);
/* Opens a file of our own on the node that the look saw at fd. Returns a descriptor or -errno.
 * *ret_position: see hold.position. */
int hold_open(int fd, const struct look *look, off_t *ret_position);
/* True: some process holds a lock on this file, or that cannot be found out. Closing a descriptor
 * of ours would drop this process's locks. */
bool hold_has_locks(int fd);

/* Call it in the child. A signal handler may fork in the middle of a write, which then goes on in
 * the child too: so the holds that this thread uses stay. */
void hold_after_fork(void);

#endif
