/* SPDX-License-Identifier: MIT */
/* The program that is to be started: which file it is, and whether a preload gets into it. */
#ifndef CMD_PROGRAM_H
#define CMD_PROGRAM_H

#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	CMD_PROGRAM_WORDS = 128, /* env(1) and the loader take no more before the program */
	CMD_PROGRAM_TEXT = 4096,
};

/* A command as it will be executed in the end. */
struct cmd_program {
	char path[PATH_MAX];                      /* the file that is judged */
	const char *words[CMD_PROGRAM_WORDS + 1]; /* what it is called with, the first of them */
	size_t count;
	bool by_loader; /* the words begin with the dynamic loader, which is given the file */
	char loader[PATH_MAX];
	char text[CMD_PROGRAM_TEXT]; /* where words stand that come from a file */
	size_t used;
};

/* The file that execvp would take for this name. 0 or -errno: ENOENT there is none, else it is
 * there and may not be executed. */
int cmd_program_find(const char *name, char ret_path[PATH_MAX]);

/* The same in these folders, with colons between them; NULL: PATH is not set. */
int cmd_program_find_in(const char *folders, const char *name, char ret_path[PATH_MAX]);

/* The program in this file, called with these words, up to a NULL. */
void cmd_program_set(struct cmd_program *program, const char *path, char *const words[]);

/*
 * Why the shim cannot reach the program, and the way out, in words that follow a file's name; NULL
 * when it can, or when that cannot be found out. A script is judged by its interpreter, env(1) and
 * the dynamic loader by the program that they are given: program becomes what was judged.
 */
const char *cmd_program_hindrance(struct cmd_program *program);

/* A copy of this text, which is as long; NULL: there is no more room. */
const char *cmd_program_keep(struct cmd_program *program, const char *text, size_t length);

/* These words in the place of the first so many. False: there is no room. */
bool cmd_program_replace(struct cmd_program *program, size_t count, const char *const *words,
			 size_t new_count);

#endif
