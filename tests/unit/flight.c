/* SPDX-License-Identifier: MIT */
/*
 * Tests commands through an io_uring, and their results in a program's ring. Here a command is a
 * write of N bytes to a file in memory: its result N stands for an NVMe status.
 *
 * Links: -Wl,--wrap=engine_open_node -Wl,--wrap=engine_is_sound -Wl,--wrap=engine_prepare -Wl,--wrap=engine_land -Wl,--wrap=engine_finish -Wl,--wrap=span_after
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/time_types.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/real.h"
#include "engine/ring_map.h"
#include "rules/status.h"
#include "suite.h"
#include "engine/worker.h"

enum { SLOW = 4, WORKS = 10000, AT_ONCE = 64, LENGTH = 4096, LATER = 0x4242 };

/* The disk's answer to each command in turn. */
enum fate {
	GOOD,
	OUT_OF_RANGE = 0x4080,
	WRITE_FAULT = 0x4280,
	BUSY = 0x22,
	BROKEN = -EFAULT,
	REFUSED = -EOPNOTSUPP
};
static const int usual[] = { GOOD, GOOD, GOOD, OUT_OF_RANGE, GOOD, WRITE_FAULT, BUSY };
static const int *fates = usual;
static int fate_count = 7;

static _Atomic int finished, sent, nodes, asked, all_done, all_posted, all_ended;
static bool no_node, no_node_at_first, node_is_odd, is_gone, first_are_slow;

int __wrap_engine_open_node(const struct engine_job *job);
bool __wrap_engine_is_sound(const struct engine_job *job);
void __wrap_engine_prepare(const struct engine_job *job, struct io_uring_sqe *sqe);
ssize_t __wrap_engine_land(struct engine_job *job, int result);
ssize_t __wrap_engine_finish(struct engine_job *job);

void __wrap_span_after(struct work *works);
void __wrap_span_after(struct work *works)
{
	(void)works;
}

int __wrap_engine_open_node(const struct engine_job *job)
{
	(void)job;
	bool is_first = atomic_fetch_add(&nodes, 1) == 0;
	if (no_node_at_first && is_first)
		return -EMFILE;
	return no_node ? -EACCES : node_is_odd ? 1 << 20 : memfd_create("node", 0);
}

bool __wrap_engine_is_sound(const struct engine_job *job)
{
	(void)job;
	atomic_fetch_add(&asked, 1);
	return !is_gone;
}

static int fate_of(const struct engine_job *job)
{
	return fates[job->request.offset % (uint64_t)fate_count];
}

void __wrap_engine_prepare(const struct engine_job *job, struct io_uring_sqe *sqe)
{
	static const char data[1 << 15];
	int fate = fate_of(job);

	atomic_fetch_add(&sent, 1);
	sqe->opcode = IORING_OP_WRITE;
	sqe->addr = fate == BROKEN ? 8 : (uintptr_t)data;
	sqe->len = fate < 0 ? 1 : (uint32_t)fate;
	sqe->rw_flags = fate == REFUSED ? 0x40000000 : 0; /* a flag that no kernel knows */
	if (first_are_slow && job->request.offset < SLOW) {
		static struct __kernel_timespec second = { .tv_sec = 1 };
		sqe->opcode = IORING_OP_TIMEOUT;
		sqe->addr = (uintptr_t)&second;
		sqe->len = 1;
	}
}

ssize_t __wrap_engine_land(struct engine_job *job, int result)
{
	(void)job;
	if (result == -ETIME)
		return LENGTH;
	if (result > 0)
		return status_may_retry(result) ? 0 : status_to_errno(result);
	return result ? 0 : LENGTH;
}

ssize_t __wrap_engine_finish(struct engine_job *job)
{
	(void)job;
	atomic_fetch_add(&finished, 1);
	return LATER;
}

static struct one {
	struct work work; /* first */
	int target, index;
	_Atomic int done, posted, ended, error, told;
} ones[WORKS];

/* The works of one call are those that share the function. */
static void end_all(struct work *works, int rest)
{
	for (struct work *work = works; work; work = work->next) {
		struct one *one = (struct one *)work;
		ck_assert(one->posted == 1 && one->index % 2 == rest);
		atomic_fetch_add(&one->ended, 1);
		atomic_fetch_add(&all_ended, 1);
	}
}

static void ended_even(struct work *works)
{
	end_all(works, 0);
}

