/* SPDX-License-Identifier: MIT */
/*
 * untorn run: finds the libraries and the program, says beforehand when the one cannot reach the
 * other, sets the environment and becomes the program. Prints nothing when all is well.
 */
#include "command/command.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command/check.h"
#include "command/preload.h"
#include "command/program.h"
#include "command/report.h"
#include "command/require.h"
#include "untorn.h"

/* As of env(1) and nohup(1). */
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

enum { MOST_REQUIRED = 32 };

struct wishes {
	bool anyway, check, reports;
	char *sim; /* all of them */
	const char *required[MOST_REQUIRED];
	unsigned required_count;
	struct cmd_report report;
};

static int status_of(int error)
{
	return error == -ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}

/* 0 when the shim will be in the program, whose file is then path; or the exit status. */
static int check_program(const char *name, bool anyway, char path[PATH_MAX])
{
	int error = cmd_program_find(name, path);
	if (error)
		return cmd_fail(status_of(error), "%s: %s", name,
				error == -ENOENT ? "not found" : strerror(-error));
	const char *hindrance = anyway ? NULL : cmd_program_hindrance(path);
	if (hindrance)
		return cmd_fail(CMD_UNREACHABLE, "%s %s (--anyway starts it without the shim)",
				path, hindrance);
	return 0;
}

/* 0, or an exit status after a message. The caller frees the path. */
static int find_library(const char *name, char **ret_path)
{
	*ret_path = cmd_preload_find(name);
	if (!*ret_path)
		return cmd_fail(CMD_UNREACHABLE,
				"%s is neither beside this command (%m) nor in " LIBDIR
				"; make install puts it there",
				name);
	if (strpbrk(*ret_path, ": "))
		return cmd_fail(CMD_UNREACHABLE,
				"the loader cannot take a path with a space or colon: %s",
				*ret_path);
	return 0;
}

static int set_preload(bool simulate)
{
	AUTO_FREE char *shim = NULL, *sim = NULL, *list = NULL;
	const char *before = getenv("LD_PRELOAD");

	int status = find_library(CMD_PRELOAD_SHIM, &shim);
	if (!status && simulate)
		status = find_library(CMD_PRELOAD_SIM, &sim);
	if (status)
		return status;
	list = cmd_preload_with(before ? before : "", shim, sim);
	if (!list || setenv("LD_PRELOAD", list, 1) < 0)
		return cmd_fail(CMD_UNREACHABLE, "out of memory");
	return 0;
}

static int set_deep(void)
{
	const char *why = cmd_check_deep();

	return why ? cmd_fail(CMD_UNREACHABLE, "deep mode %s", why)
		   : cmd_set("deep", UNTORN_ENV_DEEP, "1", NULL);
}

/* Asks the simulated disk's own library, before the program starts. 0, or an exit status. */
static int check_spec(const char *spec)
{
	AUTO_FREE char *path = NULL;
	char problem[128] = "";
	bool (*check)(const char *text, char *ret_problem, size_t size);

	int status = find_library(CMD_PRELOAD_SIM, &path);
	if (status)
		return status;
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	*(void **)&check = library ? dlsym(library, "untorn_sim_check") : NULL;
	if (!check)
		return cmd_fail(CMD_UNREACHABLE, "%s", dlerror());
	if (!check(spec, problem, sizeof(problem)))
		status = cmd_fail(CMD_USAGE,
				  "--sim=%s is not understood, at: %s; see libuntorn-sim(7)", spec,
				  problem);
	dlclose(library);
	return status;
}

/* In the place of what the environment says, which the library does not get to see meanwhile. */
static int add_disk(const char *spec, char **all)
{
	char *before = *all;

	unsetenv("UNTORN_SIM");
	int status = check_spec(spec);
	if (status)
		return status;
	if (asprintf(all, "%s%s%s", before ? before : "", before ? ";" : "", spec) < 0)
		return cmd_fail(CMD_UNREACHABLE, "out of memory");
	free(before);
	return check_spec(*all);
}

static int require(const char *device, struct wishes *wishes)
{
	if (wishes->required_count == MOST_REQUIRED)
		return cmd_fail(CMD_USAGE, "--require: no more than %d devices", MOST_REQUIRED);
	wishes->required[wishes->required_count++] = device;
	return 0;
}

static int check_required(const struct wishes *wishes)
{
	AUTO_FREE char *sim = NULL;
	int status =
		wishes->sim && wishes->required_count ? find_library(CMD_PRELOAD_SIM, &sim) : 0;

	for (unsigned i = 0; i < wishes->required_count && !status; i++)
		status = cmd_require(wishes->required[i], sim);
	return status;
}

static int parse(int argc, char **argv, struct wishes *ret_wishes)
{
	static const struct option options[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "sim", required_argument, NULL, 's' },
		{ "report", optional_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "histogram", no_argument, NULL, 'g' },
		{ "require", required_argument, NULL, 'q' },
		{ "anyway", no_argument, NULL, 'a' },
		{ "deep", no_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, status = 0;

	/* "+": the program's own options are left alone. */
	while (!status && (option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			status = cmd_set("mode", UNTORN_ENV_MODE, optarg, "auto command off");
			break;
		case 'l':
			status = cmd_set("nvme-limits", UNTORN_ENV_NVME_LIMITS, optarg,
					 CMD_POLICIES);
			break;
		case 's':
			status = add_disk(optarg, &ret_wishes->sim);
			break;
		case 'r':
			ret_wishes->reports = true;
			ret_wishes->report.file = optarg;
			break;
		case 'j':
			ret_wishes->reports = ret_wishes->report.json = true;
			break;
		case 'g':
			ret_wishes->reports = ret_wishes->report.histogram = true;
			break;
		case 'q':
			status = require(optarg, ret_wishes);
			break;
		case 'a':
			ret_wishes->anyway = true;
			break;
		case 'd':
			status = set_deep();
			break;
		case 'c':
			ret_wishes->check = true;
			break;
		case 'h':
			exit(cmd_help("run"));
		default:
			status = cmd_fail(CMD_USAGE, "see untorn run --help");
		}
	}
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct wishes wishes = { 0 };
	char path[PATH_MAX];

	int status = parse(argc, argv, &wishes);
	if (!status && wishes.sim)
		status = cmd_set("sim", "UNTORN_SIM", wishes.sim, NULL);
	if (status)
		return status;
	if (optind == argc)
		return cmd_fail(CMD_USAGE, "which program? see untorn run --help");
	status = check_program(argv[optind], wishes.anyway && !wishes.check, path);
	if (!status && wishes.check)
		return cmd_check(path);
	if (!status)
		status = check_required(&wishes);
	if (!status)
		status = set_preload(wishes.sim);
	if (!status && wishes.reports)
		status = cmd_report_prepare(&wishes.report);
	if (status || (wishes.reports && !cmd_report_beside(&status)))
		return status;
	execvp(argv[optind], argv + optind);
	/* That the file itself is there and executable has been seen. */
	if (errno == ENOENT)
		return cmd_fail(NOT_FOUND, "%s: its interpreter or loader is not there",
				argv[optind]);
	return cmd_fail(NOT_EXECUTABLE, "%s: %m", argv[optind]);
}
