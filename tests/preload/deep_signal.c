/* SPDX-License-Identifier: MIT */
/* Signals in deep mode, above all SIGSYS, over the simulated disk: a program may do all this, and
 * must lose no write and not die. */
#include <pthread.h>
#include <sys/wait.h>

#include "deep_body.h"

int __sigaction(int signal, const struct sigaction *action, struct sigaction *before);
sighandler_t bsd_signal(int signal, sighandler_t handler);
sighandler_t sysv_signal(int signal, sighandler_t handler);
sighandler_t __sysv_signal(int signal, sighandler_t handler);

static bool is_blocked(int signal)
{
	sigset_t mask;

	want(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	return sigismember(&mask, signal);
}

static void check_mask(bool sigsys, bool others)
{
	want(is_blocked(SIGSYS) == sigsys && is_blocked(SIGUSR1) == others);
	want(!is_really_blocked(SIGSYS) && is_really_blocked(SIGUSR1) == others);
	write_next();
}

static void all_are_blocked(void)
{
	sigset_t all = all_signals(), none, was;
	const uint64_t every = ~0ULL;
	uint64_t raw = 0;

	begin();
	sigemptyset(&none);
	check_mask(false, false);
	want(sigprocmask(SIG_SETMASK, &all, &was) == 0 && !sigismember(&was, SIGSYS));
	check_mask(true, true);
	want(sigprocmask(SIG_SETMASK, &was, &all) == 0 && sigismember(&all, SIGSYS));
	check_mask(false, false);
	all = all_signals();
	want(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
	check_mask(true, true);
	want(pthread_sigmask(SIG_UNBLOCK, &all, NULL) == 0);
	check_mask(false, false);
	want(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &every, NULL, 8) == 0);
	check_mask(true, true);
	want(inline_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, (long)&raw, 8, 0, 0) == 0);
	want(raw >> (SIGSYS - 1) & 1 && raw >> (SIGUSR1 - 1) & 1);
	check_mask(false, false);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&every, 0, 8, 0, 0) == 0);
	check_mask(true, true);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 1, 0, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, 1, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigprocmask, 77, (long)&none, 0, 8, 0, 0) == -EINVAL);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, 0, 4, 0, 0) == -EINVAL);
	check_mask(true, true);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void blocked_by_older_functions(void)
{
	const int two = (int)(1U << (SIGSYS - 1) | 1U << (SIGUSR1 - 1));

	begin();
	want(sighold(SIGSYS) == 0);
	check_mask(true, false);
	want(sigrelse(SIGSYS) == 0);
	check_mask(false, false);
	want(sigblock(two) == 0);
	check_mask(true, true);
	want(sigsetmask(0) == two);
	check_mask(false, false);
	want_error(sighold(-1), EINVAL);
	want(sigignore(SIGSYS) == 0);
	write_next();
	want(signal(SIGSYS, SIG_DFL) == SIG_IGN);
}
#pragma GCC diagnostic pop

static void *write_in_thread(void *unused)
{
	want(is_blocked(SIGSYS) && !is_really_blocked(SIGSYS));
	write_next();
	return unused;
}

static void inherited(void)
{
	sigset_t all = all_signals();
	pthread_t id;

	begin();
	want(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
	want(pthread_create(&id, NULL, write_in_thread, NULL) == 0 && pthread_join(id, NULL) == 0);
	pid_t child = fork();
	if (child == 0) {
		write_in_thread(NULL);
		execl("/proc/self/exe", "again", "--body", "blocked_at_the_beginning", NULL);
	}
	want(status_of(child) == 0);
}

/* Blocked signals stay blocked across exec(). */
static void blocked_at_the_beginning(void)
{
	begin();
	want(is_blocked(SIGUSR1));
	write_next();
}

static void count_more(int signal, siginfo_t *info, void *context)
{
	want(signal == SIGSYS && info->si_signo == SIGSYS && info->si_code != 2 && context);
	came++;
}

static void sigsys_is_ignored(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN }, was;

	begin();
	want(signal(SIGSYS, SIG_IGN) == SIG_DFL);
	write_next();
	want(raise(SIGSYS) == 0);
	want(sigaction(SIGSYS, &action, &was) == 0 && was.sa_handler == SIG_IGN);
	write_next();
	want(raise(SIGSYS) == 0);
	write_next();
}

/* sigaction() returns what the program set for SIGSYS. Its handler gets the program's SIGSYS, never
 * that of a trap. */
