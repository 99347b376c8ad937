/* SPDX-License-Identifier: MIT */
/* The doors for the C library's pwritev2() and statx(), and untorn_version(). A call without
 * RWF_ATOMIC or STATX_WRITE_ATOMIC goes to the next function unchanged. A statx() that finds no
 * file is tried once more (attribute.c). */
#include "door/entry.h"
#include "base/real.h"
#include "untorn.h"
#include "untorn_uapi.h"

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	if (flags & RWF_ATOMIC)
		return entry_write(fd, iov, count, offset, flags);
	if (!REAL(pwritev2))
		return ret_errno(-ENOSYS);
	return REAL(pwritev2)(fd, iov, count, offset, flags);
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
{
	if (flags & RWF_ATOMIC)
		return entry_write(fd, iov, count, offset, flags);
	if (!REAL(pwritev64v2))
		return ret_errno(-ENOSYS);
	return REAL(pwritev64v2)(fd, iov, count, offset, flags);
}

EXPORT int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	if (!REAL(statx))
		return (int)ret_errno(-ENOSYS);
	int result = mask & STATX_WRITE_ATOMIC ? entry_statx(dirfd, path, flags, mask, stx)
					       : REAL(statx)(dirfd, path, flags, mask, stx);
	return result < 0 && errno == ENOENT ? entry_statx_missing(dirfd, path, flags, mask, stx)
					     : result;
}

EXPORT const char *untorn_version(void)
{
	return VERSION;
}
