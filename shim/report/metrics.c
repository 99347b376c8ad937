/* SPDX-License-Identifier: MIT */
/*
 * In OpenMetrics all samples of a metric family stand together, after its TYPE, UNIT and HELP.
 * Each family therefore has a text of its own. metrics_add() appends one process to these texts;
 * metrics_print() prints them one after another.
 */
#include "report/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/summary.h"
#include "rules/reason.h"

enum family {
	PROCESSES,
	COMMANDS,
	FAILED,
	BYTES,
	REFUSED,
	KERNEL,
	KERNEL_FAILED,
	STATX,
	LATENCY,
	FAMILIES
};

static const struct {
	const char *name, *type, *unit, *help;
} families[FAMILIES] = {
	[PROCESSES] = { "untorn_processes", "gauge", NULL,
			"Processes that have made atomic writes, ended ones too." },
	[COMMANDS] = { "untorn_commands", "counter", NULL,
		       "Commands sent to the device, each for one atomic write." },
	[FAILED] = { "untorn_failed_commands", "counter", NULL,
		     "Commands that failed, of untorn_commands." },
	[BYTES] = { "untorn_written_bytes", "counter", "bytes",
		    "Bytes of the commands that did not fail." },
	[REFUSED] = { "untorn_refused_writes", "counter", NULL,
		      "Atomic writes that were refused, by reason." },
	[KERNEL] = { "untorn_kernel_writes", "counter", NULL,
		     "Atomic writes that were left to the kernel." },
	[KERNEL_FAILED] = { "untorn_kernel_failed_writes", "counter", NULL,
			    "Those of untorn_kernel_writes that failed, as far as it was seen." },
	[STATX] = { "untorn_statx_answers", "counter", NULL,
		    "Calls of statx that were answered by the shim." },
	[LATENCY] = { "untorn_latency_seconds", "histogram", "seconds",
		      "Latency of commands: of a process's first eight, and of one in eight after "
		      "them." },
};

struct metrics {
	FILE *files[FAMILIES];
	char *texts[FAMILIES];
	size_t sizes[FAMILIES];
};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	for (int i = 0; metrics && i < FAMILIES; i++) {
		metrics->files[i] = open_memstream(&metrics->texts[i], &metrics->sizes[i]);
		if (metrics->files[i])
			continue;
		metrics_free(metrics);
		metrics = NULL;
	}
	return metrics;
}

static bool finish(struct metrics *metrics)
{
	bool is_good = true;

	for (int i = 0; i < FAMILIES; i++) {
		if (metrics->files[i] && fclose(metrics->files[i]) != 0)
			is_good = false;
		metrics->files[i] = NULL;
	}
	return is_good;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	finish(metrics);
	for (int i = 0; i < FAMILIES; i++)
		free(metrics->texts[i]);
	free(metrics);
}

static void put_value(FILE *file, const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			fputc('\\', file);
		fputc(*c, file);
	}
}

/* The labels that all samples of one door have. */
struct labels {
	const char *process; /* as text: pid="...",program="..." */
	const char *device;
	enum door door; /* DOOR_COUNT: none, the sample is the device's */
};

/* `more`: further labels, or "". */
static void put(struct metrics *metrics, enum family family, const char *suffix,
		const struct labels *labels, const char *more, uint64_t value)
{
	FILE *file = metrics->files[family];

	fprintf(file, "%s%s{%s,device=\"", families[family].name, suffix, labels->process);
	put_value(file, labels->device);
	if (labels->door < DOOR_COUNT)
		fprintf(file, "\",door=\"%s", counters_door_name(labels->door));
	fprintf(file, "\"%s} %" PRIu64 "\n", more, value);
}

/* Several reasons may have one name. The first of them gets the count of all, the others 0. */
static uint64_t count_named(const struct counters_door *door, unsigned first)
{
	const char *name = reason_name((enum reason)first);
	uint64_t count = 0;

	for (unsigned i = 0; i < COUNTERS_REASONS; i++) {
		if (strcmp(reason_name((enum reason)i), name) != 0)
			continue;
		if (i < first)
			return 0; /* it was counted there */
		count += counters_read(&door->refused[i]);
	}
	return count;
}

static void put_refused(struct metrics *metrics, const struct labels *labels,
			const struct counters_door *door)
{
	char more[64];

	for (unsigned i = 0; i < COUNTERS_REASONS; i++) {
		uint64_t count = count_named(door, i);
		if (!count)
			continue;
		snprintf(more, sizeof(more), ",reason=\"%s\"", reason_name((enum reason)i));
		put(metrics, REFUSED, "_total", labels, more, count);
	}
}

