/* SPDX-License-Identifier: MIT */
/*
 * `untorn run --report`: makes the memory in which the program and its children count, and prints
 * the report. run/run.c calls the two functions of command/report.h. The reporter inherits the
 * statics by fork.
 */
#include "command/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/counters_share.h"
#include "command/command.h"
#include "report/reporter.h"
#include "report/summary.h"
#include "untorn.h"

static struct cmd_report wishes;
static char secret[COUNTERS_SECRET + 1];
static struct counters sum;
static struct reporter reporter = { .memory = -1, .socket = -1, .secret = secret, .sum = &sum };

static bool make_secret(void)
{
	uint64_t words[2];

	if (getrandom(words, sizeof(words), 0) != (ssize_t)sizeof(words))
		return false;
	words[0] |= 1; /* the id is not 0 */
	snprintf(secret, sizeof(secret), "%016" PRIx64 "%016" PRIx64, words[0], words[1]);
	reporter.counters->report.id = words[0];
	return true;
}

/* Allocates the whole memory now: if a page could not be allocated later, the access would end in a
 * signal. */
static bool make_memory(void)
{
	int fd = memfd_create(COUNTERS_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || fchmod(fd, 0600) < 0 || fallocate(fd, 0, 0, sizeof(struct counters)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return false;
	reporter.memory = fd;
	reporter.counters = counters_share_map(fd);
	if (reporter.counters)
		counters_initialise(reporter.counters);
	return reporter.counters && make_secret();
}

/* If this fails, processes of other users are not counted; the report is made without them. */
static void make_socket(void)
{
	struct sockaddr_un address;
	unsigned length = counters_share_address(secret, &address);

	reporter.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (reporter.socket >= 0 &&
	    bind(reporter.socket, (const struct sockaddr *)&address, length) < 0) {
		close(reporter.socket);
		reporter.socket = -1;
	}
}

static bool is_json(const char *file)
{
	size_t length = strlen(file);

	return length > 5 && strcmp(file + length - 5, ".json") == 0;
}

static FILE *open_output(const char *file)
{
	if (!file)
		return stderr;
	return strcmp(file, "-") == 0 ? stdout : fopen(file, "we");
}

static bool print_json(void)
{
	json_object *object = summary_json(&sum);

	summary_add_version(object);
	bool is_printed = summary_print_json(reporter.out, object, true);
	json_object_put(object);
	return is_printed;
}

static bool print(void)
{
	if (wishes.json)
		return print_json();
	summary_print(reporter.out, &sum, "untorn", wishes.histogram);
	return true;
}

static void tell(void)
{
	if (!print() || fflush(reporter.out) != 0)
		cmd_fail(0, "--report: %m");
	if (reporter.lost)
		cmd_fail(0, "--report: %u processes of other users are not counted", reporter.lost);
}

int cmd_report_prepare(const struct cmd_report *asked)
{
	struct rlimit limit;

	wishes = *asked;
	wishes.json |= wishes.file && is_json(wishes.file);
	reporter.tell = tell;
	reporter.out = open_output(wishes.file);
	if (!reporter.out)
		return cmd_fail(CMD_USAGE, "--report: %s: %m", wishes.file);
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < sizeof(struct counters))
		return cmd_fail(
			125, "--report: it needs a file of %zu bytes, raise the limit (ulimit -f)",
			sizeof(struct counters));
	if (!make_memory())
		return cmd_fail(125, "--report: cannot create the counters: %m");
	make_socket();
	return 0;
}

static int set_environment(void)
{
	char setting[64 + COUNTERS_SECRET];

	snprintf(setting, sizeof(setting), "/proc/%d/fd/%d:%s",
		 (int)reporter.counters->report.reporter, reporter.memory, secret);
	return setenv(UNTORN_ENV_STAT, setting, 1) < 0 ? cmd_fail(125, "out of memory") : 0;
}

bool cmd_report_beside(int *ret_status)
{
	if (!reporter_start(&reporter, ret_status))
		return false;
	*ret_status = set_environment();
	return *ret_status == 0;
}
