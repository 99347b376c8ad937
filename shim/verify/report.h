/* SPDX-License-Identifier: MIT */
/* The counts and findings of one run. All threads add to it; verify.c prints it at the end. The
 * lock guards the examples and the failure. */
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
	bool is_stopped;   /* before its time was over: by a signal, unless there is a failure */
	int examples;
	struct {
		enum verify_finding kind;
		struct verify_place place;
		char text[160];
	} example[VERIFY_EXAMPLES];
	char failure[160]; /* why it ended early */
};

struct verify_report verify_report_of(const char *device, const char *mode);
/* Thread-safe. wanted: the least sequence that had to be there; if unreadable, the errno. */
void verify_report_add(struct verify_report *report, enum verify_finding kind,
		       struct verify_place place, const struct verify_sight *sight,
		       uint64_t wanted);
/* Thread-safe. place: of 0 bytes if the failure is at none. */
void verify_report_fail(struct verify_report *report, const char *what, struct verify_place place,
			int error);
uint64_t verify_report_found(const struct verify_report *report);

/* Returns the exit status. 0: nothing found; 1: something found; 2: could not finish. to_stderr:
 * the log goes to standard output. */
int verify_report_print(const struct verify_report *report, bool json, bool to_stderr);

#endif
