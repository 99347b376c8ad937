/* SPDX-License-Identifier: MIT */
/*
 * untorn run: finds the library and the program, says beforehand when the one cannot reach the
 * other, sets the environment and becomes the program. Prints nothing when all is well.
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cleanup.h"
#include "elf.h"
#include "untorn.h"

enum { UNREACHABLE = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127, MAX_INTERPRETERS = 4 };

/* Beside the command, as in a build folder, or where it was installed; never anywhere else. */
static bool find_library(const char *name, char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 64);

	if (length > 0) {
		path[length] = '\0';
		strcpy(strrchr(path, '/') + 1, name);
		if (access(path, R_OK) == 0)
			return true;
	}
	snprintf(path, PATH_MAX, "%s/%s", LIBDIR, name);
	return access(path, R_OK) == 0;
}

/* As execvp looks for it. 0, or the exit status. */
static int find_program(const char *name, char path[PATH_MAX])
{
	const char *folders = getenv("PATH");
	int found = NOT_FOUND;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return access(path, X_OK) == 0 ? 0 : errno == EACCES ? NOT_EXECUTABLE : NOT_FOUND;
	}
	for (const char *folder = folders ? folders : "/bin:/usr/bin"; folder;
	     folder = strchr(folder, ':') ? strchr(folder, ':') + 1 : NULL) {
		int length = (int)strcspn(folder, ":");
		snprintf(path, PATH_MAX, "%.*s/%s", length ? length : 1, length ? folder : ".",
			 name);
		if (access(path, X_OK) == 0)
			return 0;
		if (errno == EACCES)
			found = NOT_EXECUTABLE;
	}
	return found;
}

/* The interpreter that a script's first line names. */
static bool read_interpreter(int fd, char path[PATH_MAX])
{
	char line[PATH_MAX];
	ssize_t length = pread(fd, line, sizeof(line) - 1, 0);

	if (length < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	const char *start = line + 2 + strspn(line + 2, " \t");
	snprintf(path, PATH_MAX, "%.*s", (int)strcspn(start, " \t"), start);
	return *path;
}

/* The loader ignores us where the kernel says AT_SECURE: when the program's file gives rights that
 * the caller has not. */
static bool gains_rights(int fd)
{
	struct stat st;
	char capabilities[64];

	if (fstat(fd, &st) < 0)
		return false;
	return ((st.st_mode & S_ISUID) && st.st_uid != getuid()) ||
	       ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid()) ||
	       (getuid() != 0 &&
		fgetxattr(fd, "security.capability", capabilities, sizeof(capabilities)) > 0);
}

static const char *why_not(int fd)
{
	if (gains_rights(fd))
		return "is set-user-ID, set-group-ID or has file capabilities, and the loader then "
		       "ignores preloads; run it as the user whose rights it takes";
	switch (elf_kind(fd)) {
	case ELF_STATIC:
		return "is statically linked, so no library can be put before it; use a dynamically "
		       "linked build";
	case ELF_OTHER_CLASS:
		return "is built for another architecture than libuntorn.so; use a native build";
	case ELF_OTHER_LIBC:
		return "is linked to another C library (musl) than libuntorn.so; build untorn with it";
	case ELF_GO:
		return "is a Go program, which makes its system calls without the C library; it "
		       "cannot be reached";
	default:
		return NULL;
	}
}

/* 0 when the shim will be in the program, or the exit status. */
static int check_program(const char *name, bool anyway)
{
	char path[PATH_MAX], interpreter[PATH_MAX];

	int status = find_program(name, path);
	if (status)
		return cmd_fail(status, "%s: %s", name,
				status == NOT_FOUND ? "not found" : "may not be executed");
	for (int depth = 0; depth < MAX_INTERPRETERS; depth++) {
		AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
		const char *reason = fd >= 0 ? why_not(fd) : NULL;
		if (reason && !anyway)
			return cmd_fail(UNREACHABLE, "%s %s (or start it with --anyway)", path,
					reason);
		if (fd < 0 || !read_interpreter(fd, interpreter))
			return 0;
		strcpy(path, interpreter);
	}
	return 0;
}

static bool names_library(const char *list, const char *library)
{
	size_t length = strlen(library);

	for (const char *at = list; (at = strstr(at, library)); at += length) {
		if ((at == list || strchr(": ", at[-1])) &&
		    (!at[length] || strchr(": ", at[length])))
			return true;
	}
	return false;
}

static int add_preload(const char *name)
{
	char library[PATH_MAX];
	const char *before = getenv("LD_PRELOAD");
	AUTO_FREE char *list = NULL;

	if (!find_library(name, library))
		return cmd_fail(UNREACHABLE, "%s is neither beside this command nor in %s", name,
				LIBDIR);
	if (strpbrk(library, ": "))
		return cmd_fail(UNREACHABLE,
				"the loader cannot take a path with a space or colon: %s", library);
	if (before && names_library(before, library))
		return 0;
	if (asprintf(&list, "%s%s%s", library, before && *before ? ":" : "", before ? before : "") <
	    0)
		return cmd_fail(UNREACHABLE, "out of memory");
	setenv("LD_PRELOAD", list, 1);
	return 0;
}

static bool is_one_of(const char *value, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(value, *words) == 0)
			return true;
	}
	return false;
}

/* A setting that is passed on by environment; a misspelt one must not silently mean another. */
static int set(const char *option, const char *variable, const char *value,
	       const char *const *words)
{
	if (words && !is_one_of(value, words))
		return cmd_fail(2, "--%s does not know %s; see untorn run --help", option, value);
	setenv(variable, value, 1);
	return 0;
}

static int parse(int argc, char **argv, bool *ret_anyway, bool *ret_sim)
{
	static const struct option options[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "sim", required_argument, NULL, 's' },
		{ "anyway", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static const char *const modes[] = { "auto", "command", "off", NULL };
	static const char *const policies[] = { "namespace", "controller", NULL };
	int option, status = 0;

	while (!status && (option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			status = set("mode", UNTORN_ENV_MODE, optarg, modes);
			break;
		case 'l':
			status = set("nvme-limits", UNTORN_ENV_NVME_LIMITS, optarg, policies);
			break;
		case 's':
			*ret_sim = true;
			status = set("sim", "UNTORN_SIM", optarg, NULL);
			break;
		case 'a':
			*ret_anyway = true;
			break;
		case 'h':
			cmd_help("run");
			exit(0);
		default:
			status = 2;
		}
	}
	return status;
}

int cmd_run(int argc, char **argv)
{
	bool anyway = false, sim = false;

	int status = parse(argc, argv, &anyway, &sim);
	if (status)
		return status;
	if (optind == argc)
		return cmd_fail(2, "which program? see untorn run --help");
	status = check_program(argv[optind], anyway);
	/* The simulated disk first, so that the shim comes to stand before it. */
	if (!status && sim)
		status = add_preload("libuntorn-sim.so");
	if (!status)
		status = add_preload("libuntorn.so");
	if (status)
		return status;
	execvp(argv[optind], argv + optind);
	return cmd_fail(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "%s: %m", argv[optind]);
}
