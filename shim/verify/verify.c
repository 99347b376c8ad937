/* SPDX-License-Identifier: MIT */
/*
 * untorn verify checks whether the disk does what it promises, in one of three ways; see
 * cmd_verify() at the end. Writers and readers race; or writes go on until the power is cut
 * (--power-cut); or, after the cut, the pages are compared with the log (--check).
 */
#include "command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "doctor/way.h"
#include "untorn.h"
#include "verify/guard.h"
#include "verify/power.h"
#include "verify/race.h"

enum { PAGES = 256, RACE_SECONDS = 10, FILE_SIZE = 64 << 20 };

struct wishes {
	const char *device, *log, *check; /* log: of --power-cut */
	double seconds;                   /* 0: not given */
	uint32_t pages;
	int destroy;
	bool json, is_volatile, is_plain;
	const char *file, *page, *size; /* as given; NULL: not given */
	uint32_t page_bytes;
	uint64_t size_bytes;
};

static bool is_dash(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* Never overwrites a log: it may be the only witness of an earlier cut. */
static int open_log(const char *path, int *ret_fd)
{
	*ret_fd = is_dash(path)
			  ? dup(STDOUT_FILENO)
			  : open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
	if (*ret_fd >= 0)
		return 0;
	if (errno == EEXIST)
		return cmd_fail(CMD_USAGE, "%s already exists; name a new file for the log", path);
	return cmd_fail(CMD_USAGE, "%s: %m", path);
}

static int race(const struct wishes *wishes, struct verify_target *target)
{
	struct verify_report report = verify_report_of(wishes->device, "race");
	double seconds = wishes->seconds > 0 ? wishes->seconds : RACE_SECONDS;

	verify_target_shorten(target);
	report.layout = target->layout;
	int error = verify_race(target, seconds, &report);
	if (error)
		return cmd_fail(CMD_USAGE, "cannot start the race: %s", strerror(-error));
	return verify_report_print(&report, wishes->json, false);
}

static int power(const struct wishes *wishes, const struct verify_target *target)
{
	struct verify_report report = verify_report_of(wishes->device, "power-cut");
	int fd, status = open_log(wishes->log, &fd);

	if (status)
		return status;
	AUTO_CLOSE int log = fd;
	report.layout = target->layout;
	report.is_unchecked = true;
	int error = verify_power(target, log, !wishes->is_volatile, wishes->seconds, &report);
	if (error)
		return cmd_fail(CMD_USAGE, "%s: %s", wishes->log, strerror(-error));
	status = verify_report_print(&report, wishes->json, is_dash(wishes->log));
	fprintf(stderr,
		"untorn: to check, now or after the power cut: untorn verify --check=%s %s%s\n",
		is_dash(wishes->log) ? "LOG" : wishes->log, wishes->file ? "--file=" : "",
		wishes->device);
	return status;
}

/* The race and the power cut: both write to the device, or to a new file. */
static int write_to_it(const struct wishes *wishes)
{
	struct verify_target target;
	int fd = wishes->file ? verify_guard_make(wishes->file, wishes->size_bytes)
			      : verify_guard_open(wishes->device, wishes->destroy);

	if (fd < 0)
		return -fd;
	AUTO_CLOSE int device = fd;
	int status =
		wishes->is_plain
			? verify_target_prepare_plain(&target, wishes->device, device,
						      wishes->pages, wishes->page_bytes)
			: verify_target_prepare(&target, wishes->device, device, wishes->pages);
	if (status) {
		if (wishes->file)
			unlink(wishes->file); /* it was made just now */
		return status;
	}
	return wishes->log ? power(wishes, &target) : race(wishes, &target);
}

static int read_log(const char *path, struct verify_history *ret_history)
{
	AUTO_CLOSE int fd = is_dash(path) ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return cmd_fail(CMD_USAGE, "%s: %m", path);
	int error = verify_log_read(fd, ret_history);
	if (error == -EBADMSG)
		return cmd_fail(CMD_USAGE, "%s is not a log of untorn verify --power-cut", path);
	return error ? cmd_fail(CMD_USAGE, "%s: %s", path, strerror(-error)) : 0;
}

static int check_device(const struct wishes *wishes, const struct verify_history *history)
{
	struct verify_report report = verify_report_of(wishes->device, "check");
	uint64_t size;

	AUTO_CLOSE int fd = open(wishes->device, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 ? -errno : verify_target_size(fd, &size);

	/* This may fail: what was just read from the device without O_DIRECT is as good. */
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_DIRECT);
	if (error)
		return cmd_fail(CMD_USAGE, "%s: %s", wishes->device, strerror(-error));
	if (size != history->layout.size)
		return cmd_fail(CMD_USAGE, "%s is not the device of the log: its size differs",
				wishes->device);
	report.layout = history->layout;
	error = verify_check(fd, history, &report);
	if (error)
		return cmd_fail(CMD_USAGE, "%s: %s", wishes->device, strerror(-error));
	return verify_report_print(&report, wishes->json, false);
}

static int check(const struct wishes *wishes)
{
	struct verify_history history;
	int status = read_log(wishes->check, &history);

	if (status)
		return status;
	status = check_device(wishes, &history);
	free(history.pages);
	return status;
}

static int parse_seconds(const char *text, double *ret_seconds)
{
	char *end;

	*ret_seconds = strtod(text, &end);
	if (end == text || *end || !(*ret_seconds > 0 && *ret_seconds < 1e9))
		return cmd_fail(CMD_USAGE, "--seconds=%s: not a number of seconds above 0", text);
	return 0;
}

static int parse_pages(const char *text, uint32_t *ret_pages)
{
	char *end;
	unsigned long pages = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !pages || pages > VERIFY_MAX_PAGES)
		return cmd_fail(CMD_USAGE, "--pages=%s: not a number from 1 to %d", text,
				VERIFY_MAX_PAGES);
	*ret_pages = (uint32_t)pages;
	return 0;
}

