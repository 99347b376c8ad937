/* SPDX-License-Identifier: MIT */
/* The command's verbs. Each gets its own arguments, verb first, and returns the exit status. */
#ifndef CMD_H
#define CMD_H

enum {
	CMD_USAGE = 2,         /* exit status of a mistake in the command line */
	CMD_UNREACHABLE = 125, /* and of a program that is not started; as of env(1) */
};

#define CMD_MODES    "auto command off"
#define CMD_POLICIES "namespace single controller"
#define CMD_RULES    "linux device"

int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_publish(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* "untorn: ..." on standard error; returns status, for `return cmd_fail(2, ...)`. */
int cmd_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Passes an option on by environment, if its value is one of these words (NULL: any will do). 0, or
 * an exit status after a message: a misspelt setting must not silently mean another. */
int cmd_set(const char *option, const char *variable, const char *value, const char *words);

/* 0 if this is one of the words, or an exit status after a message that calls the setting so. */
int cmd_check_word(const char *name, const char *value, const char *words);

/* What `untorn VERB --help` prints; its exit status. */
int cmd_help(const char *verb);

#endif