static void put_sum(struct metrics *metrics, const struct labels *labels, uint64_t ns)
{
	FILE *file = metrics->files[LATENCY];

	fprintf(file, "%s_sum{%s,device=\"", families[LATENCY].name, labels->process);
	put_value(file, labels->device);
	fprintf(file, "\",door=\"%s\"} %" PRIu64 ".%09" PRIu64 "\n",
		counters_door_name(labels->door), ns / 1000000000, ns % 1000000000);
}

static void put_latency(struct metrics *metrics, const struct labels *labels,
			const struct counters_door *door)
{
	char more[64];
	uint64_t below = 0;

	for (int i = 0; i < COUNTERS_BUCKETS - 1; i++) {
		uint64_t us = UINT64_C(1) << i;
		below += counters_read(&door->latency[i]);
		snprintf(more, sizeof(more), ",le=\"%" PRIu64 ".%06" PRIu64 "\"", us / 1000000,
			 us % 1000000);
		put(metrics, LATENCY, "_bucket", labels, more, below);
	}
	below += counters_read(&door->latency[COUNTERS_BUCKETS - 1]);
	put(metrics, LATENCY, "_bucket", labels, ",le=\"+Inf\"", below);
	put(metrics, LATENCY, "_count", labels, "", below);
	put_sum(metrics, labels, counters_read(&door->time));
}

static void put_door(struct metrics *metrics, const struct labels *labels,
		     const struct counters_door *door)
{
	uint64_t failed = counters_read(&door->errors);

	put(metrics, COMMANDS, "_total", labels, "", counters_read(&door->done) + failed);
	put(metrics, FAILED, "_total", labels, "", failed);
	put(metrics, BYTES, "_total", labels, "", counters_read(&door->bytes));
	put(metrics, KERNEL, "_total", labels, "", counters_read(&door->kernel));
	put(metrics, KERNEL_FAILED, "_total", labels, "", counters_read(&door->kernel_failed));
	put_refused(metrics, labels, door);
	put_latency(metrics, labels, door);
}

/* Two slots may have one name, as disks come and go. Samples must differ, so the later slot's name
 * ends with its number. */
static void name_of(const struct counters *counters, int slot, char ret_name[SUMMARY_NAME + 4])
{
	char other[SUMMARY_NAME];

	summary_name(&counters->slots[slot], ret_name);
	for (int i = 0; i < slot; i++) {
		summary_name(&counters->slots[i], other);
		if (counters_read(&counters->slots[i].key) && strcmp(other, ret_name) == 0) {
			snprintf(ret_name + strlen(ret_name), 4, "#%d", slot);
			return;
		}
	}
}

static void put_slot(struct metrics *metrics, const char *process, const struct counters *counters,
		     int number)
{
	const struct counters_slot *slot = &counters->slots[number];
	char name[SUMMARY_NAME + 4];
	struct labels labels = { process, name, DOOR_COUNT };

	name_of(counters, number, name);
	put(metrics, STATX, "_total", &labels, "", counters_read(&slot->statx));
	for (int i = 0; i < DOOR_COUNT; i++) {
		labels.door = (enum door)i;
		if (summary_is_used(&slot->doors[i]))
			put_door(metrics, &labels, &slot->doors[i]);
	}
}

void metrics_add(struct metrics *metrics, const struct counters *counters, pid_t pid,
		 const char *program)
{
	char *process = NULL;
	size_t size;
	FILE *file = open_memstream(&process, &size);

	if (!file)
		return;
	fprintf(file, "pid=\"%d\",program=\"", (int)pid);
	put_value(file, program);
	fputc('"', file);
	fclose(file);
	fprintf(metrics->files[PROCESSES], "%s{%s} %" PRIu64 "\n", families[PROCESSES].name,
		process, counters_read(&counters->processes));
	for (int i = 0; i < COUNTERS_SLOTS; i++) {
		if (counters_read(&counters->slots[i].key))
			put_slot(metrics, process, counters, i);
	}
	free(process);
}

bool metrics_print(struct metrics *metrics, FILE *file)
{
	if (!finish(metrics))
		return false;
	for (int i = 0; i < FAMILIES; i++) {
		fprintf(file, "# TYPE %s %s\n", families[i].name, families[i].type);
		if (families[i].unit)
			fprintf(file, "# UNIT %s %s\n", families[i].name, families[i].unit);
		fprintf(file, "# HELP %s %s\n%s", families[i].name, families[i].help,
			metrics->texts[i]);
	}
	fputs("# EOF\n", file);
	return true;
}
