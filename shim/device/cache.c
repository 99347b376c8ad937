/* SPDX-License-Identifier: MIT */
/*
 * Runs the kernel's own page cache handling around a command. The engine calls these functions on a
 * hold. They take no lock; the mapping lasts as long as the process.
 *
 * A direct write from a buffer that cannot be read makes the kernel do its whole preparation for
 * the range - checks, writeback, invalidation, mapped pages included - and then fails with EFAULT
 * before any I/O. An unprivileged process has no other call that does all of that: posix_fadvise()
 * leaves mapped, busy and partial pages, and BLKFLSBUF needs CAP_SYS_ADMIN.
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

enum { LONGEST = INT32_MAX & ~4095 }; /* the kernel's MAX_RW_COUNT with 4 KiB pages */

/* The mapping is made once and lasts as long as the process. One page is enough: the kernel takes
 * the memory from its start on, and fails there. One page also fits into a limit on locked
 * memory. */
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

/* If the device is not read-only, EPERM comes from a filter. No native write returns it. */
static int error_of(int fd, int error)
{
	int read_only = 0;

	if (error != EPERM)
		return -error;
	return real_ioctl(fd, BLKROGET, &read_only) == 0 && read_only ? -EPERM : -EOPNOTSUPP;
}

/* The length given to pwrite() is not a whole number of blocks. The kernel notices that last
 * (EINVAL), after its checks, writeback and invalidation: so EINVAL means success. A range that
 * reaches past the end is first shortened to whole blocks, and gets as far as the memory
 * (EFAULT). */
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
			  : -EIO; /* it cannot have written: the memory cannot be read */
}

/* Works like cache_clear(), but with RWF_NOWAIT: a call that waits would write back and drop pages
 * that others have in the range. */
bool cache_is_clear(int fd, uint64_t offset, uint64_t length)
{
	struct iovec iov = { cache_unreadable(), length - 1 };

	return iov.iov_base && length <= LONGEST &&
	       real_pwritev2(fd, &iov, 1, (off_t)offset, RWF_NOWAIT) == -EINVAL;
}

/* Linux before 6.5 lacks cachestat(), and a filter may refuse it. Both are asked only once. */
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
