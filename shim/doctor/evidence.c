/* SPDX-License-Identifier: MIT */
/* Stores the findings and prints them; doctor/examine.c and doctor/way.c do the looking. */
#include "doctor/evidence.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/utf8.h"

void evidence_fact(struct evidence *evidence, const char *group, const char *name,
		   const char *format, ...)
{
	struct fact *fact = &evidence->facts[evidence->fact_count];
	va_list list;

	if (evidence->fact_count == EVIDENCE_FACTS)
		return;
	fact->group = group;
	fact->name = name;
	va_start(list, format);
	vsnprintf(fact->text, sizeof(fact->text), format, list);
	va_end(list);
	evidence->fact_count++;
}

void evidence_advise(struct evidence *evidence, const char *format, ...)
{
	va_list list;

	if (evidence->advice_count == EVIDENCE_ADVICE)
		return;
	va_start(list, format);
	vsnprintf(evidence->advice[evidence->advice_count++], sizeof(evidence->advice[0]), format,
		  list);
	va_end(list);
}

static void print_line(const char *before, const char *text)
{
	AUTO_FREE char *escaped = utf8_escape(text);

	printf("%s%s\n", before, escaped ? escaped : "?");
}

static void print_first_lines(const struct evidence *evidence)
{
	AUTO_FREE char *device = utf8_escape(evidence->device);

	printf("%s: ", device ? device : "?");
	print_line("", evidence->conclusion);
	if (*evidence->warning)
		print_line("WARNING: ", evidence->warning);
}

void evidence_print_fact(const struct fact *fact, const char **group)
{
	char name[64];

	if (strcmp(*group, fact->group) != 0)
		printf("\n%s\n", fact->group);
	*group = fact->group;
	snprintf(name, sizeof(name), "  %-22s ", fact->name);
	print_line(name, fact->text);
}

bool evidence_print(const struct evidence *evidence)
{
	const char *group = "";

	print_first_lines(evidence);
	for (int i = 0; i < evidence->fact_count; i++)
		evidence_print_fact(&evidence->facts[i], &group);
	if (evidence->advice_count)
		printf("\nwhat to change\n");
	for (int i = 0; i < evidence->advice_count; i++)
		print_line("  - ", evidence->advice[i]);
	return fflush(stdout) == 0 && !ferror(stdout);
}

struct json_object *evidence_text_json(const char *text)
{
	AUTO_FREE char *escaped = utf8_escape(text);

	return escaped ? json_object_new_string(escaped) : NULL;
}

static struct json_object *facts_object(const struct evidence *evidence)
{
	struct json_object *groups = json_object_new_object(), *group;

	for (int i = 0; i < evidence->fact_count; i++) {
		const struct fact *fact = &evidence->facts[i];
		if (!json_object_object_get_ex(groups, fact->group, &group)) {
			group = json_object_new_object();
			json_object_object_add(groups, fact->group, group);
		}
		json_object_object_add(group, fact->name, evidence_text_json(fact->text));
	}
	return groups;
}

const char *evidence_verdict(enum verdict verdict)
{
	static const char *const verdicts[] = { "yes", "no", "unknown" };

	return verdicts[verdict];
}

/* An array of the texts that are not empty. */
static struct json_object *texts_array(const char *texts, size_t size, int count)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < count; i++, texts += size) {
		if (*texts)
			json_object_array_add(array, evidence_text_json(texts));
	}
	return array;
}

bool evidence_print_json(const struct evidence *evidence)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "version", json_object_new_int(EVIDENCE_VERSION));
	json_object_object_add(object, "device", evidence_text_json(evidence->device));
	json_object_object_add(object, "qualifies",
			       json_object_new_string(evidence_verdict(evidence->verdict)));
	json_object_object_add(object, "conclusion", evidence_text_json(evidence->conclusion));
	json_object_object_add(object, "lane", json_object_new_string(evidence->lane));
	json_object_object_add(object, "unit_min", json_object_new_int64(evidence->unit_min));
	json_object_object_add(object, "unit_max", json_object_new_int64(evidence->unit_max));
	json_object_object_add(object, "boundary", json_object_new_int64(evidence->boundary));
	if (evidence->page)
		json_object_object_add(object, "page", json_object_new_int64(evidence->page));
	json_object_object_add(object, "evidence", facts_object(evidence));
	json_object_object_add(object, "advice",
			       texts_array(evidence->advice[0], sizeof(evidence->advice[0]),
					   evidence->advice_count));
	json_object_object_add(object, "warnings",
			       texts_array(evidence->warning, sizeof(evidence->warning), 1));
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return fflush(stdout) == 0 && !ferror(stdout);
}
