/* SPDX-License-Identifier: MIT */
/*
 * AddressSanitizer's library ends a program in which another library comes before it. Ours may come
 * first: AddressSanitizer still gets the functions for which we do not stand in, and we find its
 * functions behind ours. We tell it so by its own option. A preload of AddressSanitizer would be in
 * the program's children too, and examine them.
 */
#include "run/sanitizer.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/command.h"
#include "run/elf_dynamic.h"

#define OPTIONS "ASAN_OPTIONS"
#define OPTION  "verify_asan_link_order"

/* Knows the libraries of gcc and clang. */
static bool is_sanitized(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 && (elf_dynamic_has(fd, DT_NEEDED, "libasan.so") ||
			   elf_dynamic_has(fd, DT_NEEDED, "libclang_rt.asan"));
}

int cmd_sanitizer_allow(const char *path)
{
	const char *before = getenv(OPTIONS);
	AUTO_FREE char *options = NULL;

	if (!is_sanitized(path) || (before && strstr(before, OPTION)))
		return 0;
	if (asprintf(&options, "%s%s" OPTION "=0", before ? before : "",
		     before && *before ? ":" : "") < 0 ||
	    setenv(OPTIONS, options, 1) < 0)
		return cmd_fail(CMD_UNREACHABLE, "out of memory");
	return 0;
}
