/* SPDX-License-Identifier: MIT */
/* Counters as OpenMetrics 1.0 text, for `untorn stat --metrics`. Prometheus' text format accepts
 * every line too. */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/counters.h"

struct metrics;

/* NULL: out of memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* program: printable ASCII. */
void metrics_add(struct metrics *metrics, const struct counters *counters, pid_t pid,
		 const char *program);

/* Call it once, after the last metrics_add(): it closes the texts. False: out of memory. */
bool metrics_print(struct metrics *metrics, FILE *file);

#endif
