/* SPDX-License-Identifier: MIT */
/* Start reading at aio_submit(). While io_submit() runs, an atomic write's iocb wears a disguise:
 * it is a poll of a signal, or a write to /dev/null. Afterwards the program's iocb is as it was. */
#include "async/aio.h"

#include <errno.h>
#include <sys/syscall.h>

#include "async/aio_habit.h"
#include "async/aio_table.h"
#include "async/substitute.h"
#include "base/cleanup.h"
#include "base/deep.h"
#include "base/guard.h"
#include "base/real.h"
#include "engine/engine.h"
#include "engine/worker.h"

enum { AT_ONCE = 32 };

/* True: the kernel takes this priority from every process (block/ioprio.c: ioprio_check_cap). */
static bool has_usual_priority(const struct iocb *iocb)
{
	int class = iocb->aio_reqprio >> 13, level = iocb->aio_reqprio & 0x1fff;

	if (!(iocb->aio_flags & IOCB_FLAG_IOPRIO))
		return true;
	return class == 0 ? level == 0 : (class == 2 || class == 3) && level < 8;
}

/* False: no address of a program's. The kernel answers EFAULT. */
static bool could_be(const void *address)
{
	return (uintptr_t)address >= 4096 && (uintptr_t)address >> 56 == 0;
}

/* An atomic write, but none that io_submit() refuses before it comes to the flags. */
static bool is_atomic_write(const struct iocb *iocb)
{
	return could_be(iocb) && (iocb->aio_rw_flags & RWF_ATOMIC) && !iocb->aio_reserved2 &&
	       has_usual_priority(iocb) && (int64_t)iocb->aio_nbytes >= 0 &&
	       (iocb->aio_lio_opcode == IOCB_CMD_PWRITE ||
		iocb->aio_lio_opcode == IOCB_CMD_PWRITEV);
}

/* The state of one call's iocbs while they are submitted. */
struct submission {
	aio_context_t context;
	struct engine_file file;
	bool here;       /* one write, and the thread will wait for it: it is done in this thread */
	bool has_worker; /* worker_reserve() was called */
	bool proven;     /* the first signal was proven to be ours */
	struct disguise {
		bool worn;
		struct aio_op *op; /* NULL: nothing is left to be done */
		struct iocb was;
	} disguises[AT_ONCE];
};

static int start(struct submission *submission, const struct iocb *iocb, struct engine_job *job,
		 bool *ret_early)
{
	struct iovec single = { (void *)(uintptr_t)iocb->aio_buf, iocb->aio_nbytes };
	bool is_vector = iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
	struct write_call call = {
		.fd = (int)iocb->aio_fildes,
		.iov = is_vector ? (const struct iovec *)(uintptr_t)iocb->aio_buf : &single,
		.count = !is_vector                      ? 1
			 : iocb->aio_nbytes <= INT32_MAX ? (int)iocb->aio_nbytes
							 : -1,
		.vector = is_vector,
		.offset = iocb->aio_offset,
		.flags = iocb->aio_rw_flags,
		.file = &submission->file,
	};

	return engine_start(&call, FORM_AIO, job, ret_early);
}

static void look_like(struct iocb *iocb, unsigned opcode, int fd, uint64_t data, uint64_t size)
{
	iocb->aio_lio_opcode = (uint16_t)opcode;
	iocb->aio_fildes = (uint32_t)fd;
	iocb->aio_buf = data;
	iocb->aio_nbytes = size;
	iocb->aio_offset = 0;
	iocb->aio_rw_flags = 0;
}

static void done(struct work *work, struct flight *flight)
{
	aio_table_done((struct aio_op *)work, flight);
}

/* NULL: the write is to be done inline; or there is no worker, no memory, or no descriptor left. */
static struct aio_op *get_op(struct submission *submission, const struct iocb *iocb)
{
	if (config_get().aio_inline)
		return NULL;
	if (!submission->has_worker)
		submission->has_worker = worker_reserve();
	struct aio_op *op = submission->has_worker
				    ? aio_table_add(submission->context, iocb, !submission->proven)
				    : NULL;
	submission->proven |= op != NULL;
	return op;
}

