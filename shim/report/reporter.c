/* SPDX-License-Identifier: MIT */
/*
 * The process of `untorn run` becomes the program. Its parent's signals, stops and waits therefore
 * reach the program as if untorn were not there. The reporter is a grandchild whose parent has
 * ended, so the program has no child that it does not know. The reporter has a session of its own,
 * so it gets no signal of the program's group or terminal.
 *
 * That does not work where orphans come to the program itself: as process 1 of a container, or as a
 * subreaper. There the reporter is the parent. The program gets a process group of its own, so that
 * a signal reaches it either by the group or through the reporter, and not by both.
 */
#include "report/reporter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/counters_share.h"
#include "command/command.h"
#include "report/guests.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum { END, GUESTS, EXIT, SIGNALS, WATCHED };

static int open_process(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static long futex(struct counters_report *report, int operation, uint32_t value)
{
	return syscall(SYS_futex, &report->state, operation, value, NULL, NULL, 0);
}

struct watch {
	struct counters_report *report;
	int event;
};

/* A thread of its own. It ends when the program announces its exit() (counters_end()). */
static void *watch(void *argument)
{
	const struct watch *this = argument;

	while (atomic_load(&this->report->state) == COUNTERS_COUNTS)
		futex(this->report, FUTEX_WAIT, COUNTERS_COUNTS);
	eventfd_write(this->event, 1);
	return NULL;
}

static int start_watch(struct counters_report *report)
{
	static struct watch this;
	pthread_t thread;

	this = (struct watch){ report, eventfd(0, EFD_CLOEXEC) };
	if (this.event >= 0 && pthread_create(&thread, NULL, watch, &this) == 0)
		pthread_detach(thread);
	return this.event;
}

static void tell(struct reporter *reporter)
{
	struct counters_report *report = &reporter->counters->report;

	counters_sum(reporter->sum, reporter->counters);
	reporter->lost = guests_end(reporter->sum);
	reporter->tell();
	atomic_store(&report->state, COUNTERS_TOLD);
	futex(report, FUTEX_WAKE, INT_MAX);
}

/* Reaps the orphans that came to us. Leaves the program: stay() reaps it after the report. */
static void reap_others(pid_t child)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	       info.si_pid != child) {
		waitpid(info.si_pid, NULL, 0);
		info.si_pid = 0;
	}
}

static void forward(int fd, pid_t child)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == (uint32_t)SIGCHLD)
		reap_others(child);
	else
		kill(child, (int)info.ssi_signo);
}

/* Waits until the program ends or announces its exit(). signals: a signalfd whose signals go on to
 * the child; or -1. */
static void await(struct reporter *reporter, int program, int signals, pid_t child)
{
	struct pollfd watched[WATCHED] = {
		[END] = { program, POLLIN, 0 },
		[GUESTS] = { reporter->socket, POLLIN, 0 },
		[EXIT] = { start_watch(&reporter->counters->report), POLLIN, 0 },
		[SIGNALS] = { signals, POLLIN, 0 },
	};

	do {
		poll(watched, WATCHED, -1);
		guests_take(reporter->socket, reporter->secret);
		if (watched[SIGNALS].revents)
			forward(signals, child);
	} while (!watched[END].revents && !watched[EXIT].revents);
}

static void describe(struct reporter *reporter, pid_t program)
{
	struct counters_report *report = &reporter->counters->report;
	struct stat st;

	report->program = program;
	report->namespace = stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/* The reader of a pipe waits until all writers have closed it, so standard output must not stay
 * open here. Standard error stays open, for messages. */
static void leave_streams(const struct reporter *reporter)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	if (fileno(reporter->out) != STDOUT_FILENO)
		dup2(null, STDOUT_FILENO);
	close(null);
}

static bool is_kept(const struct reporter *reporter, int program, int fd)
{
	return fd <= STDERR_FILENO || fd == fileno(reporter->out) || fd == reporter->memory ||
	       fd == reporter->socket || fd == program;
}

static void close_others(const struct reporter *reporter, int program)
{
	DIR *directory = opendir("/proc/self/fd");

	for (const struct dirent *entry; directory && (entry = readdir(directory));) {
		int fd = atoi(entry->d_name);
		if (fd != dirfd(directory) && !is_kept(reporter, program, fd))
			close(fd);
	}
	if (directory)
		closedir(directory);
}

/* The reporter, from here to its end. reporter_start() has blocked all signals. */
_Noreturn static void report(struct reporter *reporter, int program)
{
	setsid();
	if (chdir("/") < 0)
		_exit(125);
	leave_streams(reporter);
	close_others(reporter, program);
	await(reporter, program, -1, 0);
	tell(reporter);
	_exit(0);
}

/* Runs in a child that ends at once, so that the reporter is an orphan and not the program's. */
_Noreturn static void leave(struct reporter *reporter, int program)
{
	pid_t pid = fork();

	if (pid == 0)
		report(reporter, program);
	reporter->counters->report.reporter = pid;
	_exit(pid < 0);
}

/* Reaps that child and takes its pending SIGCHLD, which is not for the program. */
static bool reap(pid_t child)
{
	sigset_t one;
	int status = 0;

	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return false;
	sigemptyset(&one);
	sigaddset(&one, SIGCHLD);
	sigtimedwait(&one, NULL, &(struct timespec){ 0 });
	return true;
}

static bool start_beside(struct reporter *reporter, int program, int *ret_status)
{
	describe(reporter, getpid());
	pid_t child = fork();
	if (child == 0)
		leave(reporter, program);
	if (reap(child))
		return true;
	*ret_status = cmd_fail(125, "--report: fork: %m");
	return false;
}

/* Ends by the program's signal, or returns its exit status. Leaves no core file of our own. */
static int end_as(int status)
{
	sigset_t one;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	int number = WTERMSIG(status);
	prctl(PR_SET_DUMPABLE, 0);
	signal(number, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	return 128 + number;
}

/* Gives the program a group of its own, and the terminal's foreground if our group had it. */
static void leave_group(void)
{
	bool is_foreground = tcgetpgrp(STDIN_FILENO) == getpgrp();

	setpgid(0, 0);
	if (is_foreground)
		tcsetpgrp(STDIN_FILENO, getpid());
}

static int stay(struct reporter *reporter, pid_t child, const sigset_t *all)
{
	int status = 0;

	await(reporter, open_process(child), signalfd(-1, all, SFD_CLOEXEC), child);
	tell(reporter);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return end_as(status);
}

static bool start_in_front(struct reporter *reporter, const sigset_t *all, int *ret_status)
{
	reporter->counters->report.reporter = getpid();
	pid_t child = fork();
	if (child == 0) {
		describe(reporter, getpid());
		leave_group();
		return true;
	}
	*ret_status = child < 0 ? cmd_fail(125, "--report: fork: %m") : stay(reporter, child, all);
	return false;
}

static bool gets_orphans(void)
{
	int subreaper = 0;

	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	return getpid() == 1 || subreaper;
}

bool reporter_start(struct reporter *reporter, int *ret_status)
{
	struct sigaction waited = { .sa_handler = SIG_DFL }, before;
	sigset_t all, mask;
	int self = open_process(getpid());

	if (self < 0)
		return *ret_status = cmd_fail(125, "--report: pidfd_open: %m"), false;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	sigaction(SIGCHLD, &waited, &before);
	bool is_program = gets_orphans() ? start_in_front(reporter, &all, ret_status)
					 : start_beside(reporter, self, ret_status);
	close(self);
	sigaction(SIGCHLD, &before, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return is_program;
}
