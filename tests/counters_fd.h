/* SPDX-License-Identifier: MIT */
#ifndef COUNTERS_FD_H
#define COUNTERS_FD_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/counters.h"

/* The descriptor of the counters that this process keeps open for `untorn stat`, or -1. */
static inline int descriptor(void)
{
	char path[64], target[256];

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		if (length > 0 && (target[length] = '\0', strstr(target, COUNTERS_NAME)))
			return fd;
	}
	return -1;
}

#endif
