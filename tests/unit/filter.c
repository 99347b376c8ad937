/* SPDX-License-Identifier: MIT */
/* Tests whether a thread has seccomp filters, in children: a filter stays for ever. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/filter.h"
#include "suite.h"

static void install(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(2);
}

static int status_of(int (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(body());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int none(void)
{
	return filter_is_set();
}

static int own(void)
{
	install();
	return filter_is_set();
}

static void *of_thread(void *unused)
{
	(void)unused;
	install();
	return (void *)(uintptr_t)filter_is_set();
}

/* Another thread's filter does not count for this one. */
static int others(void)
{
	pthread_t thread;
	void *set;

	if (pthread_create(&thread, NULL, of_thread, NULL) || pthread_join(thread, &set) || !set)
		return 2;
	return filter_is_set();
}

/* 3: this machine does not allow /proc to be unmounted. */
static int without_proc(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    umount2("/proc", MNT_DETACH) < 0)
		return 3;
	return filter_is_set();
}

START_TEST(each_thread_has_its_own)
{
	ck_assert_int_eq(status_of(none), 0);
	ck_assert_int_eq(status_of(own), 1);
	ck_assert_int_eq(status_of(others), 0);
}
END_TEST

START_TEST(what_cannot_be_told_is_set)
{
	ck_assert_int_eq(status_of(without_proc) & 1, 1);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("filters");
	TCase *tc = tcase_create("seccomp");

	tcase_add_test(tc, each_thread_has_its_own);
	tcase_add_test(tc, what_cannot_be_told_is_set);
	suite_add_tcase(suite, tc);
	return suite;
}
