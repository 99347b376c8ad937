/* SPDX-License-Identifier: MIT */
/* The doctor's findings: a verdict, facts in groups, and advice, printed as text for people or as
 * JSON. */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

enum { EVIDENCE_FACTS = 256, EVIDENCE_ADVICE = 16 };

enum verdict { VERDICT_YES = 0, VERDICT_NO = 1, VERDICT_UNKNOWN = 2 }; /* the exit status */

struct evidence {
	const char *device;
	enum verdict verdict;
	char conclusion[256];
	size_t reason; /* where in the conclusion the reason begins */
	char warning[512];
	unsigned unit_min, unit_max, boundary; /* bytes */
	const char *lane;                      /* "native", "command", "plain" or "none" */
	unsigned page;                         /* of a path (way.h), bytes; 0: about a disk */
	struct fact {
		const char *group, *name; /* static */
		char text[192];
	} facts[EVIDENCE_FACTS];
	int fact_count;
	char advice[EVIDENCE_ADVICE][256];
	int advice_count;
};

/* Add a fact or advice. Once the array is full, they leave it out. Texts may be any bytes: they are
 * printed as UTF-8. */
void evidence_fact(struct evidence *evidence, const char *group, const char *name,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
void evidence_advise(struct evidence *evidence, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct json_object;
enum { EVIDENCE_VERSION = 1 }; /* of the JSON; a new one if a member changes its meaning */
const char *evidence_verdict(enum verdict verdict);       /* "yes" */
struct json_object *evidence_text_json(const char *text); /* a string, or NULL: out of memory */
/* Prints one line. If the fact's group is not *group, prints its name first, and sets *group. */
void evidence_print_fact(const struct fact *fact, const char **group);

/* Print to standard output. False: that failed. */
bool evidence_print(const struct evidence *evidence);
bool evidence_print_json(const struct evidence *evidence);

#endif
