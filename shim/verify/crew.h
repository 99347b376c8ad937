/* SPDX-License-Identifier: MIT */
/* Threads at work until the time is over, somebody interrupts, or one of them gives up. */
#ifndef VERIFY_CREW_H
#define VERIFY_CREW_H

#include <stdbool.h>

#include "verify/report.h"

enum { VERIFY_MAX_HANDS = 16 };

/* Should a hand end? */
bool verify_crew_is_over(void);
/* All hands are to end: one cannot go on. */
void verify_crew_end(void);

/* Runs so many of them, hand(context, number) each, for so long (0: no end); shows on a terminal
 * how it goes. 0 or -errno: the threads could not be had. */
int verify_crew_run(void (*hand)(void *context, unsigned number), void *context, unsigned hands,
		    double seconds, struct verify_report *report);

#endif