static void ended_odd(struct work *works)
{
	end_all(works, 1);
}

static bool posted(struct work *work, struct flight *flight, int error)
{
	struct one *one = (struct one *)work;

	(void)flight;
	one->error = error;
	atomic_fetch_add(&one->posted, 1);
	atomic_fetch_add(&all_posted, 1);
	return true;
}

static void done(struct work *work, struct flight *flight)
{
	struct one *one = (struct one *)work;

	atomic_fetch_add(&one->done, 1);
	atomic_fetch_add(&all_done, 1);
	if (one->target)
		flight_post(flight, work, one->target, (uint64_t)one->index, work->result);
}

static struct work *make(int index, int target)
{
	struct one *one = &ones[index];

	one->target = target;
	one->index = index;
	one->work = (struct work){
		.result = REQUEST_GOOD,
		.done = done,
		.posted = posted,
		.ended = index % 2 ? ended_odd : ended_even,
	};
	one->work.job.has_node = true;
	one->work.job.request.offset = (uint64_t)index;
	one->work.job.request.address = 1;
	one->work.job.own.identity.disk = 1 + (uint64_t)index % 3;
	return &one->work;
}

static void start(int index, int target)
{
	worker_start(make(index, target));
}

static void await(const _Atomic int *counter, int count)
{
	for (int i = 0; i < 20000 && atomic_load(counter) < count; i++)
		usleep(1000);
	ck_assert_int_eq(atomic_load(counter), count);
}

static int wanted(int index)
{
	int fate = fates[index % fate_count];

	if (fate == OUT_OF_RANGE || fate == WRITE_FAULT)
		return status_to_errno(fate);
	return fate == GOOD ? LENGTH : LATER;
}

static void start_all(int count, int target)
{
	for (int i = 0; i < count; i++) {
		while (i - atomic_load(target ? &all_posted : &all_done) >= AT_ONCE)
			usleep(10);
		start(i, target);
	}
	await(target ? &all_ended : &all_done, count);
}

/* A program's ring. */
static int open_ring(struct ring_map *ret_map)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = WORKS };
	int ring = (int)real_syscall(SYS_io_uring_setup, 4, (long)&params, 0, 0, 0, 0);

	ck_assert_int_ge(ring, 0);
	ck_assert(ring_map(ring, &params, ret_map));
	return ring;
}

START_TEST(each_status_reaches_its_own_write)
{
	struct ring_map map;

	start_all(WORKS, open_ring(&map));
	ck_assert_uint_eq(*map.cq_tail, WORKS);
	for (int i = 0; i < WORKS; i++) {
		const struct io_uring_cqe *cqe = &map.cqes[i];
		ck_assert_uint_lt(cqe->user_data, WORKS);
		ck_assert_int_eq(cqe->res, wanted((int)cqe->user_data));
		ck_assert_int_eq(ones[cqe->user_data].told++, 0);
	}
	for (int i = 0; i < WORKS; i++) {
		ck_assert(ones[i].done == 1 && ones[i].posted == 1 && ones[i].ended == 1 &&
			  ones[i].error == 0);
		ck_assert_int_eq(ones[i].work.result, wanted(i));
	}
	ck_assert_int_gt(sent, WORKS - 100); /* hardly any before its disk's node was there */
	ck_assert_int_le(nodes, 4 * 3);
}
END_TEST

/* Writes that cannot go by entries must all be done the other way. */
static void all_are_done_otherwise(void)
{
	start_all(1000, 0);
	ck_assert_int_eq(finished, 1000);
	for (int i = 0; i < 1000; i++)
		ck_assert(ones[i].done == 1 && ones[i].work.result == LATER);
}

START_TEST(kernel_that_refuses_is_not_asked_for_ever)
{
	static const int refused[] = { REFUSED };

	fates = refused;
	fate_count = 1;
	all_are_done_otherwise();
	ck_assert_int_ge(sent, 1);
	ck_assert_int_le(sent, 2 * AT_ONCE);
}
END_TEST

START_TEST(disk_that_breaks_is_no_reason_to_try_no_other)
{
	static const int broken[] = { BROKEN };

	fates = broken;
	fate_count = 1;
	all_are_done_otherwise();
	ck_assert_int_gt(sent, 900);
}
END_TEST

START_TEST(node_that_cannot_be_opened)
{
	no_node = true;
	all_are_done_otherwise();
	ck_assert_int_eq(sent, 0);
}
END_TEST

