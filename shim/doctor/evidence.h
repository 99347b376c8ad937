/* SPDX-License-Identifier: MIT */
/* What the doctor finds: a verdict, facts in groups, and advice; as text for people or as JSON. */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <stdbool.h>

enum { EVIDENCE_FACTS = 64, EVIDENCE_ADVICE = 8 };

enum verdict { VERDICT_YES = 0, VERDICT_NO = 1, VERDICT_UNKNOWN = 2 }; /* the exit status */

struct evidence {
	const char *device;
	enum verdict verdict;
	char conclusion[256];
	unsigned unit_min, unit_max, boundary; /* bytes */
	const char *lane;                      /* "native", "command" or "none" */
	struct fact {
		const char *group, *name; /* static */
		char text[192];
	} facts[EVIDENCE_FACTS];
	int fact_count;
	char advice[EVIDENCE_ADVICE][256];
	int advice_count;
};

/* What is too much for the arrays is left out. */
void evidence_fact(struct evidence *evidence, const char *group, const char *name,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
void evidence_advise(struct evidence *evidence, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* To standard output; false when that failed. */
bool evidence_print(const struct evidence *evidence);
bool evidence_print_json(const struct evidence *evidence);

#endif
