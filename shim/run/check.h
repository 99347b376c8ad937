/* SPDX-License-Identifier: MIT */
/* untorn run --check: does a program need deep mode? */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "run/program.h"

/* Why deep mode cannot be had, and what to do instead, after "deep mode "; NULL: it can. */
const char *cmd_check_deep(void);

/* Does this program make the system calls of the one that it runs, so that there is no deep mode? */
bool cmd_check_makes_calls(const char *path);

/* Says what this ELF program, which the shim reaches, needs. The exit status: 0 the
 * ordinary mode will do, 1 deep mode is needed, 125 and it cannot be had. */
int cmd_check(const struct cmd_program *program);

#endif
