/* SPDX-License-Identifier: MIT */
/* Collecting and printing; doctor/doctor.c does the looking. */
#include "doctor/evidence.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

bool evidence_print(const struct evidence *evidence)
{
	const char *group = "";

	printf("%s: %s\n", evidence->device, evidence->conclusion);
	for (int i = 0; i < evidence->fact_count; i++) {
		const struct fact *fact = &evidence->facts[i];
		if (strcmp(group, fact->group) != 0)
			printf("\n%s\n", fact->group);
		group = fact->group;
		printf("  %-22s %s\n", fact->name, fact->text);
	}
	if (evidence->advice_count)
		printf("\nwhat to change\n");
	for (int i = 0; i < evidence->advice_count; i++)
		printf("  - %s\n", evidence->advice[i]);
	return fflush(stdout) == 0 && !ferror(stdout);
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
		json_object_object_add(group, fact->name, json_object_new_string(fact->text));
	}
	return groups;
}

bool evidence_print_json(const struct evidence *evidence)
{
	static const char *const verdicts[] = { "yes", "no", "unknown" };
	struct json_object *object = json_object_new_object(), *advice = json_object_new_array();

	for (int i = 0; i < evidence->advice_count; i++)
		json_object_array_add(advice, json_object_new_string(evidence->advice[i]));
	json_object_object_add(object, "device", json_object_new_string(evidence->device));
	json_object_object_add(object, "qualifies",
			       json_object_new_string(verdicts[evidence->verdict]));
	json_object_object_add(object, "conclusion", json_object_new_string(evidence->conclusion));
	json_object_object_add(object, "lane", json_object_new_string(evidence->lane));
	json_object_object_add(object, "unit_min", json_object_new_int64(evidence->unit_min));
	json_object_object_add(object, "unit_max", json_object_new_int64(evidence->unit_max));
	json_object_object_add(object, "boundary", json_object_new_int64(evidence->boundary));
	json_object_object_add(object, "evidence", facts_object(evidence));
	json_object_object_add(object, "advice", advice);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return fflush(stdout) == 0 && !ferror(stdout);
}
