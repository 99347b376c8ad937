/* SPDX-License-Identifier: MIT */
/* untorn run --check: tells whether a program needs deep mode. run.c calls it. */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "run/program.h"

/* Returns why deep mode is not available and what to do instead, in words that follow "deep mode ";
 * NULL: it is available. */
const char *cmd_check_deep(void);

/* True: this program makes the system calls of the program that it runs itself (valgrind), so there
 * is no deep mode under it. */
bool cmd_check_makes_calls(const char *path);

/* Prints what this ELF program, which the shim reaches, needs. Returns the exit status. 0: the
 * ordinary mode is enough; 1: deep mode is needed; 125: it is needed and not available. */
int cmd_check(const struct cmd_program *program);

#endif
