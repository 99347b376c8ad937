/* SPDX-License-Identifier: MIT */
/* What was done and what was found; counted from all threads, told at the end. */
#ifndef VERIFY_REPORT_H
#define VERIFY_REPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "verify/judge.h"
#include "verify/layout.h"
#include "verify/page.h"

enum { VERIFY_EXAMPLES = 8 };

struct verify_report {
	const char *device, *mode;
	struct verify_layout layout;
	pthread_mutex_t lock;
	_Atomic uint64_t writes, reads, found[VERIFY_FINDINGS];
	uint64_t acknowledged, damaged, behind;
	double seconds;
	bool is_unchecked; /* nothing was read back yet */
	bool is_stopped;   /* by a signal, before its time was over */
	int examples;
	struct {
		enum verify_finding kind;
		struct verify_place place;
		char text[160];
	} example[VERIFY_EXAMPLES];
	char failure[160]; /* why it ended early */
};

struct verify_report verify_report_of(const char *device, const char *mode);
/* Thread-safe. wanted: the least sequence that had to be there. */
void verify_report_add(struct verify_report *report, enum verify_finding kind,
		       struct verify_place place, const struct verify_sight *sight,
		       uint64_t wanted);
void verify_report_fail(struct verify_report *report, const char *what, struct verify_place place,
			int error);
uint64_t verify_report_found(const struct verify_report *report);

/* The exit status: 0 nothing found, 1 something, 2 it could not be finished. to_stderr: standard
 * output is the log's. */
int verify_report_print(const struct verify_report *report, bool json, bool to_stderr);

#endif
