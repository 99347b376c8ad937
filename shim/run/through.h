/* SPDX-License-Identifier: MIT */
/* Programs that start the one that is meant: env(1), and the dynamic loader when it is called. */
#ifndef CMD_THROUGH_H
#define CMD_THROUGH_H

#include "run/program.h"

enum cmd_through {
	CMD_THROUGH_NOTHING, /* it starts none, or which one cannot be told */
	CMD_THROUGH_PROGRAM, /* program is now the one that it starts */
	CMD_THROUGH_BARE,    /* it starts one without LD_PRELOAD */
};

/* Is this file env(1)? Its program is found as env finds it. */
bool cmd_through_is_env(const struct cmd_program *program);
enum cmd_through cmd_through_env(struct cmd_program *program);

/* program is the loader; see ld.so(8). */
enum cmd_through cmd_through_loader(struct cmd_program *program);

#endif
