/* SPDX-License-Identifier: MIT */
/*
 * A program may bring a C library of its own: by the loader that it names or is given to, by an
 * RPATH, by LD_LIBRARY_PATH. If that C library is older than our library needs, its loader ends the
 * program at its start. The loaders of other programs are not asked, because that takes an exec.
 */
#include "run/loads.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/elf.h"
#include "run/elf_dynamic.h"

/* Returns "NAME=VALUE", which the caller frees. NULL: no value, or out of memory. */
static char *setting(const char *name, const char *value)
{
	char *text;

	return value && asprintf(&text, "%s=%s", name, value) >= 0 ? text : NULL;
}

static int spawn(const struct cmd_program *program, const char *preload, int said_on, int end,
		 pid_t *ret_child)
{
	AUTO_FREE char *where = setting("LD_LIBRARY_PATH", getenv("LD_LIBRARY_PATH"));
	AUTO_FREE char *before = setting("LD_PRELOAD", preload);
	char *environment[] = { (char[]){ "LD_TRACE_LOADED_OBJECTS=1" }, NULL, NULL, NULL };
	char *alone[] = { (char *)(uintptr_t)program->path, NULL };
	posix_spawn_file_actions_t actions;
	int i = 1;

	if (where)
		environment[i++] = where;
	environment[i] = before;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, end, said_on);
	int error = posix_spawn(
		ret_child, program->by_loader ? program->loader : program->path, &actions, NULL,
		program->by_loader ? (char **)(uintptr_t)program->words : alone, environment);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

FILE *cmd_loads_list(const struct cmd_program *program, const char *preload, int said_on,
		     pid_t *ret_child)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return NULL;
	int error = spawn(program, preload, said_on, ends[1], ret_child);
	close(ends[1]);
	if (!error)
		return fdopen(ends[0], "r");
	close(ends[0]);
	return NULL;
}

static bool loader_of(const char *path, char ret_loader[ELF_LOADER_PATH])
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 && elf_loader(fd, ret_loader);
}

static bool is_same_file(const char *one, const char *other)
{
	struct stat first, second;

	return stat(one, &first) == 0 && stat(other, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static bool has_run_path(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 &&
	       (elf_dynamic_has(fd, DT_RPATH, "") || elf_dynamic_has(fd, DT_RUNPATH, ""));
}

/* Only a dynamic loader is asked: anything else might start the program. */
static bool is_loader(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 && elf_kind(fd) == ELF_LOADER;
}

/* True: the program's C library may be another one than this command's. */
static bool is_to_be_asked(const struct cmd_program *program)
{
	char own[ELF_LOADER_PATH], loader[ELF_LOADER_PATH];
	const char *folders = getenv("LD_LIBRARY_PATH");

	if (program->by_loader)
		return true;
	if (!loader_of("/proc/self/exe", own) || !loader_of(program->path, loader))
		return false;
	return is_loader(loader) &&
	       (!is_same_file(own, loader) || (folders && *folders) || has_run_path(program->path));
}

/* Returns the version in "...: version `GLIBC_2.34' not found (required by LIBRARY)", or NULL. */
static const char *version_in(char *line, const char *library)
{
	char *version = strstr(line, "version `"), *end = version ? strchr(version, '\'') : NULL;
	const char *by = end ? strstr(end, "(required by ") : NULL;

	if (!by || strncmp(by + strlen("(required by "), library, strlen(library)) != 0)
		return NULL;
	*end = '\0';
	return version + strlen("version `");
}

const char *cmd_loads_lacks(const struct cmd_program *program, const char *library)
{
	static char lacks[64];
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	pid_t child;

	*lacks = '\0';
	FILE *said = is_to_be_asked(program)
			     ? cmd_loads_list(program, library, STDERR_FILENO, &child)
			     : NULL;
	if (!said)
		return NULL;
	while (getline(&line, &room, said) > 0) {
		const char *version = version_in(line, library);
		if (version && strverscmp(version, lacks) > 0)
			snprintf(lacks, sizeof(lacks), "%s", version);
	}
	fclose(said);
	waitpid(child, NULL, 0);
	return *lacks ? lacks : NULL;
}
