/* SPDX-License-Identifier: MIT */
/*
 * The paths to an NVMe disk come and go: controllers are reset, connections break, ANA states
 * change. A plain write waits in the kernel until there is one again, a passthrough command comes
 * back at once. Thread-safe, no heap, no lock.
 */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>

/* Of a passthrough ioctl: -errno, or an NVMe status. True: the path failed, not the command. */
bool path_is_away(int result);

/* Waits as a plain read does, before the command is sent once more. waits: how often it was called
 * for this command. 0, or -errno: what a plain write gets. */
int path_await(int fd, unsigned waits);

#endif
