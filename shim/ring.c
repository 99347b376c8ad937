/* SPDX-License-Identifier: MIT */
/*
 * Start reading at ring_before_submit(). One lock, for the table of the writes under way; never
 * held while a device is waited for, and with all signals blocked.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "cleanup.h"
#include "engine.h"
#include "files.h"
#include "poster.h"
#include "substitute.h"
#include "worker.h"

enum { MAX_OPS = 1024, MAX_RINGS = 64, FIRST_NUMBER = 512 };

/* A ring with writes under way. Our own descriptor of it keeps it from becoming another one. */
struct target {
	int number, own;
	unsigned under_way; /* 0: the slot is free */
};

struct op {
	struct work work; /* first */
	struct engine_job job;
	struct target *target; /* NULL: the slot is free */
	uint64_t user_data;
	bool quiet; /* no completion for a success: IOSQE_CQE_SKIP_SUCCESS */
	int result;
};

static struct op ops[MAX_OPS];
static struct target targets[MAX_RINGS];
static _Atomic unsigned under_way; /* of all rings */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;

static struct target *find_target(int number)
{
	struct target *unused = NULL;

	for (int i = 0; i < MAX_RINGS; i++) {
		if (targets[i].under_way && targets[i].number == number)
			return &targets[i];
		if (!targets[i].under_way)
			unused = &targets[i];
	}
	if (unused)
		unused->number = number;
	return unused;
}

static bool hold_target(struct target *target)
{
	if (!target->under_way)
		target->own = fcntl(target->number, F_DUPFD_CLOEXEC, FIRST_NUMBER);
	if (target->own < 0)
		return false;
	target->under_way++;
	return true;
}

/* NULL: it has to be done at once. */
static struct op *take_op(int number)
{
	struct op *op = NULL;

	pthread_mutex_lock(&lock);
	struct target *target = find_target(number);
	for (int i = 0; target && !op && i < MAX_OPS; i++)
		op = ops[i].target ? NULL : &ops[i];
	if (op && hold_target(target)) {
		op->target = target;
		atomic_fetch_add(&under_way, 1);
	} else {
		op = NULL;
	}
	pthread_mutex_unlock(&lock);
	return op;
}

static void give_back(struct op *op)
{
	pthread_mutex_lock(&lock);
	if (--op->target->under_way == 0)
		close(op->target->own);
	op->target = NULL;
	atomic_fetch_sub(&under_way, 1);
	pthread_cond_broadcast(&finished);
	pthread_mutex_unlock(&lock);
}

static void await(int number)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < MAX_RINGS; i++) {
		while (targets[i].under_way && targets[i].number == number)
			pthread_cond_wait(&finished, &lock);
	}
	pthread_mutex_unlock(&lock);
}

/* When memory is short, not for ever: somebody waits for this. */
static struct poster *own_poster(struct poster **poster)
{
	while (!*poster && !(*poster = poster_make()))
		usleep(1000);
	return *poster;
}

/* Where our own descriptor was closed by a program that closes all, the ring has its number yet. */
static void post(const struct op *op, struct poster *poster)
{
	int error = poster_post(poster, op->target->own, op->user_data, op->result);

	if (error == -EBADF || error == -EBADFD)
		poster_post(poster, op->target->number, op->user_data, op->result);
}

static void run(struct work *work, struct poster **poster)
{
	struct op *op = (struct op *)work;

	if (op->result == REQUEST_GOOD)
		op->result = (int)engine_finish(&op->job);
	if (op->result < 0 || !op->quiet)
		post(op, own_poster(poster));
	give_back(op);
}

static struct io_uring_sqe *entry_of(const struct uring *ring, unsigned number)
{
	unsigned stride = ring->flags & IORING_SETUP_SQE128 ? 2 : 1;

	return &ring->sq.sqes[(number & *ring->sq.kring_mask) * stride];
}

static bool is_atomic_write(const struct io_uring_sqe *sqe)
{
	return (sqe->opcode == IORING_OP_WRITE || sqe->opcode == IORING_OP_WRITEV ||
		sqe->opcode == IORING_OP_WRITE_FIXED) &&
	       (sqe->rw_flags & RWF_ATOMIC);
}

