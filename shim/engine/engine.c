/* SPDX-License-Identifier: MIT */
/*
 * The way of a write: engine_write() -> start() -> engine_find() (find.c: which file, which device)
 * -> gather() -> engine_judge() (judge.c) -> engine_send(). engine_start() is the same up to the
 * judgement; engine_finish() (finish.c) sends later.
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

enum lane engine_lane(const struct device *device, enum mode mode)
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

/* A flag that came after the emulated kernel is valid if the running kernel takes it: we try it in
 * a write to /dev/null, and remember success. RWF_DONTCACHE fails there, as on block devices. */
static int known_flags(int flags)
{
	static _Atomic int taken;
	int newer = flags & ~REQUEST_RWF_KNOWN;
	struct iovec iov = { (void *)(uintptr_t) "", 1 };

	if ((atomic_load(&taken) & newer) == newer)
		return flags & REQUEST_RWF_KNOWN;
	AUTO_CLOSE int null = real_open(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0 || real_pwritev2(null, &iov, 1, 0, newer) != 1)
		return flags;
	atomic_fetch_or(&taken, newer);
	return flags & REQUEST_RWF_KNOWN;
}

static int enter(const struct engine_file *file, enum form form, int imported,
		 const struct request *request, off_t offset)
{
	struct entrance entrance = {
		.form = form,
		.open = !(file->look.flags & O_PATH),
		.writable = (file->look.flags & O_ACCMODE) != O_RDONLY,
		.direct = file->look.flags & O_DIRECT,
		.import = imported,
		.offset = offset,
		.length = request->length,
		.rwf = request->rwf,
	};

	return entrance_check(&entrance, &file->device->limits);
}

static enum door door_of(const struct write_call *call, enum form form)
{
	if (form == FORM_CALL)
		return call->door;
	return form == FORM_AIO ? DOOR_LIBAIO : DOOR_IO_URING;
}

/* Fills in the call's part of the request; gather() fills in the rest. Until then block is 0:
 * account_refused() then leaves out a length or offset of 0. */
static void ask(const struct write_call *call, enum form form, struct request *request)
{
	request->offset = call->offset == -1 ? 0 : (uint64_t)call->offset;
	request->length = request->address = 0;
	request->segments =
		call->registered ? 2 : (uint32_t)call->count; /* as the kernel sees it */
	request->rwf = call->flags;
	if (call->flags & ~REQUEST_RWF_KNOWN)
		request->rwf = known_flags(call->flags);
	request->ring = form == FORM_RING || form == FORM_POLLED;
	request->door = door_of(call, form);
	request->read_only = request->swap = false;
	request->start = request->block = 0;
}

/* Fills in the file's and the device's part. */
static void gather(const struct write_call *call, const struct engine_file *file,
		   struct request *request)
{
	const struct device *device = file->device;

	if (call->offset == -1)
		request->offset = (uint64_t)file->position;
	if (call->waits)
		request->rwf &= ~RWF_NOWAIT;
	request->open_flags = file->look.flags;
	request->size = file->size;
	request->start = device->identity.start;
	request->block = device->block;
	request->physical = device->queue.physical;
	request->dma_mask = device->queue.dma_mask;
}

static int judge(const struct write_call *call, const struct engine_file *file,
		 struct request *request)
{
	gather(call, file, request);
	return engine_judge(file->hold, request, &file->device->limits, file->later);
}

/* pwritev2(): the iovec is read only after engine_find(), which knows then that it can be read. */
static int start_with(const struct write_call *call, enum form form, struct engine_file *file,
		      struct request *request, bool *ret_early)
{
	int imported = form == FORM_CALL ? 0 : engine_import(call, request);

	/* A ring reads the segments before it looks at the file, of whatever kind that is. */
	*ret_early = form != FORM_AIO && imported;
	if (*ret_early)
		return imported;
	int result = engine_find(call, form, request, file);
	if (result != REQUEST_GOOD)
		return result;
	if (form == FORM_CALL)
		imported = engine_import(call, request);
	else if ((result = enter(file, form, imported, request, call->offset)) != 0)
		*ret_early = true;
	if (*ret_early || imported)
		return *ret_early ? result : imported;
	return judge(call, file, request);
}

/* The job gets the hold, and a copy of the device. A file that several writes share keeps its hold,
 * too, and may describe another device by the next write. */
static void give(struct engine_file *file, enum form form, bool shared, struct engine_job *job)
{
	job->hold = file->hold;
	job->asks = file->later && !(job->request.rwf & RWF_NOWAIT);
	job->by_hold = file->device != &file->own;
	if (!job->by_hold)
		job->own = file->own;
	if (form != FORM_CALL)
		job->since = file->since;
	if (shared)
		hold_share(file->hold);
	else
		file->hold = NULL;
}

