/* SPDX-License-Identifier: MIT */
/*
 * untorn stat: finds what processes have counted. Of their descriptors one is that memory, which
 * their user may open; where the program has closed it, it is read from the process, which takes
 * the right to trace it. It is copied, never mapped, for who may write it may truncate it.
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
#include "base/counters.h"
#include "report/summary.h"

enum { PATH = 320, FAMILIES = 512 };

/* Forked processes share what they count. */
struct family {
	dev_t device;
	ino_t inode;
};

struct wishes {
	bool all, json, watch;
	pid_t pid;
};

static bool read_at(int fd, off_t offset, struct counters *ret_counters)
{
	return pread(fd, ret_counters, sizeof(*ret_counters), offset) ==
		       (ssize_t)sizeof(*ret_counters) &&
	       counters_are_ours(ret_counters, sizeof(*ret_counters));
}

static bool read_descriptor(const char *path, struct counters *ret_counters,
			    struct family *ret_family)
{
	char target[PATH];
	struct stat st;

	ssize_t length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	if (!strstr(target, COUNTERS_NAME))
		return false;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*ret_family = (struct family){ st.st_dev, st.st_ino };
	return read_at(fd, 0, ret_counters);
}

static bool find_descriptor(pid_t pid, struct counters *ret_counters, struct family *ret_family)
{
	char path[PATH];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *directory = opendir(path);
	for (struct dirent *entry; !found && directory && (entry = readdir(directory));) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		found = read_descriptor(path, ret_counters, ret_family);
	}
	if (directory)
		closedir(directory);
	return found;
}

static bool read_memory(pid_t pid, unsigned long address, struct counters *ret_counters)
{
	char path[PATH];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read_at(fd, (off_t)address, ret_counters);
}

/* *ret_shim: a library of the shim's name is in the process. */
static bool find_mapping(pid_t pid, struct counters *ret_counters, struct family *ret_family,
			 bool *ret_shim)
{
	char line[PATH * 2];
	unsigned long address, inode;
	unsigned high, low;
	bool found = false;

	snprintf(line, sizeof(line), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(line, "re");
	while (maps && !found && fgets(line, sizeof(line), maps)) {
		*ret_shim |= strstr(line, "/libuntorn.so") != NULL;
		if (!strstr(line, COUNTERS_NAME) ||
		    sscanf(line, "%lx-%*x %*s %*x %x:%x %lu", &address, &high, &low, &inode) != 4)
			continue;
		*ret_family = (struct family){ makedev(high, low), inode };
		found = read_memory(pid, address, ret_counters);
	}
	if (maps)
		fclose(maps);
	return found;
}

static bool find(pid_t pid, struct counters *ret_counters, struct family *ret_family,
		 bool *ret_shim)
{
	*ret_shim = false;
	return find_descriptor(pid, ret_counters, ret_family) ||
	       find_mapping(pid, ret_counters, ret_family, ret_shim);
}

static void title_of(pid_t pid, char ret_title[64])
{
	char name[32] = "?", path[PATH];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, name, sizeof(name) - 1) : 1;
	name[length > 0 ? length : 0] = '\0';
	for (char *c = name; *c; c++)
		*c = isprint((unsigned char)*c) ? *c : *c == '\n' ? '\0' : '?';
	snprintf(ret_title, 64, "%s (%d)", name, (int)pid);
}

static json_object *json_of(pid_t pid, const struct counters *counters, const char *title)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "pid", json_object_new_int(pid));
	json_object_object_add(object, "program", json_object_new_string(title));
	json_object_object_add(object, "counted", summary_json(counters));
	return object;
}

/* list: NULL for text. */
static void show(pid_t pid, const struct counters *counters, json_object *list)
{
	char title[64];

	title_of(pid, title);
	if (list)
		json_object_array_add(list, json_of(pid, counters, title));
	else
		summary_print(stdout, counters, title);
}

static int explain(pid_t pid, bool shim)
{
	char path[PATH];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cmd_fail(1, "process %d: %s", (int)pid,
				errno == ENOENT ? "there is none" : strerror(errno));
	if (shim)
		return cmd_fail(1,
				"process %d has made no atomic write yet, or does not let you see",
				(int)pid);
	return cmd_fail(1, "process %d does not have the shim: see untorn run", (int)pid);
}

static int show_one(pid_t pid, json_object *list)
{
	static struct counters counters;
	struct family family;
	bool shim;

	if (!find(pid, &counters, &family, &shim))
		return explain(pid, shim);
	show(pid, &counters, list);
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

static bool show_if_new(pid_t pid, json_object *list)
{
	static struct counters counters;
	struct family family;
	bool shim;

	if (!find(pid, &counters, &family, &shim) || !is_new(&family))
		return false;
	show(pid, &counters, list);
	return true;
}

static int show_all(json_object *list)
{
	bool found = false;
	DIR *directory = opendir("/proc");

	is_new(NULL);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		pid_t pid = atoi(entry->d_name);
		found |= pid > 0 && show_if_new(pid, list);
	}
	if (directory)
		closedir(directory);
	return found || list ? 0
			     : cmd_fail(0, "no program with atomic writes that you may look at%s",
					geteuid() ? " (others': as root)" : "");
}

static int show_once(const struct wishes *wishes)
{
	json_object *list = wishes->json ? json_object_new_array() : NULL;
	int status = wishes->all ? show_all(list) : show_one(wishes->pid, list);

	if (list && !status)
		summary_print_json(stdout, wishes->all ? list : json_object_array_get_idx(list, 0),
				   !wishes->watch);
	json_object_put(list);
	return status;
}

/* Until the process is gone, or somebody has seen enough. */
static int watch(const struct wishes *wishes)
{
	int status;
	bool terminal = isatty(STDOUT_FILENO) && !wishes->json;

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
		case 'w':
			ret_wishes->watch = true;
			break;
		case 'h':
			exit(cmd_help("stat"));
		default:
			return cmd_fail(CMD_USAGE, "see untorn stat --help");
		}
	}
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
		return cmd_fail(CMD_USAGE, "one process, or --all; see untorn stat --help");
	if (!wishes.all && (*end || wishes.pid <= 0))
		return cmd_fail(CMD_USAGE, "%s is no process's number", argv[optind]);
	return wishes.watch ? watch(&wishes) : show_once(&wishes);
}
