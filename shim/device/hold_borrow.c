/* SPDX-License-Identifier: MIT */
/* Borrowed descriptors: each serves one write at offset -1, and shares the program's open file and
 * its position. engine/engine.c borrows and returns them. No lock: threads change an entry by
 * compare-and-swap. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/racy.h"
#include "base/real.h"
#include "device/hold_table.h"

enum { MAX_BORROWED = 32 };
static _Atomic int borrowed[MAX_BORROWED]; /* 0: free; negative: about to be closed */
static __thread int here __attribute__((tls_model("initial-exec"))); /* this thread's */

int hold_borrow(int fd)
{
	int own = hold_duplicate(fd);

	for (int i = 0; own >= 0 && i < MAX_BORROWED; i++) {
		int none = 0;
		if (!atomic_compare_exchange_strong(&borrowed[i], &none, own))
			continue;
		look_mark((unsigned)own);
		here = own;
		return own;
	}
	if (own >= 0 && !hold_has_locks(own))
		real_close(own);
	return own < 0 ? own : -EAGAIN;
}

/* The entry turns negative first: once the number is closed, the kernel may give it to anybody. If
 * somebody has taken a lock meanwhile, the descriptor stays open: closing it would drop this
 * process's locks. */
void hold_return(int own)
{
	int i = 0, ours = own;

	while (i < MAX_BORROWED && !atomic_compare_exchange_strong(&borrowed[i], &ours, -own)) {
		ours = own;
		i++;
	}
	if (!hold_has_locks(own))
		real_close(own);
	if (i < MAX_BORROWED)
		atomic_store(&borrowed[i], 0);
	here = 0;
}

static unsigned number_at(int place)
{
	return (unsigned)abs(atomic_load(&borrowed[place]));
}

bool hold_is_borrowed(unsigned number)
{
	for (int i = 0; i < MAX_BORROWED; i++) {
		if (number && number_at(i) == number)
			return true;
	}
	return false;
}

unsigned hold_next_borrowed(unsigned number)
{
	unsigned next = UINT_MAX;

	for (int i = 0; i < MAX_BORROWED; i++) {
		unsigned own = number_at(i);
		if (own && own >= number && own < next)
			next = own;
	}
	return next;
}

/* A number that another thread was closing may be the program's by now, so the child does not close
 * it. */
RACY void hold_borrow_after_fork(void)
{
	for (int i = 0; i < MAX_BORROWED; i++) {
		int own = borrowed[i];
		if (own == here && own)
			continue;
		if (own > 0 && !hold_has_locks(own))
			real_close(own);
		borrowed[i] = 0;
	}
}
