/* SPDX-License-Identifier: MIT */
/* The verbs of the program `untorn`, and what they share. main() calls a verb with the verb's own
 * arguments, verb first; it returns the exit status. */
#ifndef CMD_H
#define CMD_H

enum {
	CMD_USAGE = 2,         /* exit status of a mistake in the command line */
	CMD_UNREACHABLE = 125, /* and of a program that is not started, as env(1) has it */
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

/* Why a file is not believed to be root's, by the error of reading it. */
const char *cmd_why_not_believed(int error);

/* Passes an option on in the environment, if its value is one of the words (NULL: any value). 0, or
 * an exit status after a message: a misspelt setting must not silently mean another. */
int cmd_set(const char *option, const char *variable, const char *value, const char *words);

/* 0 if the value is one of the words, else an exit status after a message. name: what the message
 * calls the setting. */
int cmd_check_word(const char *name, const char *value, const char *words);

/* Prints the help of `untorn VERB --help`, and returns its exit status. */
int cmd_help(const char *verb);

#endif
