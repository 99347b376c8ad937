/* SPDX-License-Identifier: MIT */
/*
 * One atomic write, from the call to the command: engine_write() -> device_get() -> engine_decide()
 * -> the gate -> request_check() -> cache_prepare() -> transport->write() -> cache_finish().
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cache.h"
#include "cleanup.h"
#include "real.h"
#include "request.h"
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
	return real_pwritev2(call->fd, call->iov, call->count, call->offset,
			     call->flags | RWF_GATE);
}

static uint64_t total_length(const struct write_call *call)
{
	uint64_t length = 0;

	for (int i = 0; i < call->count; i++)
		length += call->iov[i].iov_len;
	return length;
}

static int gather(const struct write_call *call, const struct device *device,
		  struct request *ret_request)
{
	uint64_t size;
	int open_flags = fcntl(call->fd, F_GETFL);
	off_t offset = call->offset == -1 ? lseek(call->fd, 0, SEEK_CUR) : call->offset;

	if (open_flags < 0 || offset < 0)
		return -errno;
	int error = real_ioctl(call->fd, BLKGETSIZE64, &size);
	if (error)
		return error;
	*ret_request = (struct request){
		.offset = (uint64_t)offset,
		.length = total_length(call),
		.segments = (uint32_t)call->count,
		.address = (uintptr_t)call->iov[0].iov_base,
		.rwf = call->flags,
		.open_flags = open_flags,
		.size = size,
		.start = device->identity.start,
		.block = device->identity.block,
		.dma_mask = device->queue.dma_mask,
	};
	return 0;
}

/* Only a write that will fail needs to know: for a good one cache_prepare() finds out. */
static int recheck_with_state(int fd, struct request *request, const struct limits *limits)
{
	int error = cache_prepare(fd, 0, request->block, 0);

	request->read_only = error == -EPERM;
	request->swap = error == -ETXTBSY;
	return request_check(request, limits);
}

static int check(const struct write_call *call, const struct device *device,
		 struct request *ret_request)
{
	int error = gather(call, device, ret_request);
	if (error)
		return error;
	if (request_needs_state(ret_request, &device->limits))
		return recheck_with_state(call->fd, ret_request, &device->limits);
	return request_check(ret_request, &device->limits);
}

static ssize_t send(int fd, const struct device *device, const struct request *request)
{
	uint32_t length = (uint32_t)request->length;
	struct command command = {
		.lba = (request->start + request->offset) / request->block,
		.data = (const void *)request->address,
		.length = length,
		.fua = (request->rwf & (RWF_DSYNC | RWF_SYNC)) ||
		       (request->open_flags & (O_DSYNC | O_SYNC)),
	};

	int error = cache_prepare(fd, request->offset, length, request->rwf);
	if (error)
		return error;
	ssize_t result = device->transport->write(&device->disk, fd, &command);
	cache_finish(fd, request->offset, length);
	return result;
}

static ssize_t write_by_command(const struct write_call *call, const struct device *device)
{
	struct request request;

	ssize_t result = pass_gate(call);
	if (result != -EOPNOTSUPP)
		return result;
	result = check(call, device, &request);
	if (result != REQUEST_GOOD)
		return result;
	result = send(call->fd, device, &request);
	if (result > 0 && call->offset == -1)
		lseek(call->fd, (off_t)request.offset + result, SEEK_SET);
	return result;
}

ssize_t engine_write(const struct write_call *call)
{
	KEEP_ERRNO;
	struct device device;
	struct stat st;
	enum mode mode = config_get().mode;

	if (mode == MODE_OFF || fstat(call->fd, &st) < 0 || !S_ISBLK(st.st_mode) ||
	    device_get(call->fd, st.st_rdev, &device) < 0 ||
	    engine_decide(&device, mode) == LANE_KERNEL)
		return to_kernel(call);
	return write_by_command(call, &device);
}

/* The very node that statx was asked about, or -1 where this process may not open it. */
static int open_node(int dirfd, const char *path, int flags, dev_t number)
{
	char link[32];
	struct stat st;
	int nofollow = flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	bool by_fd = !path || !*path;
	int fd = real_open(by_fd ? AT_FDCWD : dirfd, by_fd ? link : path,
			   O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (by_fd ? 0 : nofollow));
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == number)
		return fd;
	close(fd);
	return -1;
}

static void fill(struct statx *stx, const struct limits *limits)
{
	struct untorn_statx_atomic *atomic = untorn_statx_atomic(stx);
	bool supported = limits->unit_max != 0;

	stx->stx_mask &= ~STATX_WRITE_ATOMIC;
	stx->stx_attributes &= ~(uint64_t)STATX_ATTR_WRITE_ATOMIC;
	stx->stx_attributes_mask &= ~(uint64_t)STATX_ATTR_WRITE_ATOMIC;
	if (supported) {
		stx->stx_mask |= STATX_WRITE_ATOMIC;
		stx->stx_attributes |= STATX_ATTR_WRITE_ATOMIC;
		stx->stx_attributes_mask |= STATX_ATTR_WRITE_ATOMIC;
	}
	atomic->unit_min = limits->unit_min;
	atomic->unit_max = limits->unit_max;
	atomic->segments_max = supported ? 1 : 0; /* bdev_statx(): one segment, on every device */
	atomic->unit_max_opt = 0;
}

static void add_limits(int dirfd, const char *path, int flags, struct statx *stx)
{
	dev_t number = makedev(stx->stx_rdev_major, stx->stx_rdev_minor);
	struct device device;

	AUTO_CLOSE int fd = open_node(dirfd, path, flags, number);
	if (device_get(fd, number, &device) == 0 &&
	    engine_decide(&device, config_get().mode) == LANE_COMMAND)
		fill(stx, &device.limits);
}

int engine_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	KEEP_ERRNO;
	int error = real_statx(dirfd, path, flags, mask, stx);

	if (!error && (mask & STATX_WRITE_ATOMIC) && S_ISBLK(stx->stx_mode) &&
	    config_get().mode != MODE_OFF)
		add_limits(dirfd, path, flags, stx);
	return error;
}
