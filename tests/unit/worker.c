/* SPDX-License-Identifier: MIT */
/* Tests that workers do every work exactly once, in parallel as far as there are threads, and that
 * they block signals. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "engine/worker.h"

#ifdef __SANITIZE_THREAD__
#define FORKS 0 /* TSAN allows no threads in a child of threads, and has its own thread */
#else
#define FORKS 1
#endif

enum { WORKS = 500 };

static struct counted {
	struct work work;
	_Atomic int runs;
} works[WORKS];
static _Atomic int done, inside, most_inside, unblocked;
static _Atomic int pause_us;

static void count(struct work *work, struct flight *flight)
{
	int now = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);
	sigset_t mask;

	(void)flight;
	while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
		continue;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGALRM) || !sigismember(&mask, SIGINT))
		atomic_fetch_add(&unblocked, 1);
	if (pause_us)
		usleep((unsigned)pause_us);
	atomic_fetch_add(&((struct counted *)work)->runs, 1);
	atomic_fetch_sub(&inside, 1);
	atomic_fetch_add(&done, 1);
}

static void start_all(int count_of_works)
{
	for (int i = 0; i < count_of_works; i++) {
		works[i].work = (struct work){ .result = -1, .done = count };
		worker_start(&works[i].work);
	}
}

static void await_all(int count_of_works)
{
	for (int i = 0; i < 10000 && atomic_load(&done) < count_of_works; i++)
		usleep(1000);
	ck_assert_int_eq(atomic_load(&done), count_of_works);
	for (int i = 0; i < count_of_works; i++)
		ck_assert_int_eq(atomic_load(&works[i].runs), 1);
}

START_TEST(each_work_is_done_once)
{
	start_all(WORKS);
	await_all(WORKS);
	ck_assert_int_eq(atomic_load(&unblocked), 0);
}
END_TEST

START_TEST(works_that_wait_do_not_wait_for_each_other)
{
	pause_us = 100000;
	start_all(32);
	await_all(32);
	ck_assert_int_ge(atomic_load(&most_inside), 16);
}
END_TEST

static int policy, processors;

static void look_at_itself(struct work *work, struct flight *unused)
{
	cpu_set_t set;

	(void)unused, (void)work;
	policy = sched_getscheduler(0);
	processors = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
	atomic_fetch_add(&done, 1);
}

/* A worker does not inherit its maker's processor and policy. */
START_TEST(a_thread_has_attributes_of_its_own)
{
	const struct sched_param none = { 0 };
	struct work work = { .result = -EIO, .done = look_at_itself };
	cpu_set_t all, one;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_int_eq(sched_setscheduler(0, SCHED_BATCH, &none), 0);
	atomic_store(&done, 0);
	worker_start(&work);
	for (int i = 0; i < 3000 && atomic_load(&done) < 1; i++)
		usleep(1000);
	ck_assert_int_ge(processors, CPU_COUNT(&all));
	ck_assert_int_eq(policy, SCHED_OTHER);
}
END_TEST

START_TEST(child_has_workers_of_its_own)
{
	int status;

	start_all(1);
	await_all(1);
	pid_t child = fork();
	if (child == 0) {
		worker_after_fork();
		atomic_store(&done, 0);
		works[0].runs = 0;
		start_all(1); /* the parent's threads cannot take it */
		for (int i = 0; i < 3000 && atomic_load(&done) < 1; i++)
			usleep(1000);
		_exit(atomic_load(&done) == 1 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Runs as an ordinary user who may start no more processes. */
START_TEST(without_a_thread_the_caller_works)
{
	struct rlimit none = { 1, 1 };
	int status;

	pid_t child = fork();
	if (child == 0) {
		if (setrlimit(RLIMIT_NPROC, &none) < 0 || (getuid() == 0 && setuid(65534) < 0))
			_exit(2);
		start_all(3);
		_exit(atomic_load(&done) == 3 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("worker");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_work_is_done_once);
	tcase_add_test(tc, works_that_wait_do_not_wait_for_each_other);
	tcase_add_test(tc, a_thread_has_attributes_of_its_own);
#ifndef __SANITIZE_THREAD__ /* which has no threads in a child of threads, and threads of its own  \
			     */
	tcase_add_test(tc, child_has_workers_of_its_own);
	tcase_add_test(tc, without_a_thread_the_caller_works);
#endif
	suite_add_tcase(s, tc);
	return s;
}
