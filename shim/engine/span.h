/* SPDX-License-Identifier: MIT */
/*
 * One question about the page cache for several writes: it covers the range from the first to the
 * last of them. If a page of that range is cached, each write asks for itself. Thread-safe.
 */
#ifndef SPAN_H
#define SPAN_H

#include "engine/flight.h"

/* For works with job.asks. A write that must not be sent gets its error as its result. */
void span_before(struct work *works);

/* For works with job.asks: drops pages that readers brought in during the command. */
void span_after(struct work *works);

#endif
