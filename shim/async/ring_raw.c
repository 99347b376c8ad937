/* SPDX-License-Identifier: MIT */
/*
 * Start reading at ring_raw_enter(). The entries of one call go to the kernel in runs, so that an
 * atomic write is done only after the kernel has accepted all before it. One that is taken out
 * leaves an index behind that names no entry: the kernel ends a run there, steps over it without a
 * completion and counts it as dropped. Entries and indices are put back as they were, for programs
 * use them again.
 *
 * Another thread may enter the same ring meanwhile. It can only make the kernel refuse a write: a
 * worker is started when the kernel has dropped the index, and an entry that was changed loses
 * RWF_ATOMIC last.
 */
#include "async/ring_raw.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard.h"
#include "base/config.h"
#include "base/deep.h"
#include "async/files.h"
#include "async/issuer.h"
#include "base/memory.h"
#include "base/real.h"
#include "async/ring.h"
#include "async/ring_table.h"
#include "base/uring_uapi.h"

static long setup(unsigned entries, struct io_uring_params *params)
{
	long fd = real_syscall(SYS_io_uring_setup, (long)entries, (long)params, 0, 0, 0, 0);

	if (fd >= 0)
		files_forget((int)fd); /* of a ring that had this number, and was closed unseen */
	return fd;
}

/* A polling thread of a kernel that does atomic writes (6.11) does them too. */
static bool is_kernel_enough(void)
{
	struct config config = config_get();
	struct utsname name;
	unsigned major, minor;

	return config.mode == MODE_AUTO && config.nvme_policy == NVME_POLICY_NAMESPACE &&
	       uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 11));
}

/* What goes with the thread, its processor, and that one thread may submit: anyone may wake a
 * polling one. */
enum { POLLED = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF | IORING_SETUP_SINGLE_ISSUER };

/* The combinations that the kernel refuses for a polling thread are left to it, and what may have
 * restrictions. */
static bool is_to_be_woken(const struct io_uring_params *params)
{
	const unsigned others = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
				IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED;

	return (params->flags & IORING_SETUP_SQPOLL) && !(params->flags & others);
}

/* Whether the kernel would give this program such a thread, there where it wants it: a processor
 * that does not exist, or a right that it lacks. One that joins another ring's thread is not looked
 * at so. */
static bool may_poll(const struct io_uring_params *asked)
{
	struct io_uring_params probe = {
		.flags = asked->flags & POLLED,
		.sq_thread_cpu = asked->sq_thread_cpu,
	};

	if (asked->flags & IORING_SETUP_ATTACH_WQ)
		return true;
	long fd = setup(1, &probe);
	if (fd >= 0)
		real_close((int)fd);
	return fd >= 0;
}

/* The flag is never taken back: the kernel changes its own bits only. */
static void make_believe(struct raw *raw, struct io_uring_params *params, unsigned asked)
{
	raw->woken_only = true;
	params->flags |= asked & POLLED;
	__atomic_fetch_or(raw->map.sq_flags, IORING_SQ_NEED_WAKEUP, __ATOMIC_RELEASE);
}

static long setup_known(unsigned entries, const struct io_uring_params *asked,
			struct io_uring_params *params)
{
	bool woken = is_to_be_woken(asked);

	params->flags &= woken ? ~(unsigned)POLLED : ~0U;
	long fd = setup(entries, params);
	if (fd < 0)
		return fd;
	ring_table_before_close((unsigned)fd, (unsigned)fd); /* the number was closed unseen */
	struct raw *raw = ring_table_add((int)fd, params);
	issuer_note((int)fd, params->flags);
	if (raw && woken)
		make_believe(raw, params, asked->flags);
	if (raw || !woken)
		return fd;
	real_close((int)fd);
	return -ENOMEM;
}

/* Laid out as we know it, in memory of the kernel's. */
static bool is_understood(const struct io_uring_params *params)
{
	return !(params->flags & (~(unsigned)URING_SETUP_KNOWN | IORING_SETUP_NO_MMAP |
				  IORING_SETUP_REGISTERED_FD_ONLY));
}

