/* SPDX-License-Identifier: MIT */
#include "engine/account.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/counters.h"
#include "base/log.h"
#include "base/probe.h"
#include "rules/reason.h"
#include "base/sysfs.h"

_Static_assert((int)REASON_COUNT <= (int)COUNTERS_REASONS && REASON_COUNT < 64, "see counters.h");

/* "nvme0n1", "nvme0n1p1", "sda1"; "259:1" if /sys does not know the device. */
enum { NAME = 8 * COUNTERS_NAME_WORDS + 1 };
static void name_of(dev_t number, char ret_name[NAME])
{
	char disk[24], part[8] = "";

	if (!number) {
		strcpy(ret_name, "no block device");
	} else if (sysfs_disk_name(number, disk, sizeof(disk)) < 0) {
		snprintf(ret_name, NAME, "%u:%u", major(number), minor(number));
	} else {
		char last = disk[strlen(disk) - 1];
		sysfs_text(number, "partition", part, sizeof(part));
		snprintf(ret_name, NAME, "%s%s%s", disk,
			 *part && last >= '0' && last <= '9' ? "p" : "", part);
	}
}

static struct counters_slot *slot_in(struct counters *counters, dev_t number)
{
	bool is_new;
	char name[NAME];
	struct counters_slot *slot = counters_slot(counters, number, &is_new);

	if (is_new) {
		name_of(number, name);
		counters_set_name(slot, name);
	}
	return slot;
}

static struct counters_slot *slot_of(dev_t number)
{
	return slot_in(counters_get(), number);
}

/* Another thread may not have filled in the slot's name yet. */
static void known_name(const struct counters_slot *slot, dev_t number, char ret_name[NAME])
{
	counters_name(slot, ret_name);
	if (!*ret_name)
		name_of(number, ret_name);
}

static bool is_first(struct counters_slot *slot, unsigned bit)
{
	uint64_t mask = UINT64_C(1) << bit;

	return !(atomic_fetch_or_explicit(&slot->told, mask, memory_order_relaxed) & mask);
}

ssize_t account_kernel(dev_t number, enum door door, ssize_t result)
{
	struct counters_slot *slot = slot_of(number);
	char name[NAME];

	PROBE_DECISION(door, number, 0, 0, 0);
	counters_add(&slot->doors[door].kernel, 1);
	if (result < 0)
		counters_add(&slot->doors[door].kernel_failed, 1);
	if (log_wants(LOG_DEBUG) || (result < 0 && log_wants(LOG_INFO) && is_first(slot, 63))) {
		known_name(slot, number, name);
		log_line("%s: %s left to the kernel%s%s", name, counters_door_name(door),
			 result < 0 ? ", which says " : "",
			 result < 0 ? reason_errno((int)result) : "");
	}
	return result;
}

/* A write may be refused before we read its vector or the file position. */
static bool is_length_known(const struct request *request)
{
	return request->length || request->block;
}

static void extent_of(const struct request *request, char ret_text[64])
{
	char *end = ret_text;

	*end = '\0';
	if (is_length_known(request))
		end += snprintf(end, 32, " of %llu bytes", (unsigned long long)request->length);
	if (request->offset || request->block)
		snprintf(end, 32, " at %llu", (unsigned long long)request->offset);
}

static void tell_refused(const char *name, const struct device *device,
			 const struct request *request, int error, enum reason reason)
{
	char limits[40] = "", extent[64];

	extent_of(request, extent);
	if (reason == REASON_SIZE)
		snprintf(limits, sizeof(limits), " (%u to %u)", device->limits.unit_min,
			 device->limits.unit_max);
	log_line("%s: %s%s refused, %s: %s%s", name, counters_door_name(request->door), extent,
		 reason_errno(error), reason_text(reason), limits);
}

int account_refused(const struct device *device, const struct request *request, int error)
{
	char name[NAME];

	if (error >= 0)
		return error;
	struct counters_slot *slot = slot_of(device->number);
	enum reason reason = reason_of(request, &device->limits, error);
	PROBE_DECISION(request->door, device->number, error, request->offset, request->length);
	counters_add(&slot->doors[request->door].refused[reason], 1);
	if (is_length_known(request))
		counters_add_length(counters_get(), slot, request->door, reason, request->length);
	if (log_wants(LOG_DEBUG) || (log_wants(LOG_INFO) && is_first(slot, reason))) {
		known_name(slot, device->number, name);
		tell_refused(name, device, request, error, reason);
	}
	return error;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* One command in COUNTERS_SAMPLE, and the first ones: a program may make no more. */
static bool is_timed(void)
{
	static _Atomic unsigned sequence;
	unsigned number = atomic_fetch_add_explicit(&sequence, 1, memory_order_relaxed);

	return number % COUNTERS_SAMPLE == 0 || number < COUNTERS_SAMPLE || log_wants(LOG_DEBUG);
}

uint64_t account_begin(const struct device *device, const struct request *request)
{
	PROBE_DECISION(request->door, device->number, 1, request->offset, request->length);
	PROBE_COMMAND(request->door, device->number, request->start + request->offset,
		      request->length);
	return is_timed() ? now() : 0;
}

static void tell(const char *name, const struct request *request, uint64_t time, ssize_t result)
{
	char after[32] = "";

	if (time)
		snprintf(after, sizeof(after), " after %llu us", (unsigned long long)time / 1000);
	log_line("%s: %s of %llu bytes at %llu by command: %s%s", name,
		 counters_door_name(request->door), (unsigned long long)request->length,
		 (unsigned long long)request->offset,
		 result < 0 ? reason_errno((int)result) : "done", after);
}

void account_end(const struct device *device, const struct request *request, uint64_t began,
		 ssize_t result)
{
	uint64_t time = began ? now() - began : 0;
	struct counters_slot *slot = slot_of(device->number);
	struct counters_door *door = &slot->doors[request->door];
	char name[NAME];

	PROBE_COMPLETION(request->door, device->number, result, time);
	if (result < 0) {
		counters_add(&door->errors, 1);
	} else {
		counters_add(&door->done, 1);
		counters_add(&door->bytes, (uint64_t)result);
		if (began) {
			counters_add(&door->latency[counters_bucket(time)], 1);
			counters_add(&door->time, time);
		}
	}
	if (log_wants(result < 0 ? LOG_ERROR : LOG_DEBUG)) {
		known_name(slot, device->number, name);
		tell(name, request, time, result);
	}
}

void account_statx(dev_t number)
{
	struct counters *counters = counters_get_if_any();

	if (counters)
		counters_add(&slot_in(counters, number)->statx, 1);
}
