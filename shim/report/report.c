/* SPDX-License-Identifier: MIT */
/*
 * The memory is a file, because whatever the program becomes - another user, a daemon that closes
 * all its descriptors - can open one when the time comes. If root runs it, other users' processes
 * may: the directory cannot be listed, and the file's name not be guessed.
 */
#include "command/report.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/command.h"
#include "base/counters.h"
#include "report/summary.h"
#include "untorn.h"

enum { PATH = 128 };

static struct {
	FILE *out;
	bool json;
	int fd;
	char folder[PATH], path[PATH + 32];
} report = { .fd = -1 };

static bool make_in(const char *parent)
{
	bool root = geteuid() == 0;

	if (!parent || *parent != '/' ||
	    snprintf(report.folder, PATH, "%s/untorn-XXXXXX", parent) >= PATH ||
	    !mkdtemp(report.folder))
		return false;
	snprintf(report.path, sizeof(report.path), "%s/" COUNTERS_NAME ".XXXXXX", report.folder);
	if (root)
		chmod(report.folder, 0711);
	report.fd = mkostemp(report.path, O_CLOEXEC);
	if (report.fd >= 0)
		return !root || fchmod(report.fd, 0666) == 0;
	rmdir(report.folder);
	return false;
}

static void remove_memory(void)
{
	unlink(report.path);
	rmdir(report.folder);
}

/* All of it: a page that a full file system does not have when it is written to is a signal. */
static int fill(void)
{
	static struct counters empty;

	counters_initialise(&empty);
	ssize_t length = pwrite(report.fd, &empty, sizeof(empty), 0);
	if (length == (ssize_t)sizeof(empty))
		return 0;
	remove_memory();
	return cmd_fail(125, "--report: %s: %s", report.folder,
			length < 0 ? strerror(errno) : "no space");
}

static bool is_json(const char *file)
{
	size_t length = strlen(file);

	return length > 5 && strcmp(file + length - 5, ".json") == 0;
}

int cmd_report_prepare(const char *file, bool json)
{
	struct rlimit limit;

	report.out = file ? fopen(file, "we") : stderr;
	if (!report.out)
		return cmd_fail(CMD_USAGE, "--report: %s: %m", file);
	report.json = json || (file && is_json(file));
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < sizeof(struct counters))
		return cmd_fail(125, "--report: files may not be as large as it needs (ulimit -f)");
	if (!make_in(geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR")) && !make_in("/tmp"))
		return cmd_fail(125, "--report: /tmp: %m");
	int status = fill();
	if (!status && setenv(UNTORN_ENV_STAT, report.path, 1) < 0)
		status = cmd_fail(125, "out of memory");
	return status;
}

static void print(void)
{
	static struct counters counters;

	if (pread(report.fd, &counters, sizeof(counters), 0) != (ssize_t)sizeof(counters)) {
		cmd_fail(0, "--report: what was counted is gone");
	} else if (report.json) {
		json_object *object = summary_json(&counters);
		summary_print_json(report.out, object, true);
		json_object_put(object);
	} else {
		summary_print(report.out, &counters, "untorn");
	}
	if (fflush(report.out) != 0)
		cmd_fail(0, "--report: %m");
}

/* The terminal's signals the program gets too, being in the same group. */
static void forward(const siginfo_t *info, pid_t child)
{
	if (info->si_code <= 0 && info->si_pid != child)
		kill(child, info->si_signo);
}

/* False: the child has ended. One that stops stops us too, for the shell that waits for us. */
static bool is_there(pid_t child, int *ret_status)
{
	while (waitpid(child, ret_status, WNOHANG | WUNTRACED) == child) {
		if (!WIFSTOPPED(*ret_status))
			return false;
		kill(getpid(), SIGSTOP);
	}
	return true;
}

static int await(pid_t child, const sigset_t *all)
{
	siginfo_t info;
	int status = 0;

	while (is_there(child, &status)) {
		int number = sigwaitinfo(all, &info);
		if (number > 0 && number != SIGCHLD)
			forward(&info, child);
	}
	return status;
}

/* As the program did, but without a core file of ours. */
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

bool cmd_report_beside(int *ret_status)
{
	struct sigaction waited = { .sa_handler = SIG_DFL }, before;
	sigset_t all, mask;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	sigaction(SIGCHLD, &waited, &before);
	pid_t child = fork();
	if (child == 0) {
		sigaction(SIGCHLD, &before, NULL);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		return false;
	}
	if (child < 0) {
		*ret_status = cmd_fail(125, "fork: %m");
		remove_memory();
		return true;
	}
	int status = await(child, &all);
	print();
	remove_memory();
	*ret_status = end_as(status);
	return true;
}
