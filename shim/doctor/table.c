/* SPDX-License-Identifier: MIT */
/* Makes columns or JSON objects of the rows; see table.h. */
#include "doctor/table.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "command/utf8.h"

enum { COLUMNS = 4 }; /* before the reason */

/* "512..16384" */
static void write_unit(const struct row *row, char text[32])
{
	if (!row->unit_max)
		strcpy(text, "-");
	else if (row->unit_min == row->unit_max)
		snprintf(text, 32, "%u", row->unit_max);
	else
		snprintf(text, 32, "%u..%u", row->unit_min, row->unit_max);
}

struct line {
	char *cells[COLUMNS + 1];
};

static char *copy_of(const char *text)
{
	char *copy = utf8_escape(*text ? text : "-");

	return copy ? copy : strdup("?");
}

static struct line line_of(const struct row *row)
{
	char unit[32];

	write_unit(row, unit);
	return (struct line){ { copy_of(row->path), copy_of(row->model), copy_of(unit),
				copy_of(row->lane), copy_of(row->reason) } };
}

static void print_lines(const struct line *lines, int count)
{
	int widths[COLUMNS] = { 0 };

	for (int i = 0; i < count * COLUMNS; i++) {
		int length = (int)strlen(lines[i / COLUMNS].cells[i % COLUMNS]);
		if (widths[i % COLUMNS] < length)
			widths[i % COLUMNS] = length;
	}
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < COLUMNS; k++)
			printf("%-*s ", widths[k], lines[i].cells[k]);
		puts(lines[i].cells[COLUMNS]);
	}
}

static struct line head(void)
{
	return (struct line){ { copy_of("NAME"), copy_of("MODEL"), copy_of("UNIT"), copy_of("LANE"),
				copy_of("REASON") } };
}

void table_print(const struct table *table)
{
	struct line *lines = calloc((size_t)table->count + 1, sizeof(*lines));

	if (!lines)
		return;
	lines[0] = head();
	for (int i = 0; i < table->count; i++)
		lines[i + 1] = line_of(&table->rows[i]);
	print_lines(lines, table->count + 1);
	for (int i = 0; i <= table->count; i++) {
		for (int k = 0; k <= COLUMNS; k++)
			free(lines[i].cells[k]);
	}
	free(lines);
}

static void put_number(struct json_object *object, const char *name, unsigned value)
{
	json_object_object_add(object, name, json_object_new_int64(value));
}

static struct json_object *row_object(const struct row *row)
{
	struct json_object *object = json_object_new_object();
	char number[32];

	snprintf(number, sizeof(number), "%u:%u", major(row->number), minor(row->number));
	json_object_object_add(object, "device", evidence_text_json(row->path));
	json_object_object_add(object, "number", json_object_new_string(number));
	json_object_object_add(object, "model",
			       *row->model ? evidence_text_json(row->model) : NULL);
	json_object_object_add(object, "qualifies",
			       json_object_new_string(evidence_verdict(row->verdict)));
	json_object_object_add(object, "lane", json_object_new_string(row->lane));
	put_number(object, "unit_min", row->unit_min);
	put_number(object, "unit_max", row->unit_max);
	put_number(object, "boundary", row->boundary);
	json_object_object_add(object, "reason", evidence_text_json(row->reason));
	return object;
}

void table_print_json(const struct table *table)
{
	struct json_object *object = json_object_new_object(), *array = json_object_new_array();

	for (int i = 0; i < table->count; i++)
		json_object_array_add(array, row_object(&table->rows[i]));
	json_object_object_add(object, "version", json_object_new_int(EVIDENCE_VERSION));
	json_object_object_add(object, "devices", array);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