START_TEST(node_that_the_ring_does_not_take)
{
	node_is_odd = true;
	all_are_done_otherwise();
}
END_TEST

START_TEST(disk_that_went_away)
{
	is_gone = true;
	all_are_done_otherwise();
	ck_assert_int_eq(sent, 0);
}
END_TEST

/* Starts works that are all of one disk. */
static void start_together(int first, int count)
{
	struct work *works = NULL;

	for (int i = count - 1; i >= 0; i--) {
		struct work *work = make(first + i, 0);
		work->job.own.identity.disk = 1;
		work->next = works;
		works = work;
	}
	worker_start(works);
}

START_TEST(disk_is_asked_for_once_by_what_is_sent_together)
{
	static const int good[] = { GOOD };

	fates = good;
	fate_count = 1;
	start_together(0, 32);
	await(&all_done, 32);
	ck_assert(asked == 1 && sent == 32);
	is_gone = true;
	start_together(32, 32);
	await(&all_done, 64);
	ck_assert(asked > 1 && sent == 32 && finished == 32);
}
END_TEST

START_TEST(disk_is_asked_for_again_after_what_took_its_time)
{
	static const int good[] = { GOOD };

	fates = good;
	fate_count = 1;
	no_node_at_first = true;
	start_together(0, 2);
	await(&all_done, 2);
	ck_assert(finished == 1 && sent == 1 && asked == 2);
}
END_TEST

START_TEST(what_has_no_data_is_not_sent)
{
	struct work *work = make(0, 0);

	work->job.request.address = 0;
	worker_start(work);
	await(&all_done, 1);
	ck_assert(sent == 0 && finished == 1);
}
END_TEST

START_TEST(disk_that_does_not_answer_keeps_nobody_waiting)
{
	first_are_slow = true;
	for (int i = 0; i < SLOW; i++) {
		start(i, 0);
		usleep(20000); /* so that each takes a thread, until none is left */
	}
	for (int i = SLOW; i < 300; i++)
		start(i, 0);
	await(&all_done, 300 - SLOW);
	for (int i = 0; i < SLOW; i++)
		ck_assert_int_eq(ones[i].done, 0);
	await(&all_done, 300);
	ck_assert_int_eq(ones[0].work.result, LENGTH);
}
END_TEST

static void filter_all_threads(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program),
		0);
}

static void do_one(int index, enum door door)
{
	struct work *work = make(index, 0);

	work->job.request.door = door;
	worker_start(work);
	await(&all_done, index + 1);
}

/* A filter may forbid rings to a program that uses libaio, but not to one that has its own. */
START_TEST(filter_that_comes_later)
{
	static const int good[] = { GOOD };

	fates = good;
	fate_count = 1;
	do_one(0, DOOR_LIBAIO);
	ck_assert(sent == 1 && finished == 0);
	filter_all_threads();
	do_one(1, DOOR_LIBAIO);
	ck_assert(sent == 1 && finished == 1);
	do_one(2, DOOR_IO_URING);
	ck_assert(sent == 2 && finished == 1);
}
END_TEST

START_TEST(ring_that_is_not_there_is_told)
{
	start_all(1, 1 << 20);
	ck_assert_int_eq(ones[0].error, -EBADF);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("flight");
	TCase *tc = tcase_create("all");

	if (!own_ring_can(OWN_RING_COMMANDS))
		suite_skip("this kernel has no IORING_OP_URING_CMD, or no io_uring at all");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_status_reaches_its_own_write);
	tcase_add_test(tc, kernel_that_refuses_is_not_asked_for_ever);
	tcase_add_test(tc, disk_that_breaks_is_no_reason_to_try_no_other);
	tcase_add_test(tc, node_that_cannot_be_opened);
	tcase_add_test(tc, node_that_the_ring_does_not_take);
	tcase_add_test(tc, disk_that_went_away);
	tcase_add_test(tc, disk_is_asked_for_once_by_what_is_sent_together);
	tcase_add_test(tc, disk_is_asked_for_again_after_what_took_its_time);
	tcase_add_test(tc, what_has_no_data_is_not_sent);
	tcase_add_test(tc, disk_that_does_not_answer_keeps_nobody_waiting);
	tcase_add_test(tc, filter_that_comes_later);
	tcase_add_test(tc, ring_that_is_not_there_is_told);
	suite_add_tcase(s, tc);
	return s;
}
