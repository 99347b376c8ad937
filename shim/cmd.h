/* SPDX-License-Identifier: MIT */
/* The command's verbs. Each gets its own arguments, verb first, and returns the exit status. */
#ifndef CMD_H
#define CMD_H

int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_publish(int argc, char **argv);

/* "untorn: ..." on standard error; returns status, for `return cmd_fail(2, ...)`. */
int cmd_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What `untorn VERB --help` prints. */
void cmd_help(const char *verb);

#endif
