/* SPDX-License-Identifier: MIT */
/* The program that is to be started: which file it is, and whether a preload gets into it. */
#ifndef CMD_PROGRAM_H
#define CMD_PROGRAM_H

#include <linux/limits.h>

/* The file that execvp would take for this name. 0 or -errno: ENOENT there is none, else it is
 * there and may not be executed. */
int cmd_program_find(const char *name, char ret_path[PATH_MAX]);

/*
 * Why the shim cannot reach the program in this file, and the way out, in words that follow a
 * file's name; NULL when it can, or when that cannot be found out. A script is judged by its
 * interpreter: path becomes the file that was judged.
 */
const char *cmd_program_hindrance(char path[PATH_MAX]);

#endif
