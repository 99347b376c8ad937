/* SPDX-License-Identifier: MIT */
#include "report/summary.h"

#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "rules/reason.h"

struct sums {
	uint64_t commands, refused;
};

static uint64_t total(const counters_number *numbers, int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += counters_read(&numbers[i]);
	return sum;
}

static struct sums sums_of(const struct counters_door *door)
{
	return (struct sums){
		.commands = counters_read(&door->done) + counters_read(&door->errors),
		.refused = total(door->refused, COUNTERS_REASONS),
	};
}

static bool is_used(const struct counters_door *door)
{
	struct sums sums = sums_of(door);

	return sums.commands || sums.refused || counters_read(&door->kernel);
}

uint64_t summary_percentile(const counters_number latency[COUNTERS_BUCKETS], unsigned percent)
{
	uint64_t all = total(latency, COUNTERS_BUCKETS), wanted, below = 0;

	if (!all)
		return 0;
	wanted = all - all / 100 * (100 - percent) - all % 100 * (100 - percent) / 100;
	for (int i = 0; i < COUNTERS_BUCKETS; i++) {
		below += counters_read(&latency[i]);
		if (below >= wanted)
			return UINT64_C(1) << i;
	}
	return UINT64_C(1) << COUNTERS_BUCKETS;
}

enum { NAME = 8 * COUNTERS_NAME_WORDS + 1 };
static void name_of(const struct counters_slot *slot, char ret_name[NAME])
{
	uint64_t key = counters_read(&slot->key);

	counters_name(slot, ret_name);
	for (char *c = ret_name; *c; c++)
		*c = isprint((unsigned char)*c) ? *c : '?';
	if (*ret_name)
		return;
	if (key == UINT64_MAX)
		strcpy(ret_name, "all others");
	else
		snprintf(ret_name, NAME, "%u:%u", major((dev_t)key - 1), minor((dev_t)key - 1));
}

static void print_refused(FILE *file, const struct counters_door *door)
{
	for (int i = 0; i < COUNTERS_REASONS; i++) {
		uint64_t count = counters_read(&door->refused[i]);
		if (count)
			fprintf(file, "    %" PRIu64 " refused: %s\n", count,
				reason_text((enum reason)i));
	}
	uint64_t failed = counters_read(&door->kernel_failed);
	if (failed)
		fprintf(file, "    %" PRIu64 " refused by the kernel, to which they were left\n",
			failed);
}

static void print_door(FILE *file, const char *name, enum door number,
		       const struct counters_door *door)
{
	struct sums sums = sums_of(door);
	uint64_t half = summary_percentile(door->latency, 50);
	uint64_t most = summary_percentile(door->latency, 99);

	fprintf(file,
		"  %-16s %-9s %10" PRIu64 " %14" PRIu64 " %7" PRIu64 " %8" PRIu64 " %8" PRIu64,
		name, counters_door_name(number), sums.commands, counters_read(&door->bytes),
		counters_read(&door->errors), sums.refused, counters_read(&door->kernel));
	if (half)
		fprintf(file, "   <%" PRIu64 " <%" PRIu64 "\n", half, most);
	else
		fprintf(file, "   -\n");
	print_refused(file, door);
}

static void print_slot(FILE *file, const struct counters_slot *slot)
{
	char name[NAME];

	name_of(slot, name);
	for (int i = 0; i < DOOR_COUNT; i++) {
		if (is_used(&slot->doors[i]))
			print_door(file, name, (enum door)i, &slot->doors[i]);
	}
	uint64_t answered = counters_read(&slot->statx);
	if (answered)
		fprintf(file, "  %-16s statx: %" PRIu64 " answered\n", name, answered);
}

static bool is_anything(const struct counters *counters)
{
	for (int i = 0; i < COUNTERS_SLOTS; i++) {
		if (counters_read(&counters->slots[i].key))
			return true;
	}
	return false;
}