/* What fails is done over by the kernel alone, and that is its answer. */
long ring_raw_setup(unsigned entries, struct io_uring_params *params)
{
	struct io_uring_params asked, mine;

	KEEP_ERRNO;
	if (config_get().mode == MODE_OFF || !memory_read(&asked, params, sizeof(asked)) ||
	    !is_understood(&asked) || (is_to_be_woken(&asked) && is_kernel_enough()))
		return setup(entries, params);
	DEEP_INSIDE;
	GUARDED;
	if (is_to_be_woken(&asked) && !may_poll(&asked))
		return setup(entries, params);
	mine = asked;
	long fd = setup_known(entries, &asked, &mine);
	if (fd < 0)
		return setup(entries, params);
	*params = mine;
	return fd;
}

/* One call of io_uring_enter(). */
struct call {
	unsigned fd, waits, flags;
	const void *argument;
	size_t size;
};

static long enter(const struct call *call, unsigned count)
{
	return real_syscall(SYS_io_uring_enter, call->fd, count, call->waits, call->flags,
			    (long)call->argument, (long)call->size);
}

static long submit(const struct call *call, unsigned count)
{
	return real_syscall(SYS_io_uring_enter, call->fd, count, 0,
			    call->flags & IORING_ENTER_REGISTERED_RING, 0, 0);
}

/* What has been done of a call. */
struct pass {
	struct raw *raw;
	const struct call *call;
	struct ring_batch batch;
	unsigned ready; /* looked at, and not submitted yet */
	unsigned count; /* submitted */
	long error;
};

/* NULL: an index of the program's that names none. */
static struct io_uring_sqe *entry_at(const struct raw *raw, uint32_t position)
{
	uint32_t slot = position & raw->map.sq_mask;
	uint32_t index = raw->map.sq_array ? raw->map.sq_array[slot] : slot;

	if (index >= raw->entries)
		return NULL;
	return &raw->map.sqes[index << (raw->flags & IORING_SETUP_SQE128 ? 1 : 0)];
}

/* Each if it still is what we made of it: the program may be preparing the next one there. */
static void restore(struct raw *raw)
{
	for (unsigned i = 0; i < raw->saved_count; i++) {
		struct saved *saved = &raw->saved[i];
		if (memcmp(saved->place, &saved->is, sizeof(saved->is)) == 0)
			*saved->place = saved->was;
	}
	raw->saved_count = 0;
}

/* Those that are ready, and `more`. The kernel's word: how many it took. */
static long submit_ready(struct pass *pass, unsigned more)
{
	long result = submit(pass->call, pass->ready + more);

	restore(pass->raw);
	pass->ready = 0;
	pass->count += result > 0 ? (unsigned)result : 0;
	pass->error = result < 0 ? result : 0;
	return result;
}

/* False: the kernel stopped before the end, or refused. */
static bool hand_over(struct pass *pass)
{
	long ready = pass->ready;

	return !ready || submit_ready(pass, 0) == ready;
}

/* With all before it. False: it was not dropped, so the kernel did not come so far, or another
 * thread's call took the entry as it was. */
