/* SPDX-License-Identifier: MIT */
/* Counters as text and as JSON, for report.c, stat.c and metrics.c. They may come from a process
 * that is not trusted: these functions print any number and any name. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdio.h>

#include "base/counters.h"

struct json_object;

/* who: the first line begins with it, as "fio (123)". histogram: adds the latency's. */
void summary_print(FILE *file, const struct counters *counters, const char *who, bool histogram);

/* The caller frees it with json_object_put(); NULL: out of memory. */
struct json_object *summary_json(const struct counters *counters);

/* Adds the version of the format. A change of an existing member takes another number. */
void summary_add_version(struct json_object *object);

/* Prints the object, pretty or on one line. False: out of memory, or the write failed. */
bool summary_print_json(FILE *file, struct json_object *object, bool pretty);

/* The name of a used slot's device, in printable ASCII. */
enum { SUMMARY_NAME = 8 * COUNTERS_NAME_WORDS + 1 };
void summary_name(const struct counters_slot *slot, char ret_name[SUMMARY_NAME]);

bool summary_is_used(const struct counters_door *door);
uint64_t summary_total(const counters_number *numbers, int count);

/* Returns microseconds: the commands of this bucket took less. UINT64_MAX: it has no upper bound.
 */
uint64_t summary_bound(int bucket);
/* Returns microseconds: this share of the timed commands took less. 0: none was timed. UINT64_MAX:
 * the share reaches into the bucket without an upper bound. */
uint64_t summary_percentile(const counters_number latency[COUNTERS_BUCKETS], unsigned percent);

#endif
