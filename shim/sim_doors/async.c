/* SPDX-License-Identifier: MIT */
/* System calls, substitutes' descriptors and checks, for aio.c and the ring files. */
#include "sim_doors/async.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "sim/next.h"

enum { FIRST_NUMBER = 512, MAX_SEGMENTS = 1024 };

long sim_async_call(long number, long a, long b, long c, long d, long e, long f)
{
	int before = errno;
	long result = sim_next()->syscall(number, a, b, c, d, e, f);

	if (result < 0)
		result = -errno;
	errno = before;
	return result;
}

bool sim_async_kernel_is(unsigned major, unsigned minor)
{
	static _Atomic unsigned known; /* 0: not asked yet */
	unsigned first = 0, second = 0;
	struct utsname name;

	if (!known && uname(&name) == 0 && sscanf(name.release, "%u.%u", &first, &second) == 2)
		known = first * 1000 + second;
	return known >= major * 1000 + minor;
}

/* Programs close descriptors that are not theirs. So each one here is compared with what it was
 * when it was opened, and opened again if its number means something else. */
static struct {
	_Atomic int fd; /* 0: not opened yet */
	_Atomic dev_t device;
	_Atomic ino_t inode;
} sources[SIM_ASYNC_SOURCES];

static bool is_still_there(enum sim_async_source source)
{
	struct stat st;
	int fd = sources[source].fd;

	return fd > 0 && sim_fstat(fd, &st) == 0 && st.st_ino == sources[source].inode &&
	       st.st_dev == sources[source].device;
}

/* O_NONBLOCK: without it, Linux 5.10 hands each write of a ring to a thread of its own. */
static int open_source(enum sim_async_source source)
{
	static const char *const paths[] = { "/dev/null", "/dev/full", "/proc/self/mem" };
	int flags = source == SIM_ASYNC_MEMORY ? O_RDONLY : O_WRONLY;
	int low = sim_next()->open(paths[source], flags | O_NONBLOCK | O_CLOEXEC);
	if (low < 0)
		return -errno;
	int high = sim_next()->fcntl(low, F_DUPFD_CLOEXEC, FIRST_NUMBER);
	if (high >= 0)
		close(low);
	return high >= 0 ? high : low;
}

int sim_async_source(enum sim_async_source source)
{
	struct stat st;

	if (is_still_there(source))
		return sources[source].fd;
	int fd = open_source(source);
	if (fd < 0 || sim_fstat(fd, &st) < 0)
		return fd < 0 ? fd : -EBADF;
	sources[source].device = st.st_dev;
	sources[source].inode = st.st_ino;
	sources[source].fd = fd;
	return fd;
}

bool sim_async_may(const struct sim_file *file, bool writes)
{
	int unwanted = writes ? O_RDONLY : O_WRONLY;

	return !(file->flags & O_PATH) && (file->flags & O_ACCMODE) != unwanted;
}

ssize_t sim_async_total(const struct sim_io *io)
{
	size_t total = 0;
	struct iovec one;

	if (io->count < 0 || io->count > MAX_SEGMENTS)
		return -EINVAL;
	for (int i = 0; i < io->count; i++) {
		if (sim_memory_read(&one, io->iov + i, sizeof(one)) < 0)
			return -EFAULT;
		if (one.iov_len > (size_t)INT64_MAX - total)
			return -EINVAL;
		total += one.iov_len;
	}
	return (ssize_t)total;
}
