/* SPDX-License-Identifier: MIT */
/*
 * Where a file's pages lie on the device of its filesystem; for a folder, where new files' pages
 * may. Facts only; rules/place.h judges them. For the command.
 */
#ifndef STACK_PLACE_H
#define STACK_PLACE_H

#include "rules/place.h"

/* How often it is told of: pages seen, and how many there are. NULL: never. */
typedef void place_progress(uint64_t seen, uint64_t of);

/* path: a regular file or a folder. sample: look at so many pages, drawn at random, instead of all;
 * 0: all. 0, or -errno: it cannot be opened. */
int place_describe(const char *path, uint64_t page, uint64_t sample, place_progress *progress,
		   struct place *ret_place);

#endif
