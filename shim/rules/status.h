/* SPDX-License-Identifier: MIT */
/* NVMe completion status -> errno, as the kernel's own driver maps it. Pure. */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>

enum { STATUS_DNR = 0x4000 }; /* NVMe Base 2.0 figure 95: do not retry */

/* status: what a passthrough ioctl returns, > 0. Result: -errno. */
int status_to_errno(int status);

/* True where the kernel's own driver would send the command once more. */
bool status_may_retry(int status);
/* It failed for its path: on another one, or later, it may be done. */
bool status_is_of_path(int status);

#endif
