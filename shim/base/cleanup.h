/* SPDX-License-Identifier: MIT */
/* Attributes of variables that the compiler undoes at the end of their scope: AUTO_CLOSE closes a
 * descriptor (past our own door), AUTO_FREE frees memory, KEEP_ERRNO restores errno. */
#ifndef CLEANUP_H
#define CLEANUP_H

#include <errno.h>
#include <stdlib.h>

#include "base/real.h"

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		real_close(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_errno(const int *saved)
{
	errno = *saved;
}

#define AUTO_CLOSE __attribute__((cleanup(cleanup_close)))
#define AUTO_FREE  __attribute__((cleanup(cleanup_free)))

/* Goes first in its scope: the first declaration is undone last. */
#define KEEP_ERRNO __attribute__((cleanup(cleanup_errno), unused)) const int kept_errno = errno

#endif