/* Others mean something that we do not do: buffers from a group, files without a descriptor,
 * somebody else's rights, a priority that might not be allowed. */
static bool is_understood(const struct io_uring_sqe *sqe)
{
	const unsigned flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC |
			       IOSQE_CQE_SKIP_SUCCESS;

	return !(sqe->flags & ~flags) && !sqe->personality && !sqe->ioprio;
}

/* -1: a file that we do not know. */
static int fd_of(const struct uring *ring, const struct io_uring_sqe *sqe)
{
	return sqe->flags & IOSQE_FIXED_FILE ? files_find(ring->ring_fd, (unsigned)sqe->fd)
					     : sqe->fd;
}

static int start(const struct uring *ring, const struct io_uring_sqe *sqe, bool waits,
		 struct engine_job *job)
{
	struct iovec single = { (void *)(uintptr_t)sqe->addr, sqe->len };
	struct write_call call = {
		.fd = fd_of(ring, sqe),
		.iov = sqe->opcode == IORING_OP_WRITEV ? (void *)(uintptr_t)sqe->addr : &single,
		.count = sqe->opcode == IORING_OP_WRITEV ? (int)sqe->len : 1,
		.vector = sqe->opcode == IORING_OP_WRITEV,
		.offset = (off_t)sqe->off,
		.flags = sqe->rw_flags,
		.registered = sqe->opcode == IORING_OP_WRITE_FIXED,
		.waits = waits || (sqe->flags & IOSQE_ASYNC),
	};
	bool early;

	return engine_start(&call, FORM_RING, job, &early);
}

/* What a batch tells beforehand. */
struct batch {
	struct uring *ring;
	bool at_once;  /* none is to be taken out */
	bool alone;    /* and waited for: what is good is done at once */
	bool in_chain; /* the entry before was linked to this one */
	bool open;     /* and all of the chain so far were atomic writes that were done */
	bool loose;    /* this entry's chain has no end: a thread of the kernel's takes it */
};

static bool is_linked(const struct io_uring_sqe *sqe)
{
	return sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
}

enum handled {
	LEFT,   /* to the kernel, as it is */
	GONE,   /* from the queue: its completion will be posted */
	DONE,   /* and the entry will say so */
	FAILED, /* likewise */
};

static enum handled finish_at_once(struct io_uring_sqe *sqe, const struct engine_job *job,
				   int result)
{
	if (!substitute_is_ready())
		return LEFT;
	if (result == REQUEST_GOOD)
		result = (int)engine_finish(job);
	substitute_put(sqe, result);
	return result < 0 ? FAILED : DONE;
}

static bool take_out(const struct batch *batch, const struct io_uring_sqe *sqe,
		     const struct engine_job *job, int result)
{
	if (batch->at_once || (batch->alone && result >= 0) || batch->in_chain || is_linked(sqe) ||
	    job->now || !poster_is_possible() || !worker_is_there())
		return false;
	struct op *op = take_op(batch->ring->ring_fd);
	if (!op)
		return false;
	op->job = *job;
	op->result = result;
	op->user_data = sqe->user_data;
	op->quiet = sqe->flags & IOSQE_CQE_SKIP_SUCCESS;
	op->work.run = run;
	worker_start(&op->work);
	return true;
}

/* Later members of a chain must wait for the kernel to come to them, which nobody can but it. */
static enum handled handle(const struct batch *batch, struct io_uring_sqe *sqe)
{
	struct engine_job job = { .now = false };

	if (!is_atomic_write(sqe) || !is_understood(sqe) || (batch->in_chain && !batch->open))
		return LEFT;
	int result = start(batch->ring, sqe, batch->loose, &job);
	if (result == ENGINE_KERNEL)
		return LEFT;
	return take_out(batch, sqe, &job, result) ? GONE : finish_at_once(sqe, &job, result);
}

