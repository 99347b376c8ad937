/* SPDX-License-Identifier: MIT */
/*
 * One atomic write, from the call to the command: engine_write() -> device_get() -> engine_decide()
 * -> the gate -> request_check() -> cache_prepare() -> transport->write() -> cache_finish().
 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/account.h"
#include "device/cache.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/real.h"
#include "rules/request.h"
#include "untorn_uapi.h"

/* A flag that no kernel knows: a write that carries it is checked up to its flags and refused. */
enum { RWF_GATE = 0x40000000 };

enum lane engine_decide(const struct device *device, enum mode mode)
{
	const struct limits *ours = &device->limits, *native = &device->native;

	if (mode == MODE_OFF)
		return LANE_KERNEL;
	if (mode == MODE_COMMAND)
		return LANE_COMMAND;
	if (native->unit_max && native->unit_max >= ours->unit_max &&
	    (!ours->unit_max || native->unit_min <= ours->unit_min))
		return LANE_KERNEL;
	return device->transport ? LANE_COMMAND : LANE_KERNEL;
}

static ssize_t to_kernel(const struct write_call *call)
{
	return real_pwritev2(call->fd, call->iov, call->count, call->offset, call->flags);
}

/* The kernel's own checks of what comes before the flags: offset, fd, iovec array, permissions.
 * -EOPNOTSUPP: all of them passed. After that the iovec array is known to be readable. */
static ssize_t pass_gate(const struct write_call *call)
{
	ssize_t result = real_pwritev2(call->fd, call->iov, call->count, call->offset,
				       call->flags | RWF_GATE);

	/* Older kernels look at the iovec array before they look whether the fd may write. */
	if ((result == -EINVAL || result == -EFAULT) && call->offset >= -1 &&
	    (fcntl(call->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	return result;
}

static uint64_t total_length(const struct write_call *call)
{
	uint64_t length = 0;

	for (int i = 0; i < call->count; i++)
		length += call->iov[i].iov_len;
	return length;
}

/* Flags that came after the kernel that we emulate are as good as the running kernel says: it is
 * asked with a write to /dev/null. RWF_DONTCACHE fails there, as it does on block devices. */
int engine_known_flags(int flags)
{
	int newer = flags & ~REQUEST_RWF_KNOWN;
	struct iovec iov = { (void *)(uintptr_t) "", 1 };

	AUTO_CLOSE int null = newer ? real_open(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	if (null >= 0 && real_pwritev2(null, &iov, 1, 0, newer) == 1)
		return flags & REQUEST_RWF_KNOWN;
	return flags;
}

int engine_gather(const struct write_call *call, const struct device *device, int open_flags,
		  struct request *ret_request)
{
	off_t offset = call->offset == -1 ? lseek(call->fd, 0, SEEK_CUR) : call->offset;

	if (open_flags < 0 || offset < 0)
		return -errno;
	*ret_request = (struct request){
		.offset = (uint64_t)offset,
		.length = total_length(call),
		.segments = (uint32_t)call->count,
		.address = call->count ? (uintptr_t)call->iov[0].iov_base : 0,
		.rwf = engine_known_flags(call->flags),
		.open_flags = open_flags,
		.door = call->door,
		.size = UINT64_MAX,
		.start = device->identity.start,
		.block = device->identity.block,
		.physical = device->queue.physical,
		.dma_mask = device->queue.dma_mask,
	};
	return 0;
}

/* What a native kernel would have found before it came to the -EINVAL. */
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

/* Only a write that will fail needs to know: for a good one cache_prepare() finds out. */
static int recheck_with_state(int fd, struct request *request, const struct limits *limits)
{
	/* Without waiting nothing is dropped from the page cache, but these two are found out. */
	int error = cache_prepare(fd, 0, request->block, RWF_NOWAIT);

	request->read_only = error == -EPERM;
	request->swap = error == -ETXTBSY;
	return request_check(request, limits);
}

/* Every check that a native kernel makes, in its order. */
static int check(int fd, struct request *request, const struct limits *limits)
{
	int error = real_ioctl(fd, BLKGETSIZE64, &request->size);
	if (error)
		return error;
	if (request_needs_state(request, limits))
		error = recheck_with_state(fd, request, limits);
	else
		error = request_check(request, limits);
	enum request_lateness lateness = request_lateness(request, limits);
	return lateness == REQUEST_EARLY ? error : late_error(fd, request, lateness);
}

static int check_and_prepare(int fd, struct request *request, const struct limits *limits)
{
	int result = check(fd, request, limits);
	if (result != REQUEST_GOOD)
		return result;
	int error = cache_prepare(fd, request->offset, (uint32_t)request->length, request->rwf);
	return error ? error : REQUEST_GOOD;
}

/* Most writes are good, and meet nothing in the page cache: that much is found out at once. */
int engine_make_ready(int fd, struct request *request, const struct limits *limits)
{
	if (request_check(request, limits) == REQUEST_GOOD &&
	    cache_is_clear(fd, request->offset, (uint32_t)request->length))
		return REQUEST_GOOD;
	return check_and_prepare(fd, request, limits);
}

struct command engine_command(const struct request *request)
{
	return (struct command){
		.lba = (request->start + request->offset) / request->block,
		.data = (const void *)request->address,
		.length = (uint32_t)request->length,
		.fua = (request->rwf & (RWF_DSYNC | RWF_SYNC)) ||
		       (request->open_flags & (O_DSYNC | O_SYNC)),
	};
}

ssize_t engine_send(int fd, const struct device *device, const struct request *request)
{
	struct command command = engine_command(request);

	if (!command.data) /* a passthrough command would go out without data, and write what
			      happens to lie in the kernel's memory */
		return -EFAULT;
	uint64_t began = account_begin(device, request);
	ssize_t result = device->transport->write(&device->disk, fd, &command);
	account_end(device, request, began, result);
	cache_finish(fd, request->offset, command.length);
	return result;
}

static ssize_t write_by_command(const struct write_call *call, const struct device *device)
{
	struct request request = { .door = call->door };

	ssize_t result = pass_gate(call);
	if (result != -EOPNOTSUPP)
		return account_refused(device, &request, (int)result);
	result = engine_gather(call, device, fcntl(call->fd, F_GETFL), &request);
	if (!result)
		result = engine_make_ready(call->fd, &request, &device->limits);
	if (result != REQUEST_GOOD)
		return account_refused(device, &request, (int)result);
	result = engine_send(call->fd, device, &request);
	if (result > 0 && call->offset == -1)
		lseek(call->fd, (off_t)request.offset + result, SEEK_SET);
	return result;
}

ssize_t engine_write(const struct write_call *call)
{
	KEEP_ERRNO;
	struct device device;
	enum mode mode = config_get().mode;

	if (mode == MODE_OFF)
		return to_kernel(call);
	int error = device_of_fd(call->fd, &device);
	if (error < 0 || engine_decide(&device, mode) == LANE_KERNEL)
		return account_kernel(error < 0 ? 0 : device.number, call->door, to_kernel(call));
	return write_by_command(call, &device);
}
