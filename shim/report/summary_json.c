/* SPDX-License-Identifier: MIT */
/* Counters as JSON objects. */
#include "report/summary.h"

#include <json-c/json.h>

#include "rules/reason.h"

enum { VERSION_OF_JSON = 1 };

static void put(json_object *object, const char *name, uint64_t number)
{
	json_object_object_add(
		object, name,
		json_object_new_int64(number > INT64_MAX ? INT64_MAX : (int64_t)number));
}

static json_object *json_reason(const struct counters *counters, const struct counters_slot *slot,
				enum door number, unsigned reason)
{
	json_object *one = json_object_new_object();
	uint64_t length = 0;

	json_object_object_add(one, "name",
			       json_object_new_string(reason_name((enum reason)reason)));
	json_object_object_add(one, "reason",
			       json_object_new_string(reason_text((enum reason)reason)));
	put(one, "count", counters_read(&slot->doors[number].refused[reason]));
	uint64_t most = counters_commonest(counters, slot, number, reason, &length);
	if (most) {
		put(one, "commonest_bytes", length);
		put(one, "commonest_count", most);
	}
	return one;
}

static json_object *json_reasons(const struct counters *counters, const struct counters_slot *slot,
				 enum door number)
{
	json_object *list = json_object_new_array();

	for (unsigned i = 0; i < COUNTERS_REASONS; i++) {
		if (counters_read(&slot->doors[number].refused[i]))
			json_object_array_add(list, json_reason(counters, slot, number, i));
	}
	return list;
}

/* Puts null if there is no bound: no command was timed, or some took longer than all bounds. */
static void put_bound(json_object *object, const char *name, uint64_t below)
{
	if (below && below != UINT64_MAX)
		put(object, name, below);
	else
		json_object_object_add(object, name, NULL);
}

static json_object *json_latency(const struct counters_door *door)
{
	json_object *list = json_object_new_array();

	for (int i = 0; i < COUNTERS_BUCKETS; i++) {
		uint64_t count = counters_read(&door->latency[i]);
		if (!count)
			continue;
		json_object *one = json_object_new_object();
		put_bound(one, "below_us", summary_bound(i));
		put(one, "count", count);
		json_object_array_add(list, one);
	}
	return list;
}

static json_object *json_door(const struct counters *counters, const struct counters_slot *slot,
			      enum door number)
{
	const struct counters_door *door = &slot->doors[number];
	json_object *object = json_object_new_object();

	json_object_object_add(object, "door", json_object_new_string(counters_door_name(number)));
	put(object, "commands", counters_read(&door->done) + counters_read(&door->errors));
	put(object, "bytes", counters_read(&door->bytes));
	put(object, "failed", counters_read(&door->errors));
	put(object, "kernel", counters_read(&door->kernel));
	put(object, "kernel_failed", counters_read(&door->kernel_failed));
	put(object, "refused", summary_total(door->refused, COUNTERS_REASONS));
	json_object_object_add(object, "reasons", json_reasons(counters, slot, number));
	put_bound(object, "p50_us", summary_percentile(door->latency, 50));
	put_bound(object, "p99_us", summary_percentile(door->latency, 99));
	json_object_object_add(object, "latency", json_latency(door));
	return object;
}

static json_object *json_slot(const struct counters *counters, const struct counters_slot *slot)
{
	json_object *object = json_object_new_object(), *doors = json_object_new_array();
	char name[SUMMARY_NAME];

	summary_name(slot, name);
	json_object_object_add(object, "device", json_object_new_string(name));
	put(object, "statx", counters_read(&slot->statx));
	for (int i = 0; i < DOOR_COUNT; i++) {
		if (summary_is_used(&slot->doors[i]))
			json_object_array_add(doors, json_door(counters, slot, (enum door)i));
	}
	json_object_object_add(object, "doors", doors);
	return object;
}

struct json_object *summary_json(const struct counters *counters)
{
	json_object *object = json_object_new_object(), *devices = json_object_new_array();

	put(object, "processes", counters_read(&counters->processes));
	put(object, "deep_mode_losses", counters_read(&counters->uncaught));
	for (int i = 0; i < COUNTERS_SLOTS; i++) {
		if (counters_read(&counters->slots[i].key))
			json_object_array_add(devices, json_slot(counters, &counters->slots[i]));
	}
	json_object_object_add(object, "devices", devices);
	return object;
}

void summary_add_version(struct json_object *object)
{
	put(object, "version", VERSION_OF_JSON);
}

bool summary_print_json(FILE *file, struct json_object *object, bool pretty)
{
	const char *text = json_object_to_json_string_ext(
		object, pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE
			       : JSON_C_TO_STRING_NOSLASHESCAPE);

	return text && fprintf(file, "%s\n", text) >= 0;
}
