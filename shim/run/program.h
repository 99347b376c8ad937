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
	const char *words[CMD_PROGRAM_WORDS + 1]; /* the first words of its command line */
	size_t count;
	bool by_loader; /* the words begin with the dynamic loader, whose argument the file is */
	char loader[PATH_MAX];
	char text[CMD_PROGRAM_TEXT]; /* memory for words that are not the caller's */
	size_t used;
};

/* Finds the file that execvp() would take for this name. 0; -ENOENT: there is none; another -errno:
 * it is there and may not be executed. */
int cmd_program_find(const char *name, char ret_path[PATH_MAX]);

/* Does the same in these folders, with colons between them; NULL: PATH is not set. */
int cmd_program_find_in(const char *folders, const char *name, char ret_path[PATH_MAX]);

/* Sets program to this file, called with these words, up to a NULL. */
void cmd_program_set(struct cmd_program *program, const char *path, char *const words[]);

/*
 * Returns why the shim cannot reach the program, and the way out, in words that follow a file's
 * name. NULL: it can, or that cannot be found out. A script is judged by its interpreter; env(1)
 * and the dynamic loader are judged by the program that they start. program becomes the judged one.
 */
const char *cmd_program_hindrance(struct cmd_program *program);

/* Copies `length` bytes of text into program->text. NULL: there is no more room. */
const char *cmd_program_keep(struct cmd_program *program, const char *text, size_t length);

/* Replaces the first `count` words by these. False: there is no room. */
bool cmd_program_replace(struct cmd_program *program, size_t count, const char *const *words,
			 size_t new_count);

#endif
