/* SPDX-License-Identifier: MIT */
/* May this device be overwritten? */
#ifndef VERIFY_GUARD_H
#define VERIFY_GUARD_H

#include <stdint.h>

enum { VERIFY_TOLD = 2 }; /* so often --destroy overrides */

/* Opens it for direct writing, nobody else's device unless told so. A descriptor, or -2 (the exit
 * status, negative) after a message that says why not and what to do. */
int verify_guard_open(const char *path, int told);

/* A new file of this size, written whole, for direct writing; one that is there is somebody's. As
 * above. */
int verify_guard_make(const char *path, uint64_t size);

#endif
