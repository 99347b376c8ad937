/* SPDX-License-Identifier: MIT */
/*
 * untorn run: finds the libraries and the program, refuses a program that the shim cannot reach,
 * sets the environment and becomes the program. Prints nothing when all is well.
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
#include "command/preload.h"
#include "command/report.h"
#include "command/require.h"
#include "run/check.h"
#include "run/loads.h"
#include "run/program.h"
#include "run/sanitizer.h"
#include "run/settings.h"
#include "untorn.h"

/* Exit statuses, those of env(1) and nohup(1). */
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

enum { MOST_REQUIRED = 32 };

struct wishes {
	bool anyway, check, reports;
	char *sim; /* the disks of all --sim options, with semicolons between them */
	const char *required[MOST_REQUIRED];
	unsigned required_count;
	struct cmd_report report;
};

static int status_of(int error)
{
	return error == -ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}

/* 0: the shim will be in the program, or it need not be (--anyway); or the exit status. */
static int check_program(char **words, bool anyway, struct cmd_program *ret_program)
{
	char path[PATH_MAX];

	int error = cmd_program_find(words[0], path);
	if (error)
		return cmd_fail(status_of(error), "%s: %s", words[0],
				error == -ENOENT ? "not found" : strerror(-error));
	cmd_program_set(ret_program, path, words);
	const char *hindrance = cmd_program_hindrance(ret_program);
	if (hindrance && !anyway)
		return cmd_fail(CMD_UNREACHABLE, "%s %s (--anyway starts it nevertheless)",
				ret_program->path, hindrance);
	return 0;
}

/* 0, or an exit status after a message. The caller frees the path. */
static int find_library(const char *name, char **ret_path)
{
	*ret_path = cmd_preload_find(name);
	if (!*ret_path)
		return cmd_fail(
			CMD_UNREACHABLE,
			"%s is neither beside this command (%m), nor in the lib folder beside "
			"its bin, nor in %s; make install puts it there",
			name, cmd_preload_place);
	const char *what = cmd_preload_hinders(*ret_path);
	if (what)
		return cmd_fail(CMD_UNREACHABLE,
				"the loader cannot take a path with %s: %s; move untorn to another "
				"folder",
				what, *ret_path);
	return 0;
}

/* Refuses a program whose C library is too old for the shim: its loader would end it. */
static int check_libc(const struct cmd_program *program)
{
	AUTO_FREE char *shim = NULL;

	int status = find_library(CMD_PRELOAD_SHIM, &shim);
	const char *lacks = status ? NULL : cmd_loads_lacks(program, shim);
	if (!lacks)
		return status;
	return cmd_fail(
		CMD_UNREACHABLE,
		"%s uses a C library that is too old for libuntorn.so: it lacks %s; let it use "
		"this system's, or build untorn on a system with the older one",
		program->path, lacks);
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

static int check_deep_program(const char *program)
{
	const char *deep = getenv(UNTORN_ENV_DEEP);

	if (!deep || strcmp(deep, "1") != 0 || !cmd_check_makes_calls(program))
		return 0;
	return cmd_fail(
		CMD_UNREACHABLE,
		"%s itself makes the system calls of the program that it runs, so deep mode does not "
		"work under it. Without --deep the shim serves calls through the C library",
		program);
}

/* Has the simulated disk's own library check the text, before the program starts. 0, or an exit
 * status after a message. */
static int check_spec(const char *name, const char *spec)
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
		status =
			cmd_fail(CMD_USAGE, "%s=%s is not understood, at: %s; see libuntorn-sim(7)",
				 name, spec, problem);
	dlclose(library);
	return status;
}

/* Adds a --sim disk. These disks replace UNTORN_SIM, which is unset so that the library, when it is
 * loaded for the check, does not read it. */
