/* SPDX-License-Identifier: MIT */
/* engine_judge() decides whether a write is good; engine.c calls it, with the hold in use. Two
 * checks show that most are. The others go through explain(), which finds the errno of a native
 * kernel. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/memory.h"
#include "base/real.h"
#include "device/cache.h"
#include "engine/engine.h"

/* Before a native kernel comes to the -EINVAL, it looks at:
 *	REQUEST_EARLY          nothing
 *	REQUEST_UNALIGNED      the page cache (EAGAIN)
 *	REQUEST_BEYOND_LIMITS  the page cache, and then the memory (EFAULT) */
static int late_error(int fd, const struct request *request, enum request_lateness lateness)
{
	uint64_t first = request->offset / request->block * request->block;
	uint64_t end = request->offset + request->length + request->block - 1;
	uint64_t length = end / request->block * request->block - first;

	int error = cache_prepare(fd, first, length < LIMITS_MAX ? (uint32_t)length : LIMITS_MAX,
				  request->rwf);
	if (error)
		return error;
	return lateness == REQUEST_UNALIGNED || memory_is_there((const void *)request->address)
		       ? -EINVAL
		       : -EFAULT;
}

/* Asks whether the device is read-only or swap space. Only a write that will fail needs that: for a
 * good one cache_clear() finds out. RWF_NOWAIT drops nothing from the page cache. */
static void look_at_state(int fd, struct request *request)
{
	int error = cache_prepare(fd, 0, request->block, RWF_NOWAIT);

	request->read_only = error == -EPERM;
	request->swap = error == -ETXTBSY;
}

/* Without O_DIRECT the look into the page cache would be a buffered write, and show nothing. */
static bool is_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_DIRECT);
}

static int explain(int fd, struct request *request, const struct limits *limits)
{
	int error = real_ioctl(fd, BLKGETSIZE64, &request->size);
	if (error)
		return error;
	if (request_needs_state(request, limits))
		look_at_state(fd, request);
	error = request_check(request, limits);
	if (error == REQUEST_GOOD &&
	    !is_direct(fd)) /* the hold shares the program's file: the program cleared it */
		return -EOPNOTSUPP;
	if (error == REQUEST_GOOD) {
		error = cache_prepare(fd, request->offset, (uint32_t)request->length, request->rwf);
		return error ? error : REQUEST_GOOD;
	}
	enum request_lateness lateness = request_lateness(request, limits);
	return lateness == REQUEST_EARLY ? error : late_error(fd, request, lateness);
}

static int judge(const struct hold *hold, struct request *request, const struct limits *limits,
		 bool later)
{
	if (!(request->rwf & RWF_NOWAIT) && request_check(request, limits) == REQUEST_GOOD) {
		if (later)
			return REQUEST_GOOD;
		int error = cache_clear(hold->fd, request->offset, (uint32_t)request->length);
		if (error != -EFAULT)
			return error ? error : REQUEST_GOOD;
	}
	return explain(hold->fd, request, limits);
}

int engine_judge(const struct hold *hold, struct request *request, const struct limits *limits,
		 bool later)
{
	if (!hold) /* the file is not open for writing */
		return -EBADF;
	return (int)engine_blame(judge(hold, request, limits, later));
}
