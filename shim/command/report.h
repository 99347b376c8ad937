/* SPDX-License-Identifier: MIT */
/* `untorn run --report`: a process beside the program reports what was counted, when the program
 * ends. run/run.c calls these functions; they are in report/report.c. */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <stdbool.h>

struct cmd_report {
	const char *file; /* NULL: standard error; "-": standard output */
	bool json, histogram;
};

/* Opens the output and makes the memory to count in. 0, or an exit status after a message. */
int cmd_report_prepare(const struct cmd_report *wishes);

/* After cmd_report_prepare(): starts the other process. True: this process is to become the
 * program, and the environment names the memory to count in. False: this process must exit with
 * *ret_status, because it was the program's parent and has reported, or because it printed a
 * message. */
bool cmd_report_beside(int *ret_status);

#endif
