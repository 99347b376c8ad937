/* SPDX-License-Identifier: MIT */
/* The second half of a write whose caller has gone on: workers call it (worker.c, flight.c). Where
 * there is no worker, the submitting thread does. The job's hold is in use until the job ends. */
#include "engine/engine.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/real.h"
#include "engine/account.h"

#define SOON UINT64_C(10000000) /* ns */

/* True if the namespace's node can be opened. It is tried once for each hold. */
static bool has_node(const struct engine_job *job)
{
	enum { UNTRIED, OPENS, FAILS };
	_Atomic int *tried = &job->hold->node_tried;

	if (!engine_device(job)->transport->queue)
		return false;
	if (atomic_load(tried) == UNTRIED) {
		int node = engine_open_node(job);
		atomic_store(tried, node >= 0 ? OPENS : FAILS);
		if (node >= 0)
			real_close(node);
	}
	return atomic_load(tried) == OPENS;
}

/* A write with a flush goes in no flight: a thread waits for the command and then flushes. */
void engine_leave(struct engine_job *job)
{
	KEEP_ERRNO;

	if (job->hold)
		hold_hand_over(job->hold);
	job->has_node = !engine_flushes(engine_device(job), &job->request) && has_node(job);
}

bool engine_is_sound(const struct engine_job *job)
{
	return hold_is_sound(job->hold);
}

static bool is_as_it_was(const struct engine_job *job)
{
	uint32_t block;
	uint64_t size;

	return identity_block(job->hold->fd, engine_device(job)->number, &block) == 0 &&
	       block == job->request.block && real_ioctl(job->hold->fd, BLKGETSIZE64, &size) == 0 &&
	       size >= job->request.offset + job->request.length;
}

bool engine_is_still(const struct engine_job *job, uint64_t now)
{
	uint64_t told = job->by_hold ? job->hold->told : job->own.told;

	return !job->since || now - job->since < SOON ||
	       (now - told < DEVICE_OLD && is_as_it_was(job));
}

/* True if block size, size and promise are still those by which the write was judged. */
static bool is_known_anew(const struct engine_job *job)
{
	struct device now;

	return engine_is_still(job, real_now()) ||
	       (device_of_hold(job->hold, &now) == 0 && device_is_same(&now, engine_device(job)) &&
		is_as_it_was(job));
}

int engine_open_node(const struct engine_job *job)
{
	const struct device *device = engine_device(job);

	return device->transport->queue->open_node(&device->disk, job->hold->fd, device->number);
}

void engine_prepare(struct engine_job *job, struct io_uring_sqe *sqe)
{
	struct command command = engine_command(engine_device(job), &job->request);

	job->began = account_begin(engine_device(job), &job->request);
	engine_device(job)->transport->queue->prepare(&engine_device(job)->disk, &command, sqe);
}

ssize_t engine_land(struct engine_job *job, int result)
{
	ssize_t length = engine_device(job)->transport->queue->outcome(
		(uint32_t)job->request.length, result);

	if (length) { /* else engine_finish() does it */
		account_end(engine_device(job), &job->request, job->began, length);
		engine_drop(job);
	}
	return length;
}

/* Sends nothing if the hold was closed meanwhile, past the doors, or the disk was formatted. */
static ssize_t finish(struct engine_job *job)
{
	int error = job->asks ? engine_ask(job) : REQUEST_GOOD;

	if (error != REQUEST_GOOD)
		return account_refused(engine_device(job), &job->request, error);
	return is_known_anew(job) && engine_is_sound(job)
		       ? engine_send(job->hold, engine_device(job), &job->request)
		       : -EIO;
}

ssize_t engine_finish(struct engine_job *job)
{
	KEEP_ERRNO;
	ssize_t result = finish(job);

	engine_drop(job);
	return result;
}
