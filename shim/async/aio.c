/* SPDX-License-Identifier: MIT */
/*
 * An operation is in the table from before its submission until its event is fetched or its context
 * destroyed. One lock for the table; it is never held while a device or the kernel's AIO is waited
 * for, and all signals are blocked while it is, so that no handler meets its own thread holding it.
 */
#include "async/aio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/deep.h"
#include "engine/engine.h"
#include "base/guard.h"
#include "base/racy.h"
#include "base/real.h"
#include "async/substitute.h"
#include "engine/worker.h"

enum { MAX_OPS = 1024, AT_ONCE = 32, FIRST_NUMBER = 512 };

/* Set with F_SETSIG on our eventfds, and without effect there: so they are known again. */
enum { MARK = 57 };

enum state { FREE, RESERVED, UNDER_WAY, DONE };

struct op {
	struct work work; /* first */
	aio_context_t context;
	const struct iocb *iocb; /* the program's: its address and its data are the event's name */
	uint64_t data;
	enum state state;
	int eventfd; /* -1: none; stays with the slot */
};

static struct op ops[MAX_OPS];
static _Atomic unsigned used; /* all slots in use lie below; 0 while nobody has submitted any */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
static _Atomic pid_t owner; /* a child that got here without a word has no worker to wait for */

static struct guard take_lock(void)
{
	struct guard guard;

	guard_raise(&guard);
	pthread_mutex_lock(&lock);
	return guard;
}

static void drop_lock(const struct guard *guard)
{
	pthread_mutex_unlock(&lock);
	guard_lower(guard);
}

#define HOLD_LOCK __attribute__((cleanup(drop_lock), unused)) const struct guard hold = take_lock()

static bool is_ours(int fd)
{
	return fd >= 0 && fcntl(fd, F_GETSIG) == MARK;
}

static int make_eventfd(void)
{
	int low = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (low < 0)
		return -errno;
	int high = fcntl(low, F_DUPFD_CLOEXEC, FIRST_NUMBER);
	if (high < 0) /* RLIMIT_NOFILE is lower */
		high = low;
	else
		real_close(low);
	fcntl(high, F_SETSIG, MARK);
	return high;
}

/* A slot whose eventfd is there and not readable, or NULL. */
static struct op *reserve(void)
{
	HOLD_LOCK;
	unsigned i = 0;

	while (i < MAX_OPS && ops[i].state != FREE)
		i++;
	if (i == MAX_OPS)
		return NULL;
	if (i >= used || !is_ours(ops[i].eventfd))
		ops[i].eventfd = make_eventfd();
	if (i >= used)
		atomic_store(&used, i + 1);
	if (ops[i].eventfd < 0)
		return NULL;
	ops[i].state = RESERVED;
	return &ops[i];
}

static void release(struct op *op)
{
	uint64_t value;

	if (is_ours(op->eventfd) && read(op->eventfd, &value, sizeof(value)) < 0)
		errno = 0; /* it was not readable */
	op->state = FREE;
}

static void release_reserved(struct op *op)
{
	engine_drop(&op->work.job);
	HOLD_LOCK;
	release(op);
}

/* The result is there before the event is. */
static void complete(struct op *op)
{
	const uint64_t one = 1;
	HOLD_LOCK;

	op->state = DONE;
	if (is_ours(op->eventfd) && write(op->eventfd, &one, sizeof(one)) < 0)
		op->state = DONE; /* cannot be: it was 0 */
	pthread_cond_broadcast(&finished);
}

static void done(struct work *work, struct flight *unused)
{
	(void)unused;
	complete((struct op *)work);
}

/* A priority that the kernel takes from anybody (block/ioprio.c: ioprio_check_cap). */
static bool has_usual_priority(const struct iocb *iocb)
{
	int class = iocb->aio_reqprio >> 13, level = iocb->aio_reqprio & 0x1fff;

	if (!(iocb->aio_flags & IOCB_FLAG_IOPRIO))
		return true;
	return class == 0 ? level == 0 : (class == 2 || class == 3) && level < 8;
}

/* And no garbage, which io_submit() finds out first. */
static bool is_atomic_write(const struct iocb *iocb)
{
	return (iocb->aio_rw_flags & RWF_ATOMIC) && !iocb->aio_reserved2 &&
	       has_usual_priority(iocb) && (int64_t)iocb->aio_nbytes >= 0 &&
	       (iocb->aio_lio_opcode == IOCB_CMD_PWRITE ||
		iocb->aio_lio_opcode == IOCB_CMD_PWRITEV);
}

