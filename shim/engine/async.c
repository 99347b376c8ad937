/* SPDX-License-Identifier: MIT */
/* The two halves of a write that nobody waits for. */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/account.h"
#include "device/cache.h"
#include "base/cleanup.h"
#include "device/kept.h"
#include "base/memory.h"

enum { MAX_SEGMENTS = 1024 /* UIO_MAXIOV */ };

struct segments {
	struct iovec first;
	uint64_t length; /* of all */
};

static int add(struct segments *segments, const struct iovec *iov, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		segments->length += iov[i].iov_len;
	}
	return 0;
}

/* As the kernel does it. */
static int import(const struct write_call *call, struct segments *ret_segments)
{
	struct iovec some[64];

	if (!call->vector) {
		ret_segments->first = *call->iov;
		return add(ret_segments, call->iov, 1);
	}
	if (call->count < 0 || call->count > MAX_SEGMENTS)
		return -EINVAL;
	for (size_t done = 0; done < (size_t)call->count; done += 64) {
		size_t now = (size_t)call->count - done < 64 ? (size_t)call->count - done : 64;
		if (!memory_read(some, call->iov + done, now * sizeof(*some)))
			return -EFAULT;
		if (done == 0)
			ret_segments->first = some[0];
		if (add(ret_segments, some, now) < 0)
			return -EINVAL;
	}
	return 0;
}

static int find_file(const struct write_call *call, struct engine_file *file)
{
	if (file->known && file->fd == call->fd)
		return 0;
	file->known = false;
	int error = device_of_fd(call->fd, &file->device);
	if (error)
		return error;
	file->fd = call->fd;
	file->open_flags = fcntl(call->fd, F_GETFL);
	file->known = true;
	return 0;
}

static int enter(const struct write_call *call, enum form form, const struct limits *limits,
		 int open_flags, int imported, const struct segments *segments)
{
	struct entrance entrance = {
		.form = form,
		.open = open_flags >= 0 && !(open_flags & O_PATH),
		.writable = (open_flags & O_ACCMODE) != O_RDONLY,
		.direct = open_flags & O_DIRECT,
		.import = imported,
		.offset = call->offset,
		.length = segments->length,
		.rwf = engine_known_flags(call->flags),
	};

	return entrance_check(&entrance, limits);
}

static int examine(const struct write_call *call, enum form form, int open_flags,
		   const struct segments *segments, struct engine_job *job)
{
	struct iovec whole = { segments->first.iov_base, segments->length };
	struct write_call known = *call;

	known.iov = &whole;
	known.count = call->count ? 1 : 0;
	known.door = job->request.door;
	known.flags &= call->waits ? ~RWF_NOWAIT : ~0;
	int error = engine_gather(&known, &job->device, open_flags, &job->request);
	if (error)
		return error;
	job->request.segments =
		call->registered ? 2 : (uint32_t)call->count; /* so the kernel sees it */
	job->request.ring = form != FORM_AIO;
	return engine_make_ready(call->fd, &job->request, &job->device.limits);
}

static int start(const struct write_call *call, enum form form, struct engine_job *job,
		 bool *ret_early)
{
	struct engine_file own = { .known = false }, *file = call->file ? call->file : &own;
	struct segments segments = { 0 };
	int imported = import(call, &segments);

	/* A ring imports before it looks at the file, whatever that is. */
	*ret_early = form != FORM_AIO && imported;
	if (*ret_early)
		return imported;
	if (find_file(call, file) < 0)
		return ENGINE_KERNEL;
	job->device = file->device;
	if (engine_decide(&job->device, config_get().mode) == LANE_KERNEL)
		return ENGINE_KERNEL;
	int flags = file->open_flags;
	int error = enter(call, form, &job->device.limits, flags, imported, &segments);
	*ret_early = error != 0;
	return error ? error : examine(call, form, flags, &segments, job);
}

int engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
		 bool *ret_early)
{
	KEEP_ERRNO;
	*ret_early = false;
	ret_job->fd = call->fd;
	ret_job->is_kept = ret_job->has_node = false;
	if (config_get().mode == MODE_OFF)
		return ENGINE_KERNEL;
	ret_job->device.number = 0;
	ret_job->request =
		(struct request){ .door = form == FORM_AIO ? DOOR_LIBAIO : DOOR_IO_URING };
	int result = start(call, form, ret_job, ret_early);
	if (result == ENGINE_KERNEL)
		return (int)account_kernel(ret_job->device.number, ret_job->request.door, result);
	return account_refused(&ret_job->device, &ret_job->request, result);
}

bool engine_keep(struct engine_job *job, enum form form)
{
	KEEP_ERRNO;
	int own = kept_get(job->fd, &job->device, &job->has_node);

	/* Who uses libaio may not be let have an io_uring. */
	job->has_node &= form != FORM_AIO;
	job->is_kept = own >= 0;
	job->fd = own < 0 ? job->fd : own;
	return job->is_kept;
}

bool engine_is_sound(const struct engine_job *job)
{
	return kept_is_of(job->fd, &job->device);
}

int engine_open_node(const struct engine_job *job)
{
	const struct device *device = &job->device;

	return device->transport->queue->open_node(&device->disk, job->fd, device->number);
}

void engine_prepare(struct engine_job *job, struct io_uring_sqe *sqe)
{
	struct command command = engine_command(&job->request);

	job->began = account_begin(&job->device, &job->request);
	job->device.transport->queue->prepare(&job->device.disk, &command, sqe);
}

ssize_t engine_land(const struct engine_job *job, int result)
{
	struct command command = engine_command(&job->request);

	ssize_t length = job->device.transport->queue->outcome(&command, result);
	if (length) /* else engine_finish() does it over */
		account_end(&job->device, &job->request, job->began, length);
	cache_finish(job->fd, job->request.offset, command.length);
	return length;
}

ssize_t engine_finish(const struct engine_job *job)
{
	KEEP_ERRNO;
	if (job->is_kept && !kept_is_of(job->fd, &job->device)) {
		kept_before_close((unsigned)job->fd, (unsigned)job->fd);
		return -EIO; /* somebody closed it under way: nothing was sent */
	}
	return engine_send(job->fd, &job->device, &job->request);
}
