/* SPDX-License-Identifier: MIT */
/* Start reading at ring_handle(). */
#include "async/ring.h"

#include "engine/account.h"
#include "base/cleanup.h"
#include "base/config.h"
#include "engine/engine.h"
#include "async/files.h"
#include "base/guard.h"
#include "device/hold.h"
#include "async/substitute.h"
#include "engine/worker.h"

/* The opcodes that concern ring_is_atomic_write(), files_changed_by() and ring_before_close(). */
const unsigned char ring_kinds[256] = {
	[IORING_OP_WRITEV] = RING_KIND_WRITE,
	[IORING_OP_WRITE_FIXED] = RING_KIND_WRITE,
	[IORING_OP_WRITE] = RING_KIND_WRITE,
	[IORING_OP_FILES_UPDATE] = RING_KIND_CHANGES,
	[IORING_OP_OPENAT] = RING_KIND_CHANGES,
	[IORING_OP_OPENAT2] = RING_KIND_CHANGES,
	[IORING_OP_CLOSE] = RING_KIND_CHANGES,
	[IORING_OP_ACCEPT] = RING_KIND_CHANGES,
	[IORING_OP_SOCKET] = RING_KIND_CHANGES,
	[IORING_OP_PIPE] = RING_KIND_CHANGES,
	[IORING_OP_MSG_RING] = RING_KIND_CHANGES,
	[IORING_OP_LAST_KNOWN + 1 ... 255] = RING_KIND_CHANGES,
};

/* attr_type_mask, which was padding before Linux 6.14. */
static uint64_t attributes_of(const struct io_uring_sqe *sqe)
{
	uint64_t attributes;

	memcpy(&attributes, (const char *)sqe + URING_ATTRIBUTES_OFFSET, sizeof(attributes));
	return attributes;
}

/* Other flags and fields mean something that we do not do: buffers from a group, files without a
 * descriptor, somebody else's rights, a priority that might not be allowed, integrity data. */
static bool is_understood(const struct io_uring_sqe *sqe)
{
	const unsigned flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC |
			       IOSQE_CQE_SKIP_SUCCESS;

	return !(sqe->flags & ~flags) && !sqe->personality && !sqe->ioprio && !attributes_of(sqe);
}

static void leave_slot(struct ring_batch *batch)
{
	if (batch->registered)
		files_put(batch->registered);
	batch->registered = NULL;
}

/* Our descriptor of the slot's file, asked for once for successive writes to the slot. -1: we do
 * not know the file. */
static int fd_of_slot(struct ring_batch *batch, unsigned slot)
{
	if (batch->registered && batch->slot == slot)
		return batch->slot_fd;
	leave_slot(batch);
	batch->slot = slot;
	batch->slot_fd = files_get(batch->ring, slot, &batch->registered);
	return batch->slot_fd;
}

void ring_batch_end(struct ring_batch *batch)
{
	engine_forget(&batch->file);
	leave_slot(batch);
	ring_op_return(&batch->spare);
	if (batch->worker == RING_WORKER_RESERVED)
		worker_release();
	batch->worker = RING_WORKER_UNKNOWN;
}

/* Leaves the write to the kernel, which will refuse it, and counts it: nobody else does. */
static enum ring_handled leave(int fd)
{
	KEEP_ERRNO;
	struct look look = { .number = 0 };

	look_at_node(fd, &look);
	account_kernel(look.number, DOOR_IO_URING, 0);
	return RING_LEFT;
}

/* Ends the hold before the program's descriptor is closed, as close() does. We cannot know when the
 * kernel will close it. */
void ring_before_close(const struct io_uring_sqe *sqe)
{
	KEEP_ERRNO;
	unsigned number = (unsigned)sqe->fd;

	if (sqe->file_index || !look_is_marked(number) || hold_owns(number))
		return;
	GUARDED;
	hold_before_change(number, number);
	hold_after_change();
}

static enum form form_of(const struct ring_batch *batch)
{
	return batch->flags & IORING_SETUP_IOPOLL ? FORM_POLLED : FORM_RING;
}

static int start(struct ring_batch *batch, const struct io_uring_sqe *sqe, int fd,
		 struct engine_job *job)
{
	struct iovec single = { (void *)(uintptr_t)sqe->addr, sqe->len };
	struct write_call call = {
		.fd = fd,
		.iov = sqe->opcode == IORING_OP_WRITEV ? (void *)(uintptr_t)sqe->addr : &single,
		.count = sqe->opcode == IORING_OP_WRITEV ? (int)sqe->len : 1,
		.vector = sqe->opcode == IORING_OP_WRITEV,
		.offset = (off_t)sqe->off,
		.flags = sqe->rw_flags,
		.registered = sqe->opcode == IORING_OP_WRITE_FIXED,
		.waits = batch->loose || (sqe->flags & IOSQE_ASYNC),
		.file = &batch->file,
	};
	bool early;

	return engine_start(&call, form_of(batch), job, &early);
}

/* No substitute serves a ring with IOPOLL: /dev/null cannot be polled. */
static enum ring_handled finish_at_once(struct ring_batch *batch, struct io_uring_sqe *sqe, int fd,
					struct engine_job *job, int result)
{
	if ((batch->flags & IORING_SETUP_IOPOLL) || !substitute_is_ready()) {
		engine_drop(job);
		return result == REQUEST_GOOD ? leave(fd) : RING_LEFT;
	}
	if (result == REQUEST_GOOD)
		result = (int)engine_finish(job);
	engine_forget(&batch->file);
	substitute_put(sqe, result);
	return result < 0 ? RING_FAILED : RING_DONE;
}

