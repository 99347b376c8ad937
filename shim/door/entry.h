/* SPDX-License-Identifier: MIT */
/* For all doors: how a function is exported, how -errno becomes errno, and the way into the engine.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/counters.h"
#include "untorn_uapi.h"

#define EXPORT __attribute__((visibility("default")))

/* The one place where -errno becomes errno. */
static inline long ret_errno(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* The write and the statx of the doors, as libc functions: -1 and errno. Like pwritev2(), the write
 * is a cancellation point. Inside, cancellation is off in both. */
ssize_t entry_write(int fd, const struct iovec *iov, int count, off_t offset, int flags);
/* The same through the given door; entry_write() is for pwritev2(). */
ssize_t entry_write_by(enum door door, int fd, const struct iovec *iov, int count, off_t offset,
		       int flags);
int entry_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);

/* Called after the kernel's statx() failed with ENOENT. Fills stx if it is a file that we give
 * (attribute.c); else -1, and errno stays. */
int entry_statx_missing(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);

#ifndef SYS_close_range
#define SYS_close_range 436 /* include/uapi/asm-generic/unistd.h of Linux 5.9; glibc 2.32 */
#endif
/* glibc declares it from 2.34 on; older headers and musl's do not. */
int close_range(unsigned first, unsigned last, int flags);

#endif
