/* SPDX-License-Identifier: MIT */
/* Collects and prints the findings; judge.c decides what is one. */
#include "verify/report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"

static const char *const kinds[VERIFY_FINDINGS] = { "none", "torn",         "garbled",
						    "lost", "out of order", "unreadable" };

struct verify_report verify_report_of(const char *device, const char *mode)
{
	return (struct verify_report){ .device = device,
				       .mode = mode,
				       .lock = PTHREAD_MUTEX_INITIALIZER };
}

static const char *name(uint64_t sequence, char text[32])
{
	if (!sequence)
		return "older data";
	snprintf(text, 32, "write %" PRIu64, sequence);
	return text;
}

static void describe(char *text, size_t size, enum verify_finding kind,
		     const struct verify_sight *sight, uint64_t wanted)
{
	char first[32], second[32];

	if (kind == VERIFY_IS_TORN)
		snprintf(text, size, "%s up to byte %" PRIu64 ", %s from there on",
			 name(sight->sequence, first), (uint64_t)sight->sector * VERIFY_SECTOR,
			 name(sight->other, second));
	else if (kind == VERIFY_IS_GARBLED)
		snprintf(text, size, "the data at its byte %" PRIu64 " was never written there",
			 (uint64_t)sight->sector * VERIFY_SECTOR);
	else if (kind == VERIFY_IS_UNREADABLE)
		snprintf(text, size, "%s", strerror((int)wanted));
	else
		snprintf(text, size, "it has %s, but write %" PRIu64 " was acknowledged%s",
			 name(sight->sequence, first), wanted,
			 kind == VERIFY_IS_DISORDERED ? ", and a write that began later is there"
						      : "");
}

void verify_report_add(struct verify_report *report, enum verify_finding kind,
		       struct verify_place place, const struct verify_sight *sight, uint64_t wanted)
{
	report->found[kind]++;
	pthread_mutex_lock(&report->lock);
	int i = report->examples;
	if (i < VERIFY_EXAMPLES) {
		report->example[i].kind = kind;
		report->example[i].place = place;
		describe(report->example[i].text, sizeof(report->example[i].text), kind, sight,
			 wanted);
		report->examples++;
	}
	pthread_mutex_unlock(&report->lock);
}

void verify_report_fail(struct verify_report *report, const char *what, struct verify_place place,
			int error)
{
	char where[64] = "";

	if (place.length)
		snprintf(where, sizeof(where), " of %u bytes at byte %" PRIu64, place.length,
			 place.offset);
	pthread_mutex_lock(&report->lock);
	if (!*report->failure)
		snprintf(report->failure, sizeof(report->failure), "%s%s: %s", what, where,
			 strerror(error));
	pthread_mutex_unlock(&report->lock);
}

uint64_t verify_report_found(const struct verify_report *report)
{
	uint64_t sum = 0;

	for (int kind = VERIFY_NONE + 1; kind < VERIFY_FINDINGS; kind++)
		sum += report->found[kind];
	return sum;
}

static bool is_cut_short(const struct verify_report *report)
{
	return *report->failure || (report->is_stopped && !report->is_unchecked);
}

static void print_outcome(const struct verify_report *report, FILE *file)
{
	const char *separator = "";

	if (!verify_report_found(report))
		fputs(report->is_unchecked ? "nothing was checked yet" : "nothing found", file);
	for (int kind = VERIFY_NONE + 1; kind < VERIFY_FINDINGS; kind++) {
		if (!report->found[kind])
			continue;
		fprintf(file, "%s%" PRIu64 " %s", separator, (uint64_t)report->found[kind],
			kinds[kind]);
		separator = ", ";
	}
}

/* The first line says if the run was cut short: a reader may read no further. */
static void print_verdict(const struct verify_report *report, FILE *file)
{
	fprintf(file, "%s: ", report->device);
	if (is_cut_short(report))
		fprintf(file, "cut short after %.1f s, until then ", report->seconds);
	else if (report->is_unchecked)
		fputs("written until stopped; ", file);
	print_outcome(report, file);
	fputc('\n', file);
}