/* -EMFILE (no descriptor left) is not counted here: the caller may find another way. */
static int start(const struct write_call *call, enum form form, struct engine_job *job,
		 bool *ret_early)
{
	struct engine_file alone, *file = call->file;

	file = file ? file : &alone;
	alone.later = false;
	if (file == &alone || !file->device)
		engine_begin(file);
	else if (file->fd != call->fd)
		engine_forget(file);
	job->hold = NULL;
	job->by_hold = job->has_node = job->asks = false;
	job->since = 0;
	ask(call, form, &job->request);
	int result = start_with(call, form, file, &job->request, ret_early);
	job->own.number = file->device->number;
	if (result == REQUEST_GOOD)
		give(file, form, call->file, job);
	else if (result != -EMFILE)
		account_refused(file->device, &job->request, result);
	if (file == &alone)
		engine_forget(file);
	return result;
}

/* -ENOMEM and not -EMFILE: natively no write needs a descriptor. */
static int no_room(const struct engine_job *job)
{
	const struct device device = { .number = job->own.number };

	return account_refused(&device, &job->request, -ENOMEM);
}

int engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
		 bool *ret_early)
{
	KEEP_ERRNO;

	*ret_early = false;
	if (config_get().mode == MODE_OFF)
		return ENGINE_KERNEL;
	int result = start(call, form, ret_job, ret_early);
	if (result == ENGINE_KERNEL)
		account_kernel(ret_job->own.number, ret_job->request.door, result);
	return result == -EMFILE ? no_room(ret_job) : result;
}

int engine_ask(struct engine_job *job)
{
	job->asks = false;
	return engine_judge(job->hold, &job->request, &engine_device(job)->limits, false);
}

void engine_drop(struct engine_job *job)
{
	if (job->hold)
		hold_put(job->hold);
	job->hold = NULL;
}

static bool is_durable(const struct request *request)
{
	return (request->rwf & (RWF_DSYNC | RWF_SYNC)) ||
	       (request->open_flags & (O_DSYNC | O_SYNC));
}

struct command engine_command(const struct device *device, const struct request *request)
{
	return (struct command){
		.lba = (request->start + request->offset) / request->block,
		.data = (const void *)request->address,
		.length = (uint32_t)request->length,
		.fua = is_durable(request) && device->queue.durable == DURABLE_BY_FUA,
	};
}

bool engine_flushes(const struct device *device, const struct request *request)
{
	return device->queue.durable == DURABLE_BY_FLUSH && is_durable(request);
}

/* If the flush fails, so does the write, as natively. */
static ssize_t write_to(const struct hold *hold, const struct device *device,
			const struct request *request, const struct command *command)
{
	ssize_t result = device->transport->write(&device->disk, hold->fd, command);

	if (result > 0 && engine_flushes(device, request) && fdatasync(hold->fd) < 0)
		return errno == EPERM ? -EOPNOTSUPP : -errno;
	return engine_blame(result);
}

ssize_t engine_send(const struct hold *hold, const struct device *device,
		    const struct request *request)
{
	struct command command = engine_command(device, request);

	if (!command.data) /* a passthrough command would go out without data, and write what
			      happens to lie in the kernel's memory */
		return -EFAULT;
	uint64_t began = account_begin(device, request);
	ssize_t result = write_to(hold, device, request, &command);
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

	int result = start(call, FORM_CALL, job, &early);
	if (result != REQUEST_GOOD)
		return result;
	ssize_t length = engine_send(job->hold, engine_device(job), &job->request);
	engine_drop(job);
	return length;
}

/* The position belongs to an open file, and the number may be given to another file meanwhile. So
 * the write goes through a descriptor of our own, which shares the position. */
static ssize_t write_at_position(const struct write_call *call, struct engine_job *job)
{
	struct write_call there = *call;

	job->own.number = 0;
	ask(call, FORM_CALL, &job->request);
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

/* Closing our own descriptor would drop the program's locks on the node. Where there may be locks,
 * the write goes through the program's number. */
static bool is_by_own_descriptor(const struct write_call *call)
{
	struct look look;

	return look_at_node(call->fd, &look) == 0 && !hold_has_locks(call->fd);
}

static ssize_t write_by(bool by_own, const struct write_call *call, struct engine_job *job)
{
	return by_own ? write_at_position(call, job) : write_by_command(call, job);
}

struct attempt {
	bool by_own;
	const struct write_call *call;
	struct engine_job *job;
	ssize_t result;
};

static void attempt(void *argument)
{
	struct attempt *this = argument;

	this->result = write_by(this->by_own, this->call, this->job);
}

static ssize_t write_with_room(bool by_own, const struct write_call *call, struct engine_job *job)
{
	struct attempt this = { by_own, call, job, -EMFILE };

	return own_table_run_with_room(attempt, &this, call->fd) && this.result != -EMFILE
		       ? this.result
		       : no_room(job);
}

ssize_t engine_write(const struct write_call *call)
{
	KEEP_ERRNO;
	struct engine_job job;

	if (config_get().mode == MODE_OFF)
		return to_kernel(call);
	bool by_own = call->offset == -1 && is_by_own_descriptor(call);
	ssize_t result = write_by(by_own, call, &job);
	if (result == -EMFILE)
		result = write_with_room(by_own, call, &job);
	if (result == ENGINE_KERNEL)
		return account_kernel(job.own.number, call->door, to_kernel(call));
	if (call->offset == -1 && !by_own && result > 0)
		lseek(call->fd, (off_t)job.request.offset + result, SEEK_SET);
	return result;
}
