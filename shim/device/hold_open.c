/* SPDX-License-Identifier: MIT */
/* Opens our own file on a node of the program's, and finds out whether closing it would drop locks.
 * hold.c calls hold_open(). No lock; the only state is a counter. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/real.h"
#include "device/hold.h"

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36 /* include/uapi/asm-generic/fcntl.h */
#endif

bool hold_has_locks(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* Draws a random number. A counter alone would repeat its numbers in memory that was copied. */
static uint64_t draw(void)
{
	static _Atomic uint64_t calls;
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) == sizeof(number))
		return number;
	return (real_now() + atomic_fetch_add(&calls, 1) + ((uint64_t)getpid() << 32)) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

/* Sets the position that identifies our open file in any table of descriptors: nobody but us moves
 * it. It is odd, and no direct read or write leaves a file at an odd position. 0: the position
 * cannot be set. */
static off_t set_position(int own)
{
	off_t size = lseek(own, 0, SEEK_END);

	if (size < 2)
		return 0;
	off_t position = (off_t)(draw() % (uint64_t)size) | 1;
	return lseek(own, position, SEEK_SET) == position ? position : 0;
}

/* Moves the descriptor to a high number, unless closing the low one would drop the program's
 * locks. */
static int move_up(int fd)
{
	int own = hold_has_locks(fd) ? -EBUSY : hold_duplicate(fd);

	if (own < 0)
		return fd;
	real_close(fd);
	return own;
}

/* Reopens with the access mode of the program's file, and never more. /proc/thread-self has the
 * calling thread's table of descriptors. */
static int reopen(int fd, int flags, off_t *ret_position)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	int own = real_open(AT_FDCWD, path,
			    (flags & O_ACCMODE) | O_DIRECT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return own;
	*ret_position = set_position(own);
	return move_up(own);
}

/* If the node cannot be reopened, for example without permission, a duplicate of the program's
 * descriptor serves. */
int hold_open(int fd, const struct look *look, off_t *ret_position)
{
	*ret_position = 0;
	int own = reopen(fd, look->flags, ret_position);

	return own < 0 && own != -ENODEV && own != -ENXIO ? hold_duplicate(fd) : own;
}
