/* SPDX-License-Identifier: MIT */
/*
 * Looks for system calls in the text of the program and of the libraries that its loader finds for
 * it. It does not see a plug-in that the program opens later.
 */
#include "run/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command/command.h"
#include "base/deep.h"
#include "run/elf_calls.h"
#include "run/loads.h"

enum { ENOUGH = 0, NEEDED = 1 };

const char *cmd_check_deep(void)
{
	static char text[400];
	struct utsname name = { 0 };

	int error = deep_probe();
	uname(&name);
	if (!error)
		return NULL;
	if (error == -ENOSYS)
		return "is for x86-64 only; a program that makes its system calls through the C library "
		       "does not need it (fio: --ioengine=libaio or pvsync2; liburing as a shared library)";
	if (error != -EINVAL) {
		snprintf(text, sizeof(text), "is not available here: %s", strerror(-error));
		return text;
	}
	snprintf(text, sizeof(text),
		 "needs Linux 5.11 with Syscall User Dispatch, and this is %s; instead, let the "
		 "program make its system calls through the C library (fio: --ioengine=libaio or "
		 "pvsync2; liburing as a shared library)",
		 name.release);
	return text;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool cmd_check_makes_calls(const char *path)
{
	return strncmp(name_of(path), "valgrind", strlen("valgrind")) == 0;
}

/* True for libraries whose calls are caught by name, or are not the program's: the C library, the
 * loader, ours, sanitizers, and liburing, for whose functions we stand in. */
static int is_known(const char *path)
{
	static const char *const names[] = {
		"libc.so",         "ld-linux",     "libpthread.so", "liburing.so", "libuntorn",
		"liburing-ffi.so", "ld-musl",      "libasan.",      "libtsan.",    "liblsan.",
		"libhwasan.",      "libclang_rt.", "libc.musl",
	};
	const char *name = name_of(path);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return 1;
	}
	return 0;
}

static int calls_of(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : elf_calls(fd);
}

/* Returns the path in a line "name => /path (0x...)", or NULL. */
static char *path_in(char *line)
{
	char *path = strchr(line, '/'), *end = path ? strstr(path, " (0x") : NULL;

	if (end)
		*end = '\0';
	return end ? path : NULL;
}

/* Finds the first file that makes system calls itself, the program or a library. Empty: none. */
static void find_maker(const struct cmd_program *program, char *ret_path, size_t size)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	pid_t child;

	snprintf(ret_path, size, "%s",
		 calls_of(program->path) == ELF_CALLS_WRITES ? program->path : "");
	FILE *list = *ret_path ? NULL : cmd_loads_list(program, NULL, STDOUT_FILENO, &child);
	if (!list)
		return;
	while (getline(&line, &room, list) > 0) {
		const char *path = path_in(line);
		if (!*ret_path && path && !is_known(path) && calls_of(path) == ELF_CALLS_WRITES)
			snprintf(ret_path, size, "%s", path);
	}
	fclose(list);
	waitpid(child, NULL, 0);
}

int cmd_check(const struct cmd_program *program)
{
	const char *path = program->path;
	char maker[4096];

	if (calls_of(path) == -ENOSYS) {
		printf("%s: reached; system calls of its own are looked for on x86-64 "
		       "only\n",
		       path);
		return ENOUGH;
	}
	find_maker(program, maker, sizeof(maker));
	if (!*maker) {
		printf("%s: reached, without --deep; plug-ins were not checked\n", path);
		return ENOUGH;
	}
	const char *why = cmd_check_deep();
	if (why)
		return cmd_fail(CMD_UNREACHABLE,
				"%s needs deep mode, because %s makes system calls itself; "
				"but deep mode %s",
				path, maker, why);
	printf("%s: needs --deep, because %s makes system calls itself\n", path, maker);
	return NEEDED;
}
