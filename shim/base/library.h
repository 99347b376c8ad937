/* SPDX-License-Identifier: MIT */
/* A library that is opened on first need, and never closed; it may be absent. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdatomic.h>
#include <stdbool.h>

enum { LIBRARY_NAMES = 4, LIBRARY_SYMBOLS = 12 };

struct library {
	const char *names[LIBRARY_NAMES + 1];     /* sonames, the first that is there is taken */
	const char *symbols[LIBRARY_SYMBOLS + 1]; /* all of them, or the library is no good */
	void *functions[LIBRARY_SYMBOLS];
	_Atomic int state;
};

/* True: library_function() may be called. Thread-safe: two first callers do the same twice. */
bool library_open(struct library *library);

/* The symbol with this index. */
static inline void *library_function(const struct library *library, int index)
{
	return __atomic_load_n(&library->functions[index], __ATOMIC_RELAXED);
}

/* In a forked child: what another thread was opening in the parent stays absent here, for the
 * dynamic linker's locks may be held for good. */
void library_after_fork(struct library *library);

#endif
