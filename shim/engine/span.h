/* SPDX-License-Identifier: MIT */
/*
 * Writes that go to a disk together need one question about the page cache before them, and one
 * after them, if nothing of all that they span is cached; else each asks for itself. Thread-safe.
 */
#ifndef SPAN_H
#define SPAN_H

#include "engine/flight.h"

/* For works with job.asks. A write that must not be sent gets its error as its result. */
void span_before(struct work *works);

/* For works with job.asks: drops pages that readers brought in during the command. */
void span_after(struct work *works);

#endif