static int take(int option, struct wishes *wishes)
{
	switch (option) {
	case 'p':
		wishes->log = optarg;
		return 0;
	case 'c':
		wishes->check = optarg;
		return 0;
	case 's':
		return parse_seconds(optarg, &wishes->seconds);
	case 'n':
		return parse_pages(optarg, &wishes->pages);
	case 'd':
		wishes->destroy++;
		return 0;
	case 'v':
		wishes->is_volatile = true;
		return 0;
	case 'j':
		wishes->json = true;
		return 0;
	case 'o':
		wishes->is_plain = true;
		return 0;
	case 'f':
		wishes->file = optarg;
		return 0;
	case 'g':
		wishes->page = optarg;
		return 0;
	case 'z':
		wishes->size = optarg;
		return 0;
	case 'l':
		return cmd_set("nvme-limits", UNTORN_ENV_NVME_LIMITS, optarg, CMD_POLICIES);
	case 'h':
		exit(cmd_help("verify"));
	default:
		return cmd_fail(CMD_USAGE, "see untorn verify --help");
	}
}

static uint64_t parse_size(const char *text)
{
	static const char units[] = "kmgt";
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	uint64_t size = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end | 0x20) : NULL;
	unsigned shift = unit ? 10U * (unsigned)(unit - units + 1) : 0;
	return end[unit != NULL] || size > UINT64_MAX >> shift >> 1 ? 0 : size << shift;
}

static int check_numbers(struct wishes *wishes)
{
	wishes->page_bytes = wishes->page ? (uint32_t)way_parse_page(wishes->page) : WAY_PAGE;
	wishes->size_bytes = wishes->size ? parse_size(wishes->size) : FILE_SIZE;
	if (wishes->page && !wishes->is_plain)
		return cmd_fail(CMD_USAGE, "--page needs --plain");
	if (wishes->size && !wishes->file)
		return cmd_fail(CMD_USAGE, "--size needs --file");
	if (!wishes->page_bytes)
		return cmd_fail(CMD_USAGE,
				"--page=%s: not a power of two from 512 to 1024k, such as 16k",
				wishes->page);
	if (!wishes->size_bytes || wishes->size_bytes % 4096)
		return cmd_fail(CMD_USAGE, "--size=%s: not a multiple of 4096, such as 64M",
				wishes->size);
	return 0;
}

static int parse(int argc, char **argv, struct wishes *wishes)
{
	static const struct option options[] = {
		{ "power-cut", required_argument, NULL, 'p' },
		{ "check", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "pages", required_argument, NULL, 'n' },
		{ "destroy", no_argument, NULL, 'd' },
		{ "volatile", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ "plain", no_argument, NULL, 'o' },
		{ "file", required_argument, NULL, 'f' },
		{ "page", required_argument, NULL, 'g' },
		{ "size", required_argument, NULL, 'z' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, status = 0;

	while (!status && (option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		status = take(option, wishes);
	if (!status && optind + !wishes->file != argc)
		status =
			cmd_fail(CMD_USAGE, "name one device, or --file; see untorn verify --help");
	if (!status && wishes->log && wishes->check)
		status = cmd_fail(
			CMD_USAGE,
			"--power-cut is for before the cut, --check for after it: give one");
	if (!status && wishes->is_volatile && !wishes->log)
		status = cmd_fail(CMD_USAGE, "--volatile needs --power-cut");
	wishes->device = wishes->file ?: argv[optind];
	return status ? status : check_numbers(wishes);
}

int cmd_verify(int argc, char **argv)
{
	struct wishes wishes = { .pages = PAGES };

	int status = parse(argc, argv, &wishes);
	if (status)
		return status;
	return wishes.check ? check(&wishes) : write_to_it(&wishes);
}