static int start(const struct iocb *iocb, struct engine_file *file, struct op *op, bool *ret_early)
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
		.file = file,
	};

	return engine_start(&call, FORM_AIO, &op->work.job, ret_early);
}

/* What the kernel is to see of the iocb in our stead, and what it was. */
struct disguise {
	bool worn;
	struct op *op; /* NULL: nothing is left to be done */
	struct iocb was;
};

static void look_like(struct iocb *iocb, unsigned opcode, int fd, uint64_t data, uint64_t size)
{
	iocb->aio_lio_opcode = (uint16_t)opcode;
	iocb->aio_fildes = (uint32_t)fd;
	iocb->aio_buf = data;
	iocb->aio_nbytes = size;
	iocb->aio_offset = 0;
	iocb->aio_rw_flags = 0;
}

/* Done now; then a write to /dev/null has the same result, and looks at no memory. */
static int do_at_once(struct iocb *iocb, struct op *op, int result)
{
	int nowhere = substitute_null();

	if (nowhere < 0)
		return -EAGAIN;
	if (result == REQUEST_GOOD)
		result = (int)engine_finish(&op->work.job);
	if (result < 0)
		return result;
	look_like(iocb, IOCB_CMD_PWRITE, nowhere, 0, (uint64_t)result);
	return 0;
}

static void do_later(aio_context_t context, struct iocb *iocb, struct op *op, int result)
{
	op->context = context;
	op->iocb = iocb;
	op->data = iocb->aio_data;
	op->work.result = result;
	look_like(iocb, IOCB_CMD_POLL, op->eventfd, POLLIN, 0);
}

/* 0, or the error with which io_submit() is to stop here. */
static int put_on(aio_context_t context, struct iocb *iocb, struct engine_file *file,
		  struct disguise *ret_disguise)
{
	bool early, now = config_get().aio_inline;
	struct disguise disguise = { .was = *iocb };

	struct op *op = reserve();
	if (!op)
		return -EAGAIN;
	int result = start(iocb, file, op, &early);
	int error = early ? result : 0;
	disguise.worn = !early && result != ENGINE_KERNEL;
	if (disguise.worn && now) {
		error = do_at_once(iocb, op, result);
		engine_forget(file);
	} else if (disguise.worn) {
		do_later(context, iocb, disguise.op = op, result);
	}
	if (!disguise.op)
		release_reserved(op);
	*ret_disguise = disguise;
	return error;
}

/* Not aio_key, which the kernel writes. */
static void take_off(struct iocb *iocb, const struct disguise *disguise)
{
	iocb->aio_lio_opcode = disguise->was.aio_lio_opcode;
	iocb->aio_fildes = disguise->was.aio_fildes;
	iocb->aio_buf = disguise->was.aio_buf;
	iocb->aio_nbytes = disguise->was.aio_nbytes;
	iocb->aio_offset = disguise->was.aio_offset;
	iocb->aio_rw_flags = disguise->was.aio_rw_flags;
}

static void mark_under_way(struct op *op)
{
	HOLD_LOCK;
	atomic_store(&owner, getpid());
	op->state = UNDER_WAY;
}

static void begin(struct op *op)
{
	if (op->work.result != REQUEST_GOOD) {
		complete(op);
		return;
	}
	mark_under_way(op);
	op->work.done = done;
	engine_leave(&op->work.job, FORM_AIO);
	worker_start(&op->work);
}

static long submit(aio_context_t context, long count, struct iocb **iocbs)
{
	return real_syscall(SYS_io_submit, (long)context, count, (long)iocbs, 0, 0, 0);
}

/* At most AT_ONCE. */
static long submit_some(aio_context_t context, long count, struct iocb **iocbs)
{
	KEEP_ERRNO;
	struct disguise disguises[AT_ONCE] = { { false, NULL, { 0 } } };
	struct engine_file file = { .known = false };
	long ready = 0;
	int error = 0;

	while (ready < count && !error) {
		if (is_atomic_write(iocbs[ready]))
			error = put_on(context, iocbs[ready], &file, &disguises[ready]);
		ready += !error;
	}
	long accepted = ready ? submit(context, ready, iocbs) : error;
	for (long i = 0; i < ready; i++) {
		if (disguises[i].worn)
			take_off(iocbs[i], &disguises[i]);
		if (!disguises[i].op)
			continue;
		if (i < accepted)
			begin(disguises[i].op);
		else
			release_reserved(disguises[i].op);
	}
	engine_forget(&file);
	return accepted;
}

