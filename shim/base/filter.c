/* SPDX-License-Identifier: MIT */
/*
 * Tells whether the calling thread runs under a seccomp filter. It reads the "Seccomp:" line in
 * /proc, because a filter may kill the caller of prctl(PR_GET_SECCOMP). engine/own_ring.c and
 * engine/worker.c ask.
 */
#include "base/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/real.h"

int filter_ask(void)
{
	static const char line[] = "\nSeccomp:\t", none[] = "\nSeccomp:\t0\n";
	char text[4096];

	AUTO_CLOSE int fd = real_open(AT_FDCWD, "/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	text[length < 0 ? 0 : length] = '\0';
	/* A kernel without seccomp writes no such line. But if nothing was read, or the buffer is
	 * full, the line may only be cut off: not known. */
	if (!strstr(text, line))
		return length <= 0 || length == sizeof(text) - 1 ? -EIO : 0;
	return !strstr(text, none);
}
