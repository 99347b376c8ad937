/* SPDX-License-Identifier: MIT */
/* engine_find(), called by engine.c: finds the open file that the program's number names, the hold
 * of its device, and what is known of the device. The hold is in use until engine_forget() or the
 * job's end. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/memory.h"
#include "base/real.h"
#include "engine/engine.h"

enum {
	RWF_GATE = 0x40000000, /* no kernel knows this flag: the kernel checks a write with it, and
				  refuses it */
	MAX_SEGMENTS = 1024,   /* UIO_MAXIOV */
	PAGE = 4096,           /* the smallest page size */
	SECTOR = 512,          /* the kernel's: the unit of a partition's size */
	TRIES = 256,
};

static int add(struct request *request, const struct iovec *iov, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		request->length += iov[i].iov_len;
	}
	return 0;
}

static int import_vector(const struct write_call *call, struct request *request)
{
	struct iovec some[64];

	if (call->count < 0 || call->count > MAX_SEGMENTS)
		return -EINVAL;
	for (size_t done = 0; done < (size_t)call->count; done += 64) {
		size_t now = (size_t)call->count - done < 64 ? (size_t)call->count - done : 64;
		if (!memory_read(some, call->iov + done, now * sizeof(*some)))
			return -EFAULT;
		if (done == 0)
			request->address = (uintptr_t)some[0].iov_base;
		if (add(request, some, now) < 0)
			return -EINVAL;
	}
	return 0;
}

int engine_import(const struct write_call *call, struct request *request)
{
	if (call->vector)
		return import_vector(call, request);
	if (call->count)
		request->address = (uintptr_t)call->iov->iov_base;
	return add(request, call->iov, (size_t)call->count);
}

/* The gate: the kernel makes the checks that come before the flags: offset, fd, iovec array,
 * permissions. -EOPNOTSUPP: all of them passed, so the iovec array can be read. */
