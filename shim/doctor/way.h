/* SPDX-License-Identifier: MIT */
/*
 * Answers for a path that a database names (file, folder, volume, disk): does a page that is
 * written there with O_DIRECT and without RWF_ATOMIC become one command at the disk? It walks the
 * way down to the disks, condition by condition. `untorn doctor` calls it. Nothing is written to
 * the path.
 */
#ifndef WAY_H
#define WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor/evidence.h"

enum { WAY_PAGE = 16384 /* the default */ };

struct way_options {
	uint64_t page;   /* bytes, a power of two */
	uint64_t sample; /* look at this many random pages of a file; 0: all */
	bool quiet;      /* no progress */
};

/* 0: the verdict is in the evidence. -errno: the path does not exist or cannot be opened. */
int way_examine(const char *path, const struct way_options *options, struct evidence *evidence);

/* Parses "16k", "16KiB" or "16384". Returns bytes; 0: not a power of two from 512 to 1 MiB. */
uint64_t way_parse_page(const char *text);

#endif