static int add_disk(const char *spec, char **all)
{
	char *before = *all;

	unsetenv("UNTORN_SIM");
	int status = check_spec("--sim", spec);
	if (status)
		return status;
	if (asprintf(all, "%s%s%s", before ? before : "", before ? ";" : "", spec) < 0)
		return cmd_fail(CMD_UNREACHABLE, "out of memory");
	free(before);
	return check_spec("--sim", *all);
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

/* Checks the disks of UNTORN_SIM, unless --sim replaces them. Without the library of the simulated
 * disk the variable has no effect. */
static int check_disks(const struct wishes *wishes)
{
	const char *spec = wishes->sim ? NULL : getenv("UNTORN_SIM");
	AUTO_FREE char *copy = spec && *spec ? strdup(spec) : NULL;
	AUTO_FREE char *path = copy ? cmd_preload_find(CMD_PRELOAD_SIM) : NULL;

	if (!path)
		return 0;
	unsetenv("UNTORN_SIM");
	int status = check_spec("UNTORN_SIM", copy);
	setenv("UNTORN_SIM", copy, 1);
	return status;
}

static int take(int option, struct wishes *wishes)
{
	switch (option) {
	case 'm':
		return cmd_set("mode", UNTORN_ENV_MODE, optarg, CMD_MODES);
	case 'l':
		return cmd_set("nvme-limits", UNTORN_ENV_NVME_LIMITS, optarg, CMD_POLICIES);
	case 'u':
		return cmd_set("rules", UNTORN_ENV_RULES, optarg, CMD_RULES);
	case 'g':
		return cmd_settings_log(optarg);
	case 'o':
		return cmd_settings_names("--only", UNTORN_ENV_ONLY, optarg);
	case 'k':
		return cmd_settings_names("--skip", UNTORN_ENV_SKIP, optarg);
	case 's':
		return add_disk(optarg, &wishes->sim);
	case 'r':
		wishes->reports = true;
		wishes->report.file = optarg;
		return 0;
	case 'j':
		wishes->reports = wishes->report.json = true;
		return 0;
	case 'i':
		wishes->reports = wishes->report.histogram = true;
		return 0;
	case 'q':
		return require(optarg, wishes);
	case 'a':
		wishes->anyway = true;
		return 0;
	case 'd':
		return set_deep();
	case 'c':
		wishes->check = true;
		return 0;
	case 'h':
		exit(cmd_help("run"));
	default:
		return cmd_fail(CMD_USAGE, "see untorn run --help");
	}
}

static int parse(int argc, char **argv, struct wishes *ret_wishes)
{
	static const struct option options[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "rules", required_argument, NULL, 'u' },
		{ "log", required_argument, NULL, 'g' },
		{ "only", required_argument, NULL, 'o' },
		{ "skip", required_argument, NULL, 'k' },
		{ "sim", required_argument, NULL, 's' },
		{ "report", optional_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "histogram", no_argument, NULL, 'i' },
		{ "require", required_argument, NULL, 'q' },
		{ "anyway", no_argument, NULL, 'a' },
		{ "deep", no_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, status = 0;

	/* "+": the program's own options are left alone. */
	while (!status && (option = getopt_long(argc, argv, "+h", options, NULL)) != -1)
		status = take(option, ret_wishes);
	return status;
}

/* take() has put the values of the options into the environment by now. */
static int check_settings(const struct wishes *wishes)
{
	int status =
		wishes->sim ? cmd_set("sim", "UNTORN_SIM", wishes->sim, NULL) : check_disks(wishes);

	return status ? status : cmd_settings_check();
}

/* Checks the program and sets its environment. --check ends after the checks: it starts nothing. */
static int prepare(const struct wishes *wishes, char **words)
{
	static struct cmd_program program;

	int status = check_program(words, wishes->anyway && !wishes->check, &program);
	if (!status)
		status = check_libc(&program);
	if (!status && wishes->check)
		return cmd_check(&program);
	if (!status && !wishes->anyway)
		status = check_deep_program(words[0]);
	if (!status)
		status = check_required(wishes);
	if (!status)
		status = set_preload(wishes->sim);
	return status ? status : cmd_sanitizer_allow(program.path);
}

int cmd_run(int argc, char **argv)
{
	struct wishes wishes = { 0 };

	int status = parse(argc, argv, &wishes);
	if (!status)
		status = check_settings(&wishes);
	if (status)
		return status;
	if (optind == argc)
		return cmd_fail(CMD_USAGE, "name a program; see untorn run --help");
	status = prepare(&wishes, argv + optind);
	if (status || wishes.check)
		return status;
	if (wishes.reports)
		status = cmd_report_prepare(&wishes.report);
	if (status || (wishes.reports && !cmd_report_beside(&status)))
		return status;
	execvp(argv[optind], argv + optind);
	/* check_program() has seen that the file itself is there and executable. */
	if (errno == ENOENT)
		return cmd_fail(NOT_FOUND, "%s: its interpreter or loader does not exist",
				argv[optind]);
	return cmd_fail(NOT_EXECUTABLE, "%s: %m", argv[optind]);
}
