/* SPDX-License-Identifier: MIT */
/* The reporter: the process beside a program that tells what was counted. report.c calls it. */
#ifndef REPORTER_H
#define REPORTER_H

#include <stdbool.h>
#include <stdio.h>

#include "base/counters.h"

struct reporter {
	FILE *out;
	int memory, socket;        /* descriptors; others' memories come through the socket */
	const char *secret;        /* base/counters_share.h */
	struct counters *counters; /* the memory, mapped */
	void (*tell)(void);        /* at the end, after the sum has been made */
	struct counters *sum;      /* the counters that tell() prints */
	unsigned lost;             /* processes whose memory could not be kept */
};

/* Returns as cmd_report_beside() (command/report.h) does. */
bool reporter_start(struct reporter *reporter, int *ret_status);

#endif