static bool drop(struct pass *pass, uint32_t position)
{
	uint32_t *slot = &pass->raw->map.sq_array[position & pass->raw->map.sq_mask];
	uint32_t index = *slot, none = UINT32_MAX, before = *pass->raw->map.sq_dropped;

	__atomic_store_n(slot, none, __ATOMIC_RELEASE);
	submit_ready(pass, 1);
	__atomic_compare_exchange_n(slot, &none, index, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	if (__atomic_load_n(pass->raw->map.sq_dropped, __ATOMIC_ACQUIRE) == before) {
		ring_op_leave(pass->batch.op);
		return false;
	}
	ring_op_add(&pass->batch.taken, pass->batch.op);
	pass->count++;
	return true;
}

/* RWF_ATOMIC goes last: whoever sees an entry that is half of each is refused. */
static void change(struct raw *raw, struct io_uring_sqe *sqe, const struct io_uring_sqe *new)
{
	struct saved *saved = &raw->saved[raw->saved_count++];

	*saved = (struct saved){ sqe, *sqe, *new };
	struct io_uring_sqe half = *new;
	half.rw_flags = sqe->rw_flags;
	*sqe = half;
	__atomic_store_n(&sqe->rw_flags, new->rw_flags, __ATOMIC_RELEASE);
}

static bool handle(struct pass *pass, struct io_uring_sqe *sqe, uint32_t position)
{
	struct io_uring_sqe new = *sqe;
	enum ring_handled handled = ring_handle(&pass->batch, &new);

	if (handled == RING_GONE)
		return drop(pass, position);
	if (handled != RING_LEFT)
		change(pass->raw, sqe, &new);
	pass->ready++;
	return true;
}

/* An atomic write is done when all before its chain has been accepted. */
static bool look(struct pass *pass, uint32_t position)
{
	struct io_uring_sqe *sqe = entry_at(pass->raw, position);

	if (!sqe) {
		pass->ready++;
		return true;
	}
	if (ring_is_atomic_write(sqe) && !pass->batch.in_chain && !ring_may_go(&pass->batch, sqe) &&
	    !hand_over(pass))
		return false;
	if (sqe->flags & IOSQE_IO_DRAIN) {
		ring_op_start(&pass->batch.taken);
		ring_op_await((unsigned)pass->batch.ring_fd, (unsigned)pass->batch.ring_fd);
	}
	return handle(pass, sqe, position);
}

/* The first entry of a chain that these do not end, or the one after them. */
static uint32_t find_loose(const struct raw *raw, uint32_t first, unsigned count)
{
	uint32_t end = first + count;

	while (end != first) {
		const struct io_uring_sqe *sqe = entry_at(raw, end - 1);
		if (!sqe || !ring_is_linked(sqe))
			break;
		end--;
	}
	return end;
}

/* True: all were submitted. */
static bool submit_all(struct pass *pass, unsigned count)
{
	uint32_t first = __atomic_load_n(pass->raw->map.sq_head, __ATOMIC_ACQUIRE);
	uint32_t loose = find_loose(pass->raw, first, count);

	for (uint32_t i = first; i != first + count; i++) {
		pass->batch.loose |= i == loose;
		if (!look(pass, i))
			return false;
	}
	return hand_over(pass);
}

static unsigned pending(const struct raw *raw)
{
	return __atomic_load_n(raw->map.sq_tail, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(raw->map.sq_head, __ATOMIC_ACQUIRE);
}

/* As a polling thread does it, which goes on behind a bad entry. */
static bool submit_like_a_thread(struct pass *pass)
{
	unsigned left;

	while ((left = pending(pass->raw)) != 0) {
		pass->batch.in_chain = pass->batch.loose = false;
		if (!submit_all(pass, left) && (pass->error || pending(pass->raw) == left))
			return false;
	}
	return true;
}

static bool is_enough(const struct raw *raw, const struct call *call)
{
	uint32_t there = __atomic_load_n(raw->map.cq_tail, __ATOMIC_ACQUIRE) -
			 __atomic_load_n(raw->map.cq_head, __ATOMIC_ACQUIRE);

	return !(call->flags & IORING_ENTER_GETEVENTS) || (call->waits && there >= call->waits);
}

/* True: the kernel took all that the program meant. */
static bool submit_guarded(struct pass *pass, unsigned count)
{
	GUARDED;
	pthread_mutex_lock(&pass->raw->lock);
	bool all = pass->raw->woken_only ? submit_like_a_thread(pass) : submit_all(pass, count);
	ring_op_start(&pass->batch.taken);
	pthread_mutex_unlock(&pass->raw->lock);
	engine_forget(&pass->batch.file);
	return all;
}

/* there: how many entries the kernel is to take. A polling thread's are all reported. */
static long enter_with_atomic(struct raw *raw, const struct call *call, unsigned count,
			      unsigned there)
{
	struct pass pass = {
		.raw = raw,
		.call = call,
		.batch = {
			.ring_fd = raw->fd,
			.flags = raw->flags,
			.at_once = !raw->map.sq_array,
			.alone = there == 1 && call->waits > 0 && !ring_op_is_under_way(),
		},
	};

	bool all = submit_guarded(&pass, there);
	if (!raw->woken_only && (!all || pass.count < count))
		return pass.count ? pass.count : pass.error;
	long waited = is_enough(raw, call) ? 0 : enter(call, 0);
	if (raw->woken_only)
		return waited < 0 ? waited : count;
	return pass.count ? pass.count : waited;
}

struct found {
	bool atomic, files;
};

static struct found scan(const struct raw *raw, unsigned count)
{
	uint32_t first = __atomic_load_n(raw->map.sq_head, __ATOMIC_ACQUIRE);
	struct found found = { false, false };

	for (unsigned i = 0; i < count; i++) {
		const struct io_uring_sqe *sqe = entry_at(raw, first + i);
		found.atomic |= sqe && ring_is_atomic_write(sqe);
		found.files |= sqe && files_are_changed_by(sqe);
		if (sqe && sqe->opcode == IORING_OP_CLOSE)
			ring_before_close(sqe);
		/* What drains waits for all that were submitted before, also those taken out. */
		found.atomic |= sqe && (sqe->flags & IOSQE_IO_DRAIN) && ring_op_is_under_way();
	}
	return found;
}

static long enter_known(struct raw *raw, const struct call *call, unsigned count)
{
	unsigned there = pending(raw);

	if (!raw->woken_only && there > count)
		there = count;
	DEEP_INSIDE;
	struct found found = scan(raw, there);
	if (found.files)
		files_forget_all(); /* the entry may be about another ring */
	if ((found.atomic && issuer_may_submit(raw->fd, raw->flags)) || (raw->woken_only && there))
		return enter_with_atomic(raw, call, count, there);
	long result = enter(call, raw->woken_only ? 0 : count);
	return raw->woken_only && result >= 0 ? (long)count : result;
}

long ring_raw_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags,
		    const void *argument, size_t size)
{
	struct call call = { fd, waits, flags, argument, size };

	KEEP_ERRNO;
	struct raw *raw = ring_table_find(fd, flags & IORING_ENTER_REGISTERED_RING);
	if (!raw || (flags & ~URING_ENTER_KNOWN))
		return enter(&call, count);
	return enter_known(raw, &call, count);
}

/* Its descriptor, or -1. */
static int ring_of(unsigned fd, bool is_registered)
{
	const struct raw *raw = is_registered ? ring_table_find(fd, true) : NULL;

	return is_registered ? (raw ? raw->fd : -1) : (int)fd;
}

long ring_raw_register(unsigned fd, unsigned opcode, void *argument, unsigned count)
{
	unsigned operation = opcode & ~IORING_REGISTER_USE_REGISTERED_RING;
	int ring = ring_of(fd, opcode & IORING_REGISTER_USE_REGISTERED_RING);

	KEEP_ERRNO;
	DEEP_INSIDE;
	files_before_register(ring, operation);
	if (operation == URING_REGISTER_RESIZE_RINGS && ring >= 0)
		ring_table_before_close((unsigned)ring, (unsigned)ring);
	long result = real_syscall(SYS_io_uring_register, fd, opcode, (long)argument, count, 0, 0);
	if (operation == IORING_REGISTER_RING_FDS || operation == IORING_UNREGISTER_RING_FDS)
		ring_table_register(operation, argument, result);
	else if (result >= 0)
		files_after_register(ring, operation, argument, count, result);
	return result;
}
