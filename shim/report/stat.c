/* SPDX-License-Identifier: MIT */
/*
 * untorn stat: finds the counters of running processes. A process that counts has that memory
 * mapped (/proc/PID/maps). The command reads it through a descriptor of the process or of its
 * reporter, which their user may open. Without such a descriptor it reads the process's memory,
 * which takes the right to trace it. It copies and never maps: the memory of another version might
 * be truncated.
 */
#include "command/command.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/counters_share.h"
#include "report/metrics.h"
#include "report/summary.h"
#include "untorn.h"

enum { PATH = 320, FAMILIES = 512 };

/* Identifies the memory in which a process counts, together with the children that it forked. */
struct family {
	dev_t device;
	ino_t inode;
};

struct wishes {
	bool all, json, histogram, metrics, watch;
	pid_t pid;
};

/* Takes the counters that are found: as JSON, as metrics, or (both NULL) printed as text. */
struct output {
	json_object *list;
	struct metrics *metrics;
	bool histogram;
};

static bool read_at(int fd, off_t offset, struct counters *ret_counters)
{
	return pread(fd, ret_counters, sizeof(*ret_counters), offset) ==
		       (ssize_t)sizeof(*ret_counters) &&
	       counters_are_ours(ret_counters, sizeof(*ret_counters));
}

static bool is_of(const struct stat *st, const struct family *family)
{
	return S_ISREG(st->st_mode) && st->st_dev == family->device && st->st_ino == family->inode;
}

/* Reads through a descriptor of some process (a path in /proc), if that is the family's memory. */
static bool read_path(const char *path, const struct family *family, struct counters *ret_counters)
{
	struct stat st;

	AUTO_CLOSE int held = open(path, O_PATH | O_CLOEXEC);
	if (held < 0 || fstat(held, &st) < 0 || !is_of(&st, family))
		return false;
	AUTO_CLOSE int fd = counters_share_reopen(held, O_RDONLY);
	return fd >= 0 && read_at(fd, 0, ret_counters);
}

static bool read_own(pid_t pid, const struct family *family, struct counters *ret_counters)
{
	char path[PATH];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *directory = opendir(path);
	for (struct dirent *entry; !found && directory && (entry = readdir(directory));) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		found = read_path(path, family, ret_counters);
	}
	if (directory)
		closedir(directory);
	return found;
}

/* Takes the path from UNTORN_STAT in the environment that the process was started with. */
static bool read_reporters(pid_t pid, const struct family *family, struct counters *ret_counters)
{
	char path[PATH];
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	FILE *environment = fopen(path, "re");
	while (environment && !found && getdelim(&text, &size, '\0', environment) > 0) {
		if (strncmp(text, UNTORN_ENV_STAT "=", sizeof(UNTORN_ENV_STAT)) != 0)
			continue;
		text[strcspn(text, ":")] = '\0';
		found = read_path(text + sizeof(UNTORN_ENV_STAT), family, ret_counters);
	}
	if (environment)
		fclose(environment);
	return found;
}

static bool read_memory(pid_t pid, unsigned long address, struct counters *ret_counters)
{
	char path[PATH];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read_at(fd, (off_t)address, ret_counters);
}

/* Returns the address of the counters, or 0. *ret_shim: the process maps a libuntorn.so. */
static unsigned long find_mapping(pid_t pid, struct family *ret_family, bool *ret_shim)
{
	char line[PATH * 2];
	unsigned long address = 0, start, inode;
	unsigned high, low;

	snprintf(line, sizeof(line), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(line, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		*ret_shim |= strstr(line, "/libuntorn.so") != NULL;
		if (!strstr(line, "/memfd:" COUNTERS_NAME) ||
		    sscanf(line, "%lx-%*x %*s %*x %x:%x %lu", &start, &high, &low, &inode) != 4)
			continue;
		*ret_family = (struct family){ makedev(high, low), inode };
		address = start;
	}
	if (maps)
		fclose(maps);
	return address;
}

static bool find(pid_t pid, struct counters *ret_counters, struct family *ret_family,
		 bool *ret_shim)
{
	*ret_shim = false;
	unsigned long address = find_mapping(pid, ret_family, ret_shim);

	return address &&
	       (read_own(pid, ret_family, ret_counters) ||
		read_reporters(pid, ret_family, ret_counters) ||
		read_memory(pid, address, ret_counters)) &&
	       counters_read(&ret_counters->processes);
}

enum { PROGRAM = 32, TITLE = 64 };
static void program_of(pid_t pid, char ret_name[PROGRAM])
{
	char path[PATH];

	strcpy(ret_name, "?");
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, ret_name, PROGRAM - 1) : 1;
	ret_name[length > 0 ? length : 0] = '\0';
	for (char *c = ret_name; *c; c++)
		*c = isprint((unsigned char)*c) ? *c : *c == '\n' ? '\0' : '?';
}

static json_object *json_of(pid_t pid, const struct counters *counters, const char *title)
{
	json_object *object = json_object_new_object();

	summary_add_version(object);
	json_object_object_add(object, "pid", json_object_new_int(pid));
	json_object_object_add(object, "program", json_object_new_string(title));
	json_object_object_add(object, "counted", summary_json(counters));
	return object;
}