static bool has_atomic_write(long count, struct iocb **iocbs)
{
	for (long i = 0; i < count; i++) {
		if (is_atomic_write(iocbs[i]))
			return true;
	}
	return false;
}

long aio_submit(aio_context_t context, long count, struct iocb **iocbs)
{
	long done = 0;

	if (config_get().mode == MODE_OFF || !has_atomic_write(count, iocbs))
		return submit(context, count, iocbs);
	DEEP_INSIDE;
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

static void put_in(aio_context_t context, struct io_event *event)
{
	for (unsigned i = 0; i < used; i++) {
		if (ops[i].state == DONE && ops[i].context == context &&
		    (uintptr_t)ops[i].iocb == event->obj && ops[i].data == event->data) {
			event->res = ops[i].work.result;
			release(&ops[i]);
			return;
		}
	}
}

/* Of the events that the kernel has just handed out. */
static long fill_in(aio_context_t context, struct io_event *events, long count)
{
	KEEP_ERRNO;
	if (count <= 0 || !atomic_load_explicit(&used, memory_order_relaxed))
		return count;
	HOLD_LOCK;
	for (long i = 0; i < count; i++)
		put_in(context, &events[i]);
	return count;
}

long aio_getevents(aio_context_t context, long least, long most, struct io_event *events,
		   struct timespec *timeout)
{
	long count = real_syscall(SYS_io_getevents, (long)context, least, most, (long)events,
				  (long)timeout, 0);

	return fill_in(context, events, count);
}

long aio_pgetevents(aio_context_t context, long least, long most, struct io_event *events,
		    struct timespec *timeout, const struct aio_sigset *set)
{
	long count = real_syscall(SYS_io_pgetevents, (long)context, least, most, (long)events,
				  (long)timeout, (long)set);

	return fill_in(context, events, count);
}

static bool is_known(aio_context_t context, const struct iocb *iocb)
{
	HOLD_LOCK;

	for (unsigned i = 0; i < used; i++) {
		if (ops[i].state >= UNDER_WAY && ops[i].context == context && ops[i].iocb == iocb)
			return true;
	}
	return false;
}

/* A write to a disk cannot be called back (fs/aio.c: it has no ki_cancel). */
long aio_cancel(aio_context_t context, struct iocb *iocb, struct io_event *event)
{
	if (atomic_load(&used) && is_known(context, iocb))
		return -EINVAL;
	return real_syscall(SYS_io_cancel, (long)context, (long)iocb, (long)event, 0, 0, 0);
}

static void await_all(aio_context_t context)
{
	HOLD_LOCK;

	for (unsigned i = 0; i < used; i++) {
		while (ops[i].state == UNDER_WAY && ops[i].context == context)
			pthread_cond_wait(&finished, &lock);
	}
}

RACY static bool needs_one_of(const struct op *op, unsigned first, unsigned last)
{
	return op->state == UNDER_WAY && (unsigned)op->eventfd >= first &&
	       (unsigned)op->eventfd <= last;
}

static void await(const struct op *op, unsigned first, unsigned last)
{
	KEEP_ERRNO;
	HOLD_LOCK;

	while (needs_one_of(op, first, last))
		pthread_cond_wait(&finished, &lock);
}

/* Without its eventfd a write would have no event. Every close() comes here: it takes the lock only
 * for such a one, and never in a child whose copy of the lock nobody will give back. */
void aio_before_close(unsigned first, unsigned last)
{
	unsigned count = atomic_load_explicit(&used, memory_order_relaxed);

	for (unsigned i = 0; i < count; i++) {
		if (needs_one_of(&ops[i], first, last) && getpid() == owner)
			await(&ops[i], first, last);
	}
}

static void forget_all(aio_context_t context)
{
	HOLD_LOCK;

	for (unsigned i = 0; i < used; i++) {
		if (ops[i].state == DONE && ops[i].context == context)
			release(&ops[i]);
	}
}

long aio_destroy(aio_context_t context)
{
	if (atomic_load(&used))
		await_all(context);
	long result = real_syscall(SYS_io_destroy, (long)context, 0, 0, 0, 0, 0);
	if (!result)
		forget_all(context);
	return result;
}

/* The contexts stay with the parent, and so does the meaning of its eventfds. */
RACY void aio_after_fork(void)
{
	KEEP_ERRNO;
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	for (unsigned i = 0; i < used; i++) {
		if (is_ours(ops[i].eventfd))
			real_close(ops[i].eventfd);
		ops[i].eventfd = -1;
		ops[i].state = FREE;
	}
	atomic_store(&used, 0);
}
