/* SPDX-License-Identifier: MIT */
/* What all doors share: how a function is exported, and how a result leaves us. */
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

/* The write and the statx of every door, as libc functions: -1 and errno. Like the calls that they
 * stand for, the write is a cancellation point; both are safe against cancellation inside. */
ssize_t entry_write(int fd, const struct iovec *iov, int count, off_t offset, int flags);
/* The same through another door than pwritev2(). */
ssize_t entry_write_by(enum door door, int fd, const struct iovec *iov, int count, off_t offset,
		       int flags);
int entry_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);

/* A statx() that the kernel found no file for: -1 and errno, or as it is to be. */
int entry_statx_missing(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);

#ifndef SYS_close_range
#define SYS_close_range 436 /* include/uapi/asm-generic/unistd.h of Linux 5.9; glibc 2.32 */
#endif
/* Of glibc 2.34; older headers and musl's have none. */
int close_range(unsigned first, unsigned last, int flags);

#endif
