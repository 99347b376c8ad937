/* SPDX-License-Identifier: MIT */
/* Asks a program's own loader what it would load, as ldd(1) does. run.c and check.c call it. */
#ifndef CMD_LOADS_H
#define CMD_LOADS_H

#include <stdio.h>
#include <sys/types.h>

#include "run/program.h"

/*
 * Runs the loader and returns its output on the descriptor said_on (standard output: the libraries;
 * standard error: the versions that they lack). preload, unless NULL, is loaded before them. The
 * program is not started, provided that its loader is glibc's. The caller closes the stream, then
 * waits for the child. NULL: the loader cannot be asked.
 */
FILE *cmd_loads_list(const struct cmd_program *program, const char *preload, int said_on,
		     pid_t *ret_child);

/* Returns the newest symbol version that the library needs and the program's C library lacks, as
 * "GLIBC_2.34". NULL: none, or the program uses this command's C library. */
const char *cmd_loads_lacks(const struct cmd_program *program, const char *library);

#endif
