/* SPDX-License-Identifier: MIT */
/*
 * What a database names - a file, a folder, a volume, a disk - and whether a page written there
 * with O_DIRECT, without a flag, is one command of the disk's: the way down, condition by
 * condition.
 */
#ifndef WAY_H
#define WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor/evidence.h"

enum { WAY_PAGE = 16384 /* unless another is asked for */ };

struct way_options {
	uint64_t page;   /* bytes, a power of two */
	uint64_t sample; /* pages of a file to look at; 0: all */
	bool quiet;      /* no progress */
};

/* The verdict is in the evidence; or -errno: there is no such path, or it cannot be opened. */
int way_examine(const char *path, const struct way_options *options, struct evidence *evidence);

/* "16k", "16KiB", "16384": bytes, a power of two from 512 to 1 MiB; 0: it is not. */
uint64_t way_parse_page(const char *text);

#endif
