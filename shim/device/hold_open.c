/* SPDX-License-Identifier: MIT */
/* Our own open file on a node of the program's, and what closing it would do. */
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

/* Drawn anew for each: a count would be the same one in memory that was copied. */
static uint64_t draw(void)
{
	static _Atomic uint64_t calls;
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) == sizeof(number))
		return number;
	return (real_now() + atomic_fetch_add(&calls, 1) + ((uint64_t)getpid() << 32)) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

/* Nobody but us moves the position of a file that we opened: what is at this position is that file,
 * in whatever table of descriptors. It is odd, and no direct write or read leaves a file there. 0:
 * it cannot be had. */
static off_t set_position(int own)
{
	off_t size = lseek(own, 0, SEEK_END);

	if (size < 2)
		return 0;
	off_t position = (off_t)(draw() % (uint64_t)size) | 1;
	return lseek(own, position, SEEK_SET) == position ? position : 0;
}

/* To a high number, unless that takes a close that would drop the program's own locks. */
static int move_up(int fd)
{
	int own = hold_has_locks(fd) ? -EBUSY : hold_duplicate(fd);

	if (own < 0)
		return fd;
	real_close(fd);
	return own;
}

/* With the access of the program's file and never more. The folder is that of the calling thread.
 */
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

/* A process may hold on to what it may not open: by a descriptor that shares the program's file. */
int hold_open(int fd, const struct look *look, off_t *ret_position)
{
	*ret_position = 0;
	int own = reopen(fd, look->flags, ret_position);

	return own < 0 && own != -ENODEV && own != -ENXIO ? hold_duplicate(fd) : own;
}