static void print_work(const struct verify_report *report, FILE *file)
{
	const struct verify_layout *layout = &report->layout;

	fprintf(file,
		"  %" PRIu64 " writes, %" PRIu64 " reads, %u pages of %u to %u bytes, %.1f s\n",
		(uint64_t)report->writes, (uint64_t)report->reads, layout->pages, layout->unit_min,
		layout->unit_max, report->seconds);
	if (report->acknowledged)
		fprintf(file, "  %" PRIu64 " acknowledged writes are in the log\n",
			report->acknowledged);
	if (report->behind)
		fprintf(file,
			"  %" PRIu64
			" pages are older than acknowledged: volatile writes may be lost\n",
			report->behind);
	if (report->damaged)
		fprintf(file, "  %" PRIu64 " damaged records of the log were ignored\n",
			report->damaged);
}

static void print_text(const struct verify_report *report, FILE *file)
{
	print_verdict(report, file);
	print_work(report, file);
	for (int i = 0; i < report->examples; i++)
		fprintf(file, "  %s: %u bytes at byte %" PRIu64 ": %s\n",
			kinds[report->example[i].kind], report->example[i].place.length,
			report->example[i].place.offset, report->example[i].text);
	if (verify_report_found(report) > (uint64_t)report->examples)
		fprintf(file, "  and %" PRIu64 " more\n",
			verify_report_found(report) - (uint64_t)report->examples);
	if (is_cut_short(report))
		fprintf(file, "  ended early: %s\n",
			*report->failure ? report->failure : "stopped by a signal");
}

static void put_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_int64((int64_t)value));
}

static void put_text(struct json_object *object, const char *name, const char *value)
{
	json_object_object_add(object, name, json_object_new_string(value));
}

static struct json_object *examples_of(const struct verify_report *report)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < report->examples; i++) {
		struct json_object *object = json_object_new_object();
		put_text(object, "kind", kinds[report->example[i].kind]);
		put_number(object, "offset", report->example[i].place.offset);
		put_number(object, "length", report->example[i].place.length);
		put_text(object, "text", report->example[i].text);
		json_object_array_add(array, object);
	}
	return array;
}

static void put_counts(struct json_object *object, const struct verify_report *report)
{
	put_number(object, "writes", report->writes);
	put_number(object, "reads", report->reads);
	put_number(object, "acknowledged", report->acknowledged);
	put_number(object, "torn", report->found[VERIFY_IS_TORN]);
	put_number(object, "garbled", report->found[VERIFY_IS_GARBLED]);
	put_number(object, "lost", report->found[VERIFY_IS_LOST]);
	put_number(object, "out_of_order", report->found[VERIFY_IS_DISORDERED]);
	put_number(object, "unreadable", report->found[VERIFY_IS_UNREADABLE]);
	put_number(object, "behind", report->behind);
	put_number(object, "damaged_records", report->damaged);
	put_number(object, "pages", report->layout.pages);
	put_number(object, "unit_min", report->layout.unit_min);
	put_number(object, "unit_max", report->layout.unit_max);
}

static const char *result_of(const struct verify_report *report)
{
	if (verify_report_found(report))
		return "found";
	if (is_cut_short(report))
		return "unfinished";
	return report->is_unchecked ? "unchecked" : "none";
}

static void print_json(const struct verify_report *report, FILE *file)
{
	struct json_object *object = json_object_new_object();

	put_text(object, "device", report->device);
	put_text(object, "mode", report->mode);
	put_text(object, "result", result_of(report));
	put_counts(object, report);
	json_object_object_add(object, "seconds", json_object_new_double(report->seconds));
	json_object_object_add(object, "examples", examples_of(report));
	if (*report->failure)
		put_text(object, "failure", report->failure);
	fputs(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							     JSON_C_TO_STRING_NOSLASHESCAPE),
	      file);
	fputc('\n', file);
	json_object_put(object);
}

int verify_report_print(const struct verify_report *report, bool json, bool to_stderr)
{
	FILE *file = to_stderr ? stderr : stdout;

	(json ? print_json : print_text)(report, file);
	if (fflush(file) != 0 || ferror(file))
		return cmd_fail(CMD_USAGE, "cannot write the report: %m");
	if (verify_report_found(report))
		return 1;
	return is_cut_short(report) ? CMD_USAGE : 0;
}
