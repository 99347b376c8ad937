/* SPDX-License-Identifier: MIT */
/*
 * The paths to an NVMe disk come and go: controllers are reset, connections break, ANA states
 * change. A plain write waits in the kernel until there is a path again; a passthrough command
 * fails at once. These functions let a command wait too. device.c, identify.c and transport_nvme.c
 * call them. Thread-safe, no heap, no lock.
 */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>

/* result: of a passthrough ioctl, -errno or an NVMe status. True: the path failed, not the
 * command. */
bool path_is_away(int result);

/* Call it before sending the command once more: waits as a plain read does. waits: the number of
 * earlier calls for this command. Returns 0, or the -errno that a plain write gets. */
int path_await(int fd, unsigned waits);

#endif
