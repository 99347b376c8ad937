/* SPDX-License-Identifier: MIT */
/* Counters for people and, as JSON, for programs. They may come from a process that one would not
 * trust: any number and any name is printed. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdio.h>

#include "base/counters.h"

struct json_object;

/* who: the first line, without what was counted; "untorn: fio (123)". histogram: of the latency. */
void summary_print(FILE *file, const struct counters *counters, const char *who, bool histogram);

/* The caller frees it with json_object_put(); NULL: out of memory. */
struct json_object *summary_json(const struct counters *counters);

/* For whoever reads it: a change of what is there already is another number. */
void summary_add_version(struct json_object *object);

/* One object, pretty. False: out of memory, or it could not be written. */
bool summary_print_json(FILE *file, struct json_object *object, bool pretty);

/* The device of a used slot; printable ASCII. */
enum { SUMMARY_NAME = 8 * COUNTERS_NAME_WORDS + 1 };
void summary_name(const struct counters_slot *slot, char ret_name[SUMMARY_NAME]);

bool summary_is_used(const struct counters_door *door);
uint64_t summary_total(const counters_number *numbers, int count);

/* The number of microseconds below which this share of the timed commands lay; 0: there were none.
 */
uint64_t summary_percentile(const counters_number latency[COUNTERS_BUCKETS], unsigned percent);

#endif