static void do_later(struct iocb *iocb, struct aio_op *op, int result)
{
	op->work.result = result;
	op->work.done = done;
	look_like(iocb, IOCB_CMD_POLL, op->signal.fd, aio_signal_events(&op->signal), 0);
}

static long submit(aio_context_t context, long count, struct iocb **iocbs)
{
	return real_syscall(SYS_io_submit, (long)context, count, (long)iocbs, 0, 0, 0);
}

/* The iocb becomes a write to /dev/null, which has the same result and reads no memory. We ask the
 * kernel about the context first: an invalid one must fail before anything is written. */
static int do_at_once(struct submission *submission, struct iocb *iocb, struct engine_job *job,
		      int result)
{
	int nowhere = substitute_null(), error = (int)submit(submission->context, 0, NULL);

	if (error || nowhere < 0) {
		engine_drop(job);
		return error ? error : -EAGAIN;
	}
	if (result == REQUEST_GOOD)
		result = (int)engine_finish(job);
	engine_forget(&submission->file);
	if (result < 0)
		return result;
	look_like(iocb, IOCB_CMD_PWRITE, nowhere, 0, (uint64_t)result);
	return 0;
}

/* The write stays as it is. */
static int give_up(struct disguise *disguise, int error)
{
	if (disguise->op)
		aio_table_drop(disguise->op);
	disguise->op = NULL;
	return error;
}

/* 0, or the error with which io_submit() is to stop here. A write that is left to the kernel shall
 * cost no thread and no descriptor: see handle_to() in ring.c. */
static int put_on(struct submission *submission, struct iocb *iocb, struct disguise *disguise)
{
	struct engine_job here, *job = &here;
	bool known = submission->file.known && submission->file.fd == (int)iocb->aio_fildes, early;

	submission->file.later = !config_get().aio_inline;
	*disguise = (struct disguise){ .was = *iocb };
	disguise->op = known ? get_op(submission, iocb) : NULL;
	if (disguise->op)
		job = &disguise->op->work.job;
	int result = start(submission, iocb, job, &early);
	if (early || result == ENGINE_KERNEL)
		return give_up(disguise, early ? result : 0);
	if (!disguise->op && (disguise->op = get_op(submission, iocb)))
		disguise->op->work.job = *job;
	disguise->worn = true;
	if (!disguise->op)
		return do_at_once(submission, iocb, job, result);
	do_later(iocb, disguise->op, result);
	return 0;
}

/* Restores all but aio_key, which the kernel writes. */
static void take_off(struct iocb *iocb, const struct disguise *disguise)
{
	iocb->aio_lio_opcode = disguise->was.aio_lio_opcode;
	iocb->aio_fildes = disguise->was.aio_fildes;
	iocb->aio_buf = disguise->was.aio_buf;
	iocb->aio_nbytes = disguise->was.aio_nbytes;
	iocb->aio_offset = disguise->was.aio_offset;
	iocb->aio_rw_flags = disguise->was.aio_rw_flags;
}

static void do_here(struct aio_op *op)
{
	if (op->work.result == REQUEST_GOOD)
		op->work.result = (int)engine_finish(&op->work.job);
	aio_table_done(op, NULL);
}

static void add(bool here, struct aio_op *op, struct work ***last)
{
	if (here || op->work.result != REQUEST_GOOD) {
		do_here(op);
		return;
	}
	engine_leave(&op->work.job);
	**last = &op->work;
	*last = &op->work.next;
}

/* Begins only the writes whose iocbs the kernel accepted. */
static void begin(struct submission *submission, struct iocb **iocbs, long ready, long accepted)
{
	struct work *works = NULL, **last = &works;

	for (long i = 0; i < ready; i++) {
		struct disguise *disguise = &submission->disguises[i];
		if (disguise->worn)
			take_off(iocbs[i], disguise);
		if (disguise->op && i < accepted)
			add(submission->here, disguise->op, &last);
		else if (disguise->op)
			aio_table_drop(disguise->op);
	}
	*last = NULL;
	if (works)
		worker_start(works);
}

