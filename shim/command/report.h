/* SPDX-License-Identifier: MIT */
/* `untorn run --report`: stays beside the program, and tells at its end what was counted. */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <stdbool.h>

/* file: NULL for standard error. 0, or an exit status after a message. From then on the environment
 * names the memory to count in. */
int cmd_report_prepare(const char *file, bool json);

/* Forks. In the child, which is to become the program, false. In the parent true, when the program
 * has ended and the report is made: *ret_status is to be its exit status, if it does not end by
 * the program's signal right here. Both after cmd_report_prepare(). */
bool cmd_report_beside(int *ret_status);

#endif