void summary_print(FILE *file, const struct counters *counters, const char *who)
{
	uint64_t processes = counters_read(&counters->processes);

	if (!is_anything(counters)) {
		fprintf(file,
			"%s: no atomic write came to the shim; the program made none, or in a way "
			"that the shim does not see: untorn run --check\n",
			who);
		return;
	}
	fprintf(file, "%s: %" PRIu64 " process%s\n", who, processes, processes == 1 ? "" : "es");
	fprintf(file, "  %-16s %-9s %10s %14s %7s %8s %8s   %s\n", "device", "door", "commands",
		"bytes", "failed", "refused", "kernel", "latency us: p50, p99");
	for (int i = 0; i < COUNTERS_SLOTS; i++) {
		if (counters_read(&counters->slots[i].key))
			print_slot(file, &counters->slots[i]);
	}
}

static void put(json_object *object, const char *name, uint64_t number)
{
	json_object_object_add(
		object, name,
		json_object_new_int64(number > INT64_MAX ? INT64_MAX : (int64_t)number));
}

static json_object *json_reasons(const struct counters_door *door)
{
	json_object *list = json_object_new_array();

	for (int i = 0; i < COUNTERS_REASONS; i++) {
		uint64_t count = counters_read(&door->refused[i]);
		if (!count)
			continue;
		json_object *one = json_object_new_object();
		json_object_object_add(one, "reason",
				       json_object_new_string(reason_text((enum reason)i)));
		put(one, "count", count);
		json_object_array_add(list, one);
	}
	return list;
}

static json_object *json_latency(const struct counters_door *door)
{
	json_object *list = json_object_new_array();

	for (int i = 0; i < COUNTERS_BUCKETS; i++) {
		uint64_t count = counters_read(&door->latency[i]);
		if (!count)
			continue;
		json_object *one = json_object_new_object();
		put(one, "below_us", UINT64_C(1) << i);
		put(one, "count", count);
		json_object_array_add(list, one);
	}
	return list;
}

static json_object *json_door(const struct counters_door *door, enum door number)
{
	struct sums sums = sums_of(door);
	json_object *object = json_object_new_object();

	json_object_object_add(object, "door", json_object_new_string(counters_door_name(number)));
	put(object, "commands", sums.commands);
	put(object, "bytes", counters_read(&door->bytes));
	put(object, "failed", counters_read(&door->errors));
	put(object, "kernel", counters_read(&door->kernel));
	put(object, "kernel_failed", counters_read(&door->kernel_failed));
	put(object, "refused", sums.refused);
	json_object_object_add(object, "reasons", json_reasons(door));
	json_object_object_add(object, "latency", json_latency(door));
	return object;
}

static json_object *json_slot(const struct counters_slot *slot)
{
	json_object *object = json_object_new_object(), *doors = json_object_new_array();
	char name[NAME];

	name_of(slot, name);
	json_object_object_add(object, "device", json_object_new_string(name));
	put(object, "statx", counters_read(&slot->statx));
	for (int i = 0; i < DOOR_COUNT; i++) {
		if (is_used(&slot->doors[i]))
			json_object_array_add(doors, json_door(&slot->doors[i], (enum door)i));
	}
	json_object_object_add(object, "doors", doors);
	return object;
}

struct json_object *summary_json(const struct counters *counters)
{
	json_object *object = json_object_new_object(), *devices = json_object_new_array();

	put(object, "processes", counters_read(&counters->processes));
	for (int i = 0; i < COUNTERS_SLOTS; i++) {
		if (counters_read(&counters->slots[i].key))
			json_object_array_add(devices, json_slot(&counters->slots[i]));
	}
	json_object_object_add(object, "devices", devices);
	return object;
}

bool summary_print_json(FILE *file, struct json_object *object, bool pretty)
{
	const char *text = json_object_to_json_string_ext(
		object, pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE
			       : JSON_C_TO_STRING_NOSLASHESCAPE);

	return text && fprintf(file, "%s\n", text) >= 0;
}
