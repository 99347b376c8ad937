/* SPDX-License-Identifier: MIT */
/* Finds the program that env(1) starts, or the dynamic loader when it is called. program.c calls
 * it. */
#ifndef CMD_THROUGH_H
#define CMD_THROUGH_H

#include "run/program.h"

enum cmd_through {
	CMD_THROUGH_NOTHING, /* it starts none, or one that cannot be found out */
	CMD_THROUGH_PROGRAM, /* program is now the one that it starts */
	CMD_THROUGH_BARE,    /* it starts one without LD_PRELOAD */
};

/* True: this file is env(1), by its name. */
bool cmd_through_is_env(const struct cmd_program *program);
/* program is env(1). Finds its program as env does. */
enum cmd_through cmd_through_env(struct cmd_program *program);

/* program is the loader; see ld.so(8). */
enum cmd_through cmd_through_loader(struct cmd_program *program);

#endif
