/* SPDX-License-Identifier: MIT */
/* The process that tells of a program, and how it comes to be. */
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
	struct counters *sum;      /* what is to be told */
	unsigned lost;             /* processes whose memory could not be kept */
};

/* As cmd_report_beside(). */
bool reporter_start(struct reporter *reporter, int *ret_status);

#endif
