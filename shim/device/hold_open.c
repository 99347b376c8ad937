/* SPDX-License-Identifier: MIT */
/* Our own open file on a node of the program's, and what closing it would do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/real.h"
#include "device/hold.h"

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36 /* include/uapi/asm-generic/fcntl.h */
#endif

enum { MARK = 58 /* F_SETSIG's */ };

bool hold_has_locks(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* In another table of descriptors the number may be one of the program's on the same node: a file
 * that we opened ourselves has a mark, by F_SETSIG, a signal that is never sent. */
bool hold_is_marked(int fd)
{
	return fcntl(fd, F_GETSIG) == MARK;
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
static int reopen(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	int own = real_open(AT_FDCWD, path,
			    (flags & O_ACCMODE) | O_DIRECT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return own;
	fcntl(own, F_SETSIG, MARK);
	return move_up(own);
}

/* A process may hold on to what it may not open: by a descriptor that shares the program's file. */
int hold_open(int fd, const struct look *look)
{
	int own = reopen(fd, look->flags);

	return own < 0 && own != -ENODEV && own != -ENXIO ? hold_duplicate(fd) : own;
}
