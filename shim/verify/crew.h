/* SPDX-License-Identifier: MIT */
/* Runs the threads ("hands") of race.c and power.c until the time is over, a signal interrupts, or
 * one of them gives up. */
#ifndef VERIFY_CREW_H
#define VERIFY_CREW_H

#include <stdbool.h>

#include "verify/report.h"

enum { VERIFY_MAX_HANDS = 16 };

/* True: the hand that asks must end. Thread-safe. */
bool verify_crew_is_over(void);
/* Ends all hands, because one of them cannot go on. Thread-safe. */
void verify_crew_end(void);

/* Runs `hands` threads, each with hand(context, number), for `seconds` (0: no end), and waits for
 * them. Draws the progress if standard error is a terminal. 0, or -errno: one did not start. */
int verify_crew_run(void (*hand)(void *context, unsigned number), void *context, unsigned hands,
		    double seconds, struct verify_report *report);

#endif