static long submit_all(struct submission *submission, long count, struct iocb **iocbs)
{
	long ready = 0;
	int error = 0;

	while (ready < count && !error) {
		struct disguise *disguise = &submission->disguises[ready];
		disguise->worn = false;
		disguise->op = NULL;
		if (is_atomic_write(iocbs[ready]))
			error = put_on(submission, iocbs[ready], disguise);
		ready += !error;
	}
	long accepted = ready ? submit(submission->context, ready, iocbs) : error;
	begin(submission, iocbs, ready, accepted);
	return accepted;
}

static long submit_to_end(struct submission *submission, long count, struct iocb **iocbs)
{
	long accepted = submit_all(submission, count, iocbs);

	engine_forget(&submission->file);
	if (submission->has_worker)
		worker_release();
	return accepted;
}

/* A write that is done at once takes as long as the disk: then only cancellation is held off. */
static long submit_guarded(struct submission *submission, long count, struct iocb **iocbs)
{
	NO_CANCELLATION;
	if (config_get().aio_inline)
		return submit_to_end(submission, count, iocbs);
	GUARDED;
	return submit_to_end(submission, count, iocbs);
}

/* count is at most AT_ONCE. */
static long submit_some(aio_context_t context, long count, struct iocb **iocbs)
{
	KEEP_ERRNO;
	struct submission submission;

	submission.context = context;
	submission.here = count == 1 && aio_habit_is_to_wait(context);
	submission.file.known = submission.has_worker = submission.proven = false;
	submission.file.device = NULL;
	submission.file.hold = NULL;
	return submit_guarded(&submission, count, iocbs);
}

static bool has_atomic_write(long count, struct iocb **iocbs)
{
	for (long i = 0; i < count && could_be(iocbs); i++) {
		if (is_atomic_write(iocbs[i]))
			return true;
	}
	return false;
}

static long submit_in_parts(aio_context_t context, long count, struct iocb **iocbs)
{
	long done = 0;

	while (done < count) {
		long now = count - done < AT_ONCE ? count - done : AT_ONCE;
		long accepted = submit_some(context, now, iocbs + done);
		if (accepted < 0)
			return done ? done : accepted;
		done += accepted;
		if (accepted < now)
			break;
	}
	return done;
}

static long submit_any(aio_context_t context, long count, struct iocb **iocbs)
{
	if (config_get().mode == MODE_OFF || !has_atomic_write(count, iocbs))
		return submit(context, count, iocbs);
	DEEP_INSIDE;
	return submit_in_parts(context, count, iocbs);
}

long aio_submit(aio_context_t context, long count, struct iocb **iocbs)
{
	long accepted = submit_any(context, count, iocbs);

	aio_habit_submitted(context, accepted);
	return accepted;
}

/* Puts our results into the events that the kernel has just handed out. */
static long fill_in(aio_context_t context, struct io_event *events, long count)
{
	KEEP_ERRNO;
	aio_table_fetch(context, events, count);
	return count;
}

long aio_getevents(aio_context_t context, long least, long most, struct io_event *events,
		   struct timespec *timeout)
{
	long count = real_syscall(SYS_io_getevents, (long)context, least, most, (long)events,
				  (long)timeout, 0);

	aio_habit_fetched(context, count, least > 0 && !timeout);
	return fill_in(context, events, count);
}

long aio_pgetevents(aio_context_t context, long least, long most, struct io_event *events,
		    struct timespec *timeout, const struct aio_sigset *set)
{
	long count = real_syscall(SYS_io_pgetevents, (long)context, least, most, (long)events,
				  (long)timeout, (long)set);

	aio_habit_fetched(context, count, least > 0 && !timeout);
	return fill_in(context, events, count);
}

/* Nobody can cancel a write to a disk (fs/aio.c: it has no ki_cancel). */
long aio_cancel(aio_context_t context, struct iocb *iocb, struct io_event *event)
{
	if (aio_table_has(context, iocb))
		return -EINVAL;
	return real_syscall(SYS_io_cancel, (long)context, (long)iocb, (long)event, 0, 0, 0);
}

long aio_destroy(aio_context_t context)
{
	aio_table_await(context);
	long result = real_syscall(SYS_io_destroy, (long)context, 0, 0, 0, 0, 0);
	if (!result) {
		aio_table_forget(context);
		aio_habit_forget(context);
	}
	return result;
}