static void sigsys_has_a_handler(void)
{
	struct sigaction action = { .sa_sigaction = count_more,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction was;

	begin();
	sigaddset(&action.sa_mask, SIGUSR2);
	want(sigaction(SIGSYS, &action, &was) == 0 && was.sa_handler == SIG_DFL);
	write_next();
	want(came == 0 && raise(SIGSYS) == 0 && came == 1);
	want(kill(getpid(), SIGSYS) == 0 && came == 2);
	want(sigaction(SIGSYS, NULL, &was) == 0 && was.sa_sigaction == count_more);
	want((was.sa_flags & ~0x04000000) == action.sa_flags);
	want(sigismember(&was.sa_mask, SIGUSR2) && !sigismember(&was.sa_mask, SIGUSR1));
	action.sa_flags |= (int)SA_RESETHAND;
	want(__sigaction(SIGSYS, &action, NULL) == 0 && raise(SIGSYS) == 0 && came == 3);
	want(signal(SIGSYS, count) == SIG_DFL && bsd_signal(SIGSYS, count_and_write) == count);
	want(raise(SIGSYS) == 0 && came == 4 && written == 2);
	want(sysv_signal(SIGSYS, count) == count_and_write);
	want(raise(SIGSYS) == 0 && came == 5 && signal(SIGSYS, count) == SIG_DFL);
	write_next();
}

static void handlers_by_system_call(void)
{
	struct raw_action action = { count, 0x04000000 /* SA_RESTORER */, own_restorer, 0 }, was;

	begin();
	want(syscall(SYS_rt_sigaction, SIGSYS, &action, &was, 8) == 0 && !was.handler);
	write_next();
	want(raise(SIGSYS) == 0 && came == 1);
	action.handler = count_and_write;
	want(inline_call(SYS_rt_sigaction, SIGUSR1, (long)&action, (long)&was, 8, 0, 0) == 0);
	want(!was.handler && raise(SIGUSR1) == 0 && came == 2 && written == 2);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, (long)&was, 8, 0, 0) == 0);
	want(was.handler == count_and_write && signal(SIGUSR1, SIG_IGN) == count_and_write);
	want(inline_call(SYS_rt_sigaction, SIGKILL, (long)&action, 0, 8, 0, 0) == -EINVAL);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 1, 0, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, 1, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, 0, 4, 0, 0) == -EINVAL);
	write_next();
}

/* Handlers of other signals: every function returns them as the program set them. */
static void handlers_are_told(void)
{
	struct sigaction action = { .sa_handler = count }, was;

	want(sigaction(SIGUSR1, &action, &was) == 0 && was.sa_handler == SIG_DFL);
	want(sigaction(SIGUSR1, NULL, &was) == 0 && was.sa_handler == count);
	want(signal(SIGUSR1, count_and_write) == count && bsd_signal(SIGUSR1, count));
	want(__sysv_signal(SIGUSR1, count_and_write) == count);
	want(signal(SIGUSR1, SIG_IGN) == count_and_write && signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	want_error(sigaction(SIGKILL, &action, NULL), EINVAL);
	want_error(sigaction(0, &action, NULL), EINVAL);
	want_error(sigaction(1000, &action, NULL), EINVAL);
	want(signal(SIGKILL, count) == SIG_ERR && errno == EINVAL);
	want(signal(SIGUSR1, count) == SIG_DFL);
	pid_t child = vfork();
	if (child == 0) {
		struct sigaction inner;
		bool same = sigaction(SIGUSR1, NULL, &inner) == 0 && inner.sa_handler == count;
		action.sa_handler = count_and_write;
		sigaction(SIGUSR1, &action, NULL);
		_exit(same ? 0 : 1);
	}
	want(status_of(child) == 0);
	want(sigaction(SIGUSR1, NULL, &was) == 0 && was.sa_handler == count);
	want(raise(SIGUSR1) == 0 && came == 1);
}

/* After signal(SIGSYS, SIG_DFL) a SIGSYS must kill the program, although the shim still uses it. */
static void killed_by_sigsys(void)
{
	pid_t child = fork();

	if (child == 0) {
		begin();
		signal(SIGSYS, SIG_DFL);
		write_next();
		raise(SIGSYS);
		_exit(0);
	}
	int status = status_of(child);
	want(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

const struct body bodies[] = {
	{ "all_are_blocked", all_are_blocked },
	{ "blocked_by_older_functions", blocked_by_older_functions },
	{ "inherited", inherited },
	{ "blocked_at_the_beginning", blocked_at_the_beginning },
	{ "sigsys_is_ignored", sigsys_is_ignored },
	{ "sigsys_has_a_handler", sigsys_has_a_handler },
	{ "handlers_by_system_call", handlers_by_system_call },
	{ "handlers_are_told", handlers_are_told },
	{ "killed_by_sigsys", killed_by_sigsys },
	{ NULL, NULL },
};

#define DEEP "UNTORN_DEEP=1"

static const struct preload_row rows[] = {
	{ "handlers_are_told", "", NULL, 0 }, /* also without deep mode */
	{ "handlers_are_told", "", DEEP, 0 },          { "all_are_blocked", "", DEEP, 9 },
	{ "blocked_by_older_functions", "", DEEP, 5 }, { "inherited", "", DEEP, 3 },
	{ "sigsys_is_ignored", "", DEEP, 3 },          { "sigsys_has_a_handler", "", DEEP, 3 },
	{ "handlers_by_system_call", "", DEEP, 3 },    { "killed_by_sigsys", "", DEEP, 1 },
};

Suite *suite(void)
{
	return preload_suite("signals in deep mode", rows,
			     HAS_DEEP ? sizeof(rows) / sizeof(rows[0]) : 1);
}