/* May an atomic write that is linked to this entry be done in our hands? */
static void follow_chain(struct batch *batch, const struct io_uring_sqe *sqe, enum handled handled)
{
	bool goes_on = handled == DONE || (handled == FAILED && (sqe->flags & IOSQE_IO_HARDLINK));

	batch->open = goes_on && (!batch->in_chain || batch->open);
	batch->in_chain = is_linked(sqe);
}

static void copy_entry(const struct uring *ring, unsigned to, unsigned from)
{
	if (to == from)
		return;
	entry_of(ring, to)[0] = entry_of(ring, from)[0];
	if (ring->flags & IORING_SETUP_SQE128)
		entry_of(ring, to)[1] = entry_of(ring, from)[1];
}

/* The first entry of a chain that the batch does not end (io_queue_sqe_fallback()), or the tail. */
static unsigned find_loose(const struct uring *ring)
{
	unsigned i = ring->sq.sqe_tail;

	while (i != ring->sq.sqe_head && is_linked(entry_of(ring, i - 1)))
		i--;
	return i;
}

static unsigned handle_all(struct batch *batch)
{
	struct uring *ring = batch->ring;
	unsigned kept = ring->sq.sqe_head, loose = find_loose(ring);

	for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *sqe = entry_of(ring, i);
		batch->loose |= i == loose;
		enum handled handled = handle(batch, sqe);
		follow_chain(batch, sqe, handled);
		if (handled != GONE)
			copy_entry(ring, kept++, i);
	}
	unsigned taken = ring->sq.sqe_tail - kept;
	ring->sq.sqe_tail = kept;
	return taken;
}

struct found {
	bool atomic, drain, files;
	unsigned count;
};

static struct found look(const struct uring *ring)
{
	struct found found = { false, false, false, ring->sq.sqe_tail - ring->sq.sqe_head };

	for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		const struct io_uring_sqe *sqe = entry_of(ring, i);
		found.atomic |= is_atomic_write(sqe);
		found.drain |= sqe->flags & IOSQE_IO_DRAIN;
		found.files |= files_are_changed_by(sqe);
	}
	return found;
}

/* No signal handler shall meet its own thread with the lock, and no thread be cancelled with it. */
struct guard {
	sigset_t mask;
	int cancel;
};

static struct guard raise_guard(void)
{
	struct guard guard;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &guard.mask);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard.cancel);
	return guard;
}

static void lower_guard(const struct guard *guard)
{
	int unused;

	pthread_setcancelstate(guard->cancel, &unused);
	pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
}

#define GUARDED                                                                                    \
	__attribute__((cleanup(lower_guard), unused)) const struct guard guard = raise_guard()

static void await_guarded(int number)
{
	GUARDED;
	await(number);
}

static unsigned handle_guarded(struct batch *batch)
{
	KEEP_ERRNO;
	GUARDED;
	return handle_all(batch);
}

unsigned ring_before_submit(struct uring *ring, unsigned waits)
{
	struct found found = look(ring);

	if (found.files)
		files_forget_all(); /* the entry may be about another ring */
	/* What drains waits for all that were submitted before, those that we took out too. */
	if (found.drain && atomic_load(&under_way))
		await_guarded(ring->ring_fd);
	/* Nobody would poll for what is posted, or for /dev/null. */
	if (!found.atomic || (ring->flags & IORING_SETUP_IOPOLL) || config_get().mode == MODE_OFF)
		return 0;
	struct batch batch = {
		.ring = ring,
		.at_once = found.drain,
		.alone = found.count == 1 && waits > 0 && !atomic_load(&under_way),
	};
	return handle_guarded(&batch);
}

void ring_before_exit(const struct uring *ring)
{
	files_forget(ring->ring_fd);
	if (atomic_load(&under_way))
		await_guarded(ring->ring_fd);
}

__attribute__((no_sanitize("thread"))) void ring_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	if (!atomic_load(&under_way))
		return;
	for (int i = 0; i < MAX_OPS; i++)
		ops[i].target = NULL;
	for (int i = 0; i < MAX_RINGS; i++)
		targets[i].under_way = 0;
	atomic_store(&under_way, 0);
}
