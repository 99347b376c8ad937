/* SPDX-License-Identifier: MIT */
/*
 * Finds out where a file's pages lie on the device of its filesystem, and in which units the
 * filesystem allocates. It only collects facts; rules/place.h judges them. `untorn doctor` calls
 * it. It allocates memory, takes no lock, and is not for the shim.
 */
#ifndef STACK_PLACE_H
#define STACK_PLACE_H

#include "rules/place.h"

/* place_describe() calls this now and then during a long walk: pages seen, pages in all. */
typedef void place_progress(uint64_t seen, uint64_t of);

/* path: a regular file or a folder. sample: look at this many random pages; 0: at all pages.
 * progress may be NULL. Returns 0, or -errno: the path cannot be opened or asked; -EINVAL: it is
 * neither file nor folder. */
int place_describe(const char *path, uint64_t page, uint64_t sample, place_progress *progress,
		   struct place *ret_place);

#endif