/* If the caller waits for this write, we do it at once. A ring with IOPOLL has no such way and
 * always gets a message. */
static bool is_waited_for(const struct ring_batch *batch)
{
	return batch->alone && !(batch->flags & IORING_SETUP_IOPOLL);
}

/* Asked once for the whole batch. */
static bool has_worker(struct ring_batch *batch)
{
	if (batch->worker == RING_WORKER_UNKNOWN)
		batch->worker = ring_op_reserve_worker() ? RING_WORKER_RESERVED : RING_WORKER_NONE;
	return batch->worker == RING_WORKER_RESERVED;
}

static bool could_leave(const struct ring_batch *batch, const struct io_uring_sqe *sqe)
{
	return batch->ring && !batch->at_once && !batch->in_chain && !ring_is_linked(sqe);
}

static bool could_go(const struct ring_batch *batch, const struct io_uring_sqe *sqe)
{
	return !is_waited_for(batch) && could_leave(batch, sqe);
}

bool ring_may_go(struct ring_batch *batch, const struct io_uring_sqe *sqe)
{
	return could_go(batch, sqe) && has_worker(batch);
}

/* A later entry of a chain must wait until the kernel comes to it, unless we did all before it. So
 * must an entry after one that drains. Both are the kernel's. */
static bool is_ours(const struct ring_batch *batch, const struct io_uring_sqe *sqe)
{
	return ring_is_atomic_write(sqe) && is_understood(sqe) &&
	       (!batch->in_chain || batch->open) && !batch->drained;
}

/* True: past the doors, our descriptor's number was given to another disk after files_get(). */
static bool is_astray(const struct ring_batch *batch, const struct io_uring_sqe *sqe,
		      const struct engine_job *job, int result)
{
	return (sqe->flags & IOSQE_FIXED_FILE) && result == REQUEST_GOOD &&
	       !(batch->registered && files_is_on(batch->registered, &job->hold->node));
}

static struct ring_op *get_op(struct ring_batch *batch, const struct io_uring_sqe *sqe)
{
	return has_worker(batch) ? ring_op_get(batch->ring, sqe, &batch->spare, 1 + batch->writes)
				 : NULL;
}

static enum ring_handled give_up(struct ring_batch *batch, struct engine_job *job, int result)
{
	if (batch->op)
		ring_op_leave(batch->op);
	else
		engine_drop(job);
	if (result == ENGINE_KERNEL)
		return RING_LEFT;
	engine_forget(&batch->file);
	return leave(-1);
}

/* The job of a write that is found to be ours only now. */
static void get_op_for(struct ring_batch *batch, const struct io_uring_sqe *sqe,
		       const struct engine_job *job)
{
	batch->op = get_op(batch, sqe);
	if (batch->op)
		*ring_op_job(batch->op) = *job;
}

/* A write that is left to the kernel shall cost no thread and no descriptor. So the first write to
 * a file gets its op after it was found to be ours; the others save the copy of the job. */
static enum ring_handled handle_to(struct ring_batch *batch, struct io_uring_sqe *sqe, int fd)
{
	struct engine_job here, *job = &here;
	bool known = batch->file.known && batch->file.fd == fd;

	batch->writes -= batch->writes > 0;
	if (!is_ours(batch, sqe))
		return leave(fd);
	batch->file.later = could_go(batch, sqe);
	batch->op = known && batch->file.later ? get_op(batch, sqe) : NULL;
	if (batch->op)
		job = ring_op_job(batch->op);
	int result = start(batch, sqe, fd, job);
	if (result == ENGINE_KERNEL || is_astray(batch, sqe, job, result))
		return give_up(batch, job, result);
	if (!batch->op && could_leave(batch, sqe) && (batch->file.later || result < 0))
		get_op_for(batch, sqe, job);
	if (!batch->op)
		return finish_at_once(batch, sqe, fd, job, result);
	ring_op_take_out(batch->op, result);
	return RING_GONE;
}

static enum ring_handled handle(struct ring_batch *batch, struct io_uring_sqe *sqe)
{
	if (!ring_is_atomic_write(sqe) || config_get().mode == MODE_OFF)
		return RING_LEFT;
	return handle_to(batch, sqe,
			 sqe->flags & IOSQE_FIXED_FILE ? fd_of_slot(batch, (unsigned)sqe->fd)
						       : sqe->fd);
}

/* Notes whether we may do an atomic write that is linked to this entry. */
static void follow(struct ring_batch *batch, const struct io_uring_sqe *sqe,
		   enum ring_handled handled)
{
	bool goes_on = handled == RING_DONE ||
		       (handled == RING_FAILED && (sqe->flags & IOSQE_IO_HARDLINK));

	batch->open = goes_on && (!batch->in_chain || batch->open);
	batch->in_chain = ring_is_linked(sqe);
	batch->drained |= sqe->flags & IOSQE_IO_DRAIN;
}

enum ring_handled ring_handle(struct ring_batch *batch, struct io_uring_sqe *sqe)
{
	enum ring_handled handled = handle(batch, sqe);

	follow(batch, sqe, handled);
	return handled;
}