static int pass_gate(const struct write_call *call)
{
	ssize_t result = real_pwritev2(call->fd, call->iov, call->count, call->offset,
				       call->flags | RWF_GATE);

	/* Older kernels look at the iovec array before they look whether the fd may write. */
	if ((result == -EINVAL || result == -EFAULT) && call->offset >= -1 &&
	    (fcntl(call->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	return (int)result;
}

/* Most iovecs lie on the page of the door's own stack frame, which surely can be read. */
static bool is_beside(const void *address, const struct write_call *call)
{
	return ((uintptr_t)address ^ (uintptr_t)call) < PAGE;
}

static bool can_be_read(const struct iovec *iov, const struct write_call *call)
{
	const void *second = &iov->iov_len;

	if ((uintptr_t)iov % sizeof(void *))
		return false;
	return (is_beside(iov, call) || memory_has_word(iov)) &&
	       ((uintptr_t)second % PAGE || memory_has_word(second));
}

/* One readable segment, not empty, at a possible offset: such a call need not pass the gate. */
static bool is_plain(const struct write_call *call)
{
	if (call->count != 1 || call->offset < 0 || !can_be_read(call->iov, call))
		return false;
	size_t length = call->iov->iov_len;
	return length && length <= (uint64_t)(INT64_MAX - call->offset);
}

void engine_begin(struct engine_file *file)
{
	file->known = false;
	file->hold = NULL;
	file->device = &file->own;
	file->own.number = 0;
	file->own.limits.unit_max = 0;
	file->own.limits.refusal = REFUSAL_NONE;
}

void engine_forget(struct engine_file *file)
{
	if (file->hold)
		hold_put(file->hold);
	engine_begin(file);
}

/* Block size and size may change while the device is held. The look into the page cache shows
 * whether a write fits, except where the device may end within a block: only there we ask for the
 * size. */
static int measure(struct engine_file *file, uint32_t *ret_block)
{
	const struct device *device = file->device;
	int error = identity_block(file->hold->fd, device->number, ret_block);

	file->size = UINT64_MAX;
	if (!error && device->identity.partition && *ret_block > SECTOR)
		error = real_ioctl(file->hold->fd, BLKGETSIZE64, &file->size);
	return error;
}

/* The disk was formatted since it was asked: asks it again, at once. */
static int know_anew(struct engine_file *file, uint32_t block)
{
	device_expire(file->look.number);
	int error = device_of_hold(file->hold, &file->own);
	if (!error && file->own.block != block)
		file->own.limits = limits_refused(REFUSAL_GARBAGE);
	return error;
}

static int know(struct engine_file *file)
{
	uint32_t block;

	int error = device_of_hold(file->hold, &file->own);
	if (!error)
		error = measure(file, &block);
	if (!error && file->own.block != block)
		error = know_anew(file, block);
	return error;
}

/* A file that is not open for writing gets no hold: its write can only fail. */
static int know_without_hold(struct engine_file *file)
{
	int fd = file->look.flags & O_PATH ? -1 : file->fd;

	file->hold = NULL;
	if (device_get(fd, file->look.number, &file->own) < 0)
		file->own.limits = limits_refused(REFUSAL_IDENTIFY);
	return 0;
}

static bool may_write(const struct look *look)
{
	return !(look->flags & O_PATH) && (look->flags & O_ACCMODE) != O_RDONLY;
}

static int try_hold(struct engine_file *file)
{
	file->since = real_now();
	if (!may_write(&file->look))
		return know_without_hold(file);
	int error = hold_get(file->fd, &file->look, &file->hold);
	if (!error)
		error = know(file);
	if (error == -ESTALE)
		hold_forget(file->hold);
	if (error)
		engine_forget(file);
	return error;
}

static bool is_to_try_again(int error)
{
	return error == -EAGAIN || error == -ESTALE;
}

/* While this thread looks again, the doors make changes wait. */
static int take_hold(struct engine_file *file)
{
	file->device = &file->own;
	int error = try_hold(file);

	if (!is_to_try_again(error))
		return error;
	look_hold_off();
	for (int i = 0; i < TRIES && is_to_try_again(error); i++) {
		error = look_at(file->fd, &file->look, &file->position);
		if (!error)
			error = try_hold(file);
	}
	look_let_go();
	return error;
}

/* The usual case: the disk is held, was asked within the last second, and has the block size that
 * it had then. */
static bool is_known(struct engine_file *file)
{
	struct hold *hold = hold_choose(file->hold, &file->look);
	uint32_t block;

	file->hold = hold;
	if (!hold)
		return false;
	file->device = &hold->device;
	file->since = real_now();
	return file->since - hold->told < DEVICE_AGAIN && measure(file, &block) == 0 &&
	       block == hold->device.block;
}

/* Takes what is known of the device; else asks it by the program's number. That answer decides the
 * lane and nothing more. False: the device is not known. */
static bool know_lane(int fd, struct engine_file *file)
{
	uint64_t age = device_recall(file->look.number, &file->own);

	return (age != UINT64_MAX && (age < DEVICE_OLD || file->own.held)) ||
	       device_get(fd, file->look.number, &file->own) == 0;
}

/* Under device rules a kernel with native atomic writes gets only those that it takes. */
static bool is_for_kernel(const struct write_call *call, enum form form,
			  const struct engine_file *file, const struct request *request)
{
	const struct device *device = file->hold ? &file->hold->device : &file->own;

	if (engine_lane(device, config_get().mode) != LANE_KERNEL)
		return false;
	if (!device->transport || !device->limits.most)
		return true;
	uint64_t length = form != FORM_CALL ? request->length
			  : is_plain(call)  ? call->iov->iov_len
					    : 1;
	return request_is_linux(length, (uint64_t)call->offset);
}

static int find_file(const struct write_call *call, enum form form, const struct request *request,
		     struct engine_file *file)
{
	struct look_begun begun;

	file->fd = call->fd;
	if (look_begin(call->fd, &file->look, &begun) < 0) {
		file->look.number = 0;
		return ENGINE_KERNEL;
	}
	file->hold = hold_recall(&file->look);
	if (!file->hold && !know_lane(call->fd, file))
		return ENGINE_KERNEL;
	if ((!file->hold || file->hold->device.limits.most) &&
	    is_for_kernel(call, form, file, request))
		return ENGINE_KERNEL;
	int result = form != FORM_CALL || is_plain(call) ? -EOPNOTSUPP : pass_gate(call);
	if (result != -EOPNOTSUPP)
		return result;
	off_t *position = call->offset == -1 ? &file->position : NULL;
	int error = look_end(call->fd, &begun, &file->look, position);
	if (error == -EAGAIN)
		error = look_at(call->fd, &file->look, position);
	if (!error && form == FORM_CALL && !may_write(&file->look))
		return -EBADF;
	if (!error && file->hold && is_known(file))
		return REQUEST_GOOD;
	engine_forget(file);
	error = error ? error : take_hold(file);
	if (error == -ENOTBLK) /* the number names another file by now */
		return ENGINE_KERNEL;
	return error ? error : REQUEST_GOOD;
}

int engine_find(const struct write_call *call, enum form form, const struct request *request,
		struct engine_file *file)
{
	if (file->known && call->offset != -1)
		return REQUEST_GOOD;
	engine_forget(file);
	int result = find_file(call, form, request, file);
	if (result == -EPERM || result == -EACCES) /* no native write fails so: a filter, an LSM */
		result = -EOPNOTSUPP;
	file->known = result == REQUEST_GOOD;
	if (!file->known) {
		engine_forget(file);
		file->own.number = file->look.number;
	}
	return result;
}
