/* SPDX-License-Identifier: MIT */
/* Counters as text, and the values that text, JSON and metrics have in common. */
#include "report/summary.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "rules/reason.h"

uint64_t summary_total(const counters_number *numbers, int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += counters_read(&numbers[i]);
	return sum;
}

bool summary_is_used(const struct counters_door *door)
{
	return counters_read(&door->done) || counters_read(&door->errors) ||
	       counters_read(&door->kernel) || summary_total(door->refused, COUNTERS_REASONS);
}

uint64_t summary_bound(int bucket)
{
	return bucket < COUNTERS_BUCKETS - 1 ? UINT64_C(1) << bucket : UINT64_MAX;
}

uint64_t summary_percentile(const counters_number latency[COUNTERS_BUCKETS], unsigned percent)
{
	uint64_t all = summary_total(latency, COUNTERS_BUCKETS), wanted, below = 0;

	if (!all)
		return 0;
	wanted = all - all / 100 * (100 - percent) - all % 100 * (100 - percent) / 100;
	for (int i = 0; i < COUNTERS_BUCKETS; i++) {
		below += counters_read(&latency[i]);
		if (below >= wanted)
			return summary_bound(i);
	}
	return UINT64_MAX;
}

void summary_name(const struct counters_slot *slot, char ret_name[SUMMARY_NAME])
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
		snprintf(ret_name, SUMMARY_NAME, "%u:%u", major((dev_t)key - 1),
			 minor((dev_t)key - 1));
}

/* One door of one slot. */
struct place {
	const struct counters *counters;
	const struct counters_slot *slot;
	enum door door;
};

/* Adds "(4096 bytes)" if all had that length; adds nothing if no length is known. */
static void print_reason(FILE *file, const struct place *place, unsigned reason, uint64_t count)
{
	uint64_t length = 0;
	uint64_t most =
		counters_commonest(place->counters, place->slot, place->door, reason, &length);

	fprintf(file, "    %" PRIu64 " refused: %s", count, reason_text((enum reason)reason));
	if (most && most == count)
		fprintf(file, " (%" PRIu64 " bytes)", length);
	else if (most)
		fprintf(file, " (%" PRIu64 " of them %" PRIu64 " bytes)", most, length);
	fputc('\n', file);
}

static void print_refused(FILE *file, const struct place *place)
{
	const struct counters_door *door = &place->slot->doors[place->door];

	for (unsigned i = 0; i < COUNTERS_REASONS; i++) {
		uint64_t count = counters_read(&door->refused[i]);
		if (count)
			print_reason(file, place, i, count);
	}
	uint64_t failed = counters_read(&door->kernel_failed);
	if (failed)
		fprintf(file, "    %" PRIu64 " left to the kernel, which refused them\n", failed);
}

enum { BAR = 50 };
static void print_bar(FILE *file, int bucket, uint64_t count, uint64_t most)
{
	static const char bar[BAR + 1] = "##################################################";
	int length = (int)((long double)count / (long double)most * BAR);

	fprintf(file, "    %s%8" PRIu64 " us %10" PRIu64 " %.*s\n",
		bucket < COUNTERS_BUCKETS - 1 ? " <" : ">=",
		UINT64_C(1) << (bucket < COUNTERS_BUCKETS - 1 ? bucket : bucket - 1), count,
		length ? length : count > 0, bar);
}

/* Prints the buckets from the first to the last that is not empty. */
static void print_histogram(FILE *file, const counters_number latency[COUNTERS_BUCKETS])
{
	int first = COUNTERS_BUCKETS, last = -1;
	uint64_t most = 0;

	for (int i = 0; i < COUNTERS_BUCKETS; i++) {
		uint64_t count = counters_read(&latency[i]);
		if (!count)
			continue;
		first = i < first ? i : first;
		last = i;
		most = count > most ? count : most;
	}
	for (int i = first; i <= last; i++)
		print_bar(file, i, counters_read(&latency[i]), most);
}

static void print_bound(FILE *file, uint64_t bound)
{
	if (bound == UINT64_MAX)
		fprintf(file, " >=%" PRIu64, summary_bound(COUNTERS_BUCKETS - 2));
	else
		fprintf(file, " <%" PRIu64, bound);
}

static void print_percentiles(FILE *file, const counters_number latency[COUNTERS_BUCKETS])
{
	uint64_t half = summary_percentile(latency, 50);

	fputs(half ? "  " : "   -", file);
	if (half) {
		print_bound(file, half);
		print_bound(file, summary_percentile(latency, 99));
	}
	fputc('\n', file);
}

static void print_door(FILE *file, const struct place *place, bool histogram)
{
	const struct counters_door *door = &place->slot->doors[place->door];
	char name[SUMMARY_NAME];

	summary_name(place->slot, name);
	fprintf(file,
		"  %-16s %-9s %10" PRIu64 " %14" PRIu64 " %7" PRIu64 " %8" PRIu64 " %8" PRIu64,
		name, counters_door_name(place->door),
		counters_read(&door->done) + counters_read(&door->errors),
		counters_read(&door->bytes), counters_read(&door->errors),
		summary_total(door->refused, COUNTERS_REASONS), counters_read(&door->kernel));
	print_percentiles(file, door->latency);
	print_refused(file, place);
	if (histogram)
		print_histogram(file, door->latency);
}

static void print_slot(FILE *file, const struct counters *counters,
		       const struct counters_slot *slot, bool histogram)
{
	char name[SUMMARY_NAME];
	uint64_t answered = counters_read(&slot->statx);

	for (int i = 0; i < DOOR_COUNT; i++) {
		if (summary_is_used(&slot->doors[i]))
			print_door(file, &(struct place){ counters, slot, (enum door)i },
				   histogram);
	}
	summary_name(slot, name);
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

static void print_losses(FILE *file, uint64_t losses)
{
	if (losses)
		fprintf(file,
			"  deep mode stopped catching a thread's calls %" PRIu64
			" time%s: UNTORN_LOG=info tells why\n",
			losses, losses == 1 ? "" : "s");
}

void summary_print(FILE *file, const struct counters *counters, const char *who, bool histogram)
{
	uint64_t processes = counters_read(&counters->processes);

	if (!is_anything(counters)) {
		fprintf(file,
			"%s: no atomic writes seen. Either the program made none, or it bypasses "
			"libc (see: untorn run --check -- PROGRAM)\n",
			who);
		print_losses(file, counters_read(&counters->uncaught));
		return;
	}
	fprintf(file, "%s: %" PRIu64 " process%s\n", who, processes, processes == 1 ? "" : "es");
	fprintf(file, "  %-16s %-9s %10s %14s %7s %8s %8s   %s\n", "device", "door", "commands",
		"bytes", "failed", "refused", "kernel", "latency us: p50, p99");
	for (int i = 0; i < COUNTERS_SLOTS; i++) {
		if (counters_read(&counters->slots[i].key))
			print_slot(file, counters, &counters->slots[i], histogram);
	}
	print_losses(file, counters_read(&counters->uncaught));
}
