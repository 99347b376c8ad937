/* SPDX-License-Identifier: MIT */
/*
 * Counts refused writes by length, finds the commonest length, and adds counters for a report.
 * engine/account.c counts, in any thread, in memory that processes share. report/ calls the others.
 * counters_sum() adds one memory's counters (`part`) to another's (`sum`). Processes may still be
 * counting in the part. Two threads must not add to one sum at once: only the reporter's main
 * thread adds. Lock-free.
 */
#include "base/counters.h"

#include <string.h>

enum { TRIES = 16, LENGTH_SHIFT = 12, SLOT_SHIFT = 8, DOOR_SHIFT = 6 };

_Static_assert(COUNTERS_SLOTS <= 16 && DOOR_COUNT <= 4 && COUNTERS_REASONS <= 64, "key_of()");

/* The group is the low 12 bits of a key: slot (4 bits), door (2), reason (6). */
static uint64_t group_of(const struct counters *counters, const struct counters_slot *slot,
			 enum door door, unsigned reason)
{
	return (uint64_t)(slot - counters->slots) << SLOT_SHIFT | (uint64_t)door << DOOR_SHIFT |
	       reason;
}

/* A key is (length << 12 | group) + 1. The 1 is added because a free entry has the key 0. A length
 * of more than 51 bits is clamped. */
static uint64_t key_of(uint64_t group, uint64_t length)
{
	uint64_t most = (UINT64_C(1) << (63 - LENGTH_SHIFT)) - 1;

	return ((length < most ? length : most) << LENGTH_SHIFT | group) + 1;
}

/* The key may use TRIES entries, from its hash on. If all of these hold other keys, the count is
 * dropped. */
static void add(struct counters *counters, uint64_t key, uint64_t count)
{
	unsigned first = (unsigned)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);

	for (unsigned i = 0; i < TRIES; i++) {
		struct counters_length *at = &counters->lengths[(first + i) % COUNTERS_LENGTHS];
		uint64_t found = counters_read(&at->key);
		if (found == key ||
		    (!found && atomic_compare_exchange_strong(&at->key, &found, key)) ||
		    found == key) {
			counters_add(&at->count, count);
			return;
		}
	}
}

void counters_add_length(struct counters *counters, const struct counters_slot *slot,
			 enum door door, unsigned reason, uint64_t length)
{
	add(counters, key_of(group_of(counters, slot, door, reason), length), 1);
}

uint64_t counters_commonest(const struct counters *counters, const struct counters_slot *slot,
			    enum door door, unsigned reason, uint64_t *ret_length)
{
	uint64_t group = group_of(counters, slot, door, reason), most = 0;

	/* `key` is without the 1: UINT64_MAX is a free entry. */
	for (int i = 0; i < COUNTERS_LENGTHS; i++) {
		uint64_t key = counters_read(&counters->lengths[i].key) - 1;
		uint64_t count = counters_read(&counters->lengths[i].count);
		if (key == UINT64_MAX || key % (1U << LENGTH_SHIFT) != group || count <= most)
			continue;
		most = count;
		*ret_length = key >> LENGTH_SHIFT;
	}
	return most;
}

static void sum_numbers(counters_number *sum, const counters_number *part, size_t count)
{
	for (size_t i = 0; i < count; i++)
		counters_add(&sum[i], counters_read(&part[i]));
}

/* Adds a device's slot to the sum's slot of that device; *map is its index there. The key
 * UINT64_MAX is the last slot's: it counts all devices that found no slot of their own. */
static void sum_slot(struct counters *sum, const struct counters_slot *part, uint64_t map[])
{
	char name[8 * COUNTERS_NAME_WORDS + 1];
	bool is_new = false;
	uint64_t key = counters_read(&part->key);
	struct counters_slot *slot = &sum->slots[COUNTERS_SLOTS - 1];

	if (key == UINT64_MAX)
		atomic_store_explicit(&slot->key, key, memory_order_relaxed);
	else
		slot = counters_slot(sum, (dev_t)(key - 1), &is_new);

	*map = (uint64_t)(slot - sum->slots);
	counters_name(part, name);
	if (is_new)
		counters_set_name(slot, name);
	counters_add(&slot->statx, counters_read(&part->statx));
	sum_numbers((counters_number *)slot->doors, (const counters_number *)part->doors,
		    sizeof(slot->doors) / (sizeof(counters_number)));
}

void counters_sum(struct counters *sum, const struct counters *part)
{
	uint64_t map[COUNTERS_SLOTS] = { 0 }, mask = COUNTERS_SLOTS - 1;

	counters_add(&sum->processes, counters_read(&part->processes));
	counters_add(&sum->uncaught, counters_read(&part->uncaught));
	for (int i = 0; i < COUNTERS_SLOTS; i++) {
		if (counters_read(&part->slots[i].key))
			sum_slot(sum, &part->slots[i], &map[i]);
	}
	/* The keys of the part have its slots; the sum has the devices in other slots (map). */
	for (int i = 0; i < COUNTERS_LENGTHS; i++) {
		uint64_t key = counters_read(&part->lengths[i].key) - 1;
		if (key == UINT64_MAX)
			continue;
		uint64_t slot = map[key >> SLOT_SHIFT & mask] << SLOT_SHIFT;
		add(sum, ((key & ~(mask << SLOT_SHIFT)) | slot) + 1,
		    counters_read(&part->lengths[i].count));
	}
}
