/* SPDX-License-Identifier: MIT */
/* Which open file the program's number names, the hold of its device, and what is known of that. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/memory.h"
#include "base/real.h"
#include "engine/engine.h"

enum {
	RWF_GATE = 0x40000000, /* a flag that no kernel knows: a write with it is checked, and
				  refused */
	MAX_SEGMENTS = 1024,   /* UIO_MAXIOV */
	PAGE = 4096,           /* the smallest that there is */
	SECTOR = 512,          /* of the kernel's: partitions are so many of these */
	TRIES = 256,
};

static int add(struct engine_memory *memory, const struct iovec *iov, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		memory->length += iov[i].iov_len;
	}
	return 0;
}

static int import_vector(const struct write_call *call, struct engine_memory *memory)
{
	struct iovec some[64];

	if (call->count < 0 || call->count > MAX_SEGMENTS)
		return -EINVAL;
	for (size_t done = 0; done < (size_t)call->count; done += 64) {
		size_t now = (size_t)call->count - done < 64 ? (size_t)call->count - done : 64;
		if (!memory_read(some, call->iov + done, now * sizeof(*some)))
			return -EFAULT;
		if (done == 0)
			memory->first = some[0];
		if (add(memory, some, now) < 0)
			return -EINVAL;
	}
	return 0;
}

int engine_import(const struct write_call *call, struct engine_memory *ret_memory)
{
	if (call->vector)
		return import_vector(call, ret_memory);
	if (call->count)
		ret_memory->first = *call->iov;
	return add(ret_memory, call->iov, (size_t)call->count);
}

/* The kernel's own checks of what comes before the flags: offset, fd, iovec array, permissions.
 * -EOPNOTSUPP: all of them passed. After that the iovec array is known to be readable. */
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

/* On the page where the door's own frame lies it surely can, as most do. */
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

/* One segment, which is there, at a place that is one: the kernel need not be asked at the gate. */
static bool is_plain(const struct write_call *call)
{
	if (call->count != 1 || call->offset < 0 || !can_be_read(call->iov, call))
		return false;
	size_t length = call->iov->iov_len;
	return length && length <= (uint64_t)(INT64_MAX - call->offset);
}

void engine_forget(struct engine_file *file)
{
	if (file->hold)
		hold_put(file->hold);
	file->hold = NULL;
	file->known = false;
}

/* Block size and size may change while the device is held. A look into the page cache tells whether
 * a write fits, but where the device may end within a block. */
static int measure(struct engine_file *file)
{
	int error = identity_block(file->hold->fd, file->look.number, &file->block);

	file->size = UINT64_MAX;
	if (!error && file->device->identity.partition && file->block > SECTOR)
		error = real_ioctl(file->hold->fd, BLKGETSIZE64, &file->size);
	return error;
}

/* The disk was formatted since it was asked: ask again, at once. */
static int know_anew(struct engine_file *file)
{
	device_expire(file->look.number);
	int error = device_of_hold(file->hold, UINT64_MAX, file->device);
	if (!error && file->device->block != file->block)
		file->device->limits = limits_refused(REFUSAL_GARBAGE);
	return error;
}

static int know(struct engine_file *file, uint64_t age)
{
	int error = device_of_hold(file->hold, age, file->device);
	if (!error)
		error = measure(file);
	if (!error && file->device->block != file->block)
		error = know_anew(file);
	return error;
}

/* A file that is not open for writing gets no hold: whatever is said of it is an error. */
static int know_without_hold(struct engine_file *file)
{
	int fd = file->look.flags & O_PATH ? -1 : file->fd;

	file->hold = NULL;
	if (device_get(fd, file->look.number, file->device) < 0)
		file->device->limits = limits_refused(REFUSAL_IDENTIFY);
	return 0;
}

static bool may_write(const struct look *look)
{
	return !(look->flags & O_PATH) && (look->flags & O_ACCMODE) != O_RDONLY;
}

static int try_hold(struct engine_file *file, uint64_t age)
{
	if (!may_write(&file->look))
		return know_without_hold(file);
	int error = hold_get(file->fd, &file->look, &file->hold);
	if (!error)
		error = know(file, age);
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

/* While it looks again, changes of the number wait. */
static int take_hold(struct engine_file *file, uint64_t age)
{
	int error = try_hold(file, age);

	if (!is_to_try_again(error))
		return error;
	look_hold_off();
	for (int i = 0; i < TRIES && is_to_try_again(error); i++) {
		error = look_at(file->fd, &file->look, &file->position);
		if (!error)
			error = try_hold(file, UINT64_MAX);
	}
	look_let_go();
	return error;
}

/* By what is known; else the program's number is asked, whose answer decides the lane and nothing
 * more. */
static enum lane choose_lane(int fd, struct engine_file *file, uint64_t *ret_age)
{
	*ret_age = device_recall(file->look.number, file->device);
	if (*ret_age == UINT64_MAX || (*ret_age >= DEVICE_OLD && !file->device->held)) {
		*ret_age = 0;
		if (device_get(fd, file->look.number, file->device) < 0)
			return LANE_KERNEL;
	}
	return engine_decide(file->device, config_get().mode);
}

static int find_file(const struct write_call *call, enum form form, struct engine_file *file)
{
	struct look_begun begun;
	uint64_t age;

	file->device->number = 0;
	if (look_begin(call->fd, &file->look, &begun) < 0)
		return ENGINE_KERNEL;
	if (choose_lane(call->fd, file, &age) == LANE_KERNEL)
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
	file->fd = call->fd;
	error = error ? error : take_hold(file, age);
	if (error == -ENOTBLK) /* it has become another file's meanwhile */
		return ENGINE_KERNEL;
	return error ? error : REQUEST_GOOD;
}

int engine_find(const struct write_call *call, enum form form, struct engine_file *file)
{
	if (file->known && file->fd == call->fd && call->offset != -1)
		return REQUEST_GOOD;
	engine_forget(file);
	int result = find_file(call, form, file);
	file->known = result == REQUEST_GOOD;
	if (!file->known)
		engine_forget(file);
	return result;
}
