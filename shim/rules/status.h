/* SPDX-License-Identifier: MIT */
/* Turns an NVMe completion status into an errno, as the kernel's own driver does, and says whether
 * to try again. device/ calls it. Pure. */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>

enum { STATUS_DNR = 0x4000 }; /* NVMe Base 2.0 figure 95: do not retry */

/* status: as a passthrough ioctl returns it, > 0. Returns -errno. */
int status_to_errno(int status);

/* True where the kernel's own driver would send the command once more. */
bool status_may_retry(int status);
/* True if the path failed: the command may succeed on another path, or later. */
bool status_is_of_path(int status);

#endif
