/* SPDX-License-Identifier: MIT */
/* Decides whether a device may be overwritten. verify.c asks before it writes anything. */
#ifndef VERIFY_GUARD_H
#define VERIFY_GUARD_H

#include <stdint.h>

enum { VERIFY_TOLD = 2 }; /* --destroy, given so often, overrides the checks */

/* Opens the device for direct writing. Refuses one that is in use or not empty, unless --destroy
 * was given VERIFY_TOLD times (`told`). Returns a descriptor, or -2 (the exit status, negative)
 * after a message that says why not and what to do. */
int verify_guard_open(const char *path, int told);

/* Makes a new file of this size, writes all of it, and opens it for direct writing. Refuses a file
 * that exists: it is somebody's. Returns as above. */
int verify_guard_make(const char *path, uint64_t size);

#endif
