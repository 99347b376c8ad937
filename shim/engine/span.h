/* SPDX-License-Identifier: MIT */
/*
 * Writes that go to a disk together need one question about the page cache before them, and one
 * after them, if nothing of all that they span is cached; else each asks for itself. Thread-safe.
 */
#ifndef SPAN_H
#define SPAN_H

#include "engine/flight.h"

/* For those with job.asks: a write that may not be sent has its error as its result then. */
void span_before(struct work *works);

/* For those with job.asks: what readers brought in meanwhile is gone then. */
void span_after(struct work *works);

#endif
