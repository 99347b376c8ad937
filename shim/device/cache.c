/* SPDX-License-Identifier: MIT */
/*
 * A direct write from a buffer that may not be read runs the kernel's own preparation for the range
 * - its checks, writing back, invalidating, mapped pages included - and then fails with EFAULT
 * before any I/O. Nothing else that an unprivileged process has does all of that: posix_fadvise
 * leaves mapped, busy and partial pages, BLKFLSBUF is root's.
 */
#include "device/cache.h"

#include <errno.h>
#include <stdatomic.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rules/limits.h"
#include "base/real.h"
#include "untorn_uapi.h"

enum { LONGEST = INT32_MAX & ~4095 }; /* MAX_RW_COUNT of 4 KiB pages */

/* Mapped once, for the process's life. One page is enough, for the kernel takes memory from its
 * beginning on, and fails there; and one page fits into a limit on locked memory. */
void *cache_unreadable(void)
{
	enum { PAGE = 1 };
	static _Atomic(void *) mapped;
	void *known = atomic_load_explicit(&mapped, memory_order_relaxed);

	if (known)
		return known;
	void *fresh = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fresh == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&mapped, &known, fresh))
		return fresh;
	munmap(fresh, PAGE);
	return known;
}

/* EPERM of a device that is not read-only is a filter's answer, which no native write gives. */
static int error_of(int fd, int error)
{
	int read_only = 0;

	if (error != EPERM)
		return -error;
	return real_ioctl(fd, BLKROGET, &read_only) == 0 && read_only ? -EPERM : -EOPNOTSUPP;
}

/* A length that is no whole number of blocks is found out last of all (EINVAL), behind those checks
 * and what they make the kernel do. But what reaches past the end is shortened first, to whole
 * blocks, and comes as far as the memory (EFAULT). */
int cache_clear(int fd, uint64_t offset, uint32_t length)
{
	void *memory = cache_unreadable();

	if (!memory || length > LIMITS_MAX)
		return -ENOMEM;
	ssize_t result = pwrite(fd, memory, length - 1, (off_t)offset);
	if (result < 0)
		return errno == EINVAL ? 0 : error_of(fd, errno);
	return -EIO;
}

int cache_prepare(int fd, uint64_t offset, uint32_t length, int rwf)
{
	struct iovec iov = { cache_unreadable(), length };

	if (!iov.iov_base || length > LIMITS_MAX)
		return -ENOMEM;
	ssize_t result = real_pwritev2(fd, &iov, 1, (off_t)offset, rwf & RWF_NOWAIT);
	if (result == -EFAULT)
		return 0;
	return result < 0 ? error_of(fd, (int)-result)
			  : -EIO; /* it cannot have written: there is no data */
}

/* As cache_clear(); a question that waits would write back and drop what other people have there.
 */
bool cache_is_clear(int fd, uint64_t offset, uint64_t length)
{
	struct iovec iov = { cache_unreadable(), length - 1 };

	return iov.iov_base && length <= LONGEST &&
	       real_pwritev2(fd, &iov, 1, (off_t)offset, RWF_NOWAIT) == -EINVAL;
}

/* A kernel without the call (before 6.5), and a filter that refuses it, are asked once. */
static bool has_no_page(int fd, uint64_t offset, uint64_t length)
{
	static _Atomic bool absent;

	if (atomic_load_explicit(&absent, memory_order_relaxed))
		return false;
	int64_t pages = real_cachestat(fd, offset, length);
	if (pages == -ENOSYS || pages == -EPERM)
		atomic_store_explicit(&absent, true, memory_order_relaxed);
	return pages == 0;
}

bool cache_has_no_page(int fd, uint64_t offset, uint64_t length)
{
	return has_no_page(fd, offset, length) || cache_is_clear(fd, offset, length);
}

void cache_finish(int fd, uint64_t offset, uint32_t length)
{
	if (!has_no_page(fd, offset, length) && cache_clear(fd, offset, length) == -EFAULT)
		cache_prepare(fd, offset, length, 0);
}
