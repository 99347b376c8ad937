/* SPDX-License-Identifier: MIT */
/* Asks a program's own loader what it would load, as ldd(1) does. */
#ifndef CMD_LOADS_H
#define CMD_LOADS_H

#include <stdio.h>
#include <sys/types.h>

#include "run/program.h"

/*
 * The loader's output on this descriptor (standard output: the libraries; standard error: the
 * versions that they lack), with preload before them unless it is NULL. The program is not started,
 * provided that its loader is glibc's. The caller closes the stream, then awaits the child; NULL:
 * it cannot be asked.
 */
FILE *cmd_loads_list(const struct cmd_program *program, const char *preload, int said_on,
		     pid_t *ret_child);

/* The version of a symbol that the library wants of the program's C library and that it lacks, as
 * "GLIBC_2.34"; NULL: none, or it is the C library of this command. */
const char *cmd_loads_lacks(const struct cmd_program *program, const char *library);

#endif
