/* SPDX-License-Identifier: MIT */
/*
 * The way of a write: engine_write() -> engine_start() -> engine_find() (find.c: which file, which
 * device) -> gather() -> engine_judge() (judge.c) -> engine_finish() -> engine_send().
 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/real.h"
#include "device/cache.h"
#include "engine/account.h"
#include "engine/own_table.h"

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

/* Flags that came after the kernel that we emulate are as good as the running kernel says: it is
 * asked with a write to /dev/null, once. RWF_DONTCACHE fails there, as it does on block devices. */
static int known_flags(int flags)
{
	static _Atomic int taken;
	int newer = flags & ~REQUEST_RWF_KNOWN;
	struct iovec iov = { (void *)(uintptr_t) "", 1 };

	if (!newer)
		return flags;
	if ((atomic_load(&taken) & newer) == newer)
		return flags & REQUEST_RWF_KNOWN;
	AUTO_CLOSE int null = real_open(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0 || real_pwritev2(null, &iov, 1, 0, newer) != 1)
		return flags;
	atomic_fetch_or(&taken, newer);
	return flags & REQUEST_RWF_KNOWN;
}

static int enter(const struct write_call *call, enum form form, const struct engine_file *file,
		 int imported, uint64_t length)
{
	struct entrance entrance = {
		.form = form,
		.open = !(file->look.flags & O_PATH),
		.writable = (file->look.flags & O_ACCMODE) != O_RDONLY,
		.direct = file->look.flags & O_DIRECT,
		.import = imported,
		.offset = call->offset,
		.length = length,
		.rwf = known_flags(call->flags),
	};

	return entrance_check(&entrance, &file->device->limits);
}

static void gather(const struct write_call *call, enum form form, const struct engine_file *file,
		   const struct engine_memory *memory, struct request *request)
{
	*request = (struct request){
		.offset = (uint64_t)(call->offset == -1 ? file->position : call->offset),
		.length = memory->length,
		.segments =
			call->registered ? 2 : (uint32_t)call->count, /* as the kernel sees it */
		.address = (uintptr_t)memory->first.iov_base,
		.rwf = known_flags(call->flags) & (call->waits ? ~RWF_NOWAIT : ~0),
		.open_flags = file->look.flags,
		.ring = form == FORM_RING || form == FORM_POLLED,
		.door = request->door,
		.size = file->size,
		.start = file->device->identity.start,
		.block = file->block,
		.physical = file->device->queue.physical,
		.dma_mask = file->device->queue.dma_mask,
	};
}

/* A call by pwritev2() has passed the kernel's own checks, and its memory has been imported there.
 */
static int start(const struct write_call *call, enum form form, struct engine_file *file,
		 struct engine_job *job, bool *ret_early)
{
	struct engine_memory memory = { .length = 0 };
	int imported = form == FORM_CALL ? 0 : engine_import(call, &memory);

	/* A ring imports before it looks at the file, whatever that is. */
	*ret_early = form != FORM_AIO && imported;
	if (*ret_early)
		return imported;
	int result = engine_find(call, form, file);
	if (file->device != &job->device)
		job->device = *file->device;
	if (result != REQUEST_GOOD)
		return result;
	result = 0;
	if (form == FORM_CALL)
		imported = engine_import(call, &memory);
	else
		result = enter(call, form, file, imported, memory.length);
	*ret_early = result != 0;
	if (result || imported)
		return result ? result : imported;
	gather(call, form, file, &memory, &job->request);
	result = engine_judge(file->hold, &job->request, &job->device.limits);
	if (result != REQUEST_GOOD)
		return result;
	job->hold = file->hold;
	hold_share(job->hold);
	return result;
}

static int start_by(const struct write_call *call, enum form form, struct engine_job *job,
		    bool *ret_early)
{
	struct engine_file own, *file = call->file ? call->file : &own;

	own.known = false;
	own.hold = NULL;
	file->device = call->file ? &file->common : &job->device;
	*ret_early = job->has_node = false;
	job->hold = NULL;
	job->device.number = 0;
	job->request = (struct request){ .door = form == FORM_CALL  ? call->door
						 : form == FORM_AIO ? DOOR_LIBAIO
								    : DOOR_IO_URING };
	if (config_get().mode == MODE_OFF)
		return ENGINE_KERNEL;
	int result = start(call, form, file, job, ret_early);
	if (file == &own)
		engine_forget(&own);
	return result;
}

int engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
		 bool *ret_early)
{
	KEEP_ERRNO;
	int result = start_by(call, form, ret_job, ret_early);

	result = result == -EMFILE ? -ENOMEM : result; /* natively no write needs a descriptor */
	if (result == ENGINE_KERNEL && config_get().mode != MODE_OFF)
		return (int)account_kernel(ret_job->device.number, ret_job->request.door, result);
	return account_refused(&ret_job->device, &ret_job->request, result);
}

void engine_drop(struct engine_job *job)
{
	if (job->hold)
		hold_put(job->hold);
	job->hold = NULL;
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

ssize_t engine_send(const struct hold *hold, const struct device *device,
		    const struct request *request)
{
	struct command command = engine_command(request);

	if (!command.data) /* a passthrough command would go out without data, and write what
			      happens to lie in the kernel's memory */
		return -EFAULT;
	uint64_t began = account_begin(device, request);
	ssize_t result = device->transport->write(&device->disk, hold->fd, &command);
	account_end(device, request, began, result);
	cache_finish(hold->fd, request->offset, command.length);
	return result;
}

static ssize_t to_kernel(const struct write_call *call)
{
	return real_pwritev2(call->fd, call->iov, call->count, call->offset, call->flags);
}

/* ENGINE_KERNEL, or the result. */
static ssize_t write_by_command(const struct write_call *call, struct engine_job *job)
{
	bool early;

	int result = start_by(call, FORM_CALL, job, &early);
	if (result == REQUEST_GOOD) {
		ssize_t length = engine_send(job->hold, &job->device, &job->request);
		engine_drop(job);
		return length;
	}
	return result == ENGINE_KERNEL ? result
				       : account_refused(&job->device, &job->request, result);
}

/* The position is that of an open file, and a number may be given to another file meanwhile: so the
 * write goes through a descriptor of our own, which shares the position. */
static ssize_t write_at_position(const struct write_call *call, struct engine_job *job)
{
	struct write_call there = *call;

	job->device.number = 0;
	there.fd = hold_borrow(call->fd);
	if (there.fd < 0)
		return there.fd == -EMFILE ? there.fd : ENGINE_KERNEL;
	there.offset = lseek(there.fd, 0, SEEK_CUR);
	ssize_t result = there.offset < 0 ? ENGINE_KERNEL : write_by_command(&there, job);
	if (result > 0 && result != ENGINE_KERNEL)
		lseek(there.fd, there.offset + result, SEEK_SET);
	look_mark((unsigned)call->fd);
	hold_return(there.fd);
	return result;
}

/* A lock of the program's would be dropped by a close of ours: then its number must do. */
static bool is_by_own_descriptor(const struct write_call *call)
{
	struct look look;

	return call->offset == -1 && look_at_node(call->fd, &look) == 0 &&
	       !hold_has_locks(call->fd);
}

struct attempt {
	const struct write_call *call;
	struct engine_job *job;
	bool by_own;
	ssize_t result;
};

static void attempt(void *argument)
{
	struct attempt *a = argument;

	a->result =
		a->by_own ? write_at_position(a->call, a->job) : write_by_command(a->call, a->job);
}

ssize_t engine_write(const struct write_call *call)
{
	KEEP_ERRNO;
	struct engine_job job;

	if (config_get().mode == MODE_OFF)
		return to_kernel(call);
	bool by_own = is_by_own_descriptor(call);
	struct attempt this = { call, &job, by_own, 0 };
	attempt(&this);
	if (this.result == -EMFILE && !own_table_run_with_room(attempt, &this, call->fd))
		this.result = -ENOMEM;
	ssize_t result = this.result == -EMFILE ? -ENOMEM : this.result;
	if (result == ENGINE_KERNEL)
		return account_kernel(job.device.number, call->door, to_kernel(call));
	if (!by_own && call->offset == -1 && result > 0)
		lseek(call->fd, (off_t)job.request.offset + result, SEEK_SET);
	return result;
}