static void show(pid_t pid, const struct counters *counters, const struct output *output)
{
	char program[PROGRAM], title[TITLE];

	program_of(pid, program);
	snprintf(title, sizeof(title), "%s (%d)", program, (int)pid);
	if (output->list)
		json_object_array_add(output->list, json_of(pid, counters, title));
	else if (output->metrics)
		metrics_add(output->metrics, counters, pid, program);
	else
		summary_print(stdout, counters, title, output->histogram);
}

static int explain(pid_t pid, bool shim)
{
	char path[PATH];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cmd_fail(1, "process %d: %s", (int)pid,
				errno == ENOENT ? "no such process" : strerror(errno));
	if (shim)
		return cmd_fail(
			1,
			"process %d has made no atomic write yet, or you may not look at it (try as root)",
			(int)pid);
	return cmd_fail(1, "process %d does not have the shim: start it with untorn run", (int)pid);
}

static int show_one(pid_t pid, const struct output *output)
{
	static struct counters counters;
	struct family family;
	bool shim;

	if (!find(pid, &counters, &family, &shim))
		return explain(pid, shim);
	show(pid, &counters, output);
	return 0;
}

static bool is_new(const struct family *one)
{
	static struct family known[FAMILIES];
	static int count;

	if (!one) /* a new round */
		return count = 0, true;
	for (int i = 0; i < count; i++) {
		if (known[i].device == one->device && known[i].inode == one->inode)
			return false;
	}
	if (count < FAMILIES)
		known[count++] = *one;
	return true;
}

static bool show_if_new(pid_t pid, const struct output *output)
{
	static struct counters counters;
	struct family family;
	bool shim;

	if (!find(pid, &counters, &family, &shim) || !is_new(&family))
		return false;
	show(pid, &counters, output);
	return true;
}

static int show_all(const struct output *output)
{
	bool found = false;
	DIR *directory = opendir("/proc");

	is_new(NULL);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		pid_t pid = atoi(entry->d_name);
		found |= pid > 0 && show_if_new(pid, output);
	}
	if (directory)
		closedir(directory);
	return found || output->list || output->metrics
		       ? 0
		       : cmd_fail(0, "no process with atomic writes that you may look at%s",
				  geteuid() ? " (root may look at all)" : "");
}

static bool print_json(const struct wishes *wishes, json_object *list)
{
	json_object *shown = wishes->all ? list : json_object_array_get_idx(list, 0);

	return summary_print_json(stdout, shown, !wishes->watch);
}

static int print(const struct wishes *wishes, const struct output *output)
{
	if (output->metrics && !metrics_print(output->metrics, stdout))
		return cmd_fail(1, "out of memory");
	if (output->list && !print_json(wishes, output->list))
		return cmd_fail(1, "cannot write to standard output: %m");
	return 0;
}

static int show_once(const struct wishes *wishes)
{
	struct output output = { .list = wishes->json ? json_object_new_array() : NULL,
				 .metrics = wishes->metrics ? metrics_new() : NULL,
				 .histogram = wishes->histogram };

	if ((wishes->json && !output.list) || (wishes->metrics && !output.metrics))
		return cmd_fail(1, "out of memory");
	int status = wishes->all ? show_all(&output) : show_one(wishes->pid, &output);
	if (!status)
		status = print(wishes, &output);
	json_object_put(output.list);
	metrics_free(output.metrics);
	return status;
}

/* Repeats until the process is gone, output fails, or the user interrupts. */
static int watch(const struct wishes *wishes)
{
	int status;
	bool terminal = isatty(STDOUT_FILENO) && !wishes->json && !wishes->metrics;

	for (;;) {
		if (terminal)
			fputs("\033[H\033[J", stdout);
		status = show_once(wishes);
		if (status || fflush(stdout) != 0)
			return status;
		sleep(1);
		if (!wishes->all && kill(wishes->pid, 0) < 0 && errno == ESRCH)
			return 0;
	}
}

static int parse(int argc, char **argv, struct wishes *ret_wishes)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "histogram", no_argument, NULL, 'g' },
		{ "metrics", no_argument, NULL, 'm' },
		{ "watch", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			ret_wishes->all = true;
			break;
		case 'j':
			ret_wishes->json = true;
			break;
		case 'g':
			ret_wishes->histogram = true;
			break;
		case 'm':
			ret_wishes->metrics = true;
			break;
		case 'w':
			ret_wishes->watch = true;
			break;
		case 'h':
			exit(cmd_help("stat"));
		default:
			return cmd_fail(CMD_USAGE, "see untorn stat --help");
		}
	}
	if (ret_wishes->json + ret_wishes->histogram + ret_wishes->metrics > 1)
		return cmd_fail(CMD_USAGE, "give only one of --json, --histogram and --metrics");
	return 0;
}

int cmd_stat(int argc, char **argv)
{
	struct wishes wishes = { 0 };
	char *end = NULL;

	int status = parse(argc, argv, &wishes);
	if (status)
		return status;
	if (optind == argc)
		wishes.all = true;
	else if (optind == argc - 1 && !wishes.all)
		wishes.pid = (pid_t)strtol(argv[optind], &end, 10);
	else
		return cmd_fail(CMD_USAGE, "name one process, or --all; see untorn stat --help");
	if (!wishes.all && (*end || wishes.pid <= 0))
		return cmd_fail(CMD_USAGE, "%s is not a process ID", argv[optind]);
	return wishes.watch ? watch(&wishes) : show_once(&wishes);
}
