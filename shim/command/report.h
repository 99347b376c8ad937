/* SPDX-License-Identifier: MIT */
/* `untorn run --report`: a process beside the program tells at its end what was counted. */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <stdbool.h>

struct cmd_report {
	const char *file; /* NULL: standard error; "-": standard output */
	bool json, histogram;
};

/* 0, or an exit status after a message. */
int cmd_report_prepare(const struct cmd_report *wishes);

/* After that. True: this process is to become the program, and the environment names the memory to
 * count in; another process tells of it. False: it was the program's parent, which has ended and is
 * told of; or a message was printed. *ret_status is then to be the exit status. */
bool cmd_report_beside(int *ret_status);

#endif
